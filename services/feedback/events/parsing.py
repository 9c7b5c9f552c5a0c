"""Reads usage events from a request's body: fast where all is right, exact where it is not.

msgspec reads batches that are right. Whatever it refuses is read again by the pydantic models that
the API documents, which say what is wrong and where; so the two can differ in speed alone.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, cast
from uuid import UUID, uuid5

import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.feedback.events.schemas import (
    MAX_EVENTS,
    EventKind,
    EventSource,
    UsageCloudEvent,
    UsageEvent,
    UsageEventBatch,
    UsageEventData,
)
from services.feedback.statistics.schemas import ChannelKind, UsageCloudEvents
from services.platform.error_location import Location
from services.platform.problems import (
    SEE_ERRORS,
    FieldError,
    Invalid,
    field_errors,
    json_pointer,
)

JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json"
CLOUD_EVENTS_BATCH = "application/cloudevents-batch+json"
MEDIA_TYPES = (JSON, CLOUD_EVENTS_BATCH, CLOUD_EVENT)

CLOUD_EVENTS = UUID("6f1f3f0e-5b0c-5d52-9a5c-0d6a3f2b7c11")
"""Name space of the UUIDs that stand for ids of CloudEvents that are none themselves."""
MAX_ERRORS = 100
MAX_ERRORS_OF_ONE = 10
_NO_HEX = str.maketrans("", "", "0123456789abcdefABCDEF")
_SMALL_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID = re.compile(_SMALL_UUID.pattern, re.IGNORECASE)
# Times so near the ends of the calendar that UTC may not hold them are left to pydantic.
_EARLY, _LATE = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

Errors = list[dict[str, Any]]
"""Errors as pydantic lists them."""


Saying = tuple[str, str, str | None, str | None, str | None, str | None, str | None]
"""What an event says beside its id and time: kind, source, agency, service, link, channel,
district; None where it names nothing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events as columns of one length."""

    ids: list[str]
    """UUIDs as PostgreSQL writes them."""
    times: list[datetime]
    sayings: list[Saying]

    def __len__(self) -> int:
        return len(self.ids)

    def picked(self, places: Sequence[int]) -> "Batch":
        """The events at these places."""
        return Batch(
            [self.ids[n] for n in places],
            [self.times[n] for n in places],
            [self.sayings[n] for n in places],
        )


class Sent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A usage event as msgspec reads it; what its names may be is checked once for each saying."""

    id: str
    kind: EventKind
    source: EventSource
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    agency: str | None = None
    service: str | None = None
    link: str | None = None
    channel: ChannelKind | None = None
    district: str | None = None


