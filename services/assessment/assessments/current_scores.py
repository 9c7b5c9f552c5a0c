"""Scores by the current evidence, computed once for each state of what they rest on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import Request

from services.assessment.assessments.operations import evidence_items
from services.assessment.evidence.cache import EvidenceCache
from services.assessment.methods.definition import AnyMethod, TreeMethod
from services.assessment.scoring.assess import assess
from services.assessment.scoring.computed_once import once_per_object
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.measurement import Measurement
from services.assessment.scoring.pipeline import measure_all
from services.assessment.scoring.scores import Scores
from services.assessment.scoring.tree import trees_of, would_have_value
from services.assessment.service_reports import (
    FetchedReports,
    ReportClient,
    reads_reports,
    required_reports,
)
from services.platform.computing_slots import computing_slot
from services.platform.database import ReadSession
from services.platform.service import get_region


@dataclass(frozen=True)
class CurrentYear:
    """The scores of a year by the current evidence, and the hash of all that was read."""

    scores: Scores
    evidence_hash: str


@once_per_object
def hash_of(method: AnyMethod) -> str:
    """Return the hash of a method, computed once."""
    return method.hash()


class CurrentScores:
    """Computes years by the current evidence, and keeps the last results while it is the same."""

    def __init__(self) -> None:
        self._years = EvidenceCache[CurrentYear]()
        self._candidates = EvidenceCache[Sequence[int]]()

    async def of_year(
        self,
        session: ReadSession,
        method: TreeMethod,
        reports: FetchedReports,
        *,
        region: str,
        period: int,
        seed: int,
        draws: int,
    ) -> CurrentYear:
        """Return the scores of a year by the current evidence and these reports of it."""

        def score(items: Sequence[Item]) -> CurrentYear:
            facts = Facts.of(period, [*items, *reports.items], reports.missing)
            return CurrentYear(assess(method, facts, seed=seed, draws=draws), facts.hash())

        async def compute() -> CurrentYear:
            async with computing_slot():
                return await asyncio.to_thread(score, await evidence_items(session, region))

        basis = (hash_of(method), period, seed, draws, reports.digest)
        return await self._years.get(session, region, basis, compute)

    async def years_with_evidence(
        self, session: ReadSession, method: TreeMethod, years: Sequence[int], *, region: str
    ) -> Sequence[int]:
        """Return those of the years whose index can have a value, whatever other services report.

        When a year with an index is looked for, only their reports are worth asking for.
        """

        def select(items: Sequence[Item]) -> Sequence[int]:
            return [year for year in years if _can_have_index(method, Facts.of(year, items))]

        async def compute() -> Sequence[int]:
            async with computing_slot():
                return await asyncio.to_thread(select, await evidence_items(session, region))

        return await self._candidates.get(session, region, (hash_of(method), tuple(years)), compute)


def _can_have_index(method: TreeMethod, facts: Facts) -> bool:
    """Return whether the index has a value if every report of another service has figures."""
    results = measure_all(method, facts)
    known = {
        indicator.code
        for indicator in method.indicators()
        if isinstance(results[indicator.code], Measurement) or reads_reports(indicator.measure)
    }
    index, *_ = trees_of(method)
    return would_have_value(index, known)


async def score_now(
    request: Request,
    session: ReadSession,
    method: TreeMethod,
    *,
    period: int,
    seed: int,
    draws: int,
    now: datetime,
    zone: ZoneInfo,
) -> tuple[CurrentYear, FetchedReports]:
    """Return the scores of a year by the current evidence, and the reports that were read."""
    client: ReportClient = request.app.state.report_client
    known: CurrentScores = request.app.state.current_scores
    reports = await client.fetch(
        required_reports(method, period, now=now, zone=zone),
        authorization=request.headers["authorization"],
    )
    found = await known.of_year(
        session,
        method,
        reports,
        region=get_region(request),
        period=period,
        seed=seed,
        draws=draws,
    )
    return found, reports
