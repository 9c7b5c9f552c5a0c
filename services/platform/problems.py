"""Errors as RFC 9457 problem documents that state what is wrong and what would be right."""

# ruff: noqa: N818 - problem classes are named without an `Error` suffix

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from services.platform.api_model import ApiModel
from services.platform.body_types import wrong_type
from services.platform.error_location import Location, field_location
from services.platform.georeport import georeport_errors, georeport_status, is_georeport
from services.platform.languages import Language
from services.platform.logging import get_logger
from services.platform.reader_language import reader_language
from services.platform.request_id import current_request_id, redact_path
from services.platform.translation import N_, LocalizedText, translator
from services.platform.validation_messages import validation_message

log = get_logger(__name__)

_PARAMETER = re.compile(r"\{[^}]*\}")

MEDIA_TYPE = "application/problem+json"


SEE_ERRORS = "See errors[] for each field and what would be right."
"""Detail of a problem with field errors."""
SEE_ERRORS_MESSAGE = N_("Lihat errors[]: setiap isian dan apa yang benar.")
"""The same, for readers who may ask for a language."""
NOT_JSON = N_("harus berupa dokumen JSON dalam UTF-8")
UNREADABLE = N_("Isi permintaan tidak dapat dibaca.")


MAX_ERRORS = 100
"""Errors of a request that are reported; a hostile one has any number."""


class FieldError(ApiModel):
    """A field that was rejected."""

    pointer: str | None = Field(
        None, description="JSON pointer (RFC 6901, as a fragment) into the body: `#/items/0/value`."
    )
    parameter: str | None = Field(
        None, description="Name of the query, path or header parameter instead."
    )
    detail: str = Field(description="What is wrong with it and what would be right.")
    _localized: LocalizedText | None = PrivateAttr(None)

    @classmethod
    def at(cls, pointer: str, text: LocalizedText) -> "FieldError":
        """Return the error of a field of the body, which is told in the reader's language."""
        error = cls(pointer=pointer, parameter=None, detail=str(text))
        error._localized = text
        return error

    @classmethod
    def of_parameter(cls, name: str, text: LocalizedText) -> "FieldError":
        """Return the error of a parameter, which is told in the reader's language."""
        error = cls(pointer=None, parameter=name, detail=str(text))
        error._localized = text
        return error

    @property
    def is_localized(self) -> bool:
        """Whether readers are told it in their language."""
        return self._localized is not None

    def in_language(self, language: Language) -> "FieldError":
        """Return the error as a reader of the language is told it."""
        if self._localized is None:
            return self
        return self.model_copy(update={"detail": self._localized.text(language)})


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
                            "detail": "does not match the pattern '^(20\\d{2})-(0[1-9]|1[0-2])$'",
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
        default_factory=list[FieldError],
        description="The fields that were not accepted, up to 100.",
    )


