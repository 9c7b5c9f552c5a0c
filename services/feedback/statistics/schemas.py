"""Usage over the wire."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
)

from services.feedback.events.schemas import (
    MAX_EVENTS,
    UsageCloudEvent,
)
from services.feedback.statistics.counters import MAX_COUNT, MEASURES, ChannelKind, Measure
from services.feedback.statistics.queries import MOST_ROWS
from services.platform.api_model import ApiModel
from services.platform.types import ShortText, Slug, StrictNumber, YearMonth

Dimension = Literal[
    "service", "agency", "channel", "link", "source", "district", "month", "day", "hour"
]

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

MAX_STATISTICS = 2_000


Count = Annotated[int, Field(ge=0, le=MAX_COUNT), StrictNumber]


UsageCloudEvents = Annotated[list[UsageCloudEvent], Field(min_length=1, max_length=MAX_EVENTS)]
"""CloudEvents in the JSON batch format."""


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
    reason: ShortText | None = Field(None, description="Why a figure is corrected.")


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
    reason: ShortText | None
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
