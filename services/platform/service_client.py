"""Base class of the typed clients, which return a service's answers as its own models."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import cached_property
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from services.platform.languages import Language
from services.platform.paging import Page
from services.platform.problems import FieldError, Problem

ModelT = TypeVar("ModelT", bound=BaseModel)
ItemT = TypeVar("ItemT")

REFUSED = frozenset({400, 409, 413, 415, 422})
"""Statuses by which a service refuses what a request contains, and would refuse it again. Others
of 400 to 499 concern who asks, where and when: 401, 403, 404, 408, 429."""

Query = Mapping[str, str | int | bool | None]
"""Query parameters; those that are None are left out."""


class RequestRejectedError(httpx.HTTPStatusError):
    """A request that the service rejected with a status of 400 to 499."""

    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        message = f"{request.method} {request.url.path} was rejected with {response.status_code}"
        super().__init__(message, request=request, response=response)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @cached_property
    def problem(self) -> Problem:
        """The problem document."""
        return self.problem_as(Problem)

    @property
    def reasons(self) -> str:
        """Why the request was rejected, in a line: the problem's detail and its first errors."""
        try:
            problem = self.problem
        except httpx.DecodingError:  # a proxy's answer
            return f"status {self.status}"
        errors = [f"{error.pointer}: {error.detail}" for error in self.errors[:5]]
        return "; ".join([problem.detail or f"status {self.status}", *errors])

    @property
    def errors(self) -> Sequence[FieldError]:
        """The fields that were rejected; none if the answer is a proxy's."""
        try:
            return self.problem.errors
        except httpx.DecodingError:
            return ()

    def problem_as(self, model: type[ModelT]) -> ModelT:
        """Return the problem document with the further members that a model has."""
        return parse(model, self.response)


def parse(
    model: type[ModelT], response: httpx.Response, *, context: Mapping[str, Any] | None = None
) -> ModelT:
    """Return the body of a response as a model; raise `httpx.DecodingError` if it does not fit.

    Unknown fields are ignored, so that a service may add one before its clients know it.
    """
    try:
        return model.model_validate_json(response.content, context=context, extra="ignore")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = "/".join(str(part) for part in first["loc"])
        raise httpx.DecodingError(
            f"{response.request.url.path} is no {model.__name__}: {place}: {first['msg']}",
            request=response.request,
        ) from None


class ServiceClient:
    """Requests to one service, over ASGI in this process or over HTTP.

    Methods raise `httpx.HTTPError` if the service fails, and its subclass `RequestRejectedError` if
    the service rejects the request.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        auth: httpx.Auth | None = None,
        language: Language | None = None,
        limit: AbstractAsyncContextManager[object] | None = None,
    ) -> None:
        """Create a client.

        `auth` is the caller's identity instead of the HTTP client's own. `language` is that of the
        reader, in which the service tells what is wrong; without it services tell it to programs.
        Each request is made inside `limit`, such as a semaphore.
        """
        self._http = http
        self._auth = auth
        self._limit = nullcontext() if limit is None else limit
        self._headers = {} if language is None else {"Accept-Language": language}

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Return a response with a status of 200 to 299."""
        request = self._http.build_request(
            method,
            path,
            params={n: v for n, v in query.items() if v is not None} if query else None,
            headers={**self._headers, **(headers or {})},
            json=json,
            content=content,
        )
        auth = httpx.USE_CLIENT_DEFAULT if self._auth is None else self._auth
        async with self._limit:
            response = await self._http.send(request, auth=auth)
        if response.is_client_error:
            raise RequestRejectedError(response)
        return response.raise_for_status()

    async def _get(
        self,
        model: type[ModelT],
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> ModelT:
        response = await self._request("GET", path, query=query, headers=headers)
        return parse(model, response, context=context)

    async def _find(
        self,
        model: type[ModelT],
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
        absent: Sequence[int] = (404,),
    ) -> ModelT | None:
        """Return what an address has; None if the service answers a status of `absent`."""
        try:
            return await self._get(model, path, query=query, headers=headers, context=context)
        except RequestRejectedError as error:
            if error.status in absent:
                return None
            raise

    async def _list(
        self, page: type[Page[ItemT]], path: str, *, query: Query | None = None, most: int | None
    ) -> list[ItemT]:
        """Return the items of all pages, or of as many pages as it takes to have `most`."""
        found = await self._get(page, path, query=query)
        items = found.items
        while found.next is not None and (most is None or len(items) < most):
            found = await self._get(page, found.next)
            items += found.items
        return items
