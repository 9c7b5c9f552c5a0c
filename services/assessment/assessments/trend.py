"""Collaboration over the years, with the contributions to each change."""

from collections.abc import Hashable, Sequence
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from sqlalchemy import text

from services.assessment.assessments.current_scores import hash_of
from services.assessment.assessments.schemas import DEFAULT_METHOD, Trend, TrendPeriod
from services.assessment.method_store import find_method
from services.assessment.methods.definition import METHOD, TreeMethod
from services.assessment.scoring.decomposition import compare_years
from services.assessment.scoring.results import YearComparison
from services.assessment.scoring.scores import Node, Scores
from services.assessment.years import is_provisional, read_zone
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.problems import problem_responses
from services.platform.recent_results import RecentResults
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.stored import parse_stored
from services.platform.types import Slug, Year

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

MAX_TRENDS = 16

NEWEST_IDS = """
-- The newest assessment of each year by a method, the earliest year first.
SELECT DISTINCT ON (period) id FROM assessment.assessment
WHERE region = :region AND method = :method AND period BETWEEN :first AND :last
ORDER BY period, id DESC
"""

SERIES = """
-- These assessments, the earliest year first.
SELECT id, period, recorded_at, method_version, method_hash, definition, scores
FROM assessment.assessment
WHERE region = :region AND id = ANY (CAST(:ids AS uuid[]))
ORDER BY period
"""


@router.get("/metrics/trend", operation_id="get_trend")
async def get_trend(
    request: Request,
    session: ReadSessionDep,
    method: Annotated[Slug, Query(description="Method, see `methods`.")] = DEFAULT_METHOD,
    first: Annotated[Year, Query(alias="from", description="First year.")] = 2000,
    last: Annotated[Year, Query(alias="to", description="Last year.")] = 2099,
) -> Trend:
    """Return the stored assessments by year, with the contributions to each score's change.

    Two years are compared by the indicators known in both; what came to be known, or is no longer
    known, is listed and moves nothing.
    """
    region = get_region(request)
    zone = await read_zone(session, region)
    years = {"region": region, "method": method, "first": first, "last": last}
    ids = (await session.scalars(text(NEWEST_IDS), years)).all()
    published = await find_method(session, region, method)
    current = None if published is None else hash_of(published.method)
    known: RecentResults[Hashable, Trend] = request.app.state.known_trends
    return await known.get(
        (region, zone.key, method, current, *ids),
        lambda: _trend(session, region, method, ids, current=current, zone=zone),
    )


async def _trend(
    session: ReadSession,
    region: str,
    method: str,
    ids: Sequence[UUID],
    *,
    current: str | None,
    zone: ZoneInfo,
) -> Trend:
    """Return these assessments of a method as a trend; none of them ever changes."""
    rows = await session.execute(text(SERIES), {"region": region, "ids": list(ids)})
    items: list[TrendPeriod] = []
    before: Scores | None = None
    for row in rows:
        scores = parse_stored(Scores, row.scores)
        changed = bool(items) and items[-1].method_hash != row.method_hash
        items.append(
            TrendPeriod(
                period=row.period,
                provisional=is_provisional(row.period, at=row.recorded_at, zone=zone),
                assessment_href=_href(row.id),
                method_version=row.method_version,
                method_hash=row.method_hash,
                method_changed=changed,
                nodes=[_with_href(node, _href(row.id)) for node in scores.nodes()],
                since=items[-1].period if items else None,
                comparison=None
                if changed or before is None
                else _comparison(row.definition, before, scores),
            )
        )
        before = scores
    return Trend(method=method, current_hash=current, items=items)


def _comparison(definition: object, before: Scores, after: Scores) -> YearComparison | None:
    if definition is None:  # an assessment from before methods were stored
        return None
    method = METHOD.validate_python(definition)
    return compare_years(method, before, after) if isinstance(method, TreeMethod) else None


def _with_href(node: Node, address: str) -> Node:
    fields = node.model_dump(include=set(Node.model_fields))
    return Node.model_validate(fields | {"href": f"{address}/scores/{node.code}"})


def _href(assessment_id: UUID) -> str:
    return f"{API}/assessments/{assessment_id}"
