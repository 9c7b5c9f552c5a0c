"""Which regencies can be compared in a year by a method, and what each one's score could be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import numpy as np
from sqlalchemy import text

from services.assessment.bundles.verify import opened_bundle
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.scoring.batch import Case
from services.assessment.scoring.inputs import Facts, Item
from services.assessment.scoring.pipeline import compute
from services.assessment.scoring.uncertainty import Draws, Streams
from services.platform.database import ReadSession

STORED = """
-- The newest assessment of a year by a method, of each regency that shares this database.
SELECT DISTINCT ON (region) region, id, recorded_at, method_hash, evidence
FROM assessment.assessment
WHERE method = :method AND period = :period
ORDER BY region, id DESC
"""

IMPORTED = """
-- The newest bundle of a year by a method, of each other regency.
SELECT DISTINCT ON (of_region) of_region AS region, id, recorded_at, method_hash, fingerprint,
       archive
FROM assessment.bundle
WHERE region = :region AND method = :method AND period = :period
ORDER BY of_region, recorded_at DESC, id DESC
"""

From = Literal["own", "database", "bundle"]
"""An assessment of this hub, of another one on the same database, or a bundle that was brought."""


@dataclass(frozen=True)
class Contender:
    """A regency with the assessment that stands for it."""

    region: str
    id: UUID
    came_from: From
    recorded_at: datetime
    method_hash: str
    fingerprint: str | None
    content: Any
    """Items of evidence, or the archive that holds them."""

    def facts(self, period: int) -> Facts:
        if self.came_from == "bundle":
            return opened_bundle(self.content).facts
        return Facts(period=period, items=[Item.model_validate(item) for item in self.content])


@dataclass(frozen=True)
class Scored:
    """What a regency's score is and could be; None where it has none."""

    contender: Contender
    value: float | None
    interval: tuple[float, float] | None
    draws: Draws | None


async def contenders(
    session: ReadSession, region: str, *, method: CollaborationMethod, period: int
) -> list[Contender]:
    """One assessment of each regency, the newest that this hub knows."""
    asked = {"region": region, "method": method.id, "period": period}
    found: dict[str, Contender] = {}
    for row in await session.execute(text(STORED), asked):
        found[row.region] = Contender(
            region=row.region,
            id=row.id,
            came_from="own" if row.region == region else "database",
            recorded_at=row.recorded_at,
            method_hash=row.method_hash,
            fingerprint=None,
            content=row.evidence,
        )
    for row in await session.execute(text(IMPORTED), asked):
        known = found.get(row.region)
        if known is None or known.recorded_at < row.recorded_at:
            found[row.region] = Contender(
                region=row.region,
                id=row.id,
                came_from="bundle",
                recorded_at=row.recorded_at,
                method_hash=row.method_hash,
                fingerprint=row.fingerprint,
                content=row.archive,
            )
    return [found[key] for key in sorted(found)]


def score(
    method: CollaborationMethod,
    contender: Contender,
    *,
    period: int,
    node: str,
    seed: int,
    draws: int,
) -> Scored:
    """A regency's score anew, from the evidence that its assessment read.

    Evidence of two regencies errs independently; weights that nobody knows are the same for all.
    """
    scope = Case(contender.region, period).scope
    streams, common = Streams(seed, draws, scope), Streams(seed, draws)
    computed = compute(method, contender.facts(period), streams, weighing=common)
    value = computed.values.get(node)
    if value is None:
        return Scored(contender, None, None, None)
    drawn = np.broadcast_to(np.asarray(computed.draws[node], dtype=np.float64), (draws,))
    return Scored(contender, value, computed.interval(node), drawn)


def table_of(scored: Sequence[Scored]) -> Draws:
    """The draws of those that have a score, a row for each."""
    return np.array([one.draws for one in scored if one.draws is not None], dtype=np.float64)
