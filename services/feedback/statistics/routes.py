"""Monthly statistics over HTTP: `/api/v1/usage/statistics`."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request

from services.feedback.statistics import queries
from services.feedback.statistics.paged_query import (
    MAX_ROWS,
    CursorQuery,
    KeyType,
    LimitQuery,
    fetch_page,
)
from services.feedback.statistics.schemas import (
    Revisions,
    StatisticBatch,
    StatisticRevision,
    StatisticsReceipt,
)
from services.feedback.statistics.upload import store_and_check
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import UsageWriter
from services.platform.local_time import ZoneDep
from services.platform.months import parse_period
from services.platform.paging import next_page_url
from services.platform.parameters import AgencyQuery, ServiceQuery
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import YearMonth

REVISION_KEYS: dict[str, KeyType] = {
    "agency": "text",
    "service": "text",
    "channel": "text",
    "measure": "text",
    "revision": "int",
}

router = Router(prefix=f"{API}/usage", tags=["usage"], responses=problem_responses(401, 422))


@router.post(
    "/statistics", operation_id="post_usage_statistics", responses=problem_responses(403, 409, 413)
)
async def post_usage_statistics(
    request: Request,
    session: WriteSessionDep,
    caller: UsageWriter,
    zone: ZoneDep,
    batch: StatisticBatch,
) -> StatisticsReceipt:
    """Store monthly statistics of the key's agency, as a whole or not at all.

    The key of a figure is agency, service, channel, month and counter: the same figure again
    changes nothing, a different one becomes a revision and both remain stored. `flags` lists
    implausible figures of the batch; they are stored all the same.
    """
    return await store_and_check(
        session,
        get_region(request),
        batch.statistics,
        caller=caller,
        now=datetime.now(UTC),
        zone=zone,
    )


@router.get("/statistics", operation_id="list_usage_statistics")
async def list_usage_statistics(
    request: Request,
    session: ReadSessionDep,
    *,
    period: Annotated[YearMonth, Query(description="The month.")],
    agency: AgencyQuery = None,
    service: ServiceQuery = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = MAX_ROWS,
) -> Revisions:
    """List the figures of a month with all their revisions.

    More than 10,000 figures are on several pages: `next` is null on the last one.
    """
    rows, next_cursor = await fetch_page(
        session,
        queries.REVISIONS,
        {
            "region": get_region(request),
            "period": parse_period(period),
            "agency": agency,
            "service": service,
        },
        keys=REVISION_KEYS,
        cursor=cursor,
        limit=limit,
    )
    return Revisions(
        items=[StatisticRevision.model_validate(dict(row)) for row in rows],
        next=next_page_url(request, next_cursor),
    )
