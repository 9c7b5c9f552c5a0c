"""Usage over the wire."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from services.feedback.usage.measures import MAX_COUNT, MEASURES, ChannelKind, Measure
from services.feedback.usage.queries import MOST_ROWS
from services.platform.api_model import ApiModel
from services.platform.fields import BodyNumber, DistrictCode, Line, Moment, Slug, YearMonth
from services.platform.problems import FieldError

EventKind = Literal["page_view", "search", "click_out", "form_start", "form_end"]
CloudEventType = Literal[
    "id.emall.usage.page_view.v1",
    "id.emall.usage.search.v1",
    "id.emall.usage.click_out.v1",
    "id.emall.usage.form_start.v1",
    "id.emall.usage.form_end.v1",
]
EventSource = Literal["gateway", "kiosk", "poster", "agency"]
Dimension = Literal[
    "service", "agency", "channel", "link", "source", "district", "month", "day", "hour"
]

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

MAX_EVENTS = 5_000
MAX_STATISTICS = 2_000


Count = Annotated[int, Field(ge=0, le=MAX_COUNT), BodyNumber]


class UsageEvent(ApiModel):
    """Something that somebody did; nothing in it tells who."""

    id: UUID = Field(description="Made by the sender, so that a repeated event counts once.")
    kind: EventKind
    source: EventSource
    occurred_at: Moment = Field(
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
    time: Moment = Field(description="When it happened: not too long ago, and not in the future.")
    datacontenttype: Literal["application/json"] | None = None
    data: UsageEventData


UsageCloudEvents = Annotated[list[UsageCloudEvent], Field(min_length=1, max_length=MAX_EVENTS)]
"""CloudEvents in the JSON batch format."""


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


class Counters(ApiModel):
    """What happened to applications in a month. A counter that is not known is left out."""

    submitted: Count | None = None
    in_review: Count | None = None
    completed: Count | None = None
    rejected: Count | None = None
    returned: Count | None = None

    def given(self) -> dict[Measure, int]:
        values: dict[Measure, int | None] = {name: getattr(self, name) for name in MEASURES}
        return {measure: value for measure, value in values.items() if value is not None}


class Statistic(ApiModel):
    """One month of one service through one channel."""

    agency: Slug
    service: Slug
    channel: ChannelKind
    period: YearMonth
    counters: Counters
    reason: Line | None = Field(None, description="Why a figure is corrected.")


class StatisticBatch(ApiModel):
    """Months of statistics, stored whole or not at all."""

    statistics: list[Statistic] = Field(min_length=1, max_length=MAX_STATISTICS)


class StatisticsStored(ApiModel):
    """What became of each counter of a batch."""

    added: int = Field(ge=0, description="Counters that were not known before.")
    revised: int = Field(ge=0, description="Counters that replaced another figure; both are kept.")
    unchanged: int = Field(ge=0, description="Counters that were stored already.")


class StatisticRevision(ApiModel):
    """One figure that an agency reported, and when."""

    agency: Slug
    service: Slug
    channel: ChannelKind
    period: YearMonth
    measure: Measure
    value: int
    revision: int
    is_current: bool
    reason: Line | None
    reported_at: AwareDatetime


class Revisions(ApiModel):
    """Figures with all their revisions."""

    items: list[StatisticRevision] = Field(max_length=MOST_ROWS)
    next: str | None = None


class UsageCell(ApiModel):
    """A sum; the dimensions that were not asked for are null."""

    measure: str = Field(description="An event's kind or a statistic's counter.")
    value: int = Field(ge=0)
    month: YearMonth | None = None
    day: date | None = None
    hour: AwareDatetime | None = Field(None, description="Its beginning, in Jakarta's time.")
    service: Slug | None = None
    agency: Slug | None = None
    channel: ChannelKind | None = None
    link: Slug | None = None
    source: str | None = None
    district: str | None = Field(
        None, description="Told in steps of five; null holds the rest, and what names none."
    )


class UsageSummary(ApiModel):
    """Sums of events and statistics in a span of time."""

    items: list[UsageCell] = Field(max_length=MOST_ROWS)
    next: str | None = None


class AgencyReporting(ApiModel):
    """How an agency keeps its monthly duty."""

    agency: str
    expected: int
    on_time: int
    late: int
    on_time_doubted: int = Field(
        description="Of those on time: with figures that are likely wrong and not explained yet."
    )
    late_doubted: int


class Reporting(ApiModel):
    """Monthly statistics that agencies owe, and those that came (an agency-month counts once)."""

    period: int
    expected: int
    on_time: int = Field(description="Reported by the due day of the next month.")
    late: int
    on_time_doubted: int = Field(
        description="Of those on time: with figures that are likely wrong and not explained yet."
    )
    late_doubted: int
    agencies: list[AgencyReporting]


def _split(value: object) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [part for item in value for part in str(item).split(",")]
    return value


GroupBy = Annotated[list[Dimension], BeforeValidator(_split)]
"""Dimensions, repeated or with commas between."""
