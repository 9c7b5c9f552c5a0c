"""`POST /api/v1/usage/events` over HTTP: bodies of a bounded size in a bounded time, read once.

The route is documented as every other one is, from the signature of `post_usage_events`, but
FastAPI neither reads its body nor writes its answer: that alone would take longer than the rest.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Header, Query, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from services.feedback.usage.decoding import CLOUD_EVENT, CLOUD_EVENTS_BATCH, MEDIA_TYPES
from services.feedback.usage.events import Intake
from services.feedback.usage.ingest import come_again
from services.feedback.usage.schemas import (
    MAX_EVENTS,
    EventResults,
    EventsStored,
    UsageCloudEvent,
    UsageEventBatch,
)
from services.platform.identity import Caller, Requires, UsageWriter
from services.platform.problems import FieldError, Invalid, problem_responses
from services.platform.service import API

BODY_SECONDS = 30.0
"""How long a body may take to arrive: on the poorest line 5,000 events in some hundred kB."""
SMALL_BODY = 256 * 1024
LARGE_BODIES = 64 * 1024 * 1024
"""What all bodies that are larger than a small one may take of memory at a time."""

writer = Requires("usage:write")
_flag = TypeAdapter(bool)


class Bodies:
    """Reads bodies so that all of them together take a bounded part of the memory."""

    def __init__(self) -> None:
        self._large = 0

    async def read(self, request: Request) -> bytes:
        """The body of this request."""
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > SMALL_BODY:
                        self._large += len(chunk) if size - len(chunk) > SMALL_BODY else size
                        if self._large > LARGE_BODIES:
                            raise come_again(
                                "Too many large requests come at once; try again shortly.",
                                seconds=2,
                            )
        except TimeoutError:
            detail = f"The body took longer than {BODY_SECONDS:.0f} seconds; send less at a time."
            raise HTTPException(408, detail, headers={"Connection": "close"}) from None
        except ClientDisconnect:
            raise HTTPException(400, "The request ended before its body did.") from None
        finally:
            if size > SMALL_BODY:
                self._large -= size
        return b"".join(chunks)


async def receive_events(request: Request) -> Response:
    """Takes one request's events in."""
    caller: Caller = await writer(request)
    media_type = _media_type(request)
    wants_each, headers = _wants_each(request)
    body = await cast("Bodies", request.app.state.bodies).read(request)
    intake: Intake = request.app.state.intake
    answer = await (intake.take_each if wants_each else intake.take)(
        body, media_type, caller=caller, now=datetime.now(UTC)
    )
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


def _media_type(request: Request) -> str:
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise HTTPException(
            415,
            f"A body in the encoding {encoding[:40]!r} is not taken; send it as it is.",
            headers={"Accept-Encoding": "identity"},
        )
    given = request.headers.get("content-type", "")
    media_type = given.partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise HTTPException(
            415,
            f"Send one of {', '.join(MEDIA_TYPES)} and name it in Content-Type.",
            headers={"Accept-Post": ", ".join(MEDIA_TYPES)},
        )
    return media_type


def _wants_each(request: Request) -> tuple[bool, dict[str, str]]:
    """Whether the sender wants to know of each event, and what an answer says of that."""
    preferences = request.headers.get("prefer", "")
    if preferences and "return=representation" in (
        part.strip().lower().replace('"', "") for part in preferences.split(",")
    ):
        return True, {"Preference-Applied": "return=representation"}
    given = request.query_params.get("detail") if request.scope["query_string"] else None
    if given is None:
        return False, {}
    try:
        return _flag.validate_python(given), {}
    except ValidationError as error:
        detail = error.errors()[0]["msg"]
        raise Invalid(
            "See errors[] for each field and what would be right.",
            errors=[FieldError(pointer=None, parameter="detail", detail=detail)],
        ) from None


class EventsRoute(APIRoute):
    """A route whose requests `receive_events` answers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return receive_events


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model without references, for a place where OpenAPI collects none."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, dict):
            members = cast("dict[str, Any]", part)
            if "$ref" in members:
                return resolve(definitions[members["$ref"].rpartition("/")[2]])
            return {name: resolve(member) for name, member in members.items()}
        if isinstance(part, list):
            return [resolve(member) for member in cast("list[Any]", part)]
        return part

    return resolve(schema)


CLOUD_EVENT_SCHEMA = _inlined(UsageCloudEvent)

router = APIRouter(
    prefix=f"{API}/usage",
    tags=["usage"],
    responses=problem_responses(401, 422),
    route_class=EventsRoute,
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
        str | None, Header(description="`return=representation` asks for the same.")
    ] = None,
) -> None:
    """Stores a batch of events. Sent again, it counts nothing twice: an id is counted once.

    A batch is stored whole or not at all, unless the result of each event is asked for: then what
    is wrong keeps nothing else back. CloudEvents 1.0 are taken in structured mode and in batches:
    the type `id.emall.usage.<kind>.v1` is the kind, `time` is when it happened, and `data` holds
    the rest. Events of months that are not kept any more are refused.
    """
    raise NotImplementedError("receive_events answers")
