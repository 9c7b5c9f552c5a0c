"""API models of the usage summary."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from services.feedback.channels import ChannelKind
from services.feedback.statistics.paged_query import MAX_ROWS
from services.platform.api_model import ApiModel
from services.platform.types import Slug, YearMonth

Dimension = Literal[
    "service", "agency", "channel", "link", "source", "district", "month", "day", "hour"
]

MAX_RETRACTIONS = 100

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


class UsageCount(ApiModel):
    """A sum; dimensions not listed in `group_by` are null."""

    measure: str = Field(description="An event's kind or a statistic's counter.")
    value: int = Field(ge=0, description="Number of uses.")
    month: YearMonth | None = Field(
        None, description="Calendar month, such as `2024-03`; null unless it is grouped by."
    )
    day: date | None = Field(None, description="Calendar day; null unless it is grouped by.")
    hour: AwareDatetime | None = Field(
        None, description="Start of the hour, in the region's time zone."
    )
    service: Slug | None = Field(
        None, description="Short name of the public service; null unless it is grouped by."
    )
    agency: Slug | None = Field(
        None, description="Short name of the agency; null unless it is grouped by."
    )
    channel: ChannelKind | None = Field(
        None, description="Way in which the service was used; null unless it is grouped by."
    )
    link: Slug | None = Field(
        None, description="Short name of the link; null unless it is grouped by."
    )
    source: str | None = Field(
        None, description="Where the events happened; null unless it is grouped by."
    )
    district: str | None = Field(
        None,
        description="Counts are multiples of five; null holds the remainders and events without a "
        "district.",
    )


class Retracted(ApiModel):
    """What one retraction struck out of the span, and why."""

    retraction: UUID = Field(description="Id of the retraction.")
    reason: str
    retracted_at: AwareDatetime = Field(description="When it was struck out.")
    events: int = Field(ge=0)
    statistics: int = Field(ge=0, description="Figures, with their revisions.")


class RetractedUse(ApiModel):
    """What an administrator struck out of the span; the sums do not contain it."""

    events: int = Field(default=0, ge=0)
    statistics: int = Field(default=0, ge=0, description="Figures, with their revisions.")
    retractions: list[Retracted] = Field(
        default_factory=list[Retracted],
        max_length=MAX_RETRACTIONS,
        description="Retractions that touch the span, the newest first.",
    )


class UsageSummary(ApiModel):
    """Sums of events and statistics in a span of days."""

    items: list[UsageCount] = Field(
        max_length=MAX_ROWS, description="The sums, one for each group."
    )
    next: str | None = None
    retracted: RetractedUse = Field(description="What was struck out of the span.")


def _split(value: object) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [part for item in value for part in str(item).split(",")]
    return value


GroupBy = Annotated[list[Dimension], BeforeValidator(_split)]
"""Dimensions, as repeated parameters or separated by commas."""
