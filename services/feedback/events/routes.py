"""`POST /api/v1/usage/events` over HTTP: bodies of a bounded size in a bounded time, read once.

The route is documented as every other one is, from the signature of `post_usage_events`. Its
requests do not come that far: `EventsFirst` answers them before FastAPI and its layers, whose way
with a request takes several times as long as everything else that an event needs.
"""

import logging
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, FastAPI, Header, Query
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from services.feedback.events.intake import Intake
from services.feedback.events.parsing import CLOUD_EVENT, CLOUD_EVENTS_BATCH, JSON, MEDIA_TYPES
from services.feedback.events.schemas import MAX_EVENTS, EventResults, EventsStored, UsageEventBatch
from services.platform.identity import RequireScope, UsageWriter
from services.platform.middleware import authenticate_token, send_http_error, send_problem
from services.platform.problems import (
    SEE_ERRORS,
    FieldError,
    Invalid,
    ProblemError,
    internal_error_response,
    problem_responses,
)
from services.platform.request_body import BodyLimiter, body_too_large
from services.platform.service import API

log = logging.getLogger(__name__)

PATH = f"{API}/usage/events"
LONGEST_PREFERENCE = 200
RawHeader = tuple[bytes, bytes]

writer = RequireScope("usage:write")
_flag = TypeAdapter(bool)


class EventsFirst(FastAPI):
    """A service that answers the requests of this one route itself; all others go on."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._bodies = BodyLimiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await super().__call__(scope, receive, send)
            return
        try:
            answer, headers = await self._answer(scope, receive)
        except ProblemError as error:
            await send_problem(error, scope, receive, send)
            return
        except HTTPException as error:
            await send_http_error(error, scope, receive, send)
            return
        except Exception:
            log.exception("unhandled error at POST %s", PATH)
            await internal_error_response(Request(scope))(scope, receive, send)
            return
        length = str(len(answer)).encode()
        start = [(b"content-type", b"application/json"), (b"content-length", length), *headers]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[bytes, list[RawHeader]]:
        given: dict[bytes, bytes] = dict(scope["headers"])
        limit: int = self.state.settings.max_body_bytes
        announced = given.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > limit:
            raise body_too_large(limit)
        caller = writer.check(authenticate_token(scope, self.state.verifier()))
        media_type = _media_type(given)
        wants_each, headers = _wants_each(given, scope["query_string"])
        with self._bodies.limit(receive, limit=limit) as bounded:
            body = await _whole(bounded)
        intake: Intake = self.state.intake
        now = datetime.now(UTC)
        if wants_each:
            results = await intake.take_each(body, media_type, caller=caller, now=now)
            return results.model_dump_json().encode(), headers
        stored = await intake.take(body, media_type, caller=caller, now=now)
        return stored.model_dump_json().encode(), headers


async def _whole(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The request ended before its body did.")
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _media_type(headers: dict[bytes, bytes]) -> str:
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if encoding != "identity":
        raise HTTPException(
            415,
            f"A body in the encoding {encoding[:40]!r} is not taken; send it as it is.",
            headers={"Accept-Encoding": "identity"},
        )
    given = headers.get(b"content-type", b"").decode("latin-1")
    media_type = given.partition(";")[0].strip().lower() or JSON
    if media_type not in MEDIA_TYPES:
        raise HTTPException(
            415,
            f"Send one of {', '.join(MEDIA_TYPES)} and name it in Content-Type.",
            headers={"Accept-Post": ", ".join(MEDIA_TYPES)},
        )
    return media_type


def _wants_each(headers: dict[bytes, bytes], query: bytes) -> tuple[bool, list[RawHeader]]:
    """Whether the sender wants to know of each event, and what an answer says of that."""
    preferred = headers.get(b"prefer", b"")
    if len(preferred) > LONGEST_PREFERENCE:
        raise _invalid("prefer", f"may have {LONGEST_PREFERENCE} characters")
    preferences = preferred.lower().replace(b'"', b"").split(b",")
    if b"return=representation" in (part.strip() for part in preferences):
        return True, [(b"preference-applied", b"return=representation")]
    if not query:
        return False, []
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("detail")
    if given is None:
        return False, []
    try:
        return _flag.validate_python(given[-1]), []
    except ValidationError as error:
        raise _invalid("detail", error.errors()[0]["msg"]) from None


def _invalid(parameter: str, detail: str) -> Invalid:
    return Invalid(
        SEE_ERRORS,
        errors=[FieldError(pointer=None, parameter=parameter, detail=detail)],
    )


CLOUD_EVENT_SCHEMA = {"$ref": "#/components/schemas/UsageCloudEvent"}

router = APIRouter(
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
        bool, Query(description="Take each event for itself and say what became of it.")
    ] = False,
    prefer: Annotated[
        str | None,
        Header(
            description="`return=representation` asks for the same.", max_length=LONGEST_PREFERENCE
        ),
    ] = None,
) -> None:
    """Stores a batch of events. Sent again, it counts nothing twice: an id is counted once.

    A batch is stored whole or not at all, unless the result of each event is asked for: then what
    is wrong keeps nothing else back. CloudEvents 1.0 are taken in structured mode and in batches:
    the type `id.emall.usage.<kind>.v1` is the kind, `time` is when it happened, and `data` holds
    the rest. Events of months that are not kept any more are refused.
    """
    raise NotImplementedError("EventsFirst answers")
