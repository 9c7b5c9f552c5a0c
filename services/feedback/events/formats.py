"""Media types of usage events: the hub's own JSON, and CloudEvents 1.0 singly and in batches."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID, uuid5

from pydantic import BaseModel, TypeAdapter, ValidationError

from services.feedback.events.schemas import (
    MAX_EVENTS,
    EventKind,
    UsageCloudEvent,
    UsageCloudEvents,
    UsageEvent,
    UsageEventBatch,
)
from services.platform.error_location import Location
from services.platform.problems import json_pointer

JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json"
CLOUD_EVENTS_BATCH = "application/cloudevents-batch+json"
MEDIA_TYPES = (JSON, CLOUD_EVENTS_BATCH, CLOUD_EVENT)

CLOUD_EVENT_NAMESPACE = UUID("6f1f3f0e-5b0c-5d52-9a5c-0d6a3f2b7c11")
"""Namespace of the UUIDs derived from CloudEvent ids that are not UUIDs."""
MAX_ERRORS = 100
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Errors = list[dict[str, Any]]
"""Errors as pydantic lists them."""


@dataclass(frozen=True)
class EventFormat:
    """How a media type represents events: the item's model, its path, and the envelope."""

    item: type[BaseModel]
    envelope: TypeAdapter[Any]
    sample: dict[str, Any]
    """A valid item."""
    path: tuple[str, ...]
    """Path of the array of items."""
    to_event: Callable[[Any, str | None], UsageEvent]
    """Convert an item, given the default agency."""
    dimensions: tuple[str, ...]
    """Path of the dimensions within an item."""
    time: tuple[str, ...]
    """Path of the time within an item."""
    is_single: bool = False

    def pointer(self, index: int, path: tuple[str, ...]) -> str:
        """Return the JSON pointer of a member of an item."""
        return json_pointer((*self._item_path(index), *path))

    def _item_path(self, index: int) -> Location:
        return () if self.is_single else (*self.path, index)

    def items(self, document: object) -> list[Any]:
        """Return the items of a document with a valid envelope."""
        if self.is_single:
            return [document]
        items = cast("dict[str, Any]", document)[self.path[0]] if self.path else document
        return cast("list[Any]", items)

    def errors(self, document: object) -> Errors:
        """Return the first `MAX_ERRORS` errors of a document."""
        errors: Errors = []
        if not self._has_items(document):
            return self.envelope_errors(document)
        for index, item in enumerate(self.items(document)):
            errors += self.item_errors(index, item, limit=MAX_ERRORS)
            if len(errors) >= MAX_ERRORS:
                return errors[:MAX_ERRORS]
        return (errors + self.envelope_errors(document))[:MAX_ERRORS]

    def item_errors(self, index: int, item: object, *, limit: int) -> Errors:
        """Return the first `limit` errors of one item."""
        path = self._item_path(index)
        try:
            self.item.model_validate(_limit_unknown(item, self.item, limit))
        except ValidationError as error:
            return [each | {"loc": (*path, *each["loc"])} for each in _list(error)[:limit]]
        return []

    def envelope_errors(self, document: object) -> Errors:
        """Return the errors outside the items."""
        if self.is_single:
            return []
        if self._has_items(document):
            if not self.path:
                return []
            document = {**cast("dict[str, Any]", document), self.path[0]: [self.sample]}
        try:
            self.envelope.validate_python(_limit_unknown(document, UsageEventBatch, MAX_ERRORS))
        except ValidationError as error:
            return _list(error)[:MAX_ERRORS]
        return []

    def _has_items(self, document: object) -> bool:
        if self.is_single:
            return True
        if self.path:
            if not isinstance(document, dict):
                return False
            document = cast("dict[str, Any]", document).get(self.path[0])
        return isinstance(document, list) and 1 <= len(cast("list[Any]", document)) <= MAX_EVENTS


def _list(error: ValidationError) -> Errors:
    errors = error.errors(include_url=False, include_input=False)
    return cast("Errors", errors)


def _limit_unknown(value: object, model: type[BaseModel], limit: int) -> object:
    """Return an object with at most `limit` unknown members, each of which causes an error."""
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, object]", value)
    if len(members) <= len(model.model_fields) + limit:
        return members
    limited: dict[str, object] = {}
    for name, member in members.items():
        if name in model.model_fields:
            limited[name] = member
        elif limit > 0:
            limited[name] = member
            limit -= 1
    return limited


def _unchanged(event: UsageEvent, _default_agency: str | None) -> UsageEvent:
    return event


def event_from_cloud_event(cloud: UsageCloudEvent, default_agency: str | None) -> UsageEvent:
    """Convert a CloudEvent to a usage event.

    An id that is not a UUID is replaced by one derived from the agency, the source and the id.
    """
    is_uuid = _UUID.fullmatch(cloud.id) is not None
    agency = cloud.data.agency or default_agency
    return UsageEvent.model_construct(
        id=UUID(cloud.id) if is_uuid else _derive_id(cloud, agency),
        kind=cast("EventKind", cloud.type.split(".")[3]),
        occurred_at=cloud.time,
        **cloud.data.model_dump(),
    )


def _derive_id(cloud: UsageCloudEvent, agency: str | None) -> UUID:
    """Return a UUID (version 5) for an id that is not a UUID.

    It includes the agency, since two agencies may use the same source names and numbers.
    """
    return uuid5(CLOUD_EVENT_NAMESPACE, json.dumps([agency, cloud.source, cloud.id]))


_SAMPLE_EVENT: dict[str, Any] = {
    "id": "01960000-0000-7000-8000-000000000000",
    "kind": "page_view",
    "source": "gateway",
    "occurred_at": "2024-03-05T12:00:00+07:00",
}
_SAMPLE_CLOUD_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": _SAMPLE_EVENT["id"],
    "source": "/kiosk/balige",
    "type": "id.emall.usage.page_view.v1",
    "time": _SAMPLE_EVENT["occurred_at"],
    "data": {"source": "kiosk"},
}
FORMATS = {
    JSON: EventFormat(
        item=UsageEvent,
        envelope=TypeAdapter(UsageEventBatch),
        sample=_SAMPLE_EVENT,
        path=("events",),
        to_event=_unchanged,
        dimensions=(),
        time=("occurred_at",),
    ),
    CLOUD_EVENTS_BATCH: (
        cloud := EventFormat(
            item=UsageCloudEvent,
            envelope=TypeAdapter(UsageCloudEvents),
            sample=_SAMPLE_CLOUD_EVENT,
            path=(),
            to_event=event_from_cloud_event,
            dimensions=("data",),
            time=("time",),
        )
    ),
    CLOUD_EVENT: replace(cloud, envelope=TypeAdapter(UsageCloudEvent), is_single=True),
}