class SentBatch(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    events: Annotated[list[Sent], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]


_decoder = msgspec.json.Decoder(SentBatch)


def read_batch(body: bytes, media_type: str, *, agency: str | None = None) -> Batch:
    """The events of a body that is right as a whole; `Invalid` with every field that is not.

    `agency` is whose events they are where they name none.
    """
    if media_type == JSON and (batch := read_fast(body)) is not None:
        return batch
    form = FORMS[media_type]
    document = _parse(body)
    errors = form.errors(document)
    if errors:
        raise _invalid(errors, document)
    return _columns(
        form.event_of(form.item.model_validate(item), agency) for item in form.items(document)
    )


def read_each(
    body: bytes, media_type: str, *, agency: str | None = None
) -> tuple[Batch, list[list[FieldError]]]:
    """The events of a body that are right, and for each place what is wrong with it.

    Where not even the envelope is right, `Invalid`.
    """
    if media_type == JSON and (batch := read_fast(body)) is not None:
        return batch, [[] for _ in batch.ids]
    form = FORMS[media_type]
    document = _parse(body)
    if errors := form.envelope_errors(document):
        raise _invalid(errors, document)
    found: list[list[FieldError]] = []
    events: list[UsageEvent] = []
    for place, item in enumerate(form.items(document)):
        errors = form.errors_at(place, item, limit=MAX_ERRORS_OF_ONE)
        found.append(_field_errors(errors, document))
        if not errors:
            events.append(form.event_of(form.item.model_validate(item), agency))
    return _columns(iter(events)), found


def read_fast(body: bytes) -> Batch | None:
    """The events of a body of JSON that is right; None where another reader has to decide."""
    try:
        events = _decoder.decode(body).events
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    sayings = [
        (e.kind, e.source, e.agency, e.service, e.link, e.channel, e.district) for e in events
    ]
    times = [e.occurred_at for e in events]
    if not all(map(_may_be_said, set(sayings))) or min(times) < _EARLY or max(times) > _LATE:
        return None
    ids = _canonical([e.id for e in events])
    return Batch(ids, times, sayings) if ids is not None else None


def _canonical(ids: list[str]) -> list[str] | None:
    """UUIDs in the form of RFC 9562, in small letters; None where one has another form."""
    if len(ids) == 1 and _SMALL_UUID.fullmatch(ids[0]):
        return ids
    text = ",".join(ids)
    count = len(ids)
    if len(text) != 37 * count - 1 or text.translate(_NO_HEX) != ",".join(["----"] * count):
        return None
    if any(text[place::37] != "-" * count for place in (8, 13, 18, 23)):
        return None
    small = text.lower()
    return ids if small == text else small.split(",")


@lru_cache(maxsize=65_536)
def _may_be_said(saying: Saying) -> bool:
    _, *said = saying
    try:
        UsageEventData.model_validate(dict(zip(UsageEventData.model_fields, said, strict=True)))
    except ValidationError:
        return False
    return True


def _columns(events: Iterator[UsageEvent]) -> Batch:
    batch = Batch([], [], [])
    for e in events:
        batch.ids.append(str(e.id))
        batch.times.append(e.occurred_at)
        batch.sayings.append((e.kind, e.source, e.agency, e.service, e.link, e.channel, e.district))
    return batch


def _parse(body: bytes) -> object:
    if not body:
        raise Invalid(SEE_ERRORS, errors=[_whole("Field required")])
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        detail = f"JSON decode error: {error.msg} at character {error.pos}"
        raise Invalid(SEE_ERRORS, errors=[_whole(detail)]) from None
    except (ValueError, RecursionError):  # no UTF-8, a number of 5,000 digits, a thousand brackets
        unreadable = _whole("must be a JSON document in UTF-8")
        raise Invalid("The body cannot be read.", errors=[unreadable]) from None


def _whole(detail: str) -> FieldError:
    return FieldError(pointer="#", parameter=None, detail=detail)


def _field_errors(errors: Errors, document: object) -> list[FieldError]:
    located = [error | {"loc": ("body", *error["loc"])} for error in errors]
    return field_errors(RequestValidationError(located, body=document))


def _invalid(errors: Errors, document: object) -> Invalid:
    return Invalid(SEE_ERRORS, errors=_field_errors(errors, document))


@dataclass(frozen=True)
class Form:
    """One way to write events: an item's model, where items stand, and what is around them."""

    item: type[BaseModel]
    envelope: TypeAdapter[Any]
    specimen: dict[str, Any]
    """Any item that is right."""
    place: tuple[str, ...]
    event_of: Callable[[Any, str | None], UsageEvent]
    """The event of an item; an item that names no agency is this one's."""
    agency: tuple[str, ...]
    """Where in an item its agency stands."""
    time: tuple[str, ...]
    is_single: bool = False

    def pointer(self, place: int, inside: tuple[str, ...]) -> str:
        """Where in a document a part of an item stands."""
        return json_pointer((*self._around(place), *inside))

    def _around(self, place: int) -> Location:
        return () if self.is_single else (*self.place, place)

    def items(self, document: object) -> list[Any]:
        """The items of a document whose envelope is right."""
        if self.is_single:
            return [document]
        inner = cast("dict[str, Any]", document)[self.place[0]] if self.place else document
        return cast("list[Any]", inner)

    def errors(self, document: object) -> Errors:
        """What is wrong with a document, at most so much as a person reads."""
        errors: Errors = []
        if not self._has_items(document):
            return self.envelope_errors(document)
        for place, item in enumerate(self.items(document)):
            errors += self.errors_at(place, item, limit=MAX_ERRORS)
            if len(errors) >= MAX_ERRORS:
                return errors[:MAX_ERRORS]
        return (errors + self.envelope_errors(document))[:MAX_ERRORS]

    def errors_at(self, place: int, item: object, *, limit: int) -> Errors:
        """What is wrong with one item."""
        around = self._around(place)
        try:
            self.item.model_validate(_trimmed(item, self.item, limit))
        except ValidationError as error:
            return [found | {"loc": (*around, *found["loc"])} for found in _list(error)[:limit]]
        return []

    def envelope_errors(self, document: object) -> Errors:
        """What is wrong around the items."""
        if self.is_single:
            return []
        if self._has_items(document):
            if not self.place:
                return []
            document = {**cast("dict[str, Any]", document), self.place[0]: [self.specimen]}
        try:
            self.envelope.validate_python(_trimmed(document, UsageEventBatch, MAX_ERRORS))
        except ValidationError as error:
            return _list(error)[:MAX_ERRORS]
        return []

    def _has_items(self, document: object) -> bool:
        if self.is_single:
            return True
        if self.place:
            if not isinstance(document, dict):
                return False
            document = cast("dict[str, Any]", document).get(str(self.place[0]))
        return isinstance(document, list) and 1 <= len(cast("list[Any]", document)) <= MAX_EVENTS


def _list(error: ValidationError) -> Errors:
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return cast("Errors", errors)


def _trimmed(value: object, model: type[BaseModel], unknown: int) -> object:
    """An object without most of its unknown members, each of which would make an error."""
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, object]", value)
    if len(members) <= len(model.model_fields) + unknown:
        return members
    kept: dict[str, object] = {}
    for name, member in members.items():
        if name in model.model_fields:
            kept[name] = member
        elif unknown > 0:
            kept[name] = member
            unknown -= 1
    return kept


