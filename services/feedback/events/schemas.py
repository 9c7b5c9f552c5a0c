"""Usage events as the API takes and answers them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from services.feedback.statistics.counters import ChannelKind
from services.platform.api_model import ApiModel
from services.platform.problems import FieldError
from services.platform.types import DistrictCode, Slug, UtcDatetime

EventKind = Literal["page_view", "search", "click_out", "form_start", "form_end"]


CloudEventType = Literal[
    "id.emall.usage.page_view.v1",
    "id.emall.usage.search.v1",
    "id.emall.usage.click_out.v1",
    "id.emall.usage.form_start.v1",
    "id.emall.usage.form_end.v1",
]


EventSource = Literal["gateway", "kiosk", "poster", "agency"]


MAX_EVENTS = 5_000


class UsageEvent(ApiModel):
    """Something that somebody did; nothing in it tells who."""

    id: UUID = Field(description="Made by the sender, so that a repeated event counts once.")
    kind: EventKind
    source: EventSource
    occurred_at: UtcDatetime = Field(
        description="Days or months late is fine; before the months that are kept, or in the "
        "future, is not."
    )
    agency: Slug | None = None
    service: Slug | None = None
    link: Slug | None = None
    channel: ChannelKind | None = None
    district: DistrictCode | None = None


class UsageEventBatch(ApiModel):
    """Events in any order; days late is fine."""

    events: list[UsageEvent] = Field(min_length=1, max_length=MAX_EVENTS)


class UsageEventData(ApiModel):
    """What a CloudEvent says of a use, beside its id, type and time."""

    source: EventSource
    agency: Slug | None = None
    service: Slug | None = None
    link: Slug | None = None
    channel: ChannelKind | None = None
    district: DistrictCode | None = None


class UsageCloudEvent(BaseModel):
    """A usage event as a CloudEvent 1.0 in structured JSON; extension attributes are let through.

    An `id` that is no UUID stands for the UUID (version 5) made of the event's agency, `source` and
    `id` in the name space `CLOUD_EVENTS`.
    """

    model_config = ConfigDict(extra="ignore")

    specversion: Literal["1.0"]
    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    source: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        description="What made the event, such as `/kiosk/balige`; with `id` it names the event."
    )
    type: CloudEventType = Field(description="`id.emall.usage.<kind>.v1`.")
    time: UtcDatetime = Field(
        description="When it happened: not too long ago, and not in the future."
    )
    datacontenttype: Literal["application/json"] | None = None
    data: UsageEventData


class EventsStored(ApiModel):
    """What became of a batch, which is stored whole or not at all."""

    accepted: int = Field(ge=0, description="Events that were new.")
    repeated: int = Field(ge=0, description="Events that were stored before; not counted again.")


class EventResult(ApiModel):
    """What became of one event of a batch, in the order in which they were sent."""

    result: Literal["accepted", "repeated", "refused"]
    id: str | None = Field(None, description="As it is stored; null where it cannot be told.")
    errors: list[FieldError] = Field(
        default_factory=list[FieldError], description="Why it was refused."
    )


class EventResults(EventsStored):
    """What became of each event, where that was asked for: a wrong one holds no other back."""

    refused: int = Field(ge=0, description="Events that were not stored; see their `errors`.")
    items: list[EventResult] = Field(max_length=MAX_EVENTS)
