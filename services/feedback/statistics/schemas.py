"""API models of monthly statistics."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from services.feedback.channels import ChannelKind
from services.feedback.statistics.counters import MAX_COUNT, MEASURES, Measure
from services.feedback.statistics.flag_schemas import StatisticFlag
from services.feedback.statistics.paged_query import MAX_ROWS
from services.platform.api_model import ApiModel
from services.platform.types import ShortText, Slug, StrictNumber, YearMonth

MAX_STATISTICS = 1_000


Count = Annotated[int, Field(ge=0, le=MAX_COUNT), StrictNumber]


class Counters(ApiModel):
    """Numbers of applications in a month. Unknown counters are omitted."""

    submitted: Count | None = None
    in_review: Count | None = None
    completed: Count | None = None
    rejected: Count | None = None
    returned: Count | None = None

    def recorded(self) -> dict[Measure, int]:
        """Return the counters that are known."""
        values: dict[Measure, int | None] = {name: getattr(self, name) for name in MEASURES}
        return {measure: value for measure, value in values.items() if value is not None}


class Statistic(ApiModel):
    """One month of one service through one channel."""

    agency: Slug
    service: Slug
    channel: ChannelKind
    period: YearMonth = Field(description="Calendar month, such as `2024-03`.")
    counters: Counters
    reason: ShortText | None = Field(None, description="Why a figure is corrected.")


class StatisticBatch(ApiModel):
    """Monthly statistics, stored as a whole or not at all."""

    statistics: list[Statistic] = Field(
        min_length=1,
        max_length=MAX_STATISTICS,
        description="Monthly figures, each of one service and channel.",
    )


class StatisticsStored(ApiModel):
    """Number of counters of a batch by result."""

    added: int = Field(ge=0, description="Counters that were not stored before.")
    revised: int = Field(
        ge=0, description="Counters that replaced another figure; both remain stored."
    )
    unchanged: int = Field(ge=0, description="Counters that were already stored.")


class StatisticsReceipt(StatisticsStored):
    """Result of a batch, with the flags on its figures."""

    flags: list[StatisticFlag] = Field(
        description="Open flags on these figures, at most 200 of each agency."
    )


class UploadedFigure(ApiModel):
    """Result of one figure of a file."""

    sheet: str
    cell: str
    service: str
    channel: ChannelKind
    period: YearMonth = Field(description="Calendar month, such as `2024-03`.")
    measure: Measure = Field(description="Counter of applications.")
    value: int = Field(description="Number of applications.")
    previous: int | None = Field(description="The figure that was current before.")
    result: Literal["added", "revised", "unchanged"] = Field(
        description="Whether the figure is new, replaces another, or changes nothing."
    )


class UploadReceipt(StatisticsReceipt):
    """Result of a file, which is stored as a whole or not at all."""

    agency: str
    dry_run: bool
    items: list[UploadedFigure] = Field(description="Result of each figure of the file.")


class UploadCell(ApiModel):
    """A cell of a row with errors."""

    cell: str
    column: str
    value: str
    error: str | None


class UploadRow(ApiModel):
    """A row with at least one error, in the member `rows` of the problem document."""

    sheet: str
    row: int
    cells: list[UploadCell]


class StatisticRevision(ApiModel):
    """One figure reported by an agency."""

    agency: Slug
    service: Slug
    channel: ChannelKind
    period: YearMonth = Field(description="Calendar month, such as `2024-03`.")
    measure: Measure = Field(description="Counter of applications.")
    value: int = Field(description="Number of applications.")
    revision: int
    is_current: bool
    reason: ShortText | None = Field(
        description="Why an earlier figure was replaced; null of the first one."
    )
    reported_at: AwareDatetime


class Revisions(ApiModel):
    """Figures with all their revisions."""

    items: list[StatisticRevision] = Field(max_length=MAX_ROWS)
    next: str | None = None
