"""Response models of `GET /api/v1/comments/summary`."""

from typing import Literal

from pydantic import Field

from services.feedback.small_groups import MIN_GROUP_SIZE
from services.platform.api_model import ApiModel

Dimension = Literal["agency", "service", "kind", "category", "month", "quarter", "semester"]


class CommentGroup(ApiModel):
    """A group of at least five comments."""

    value: str | None = Field(
        description="Of the dimension; empty if it was not given, null for pooled groups that are "
        "too small to be published separately."
    )
    n: int = Field(ge=MIN_GROUP_SIZE, description="Number of comments in the group, at least five.")
    answered: int = Field(description="Answered, closed or forwarded.")
    in_time: int = Field(description="Of all: answered within their service level.")
    median_working_days: float | None = Field(
        description="To the answer; null if fewer than five were answered."
    )


class CommentSummary(ApiModel):
    """How comments of a period were answered.

    A comment counts once it is settled: answered, closed or forwarded, or 30 days overdue. Figures
    grow by bundles of at least five, so the newest comments may be pending.
    """

    period: str = Field(description="Calendar year or month that is summed up.")
    by: Dimension
    agency: str | None
    service: str | None
    n: int = Field(description="Comments in these figures.")
    items: list[CommentGroup]
