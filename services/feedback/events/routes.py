"""`POST /api/v1/usage/events`, answered before FastAPI.

The signature of `post_usage_events` documents the route. Its requests are answered by
`EventIngestApp` before FastAPI and its middleware, which take several times as long as all other
processing of an event.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Header, Query
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from services.feedback.events.formats import CLOUD_EVENT, CLOUD_EVENTS_BATCH, JSON, MEDIA_TYPES
from services.feedback.events.intake import Intake
from services.feedback.events.schemas import MAX_EVENTS, EventResults, EventsStored, UsageEventBatch
from services.platform.identity import RequireScope, UsageWriter
from services.platform.logging import get_logger
from services.platform.middleware import authenticate_token, send_http_error, send_problem
from services.platform.problems import (
    SEE_ERRORS,
    FieldError,
    Invalid,
    ProblemError,
    internal_error_response,
    problem_responses,
)
from services.platform.request_body import BodyLimiter, ParsedBodyLimits, body_too_large
from services.platform.request_id import Observe, RequestIdMiddleware
from services.platform.router import Router
from services.platform.service import API
from services.platform.settings import Service
from services.platform.validation_messages import validation_message

log = get_logger(__name__)

PATH = f"{API}/usage/events"
MAX_BODY_BYTES = 2 * 1024 * 1024
BODY_LIMITS = ParsedBodyLimits(MAX_BODY_BYTES, 80_000)
"""5,000 events take less, with the colons of their times; parsing holds the event loop."""
MAX_PREFER_LENGTH = 200
RawHeader = tuple[bytes, bytes]

require_writer = RequireScope("usage:write")
_flag = TypeAdapter(bool)


class EventIngestApp(FastAPI):
    """FastAPI application that answers `POST /api/v1/usage/events` beside most middleware."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._bodies = BodyLimiter()
        self._ingest_app = RequestIdMiddleware(self._ingest, service=Service.feedback.value)

    def observe(self, observe: Observe) -> None:
        """Measure the requests that are answered before FastAPI."""
        self._ingest_app.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await self._ingest_app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _ingest(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body, headers = await self._handle(scope, receive)
        except ProblemError as error:
            await send_problem(error, scope, receive, send)
            return
        except HTTPException as error:
            await send_http_error(error, scope, receive, send)
            return
        except Exception:
            log.exception("unhandled error", method="POST", path=PATH)
            await internal_error_response(Request(scope))(scope, receive, send)
            return
        length = str(len(body)).encode()
        start = [(b"content-type", b"application/json"), (b"content-length", length), *headers]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        await send({"type": "http.response.body", "body": body})

    async def _handle(self, scope: Scope, receive: Receive) -> tuple[bytes, list[RawHeader]]:
        request_headers: dict[bytes, bytes] = dict(scope["headers"])
        limit: int = min(self.state.settings.max_body_bytes, MAX_BODY_BYTES)
        length = request_headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            raise body_too_large(limit)
        caller = require_writer.check(authenticate_token(scope, self.state.verifier()))
        media_type = _media_type(request_headers)
        wants_each, headers = _wants_each(request_headers, scope["query_string"])
        with self._bodies.limit(receive, limit=limit) as bounded:
            body = await _read_body(bounded)
        BODY_LIMITS.check(body, is_form=False)
        intake: Intake = self.state.intake
        now = datetime.now(UTC)
        if wants_each:
            results = await intake.store_each(body, media_type, caller=caller, now=now)
            return results.model_dump_json().encode(), headers
        stored = await intake.store_all(body, media_type, caller=caller, now=now)
        return stored.model_dump_json().encode(), headers


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The client disconnected before the end of the body.")
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _media_type(headers: dict[bytes, bytes]) -> str:
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if encoding != "identity":
        raise HTTPException(
            415,
            f"The content encoding {encoding[:40]!r} is not supported; send the body unencoded.",
            headers={"Accept-Encoding": "identity"},
        )
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    media_type = content_type.partition(";")[0].strip().lower() or JSON
    if media_type not in MEDIA_TYPES:
        raise HTTPException(
            415,
            f"Content-Type must be one of {', '.join(MEDIA_TYPES)}.",
            headers={"Accept-Post": ", ".join(MEDIA_TYPES)},
        )
    return media_type


def _wants_each(headers: dict[bytes, bytes], query: bytes) -> tuple[bool, list[RawHeader]]:
    """Return whether a result for each event is requested, and the response headers for it."""
    prefer = headers.get(b"prefer", b"")
    if len(prefer) > MAX_PREFER_LENGTH:
        raise _invalid("prefer", f"may have at most {MAX_PREFER_LENGTH} characters")
    preferences = prefer.lower().replace(b'"', b"").split(b",")
    if b"return=representation" in (part.strip() for part in preferences):
        return True, [(b"preference-applied", b"return=representation")]
    if not query:
        return False, []
    detail = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("detail")
    if detail is None:
        return False, []
    try:
        return _flag.validate_python(detail[-1]), []
    except ValidationError as error:
        item = dict(error.errors()[0])
        raise _invalid("detail", validation_message(item, "en")) from None


def _invalid(parameter: str, detail: str) -> Invalid:
    return Invalid(
        SEE_ERRORS,
        errors=[FieldError(pointer=None, parameter=parameter, detail=detail)],
    )


CLOUD_EVENT_SCHEMA = {"$ref": "#/components/schemas/UsageCloudEvent"}

router = Router(
    prefix=f"{API}/usage",
    tags=["usage"],
    responses=problem_responses(401, 422),
)


@router.post(
    "/events",
    operation_id="post_usage_events",
    response_model=EventsStored | EventResults,
    responses=problem_responses(400, 403, 408, 409, 413, 415, 503),
    openapi_extra={
        "requestBody": {
            "content": {
                CLOUD_EVENTS_BATCH: {
                    "schema": {
                        "type": "array",
                        "items": CLOUD_EVENT_SCHEMA,
                        "minItems": 1,
                        "maxItems": MAX_EVENTS,
                    }
                },
                CLOUD_EVENT: {"schema": CLOUD_EVENT_SCHEMA},
            }
        }
    },
)
async def post_usage_events(
    caller: UsageWriter,
    batch: UsageEventBatch,
    detail: Annotated[
        bool, Query(description="Process each event by itself and return the result of each.")
    ] = False,
    prefer: Annotated[
        str | None,
        Header(
            description="`return=representation` has the same effect.", max_length=MAX_PREFER_LENGTH
        ),
    ] = None,
) -> None:
    """Store a batch of events.

    Requests are idempotent: an id is counted once. A batch is stored as a whole or not at all,
    unless the result of each event is requested: then an invalid event does not affect the others.
    CloudEvents 1.0 are accepted in structured mode and in batches: the type
    `id.emall.usage.<kind>.v1` is the kind, `time` is when it happened, and `data` holds the other
    dimensions. Events of months that are no longer retained are rejected.
    """
    raise NotImplementedError("EventIngestApp handles this route")
