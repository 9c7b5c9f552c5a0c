"""Regencies that can be compared in a year by a method, and the draws of their scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from services.assessment.bundles.verify import read_bundle
from services.assessment.comparison.scores import score_facts
from services.assessment.methods.definition import TreeMethod
from services.assessment.numerical_libraries import np
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.measurement import Bounds
from services.assessment.scoring.uncertainty import Draws
from services.platform.database import ReadSession

NEWEST_STORED = """
-- The newest assessment of a year by a method, of each regency that shares this database.
SELECT DISTINCT ON (region) region, id, recorded_at, method_hash, evidence
FROM assessment.assessment
WHERE method = :method AND period = :period
ORDER BY region, id DESC
"""

NEWEST_IMPORTED = """
-- The newest bundle of a year by a method, of each other regency, signed by a key that is listed.
SELECT DISTINCT ON (assessed_region) assessed_region AS region, id, recorded_at, method_hash,
       fingerprint, archive
FROM assessment.bundle b
JOIN assessment.publisher p ON p.region = b.region AND p.published_region = b.assessed_region
    AND b.fingerprint = ANY(p.fingerprints)
WHERE b.region = :region AND method = :method AND period = :period
ORDER BY assessed_region, recorded_at DESC, id DESC
"""

Origin = Literal["own", "database", "bundle"]
"""An assessment of this hub, of another one on the same database, or an imported bundle."""


@dataclass(frozen=True)
class ComparedRegency:
    """A regency with its newest known assessment."""

    region: str
    id: UUID
    origin: Origin
    recorded_at: datetime
    method_hash: str
    fingerprint: str | None
    content: Any
    """Items of evidence, or the archive of a bundle."""

    def facts(self, period: int) -> Facts:
        if self.origin == "bundle":
            return read_bundle(self.content).facts
        return Facts.of(period, [Item.model_validate(item) for item in self.content])


@dataclass(frozen=True)
class ScoredRegency:
    """A regency's recomputed score: bounds, estimate, interval and draws."""

    regency: ComparedRegency
    bounds: Bounds | None
    """What is proven and what is possible; None by a method that takes registers as complete."""
    coverage: float
    value: float | None
    """The estimate; None if too little is known."""
    interval: Bounds | None
    draws: Draws | None

    @property
    def compared(self) -> float | None:
        """The score by which it is ranked: what is proven; the estimate by a method without."""
        return self.value if self.bounds is None else self.bounds[0]


async def compared_regencies(
    session: ReadSession, region: str, *, method: TreeMethod, period: int
) -> list[ComparedRegency]:
    """Return the newest assessment of each regency that this hub has."""
    asked = {"region": region, "method": method.id, "period": period}
    found: dict[str, ComparedRegency] = {}
    for row in await session.execute(text(NEWEST_STORED), asked):
        found[row.region] = ComparedRegency(
            region=row.region,
            id=row.id,
            origin="own" if row.region == region else "database",
            recorded_at=row.recorded_at,
            method_hash=row.method_hash,
            fingerprint=None,
            content=row.evidence,
        )
    for row in await session.execute(text(NEWEST_IMPORTED), asked):
        known = found.get(row.region)
        if known is None or known.recorded_at < row.recorded_at:
            found[row.region] = ComparedRegency(
                region=row.region,
                id=row.id,
                origin="bundle",
                recorded_at=row.recorded_at,
                method_hash=row.method_hash,
                fingerprint=row.fingerprint,
                content=row.archive,
            )
    return [found[key] for key in sorted(found)]


def score_regency(
    method: TreeMethod,
    regency: ComparedRegency,
    *,
    period: int,
    node: str,
    seed: int,
    draws: int,
) -> ScoredRegency:
    """Recompute a regency's score from the evidence that its assessment read."""
    found = score_facts(
        method, regency.facts(period), region=regency.region, node=node, seed=seed, draws=draws
    )
    return ScoredRegency(
        regency, found.bounds, found.coverage, found.value, found.interval, found.draws
    )


def draws_table(scored: Sequence[ScoredRegency]) -> Draws:
    """Return the draws of the regencies that have a score, a row for each."""
    return np.array([one.draws for one in scored if one.draws is not None], dtype=np.float64)
