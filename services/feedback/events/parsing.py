"""Parse usage events from a request body: a fast path for valid batches, exact errors otherwise.

msgspec parses valid batches. What it rejects is parsed again with the pydantic models that the API
documents, which locate and describe the errors; so the two paths can differ only in speed.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from services.feedback.channels import ChannelKind
from services.feedback.events.batch import Batch, Dimensions
from services.feedback.events.formats import FORMATS, JSON, Errors
from services.feedback.events.schemas import (
    MAX_EVENTS,
    EventKind,
    EventSource,
    UsageEvent,
    UsageEventData,
)
from services.platform.problems import SEE_ERRORS, FieldError, Invalid, field_errors

MAX_ERRORS_PER_EVENT = 10
MAX_REMEMBERED = 65_536
"""Dimensions that are remembered as valid."""
_DELETE_HEX = str.maketrans("", "", "0123456789abcdefABCDEF")
_LOWERCASE_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Times near the ends of the calendar, which may not exist in UTC, are left to pydantic.
_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


Name = Annotated[str, msgspec.Meta(max_length=80)]
"""As long as a `Slug` may be: names are remembered (`_valid`), so a long one must not be."""


class EventStruct(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A usage event for msgspec; the format of its names is checked once per combination."""

    id: str
    kind: EventKind
    source: EventSource
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    agency: Name | None = None
    service: Name | None = None
    link: Name | None = None
    channel: ChannelKind | None = None
    district: Name | None = None


class EventBatchStruct(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A batch of usage events for msgspec."""

    events: Annotated[list[EventStruct], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]


_decoder = msgspec.json.Decoder(EventBatchStruct)
_valid: set[Dimensions] = set()
"""Dimensions that pydantic accepted."""


def parse_batch(body: bytes, media_type: str, *, agency: str | None = None) -> Batch:
    """Parse a body of which every event must be valid; raise `Invalid` with all errors.

    `agency` is the default for events that name none.
    """
    if media_type == JSON and (batch := parse_fast(body)) is not None:
        return batch
    format_ = FORMATS[media_type]
    document = _load(body)
    errors = format_.errors(document)
    if errors:
        raise _invalid(errors, document)
    return _batch_of(
        format_.to_event(format_.item.model_validate(item), agency)
        for item in format_.items(document)
    )


def parse_each(
    body: bytes, media_type: str, *, agency: str | None = None
) -> tuple[Batch, list[list[FieldError]]]:
    """Parse the valid events of a body; return them with the errors of every event, by index.

    Raises `Invalid` if the envelope itself is invalid.
    """
    if media_type == JSON and (batch := parse_fast(body)) is not None:
        return batch, [[] for _ in batch.ids]
    format_ = FORMATS[media_type]
    document = _load(body)
    if errors := format_.envelope_errors(document):
        raise _invalid(errors, document)
    errors_by_index: list[list[FieldError]] = []
    events: list[UsageEvent] = []
    for index, item in enumerate(format_.items(document)):
        errors = format_.item_errors(index, item, limit=MAX_ERRORS_PER_EVENT)
        errors_by_index.append(_field_errors(errors, document))
        if not errors:
            events.append(format_.to_event(format_.item.model_validate(item), agency))
    return _batch_of(iter(events)), errors_by_index


def parse_fast(body: bytes) -> Batch | None:
    """Parse a JSON body if it is entirely valid; return None if the exact path must decide."""
    try:
        events = _decoder.decode(body).events
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    dimensions = [
        (e.kind, e.source, e.agency, e.service, e.link, e.channel, e.district) for e in events
    ]
    times = [e.occurred_at for e in events]
    distinct = set(dimensions)
    if not _are_valid(distinct) or min(times) < _EARLIEST or max(times) > _LATEST:
        return None
    ids = _canonical_uuids([e.id for e in events])
    return Batch(ids, times, dimensions, distinct) if ids is not None else None


def _canonical_uuids(ids: list[str]) -> list[str] | None:
    """Return UUIDs in the format of RFC 9562, in lower case; None if one has another format."""
    if len(ids) == 1 and _LOWERCASE_UUID.fullmatch(ids[0]):
        return ids
    text = ",".join(ids)
    count = len(ids)
    if len(text) != 37 * count - 1 or text.translate(_DELETE_HEX) != ",".join(["----"] * count):
        return None
    if any(text[position::37] != "-" * count for position in (8, 13, 18, 23)):
        return None
    lower = text.lower()
    return ids if lower == text else lower.split(",")


def _are_valid(distinct: set[Dimensions]) -> bool:
    """Return whether pydantic accepts all of these dimensions; asked once about each."""
    if _valid.issuperset(distinct):  # compares stored hashes, so it takes no time
        return True
    new = distinct - _valid
    if not all(map(_is_valid, new)):
        return False
    if len(_valid) + len(new) > MAX_REMEMBERED:
        _valid.clear()
    _valid.update(new)
    return True


def _is_valid(dimensions: Dimensions) -> bool:
    """Return whether pydantic accepts these dimensions."""
    _, *values = dimensions
    try:
        UsageEventData.model_validate(dict(zip(UsageEventData.model_fields, values, strict=True)))
    except ValidationError:
        return False
    return True


def _batch_of(events: Iterator[UsageEvent]) -> Batch:
    ids: list[str] = []
    times: list[datetime] = []
    dimensions: list[Dimensions] = []
    for e in events:
        ids.append(str(e.id))
        times.append(e.occurred_at)
        dimensions.append((e.kind, e.source, e.agency, e.service, e.link, e.channel, e.district))
    return Batch(ids, times, dimensions, set(dimensions))


def _load(body: bytes) -> object:
    if not body:
        raise Invalid(SEE_ERRORS, errors=[_document_error("is required")])
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        detail = f"is not valid JSON, from character {error.pos}"
        raise Invalid(SEE_ERRORS, errors=[_document_error(detail)]) from None
    except (ValueError, RecursionError):  # no UTF-8, a number of 5,000 digits, 1,000 brackets
        error = _document_error("must be a JSON document in UTF-8")
        raise Invalid("The body is not valid JSON.", errors=[error]) from None


def _document_error(detail: str) -> FieldError:
    return FieldError(pointer="#", parameter=None, detail=detail)


def _field_errors(errors: Errors, document: object) -> list[FieldError]:
    located = [error | {"loc": ("body", *error["loc"])} for error in errors]
    return field_errors(RequestValidationError(located, body=document))


def _invalid(errors: Errors, document: object) -> Invalid:
    return Invalid(SEE_ERRORS, errors=_field_errors(errors, document))
