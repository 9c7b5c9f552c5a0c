"""Queries for the data of an assessment's report."""

from typing import Any

from sqlalchemy import text

from services.assessment.assessments.operations import StoredAssessment
from services.assessment.evidence.store import SOURCES
from services.assessment.reports.report import Regency, TrendYear
from services.assessment.scoring.decomposition import compare_years
from services.assessment.scoring.scores import Scores
from services.assessment.years import is_provisional, read_zone
from services.platform.database import ReadSession
from services.platform.local_time import DEFAULT_ZONE
from services.platform.packs import Source
from services.platform.regency import find_regency
from services.platform.settings import Service

TREND = """
-- The newest assessment of each year by a method when this assessment was made (ids are ordered
-- by time).
SELECT DISTINCT ON (period) period, recorded_at, method_version, method_hash, scores
FROM assessment.assessment
WHERE region = :region AND method = :method AND id <= :id AND period <= :period
ORDER BY period, id DESC
"""


async def read_trend(
    session: ReadSession, region: str, stored: StoredAssessment
) -> list[TrendYear]:
    """Return the years up to the assessment's own, as known when it was made."""
    names = {
        "region": region,
        "method": stored.method.id,
        "id": stored.id,
        "period": stored.facts.period,
    }
    zone = await read_zone(session, region)
    years: list[TrendYear] = []
    before: tuple[str, Scores] | None = None
    for row in await session.execute(text(TREND), names):
        scores = Scores.model_validate(row.scores)
        changed = before is not None and before[0] != row.method_hash
        comparable = before is not None and row.method_hash == stored.method.hash() and not changed
        years.append(
            TrendYear(
                period=row.period,
                provisional=is_provisional(row.period, at=row.recorded_at, zone=zone),
                method_version=row.method_version,
                method_changed=changed,
                index=scores.index,
                dimensions=list(scores.dimensions),
                comparison=compare_years(stored.method, before[1], scores)
                if before is not None and comparable
                else None,
            )
        )
        before = row.method_hash, scores
    return years


async def read_sources(
    session: ReadSession, region: str, stored: StoredAssessment
) -> dict[str, Source]:
    """Return the sources that the evidence of an assessment cites, by id."""
    cited: set[Any] = set()
    for item in stored.facts.items:
        cited.update(item.content.get("sources") or ())
    names = {"region": region, "ids": sorted(str(one) for one in cited)}
    rows = await session.execute(text(SOURCES), names)
    return {row.id: Source.model_validate(row.content) for row in rows}


async def read_regency(session: ReadSession, region: str) -> Regency:
    """Return the regency as its pack names it, or by its code before a pack is loaded."""
    pack = await find_regency(session, Service.assessment, region)
    if pack is None:
        return Regency(region=region, name=f"Wilayah {region}", timezone=DEFAULT_ZONE.key)
    return Regency(region=region, name=pack.name, timezone=pack.timezone)
