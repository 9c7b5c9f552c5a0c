"""Error pages: browsers get an explanation and a search form instead of a problem document."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.gateway.portal.page import get_page
from services.platform.languages import LANGUAGE_NAMES, SOURCE_LANGUAGE, Language
from services.platform.problems import ProblemError

LANGUAGES_BY_CODE: Mapping[str, Language] = {code: code for code in LANGUAGE_NAMES}

Handler = Callable[[Request, Any], Awaitable[Response]]


def wants_page(request: Request) -> bool:
    """Return whether a browser requests something outside the API."""
    return (
        request.method in {"GET", "HEAD"}
        and not request.url.path.startswith("/api/")
        and "text/html" in request.headers.get("accept", "")
    )


def add_error_pages(app: FastAPI) -> None:
    """Answer browsers with pages instead of the problem documents of 404, 422 and 503."""

    def with_page(problem: Handler) -> Handler:
        async def handle(request: Request, error: Any) -> Response:
            status = 422 if isinstance(error, RequestValidationError) else _status(error)
            if status not in {404, 422, 503} or not wants_page(request):
                return await problem(request, error)
            page = await get_page(request, requested_language(request))
            return page.unavailable() if status == 503 else page.not_found()

        return handle

    for kind in (ProblemError, RequestValidationError, HTTPException):
        handler: Any = app.exception_handlers[kind]
        app.add_exception_handler(kind, with_page(handler))


def requested_language(request: Request) -> Language:
    """Return the language of `lang`, or the source language if there is no such one."""
    return LANGUAGES_BY_CODE.get(request.query_params.get("lang", ""), SOURCE_LANGUAGE)


def _status(error: Any) -> int:
    return error.status if isinstance(error, ProblemError) else error.status_code
