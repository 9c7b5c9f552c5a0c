"""Errors as RFC 9457 problem documents, each naming what is wrong and what would be right."""

# ruff: noqa: N818 - a problem is named by what happened

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from services.platform.api_model import ApiModel
from services.platform.error_location import Location, field_location
from services.platform.logging import get_logger
from services.platform.request_id import current_request_id, redact_path

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


SEE_ERRORS = "See errors[] for each field and what would be right."
"""The detail of a problem that names its fields."""


class FieldError(ApiModel):
    """One field that could not be accepted."""

    pointer: str | None = Field(
        None, description="JSON pointer (RFC 6901, as a fragment) into the body: `#/items/0/value`."
    )
    parameter: str | None = Field(
        None, description="Name of the query, path or header parameter instead."
    )
    detail: str = Field(description="What is wrong with it and what would be right.")


class Problem(BaseModel):
    """RFC 9457 problem document."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:emall:problem:invalid",
                    "title": "Some fields were not accepted",
                    "status": 422,
                    "detail": SEE_ERRORS,
                    "instance": "/api/v1/usage/statistics",
                    "errors": [
                        {
                            "pointer": "#/statistics/0/period",
                            "detail": "String should match pattern '^(20\\d{2})-(0[1-9]|1[0-2])$'",
                        }
                    ],
                }
            ]
        },
    )

    type: str = Field("about:blank", description="Address that names the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(ge=400, le=599, description="HTTP status code, repeated.")
    detail: str | None = Field(None, description="What happened in this case.")
    instance: str | None = Field(None, description="Path of the request.")
    request_id: str | None = Field(
        None, description="Id of the request, as in `X-Request-ID` and in the hub's log."
    )
    errors: list[FieldError] = Field(
        default_factory=list[FieldError], description="Every field that was not accepted."
    )


class ProblemError(Exception):
    """An error with a status and a message for the person who meets it.

    Subclasses name the kinds; `slug` ends the problem's `type` address, and every kind stands in
    `docs/api.md` (a test holds that).
    """

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "Bad request"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class NotAuthenticated(ProblemError):
    status, slug, title = 401, "not-authenticated", "A key is needed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="emall"'})


class NotAllowed(ProblemError):
    status, slug, title = 403, "not-allowed", "Not allowed"


class NotFound(ProblemError):
    status, slug, title = 404, "not-found", "Not found"


class Conflict(ProblemError):
    status, slug, title = 409, "conflict", "In conflict with what is stored"


class PreconditionFailed(ProblemError):
    status, slug, title = 412, "precondition-failed", "Changed meanwhile"


class PreconditionRequired(ProblemError):
    status, slug, title = 428, "precondition-required", "If-Match is needed"


class TooLarge(ProblemError):
    status, slug, title = 413, "too-large", "Body too large"


class Invalid(ProblemError):
    status, slug, title = 422, "invalid", "Some fields were not accepted"


class TooManyRequests(ProblemError):
    status, slug, title = 429, "too-many-requests", "Too many requests"


class Unavailable(ProblemError):
    """Says when to come again, `retry_after` in seconds (RFC 9110, 10.2.3)."""

    status, slug, title = 503, "unavailable", "A part of the hub does not answer"

    def __init__(
        self, detail: str, *, retry_after: int = 5, extra: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, extra=extra)


PROBLEM_CLASSES: tuple[type[ProblemError], ...] = (
    ProblemError,
    NotAuthenticated,
    NotAllowed,
    NotFound,
    Conflict,
    PreconditionFailed,
    PreconditionRequired,
    TooLarge,
    Invalid,
    TooManyRequests,
    Unavailable,
)
_BY_STATUS = {kind.status: kind for kind in PROBLEM_CLASSES}


def problem_type(slug: str) -> str:
    """The `type` of a kind of problem: a URI of its own name space, no page has to exist."""
    return f"urn:emall:problem:{slug}"


def problem_body(
    status: int,
    detail: str | None,
    *,
    instance: str | None = None,
    errors: Sequence[FieldError] = (),
    extra: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The JSON of a problem document."""
    kind = _BY_STATUS.get(status)
    problem = Problem(
        type=problem_type(kind.slug) if kind else "about:blank",
        title=kind.title if kind else HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=instance,
        request_id=current_request_id(),
        errors=list(errors),
    )
    return problem.model_dump(mode="json", exclude_none=True) | dict(extra or {})


def problem_response(
    request: Request,
    status: int,
    detail: str | None,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, object] | None = None,
) -> JSONResponse:
    """A problem document as a response to this request."""
    return JSONResponse(
        problem_body(status, detail, instance=request.url.path, errors=errors, extra=extra),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), "Cache-Control": "no-store"},
    )


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses for these statuses, for a route's or a router's `responses`."""
    return {
        status: {
            "description": _BY_STATUS[status].title
            if status in _BY_STATUS
            else HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """Validation errors as field errors: body positions as JSON pointers, parameters by name."""
    found: list[FieldError] = []
    for item in error.errors():
        place, *path = item["loc"] or ("body",)
        detail = str(item["msg"]).removeprefix("Value error, ")
        if place == "body":
            inside = field_location(error.body, path, missing=item["type"] == "missing")
            found.append(FieldError(pointer=json_pointer(inside), parameter=None, detail=detail))
        else:
            name = ".".join(str(part) for part in path) or str(place)
            found.append(FieldError(pointer=None, parameter=name, detail=detail))
    return found


def json_pointer(place: Location) -> str:
    """A place in a JSON document as a pointer (RFC 6901) in the form of a URI fragment."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in place)
    # A lone surrogate is valid in JSON's escapes, but no UTF-8 can carry it back.
    return "#" + "".join(f"/{part}" for part in parts).encode(errors="replace").decode()


def allowed_methods(routes: Sequence[BaseRoute], request: Request) -> list[str]:
    """Every method that some route takes at this path (Starlette names those of the first)."""
    methods: set[str] = set()
    for route in iter_route_contexts(routes):
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)


def internal_error_response(request: Request) -> JSONResponse:
    """The answer to an error that nobody foresaw."""
    return problem_response(
        request, 500, "The hub made a mistake; it is in the log and will be looked at."
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Every error of this application leaves it as a problem document."""

    @app.exception_handler(ProblemError)
    async def on_problem(request: Request, error: ProblemError) -> JSONResponse:
        return problem_response(
            request,
            error.status,
            error.detail,
            errors=error.errors,
            headers=error.headers,
            extra=error.extra,
        )

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(request, Invalid.status, SEE_ERRORS, errors=field_errors(error))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        detail = error.detail
        if error.status_code == HTTPStatus.BAD_REQUEST and error.__cause__ is not None:
            # FastAPI could not read the body: no UTF-8, or nested too deeply.
            unreadable = FieldError(
                pointer="#", parameter=None, detail="must be a JSON document in UTF-8"
            )
            return problem_response(
                request, Invalid.status, "The body cannot be read.", errors=[unreadable]
            )
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = f"Nothing is at {request.url.path}; /openapi.json lists every address."
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            methods = allowed_methods(app.routes, request)
            headers["Allow"] = ", ".join(methods)
            detail = f"{request.method} is not possible here; possible: {', '.join(methods)}."
        return problem_response(request, error.status_code, detail, headers=headers)

    @app.exception_handler(Exception)
    async def on_crash(request: Request, error: Exception) -> JSONResponse:
        log.exception("unhandled error", method=request.method, path=redact_path(request.url.path))
        return internal_error_response(request)