class ProblemError(Exception):
    """Base class of errors that become a problem document.

    A subclass per problem type; `slug` is the last part of `type`. A test checks that
    `docs/api.md` lists every type.
    """

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "Bad request"

    def __init__(
        self,
        detail: str | LocalizedText,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """Create the error; a localized `detail` is told in the reader's language."""
        super().__init__(str(detail))
        self.detail = str(detail)
        self._localized = detail if isinstance(detail, LocalizedText) else None
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def detail_in(self, language: Language) -> str:
        """Return what happened as a reader of the language is told it."""
        return self.detail if self._localized is None else self._localized.text(language)

    def headers_in(self, language: Language) -> dict[str, str]:
        """Return the headers, with those of a text that depends on the reader's language."""
        if self._localized is None and not any(each.is_localized for each in self.errors):
            return self.headers
        return {"Content-Language": language, "Vary": "Accept-Language"} | self.headers


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


class Gone(ProblemError):
    status, slug, title = 410, "gone", "Withdrawn"


class PreconditionFailed(ProblemError):
    status, slug, title = 412, "precondition-failed", "Changed meanwhile"


class PreconditionRequired(ProblemError):
    status, slug, title = 428, "precondition-required", "If-Match is needed"


class TooLarge(ProblemError):
    status, slug, title = 413, "too-large", "Body too large"


class UnsupportedMediaType(ProblemError):
    """Names in `Accept` what the operation reads (RFC 9110, 15.5.16)."""

    status, slug, title = 415, "unsupported-media-type", "Content-Type not read here"

    def __init__(self, detail: str, *, accept: Sequence[str]) -> None:
        super().__init__(detail, headers={"Accept": ", ".join(accept)})


class Invalid(ProblemError):
    status, slug, title = 422, "invalid", "Some fields were not accepted"


class TooManyRequests(ProblemError):
    status, slug, title = 429, "too-many-requests", "Too many requests"


class HeadTooLarge(ProblemError):
    status, slug, title = 431, "head-too-large", "Request head too large"


class Unavailable(ProblemError):
    """Sends `Retry-After`, in seconds (RFC 9110, 10.2.3)."""

    status, slug, title = 503, "unavailable", "A part of the hub is unavailable"

    def __init__(
        self,
        detail: str | LocalizedText,
        *,
        retry_after: int = 5,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, extra=extra)


PROBLEM_CLASSES: tuple[type[ProblemError], ...] = (
    ProblemError,
    NotAuthenticated,
    NotAllowed,
    NotFound,
    Conflict,
    Gone,
    PreconditionFailed,
    PreconditionRequired,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    TooManyRequests,
    HeadTooLarge,
    Unavailable,
)
_BY_STATUS = {kind.status: kind for kind in PROBLEM_CLASSES}


def problem_type(slug: str) -> str:
    """Return the `type` URI of a problem; a URN, so no page has to exist."""
    return f"urn:emall:problem:{slug}"


def type_of_status(status: int) -> str:
    """Return the type of every problem document with this HTTP status."""
    kind = _BY_STATUS.get(status)
    return problem_type(kind.slug) if kind else "about:blank"


def problem_body(
    status: int,
    detail: str | None,
    *,
    instance: str | None = None,
    errors: Sequence[FieldError] = (),
    extra: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Return a problem document as JSON."""
    kind = _BY_STATUS.get(status)
    problem = Problem(
        type=type_of_status(status),
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
) -> Response:
    """Return a problem document as the response to a request.

    Clients of GeoReport get its form of errors instead.
    """
    path = request.url.path
    if is_georeport(path):
        told = [f"{_name(error)}: {error.detail}" for error in errors] or [detail or ""]
        body, media_type = georeport_errors(path, status, told)
        return Response(
            body,
            status_code=georeport_status(status),
            media_type=media_type,
            headers={**(headers or {}), "Cache-Control": "no-store"},
        )
    return JSONResponse(
        problem_body(status, detail, instance=request.url.path, errors=errors, extra=extra),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), "Cache-Control": "no-store"},
    )


def _name(error: FieldError) -> str:
    return error.parameter or (error.pointer or "").removeprefix("#/")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI responses for these statuses, for `responses` of a route or router."""
    return {
        status: {
            "description": _BY_STATUS[status].title
            if status in _BY_STATUS
            else HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def field_errors(error: RequestValidationError, language: Language = "en") -> list[FieldError]:
    """Convert the first validation errors: body locations to JSON pointers, parameters to names."""
    errors: list[FieldError] = []
    for item in error.errors()[:MAX_ERRORS]:
        source, *path = item["loc"] or ("body",)
        detail = validation_message(item, language)
        if source == "body":
            location = field_location(error.body, path, missing=item["type"] == "missing")
            errors.append(FieldError(pointer=json_pointer(location), parameter=None, detail=detail))
        else:
            name = ".".join(str(part) for part in path) or str(source)
            errors.append(FieldError(pointer=None, parameter=name, detail=detail))
    return errors


def json_pointer(location: Location) -> str:
    """Return a location as a JSON pointer (RFC 6901) in URI fragment form."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in location)
    # A lone surrogate is valid as a JSON escape, but cannot be encoded in UTF-8.
    return "#" + "".join(f"/{part}" for part in parts).encode(errors="replace").decode()


def allowed_methods(routes: Sequence[BaseRoute], request: Request) -> list[str]:
    """Return the methods of all routes with the path of the first that matches.

    Starlette lists only those of that route; others match too (`/comments/{ticket}` matches
    `/comments/form`), and are other resources.
    """
    methods: set[str] = set()
    resource: str | None = None
    for route in iter_route_contexts(routes):
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            path = _PARAMETER.sub("{}", route.path or "")
            resource = resource or path
            if path == resource:
                methods |= route.methods or set()
    return sorted(methods)


def internal_error_response(request: Request) -> Response:
    """Return the response to an unexpected error."""
    return problem_response(request, 500, "Internal error of the hub; it was logged.")


def add_problem_handlers(app: FastAPI) -> None:
    """Convert every error of an application into a problem document."""

    @app.exception_handler(ProblemError)
    async def on_problem(request: Request, error: ProblemError) -> Response:
        language = reader_language(request)
        return problem_response(
            request,
            error.status,
            error.detail_in(language),
            errors=[each.in_language(language) for each in error.errors],
            headers=error.headers_in(language),
            extra=error.extra,
        )

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        language = reader_language(request)
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        if (wrong := wrong_type(request, error, language)) is not None:
            unsupported = UnsupportedMediaType(wrong[0], accept=wrong[1])
            return problem_response(
                request,
                unsupported.status,
                unsupported.detail,
                headers=headers | unsupported.headers,
            )
        return problem_response(
            request,
            Invalid.status,
            translator(language).translate(SEE_ERRORS_MESSAGE),
            errors=field_errors(error, language),
            headers=headers,
        )

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        detail = error.detail
        if error.status_code == HTTPStatus.BAD_REQUEST and error.__cause__ is not None:
            # FastAPI could not parse the body: not UTF-8, or nested too deeply.
            told = translator(reader_language(request)).translate
            unreadable = FieldError(pointer="#", parameter=None, detail=told(NOT_JSON))
            return problem_response(request, Invalid.status, told(UNREADABLE), errors=[unreadable])
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = f"No resource at {request.url.path}; /openapi.json lists all paths."
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            methods = allowed_methods(app.routes, request)
            headers["Allow"] = ", ".join(methods)
            detail = f"{request.method} is not allowed here; use {', '.join(methods)}."
        return problem_response(request, error.status_code, detail, headers=headers)

    @app.exception_handler(Exception)
    async def on_crash(request: Request, error: Exception) -> Response:
        log.exception("unhandled error", method=request.method, path=redact_path(request.url.path))
        return internal_error_response(request)
