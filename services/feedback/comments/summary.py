"""`GET /api/v1/comments/summary`: whether agencies answer comments within their service levels."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request

from services.feedback.comments.bundle_store import find_bundles
from services.feedback.comments.statistics import Tally
from services.feedback.comments.summary_schemas import CommentGroup, CommentSummary, Dimension
from services.feedback.periods import PeriodText, parse_period
from services.feedback.small_groups import MIN_GROUP_SIZE
from services.platform.database import ReadSessionDep
from services.platform.local_time import ZoneDep, day_of
from services.platform.parameters import AgencyQuery, ServiceQuery
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 422))


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