def _same(event: UsageEvent, _agency: str | None) -> UsageEvent:
    return event


def event_of_cloud_event(cloud: UsageCloudEvent, agency: str | None) -> UsageEvent:
    """The event that a CloudEvent stands for; one that names no agency is this one's."""
    is_uuid = _UUID.fullmatch(cloud.id) is not None
    return UsageEvent.model_construct(
        id=UUID(cloud.id) if is_uuid else _id_of(cloud, cloud.data.agency or agency),
        kind=cast("EventKind", cloud.type.split(".")[3]),
        occurred_at=cloud.time,
        **cloud.data.model_dump(),
    )


def _id_of(cloud: UsageCloudEvent, agency: str | None) -> UUID:
    """The UUID for an id that is none. Two agencies may number their events alike, and name what
    made them alike."""
    return uuid5(CLOUD_EVENTS, json.dumps([agency, cloud.source, cloud.id]))


_EVENT: dict[str, Any] = {
    "id": "01960000-0000-7000-8000-000000000000",
    "kind": "page_view",
    "source": "gateway",
    "occurred_at": "2024-03-05T12:00:00+07:00",
}
_CLOUD: dict[str, Any] = {
    "specversion": "1.0",
    "id": _EVENT["id"],
    "source": "/kiosk/balige",
    "type": "id.emall.usage.page_view.v1",
    "time": _EVENT["occurred_at"],
    "data": {"source": "kiosk"},
}
FORMS = {
    JSON: Form(
        item=UsageEvent,
        envelope=TypeAdapter(UsageEventBatch),
        specimen=_EVENT,
        place=("events",),
        event_of=_same,
        agency=("agency",),
        time=("occurred_at",),
    ),
    CLOUD_EVENTS_BATCH: (
        cloud := Form(
            item=UsageCloudEvent,
            envelope=TypeAdapter(UsageCloudEvents),
            specimen=_CLOUD,
            place=(),
            event_of=event_of_cloud_event,
            agency=("data", "agency"),
            time=("time",),
        )
    ),
    CLOUD_EVENT: replace(cloud, envelope=TypeAdapter(UsageCloudEvent), is_single=True),
}
