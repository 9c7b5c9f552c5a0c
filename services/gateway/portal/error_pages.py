"""Error pages: browsers get an explanation and a search form instead of a problem document."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.gateway.portal.page import page_in
from services.platform.languages import LANGUAGE_NAMES, SOURCE_LANGUAGE, Language
from services.platform.problems import FieldError, ProblemError, field_errors

LANGUAGES_BY_CODE: Mapping[str, Language] = {code: code for code in LANGUAGE_NAMES}

Handler = Callable[[Request, Any], Awaitable[Response]]


def has_page(request: Request) -> bool:
    """Return whether browsers get a page where programs get a problem document."""
    return request.method in {"GET", "HEAD"} and not request.url.path.startswith("/api/")


def wants_page(request: Request) -> bool:
    """Return whether a browser requests something outside the API."""
    return has_page(request) and "text/html" in request.headers.get("accept", "")


def add_error_pages(app: FastAPI) -> None:
    """Answer browsers with pages instead of the problem documents of 404, 422, 500 and 503."""

    def with_page(problem: Handler) -> Handler:
        async def handle(request: Request, error: Any) -> Response:
            status = _status(error)
            if status not in {404, 422, 500, 503} or not has_page(request):
                return await problem(request, error)
            if wants_page(request):
                response = await page_of(request, error, status)
            else:
                response = await problem(request, error)
            response.headers.add_vary_header("Accept")
            return response

        async def page_of(request: Request, error: Any, status: int) -> Response:
            if status == 500:
                await problem(request, error)  # logs the error
            page = await page_in(requested_language(request), request)
            if status == 500:
                return page.error()
            if status == 503:
                return page.unavailable()
            if status == 422 and (errors := _query_errors(request, error, page.language)):
                return page.invalid_address(errors)
            return page.not_found()

        return handle

    for kind in (ProblemError, RequestValidationError, HTTPException, Exception):
        handler: Any = app.exception_handlers[kind]
        app.add_exception_handler(kind, with_page(handler))


def requested_language(request: Request) -> Language:
    """Return the language of `lang`, or the source language if there is no such one."""
    return LANGUAGES_BY_CODE.get(request.query_params.get("lang", ""), SOURCE_LANGUAGE)


def _query_errors(request: Request, error: Any, language: Language) -> list[FieldError]:
    """Return what is wrong with query parameters; a wrong path is an address that does not exist.

    Forms are answered by their own pages.
    """
    if isinstance(error, RequestValidationError):
        found = [one for one in error.errors() if one["loc"][0] == "query"]
        return field_errors(RequestValidationError(found), language)
    if not isinstance(error, ProblemError):
        return []
    asked = request.query_params
    return [one.in_language(language) for one in error.errors if one.parameter in asked]


def _status(error: Any) -> int:
    if isinstance(error, RequestValidationError):
        return 422
    if isinstance(error, ProblemError):
        return error.status
    return error.status_code if isinstance(error, HTTPException) else 500
