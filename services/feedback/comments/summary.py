"""`GET /api/v1/comments/summary`: whether agencies answer comments within their service levels."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from services.feedback.comments.bundle_store import Dimension, find_bundles
from services.feedback.comments.statistics import Tally
from services.feedback.periods import PeriodText, parse_period
from services.feedback.small_groups import MIN_GROUP_SIZE
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.local_time import ZoneDep, day_of
from services.platform.parameters import AgencyQuery, ServiceQuery
from services.platform.problems import problem_responses
from services.platform.service import API, get_region

router = APIRouter(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 422)
)


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


@router.get("/summary", operation_id="get_comment_summary")
async def get_comment_summary(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    *,
    period: Annotated[
        PeriodText | None,
        Query(description="`2026`, `2026-S1`, `2026-Q3` or `2026-07`; default: this year."),
    ] = None,
    by: Annotated[Dimension, Query(description="The dimension to group figures by.")] = "agency",
    agency: AgencyQuery = None,
    service: ServiceQuery = None,
) -> CommentSummary:
    """Return the comments of a period by agency, service, kind, category or part of the year.

    For each group: how many, how many in time, and the median of working days to the answer.
    Groups under five are pooled or suppressed.
    """
    wanted = parse_period(period or str(day_of(datetime.now(UTC), zone).year))
    bundles = await find_bundles(
        session, get_region(request), wanted, agency=agency, service=service
    )
    groups: defaultdict[str | None, Tally] = defaultdict(Tally)
    for bundle in bundles:
        groups[bundle.value(by)] += bundle.tally
    return CommentSummary(
        period=str(wanted),
        by=by,
        agency=agency,
        service=service,
        n=sum(tally.n for tally in groups.values()),
        items=[
            _group(value, groups[value])
            for value in sorted(groups, key=lambda value: (value is None, value or ""))
        ],
    )


def _group(value: str | None, tally: Tally) -> CommentGroup:
    enough = tally.answered >= MIN_GROUP_SIZE
    return CommentGroup(
        value=value,
        n=tally.n,
        answered=tally.answered,
        in_time=tally.in_time,
        median_working_days=tally.median_days() if enough else None,
    )
