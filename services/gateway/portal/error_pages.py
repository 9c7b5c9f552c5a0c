"""Errors as pages: a citizen who meets one sees words and a search, a program a problem."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from services.gateway.portal.page import page_of
from services.platform.languages import Language
from services.platform.problems import ProblemError

Handler = Callable[[Request, Any], Awaitable[Response]]


def wants_page(request: Request) -> bool:
    """Whether a browser asks for something outside the API."""
    return (
        request.method in {"GET", "HEAD"}
        and not request.url.path.startswith("/api/")
        and "text/html" in request.headers.get("accept", "")
    )


def install_error_pages(app: FastAPI) -> None:
    """Puts pages before the problem documents of 404, 422 and 503."""

    def paged(problem: Handler) -> Handler:
        async def answer(request: Request, error: Any) -> Response:
            status = 422 if isinstance(error, RequestValidationError) else _status(error)
            if status not in {404, 422, 503} or not wants_page(request):
                return await problem(request, error)
            language: Language = "en" if request.query_params.get("lang") == "en" else "id"
            page = await page_of(request, language)
            return page.unavailable() if status == 503 else page.not_found()

        return answer

    for kind in (ProblemError, RequestValidationError, HTTPException):
        handler: Any = app.exception_handlers[kind]
        app.add_exception_handler(kind, paged(handler))


def _status(error: Any) -> int:
    return error.status if isinstance(error, ProblemError) else error.status_code
