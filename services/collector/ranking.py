"""Ranking and best practice of the collected assessments of a year. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from services.assessment.comparison.ranks import (
    outranking_probabilities,
    rank_interval,
    rank_probabilities,
)
from services.assessment.methods.definition import TreeMethod
from services.assessment.numerical_libraries import np
from services.assessment.scoring.assess import round_score
from services.assessment.scoring.uncertainty import Draws
from services.collector.checking import DRAWS, LITTLE_ENDIAN_FLOAT64, SEED, CheckedNode
from services.collector.schemas import (
    BestPractice,
    ElementPractice,
    ExcludedHub,
    Exclusion,
    Hub,
    HubAssessment,
    NationalRanking,
    RankedHub,
    RankProbabilities,
)

DECIMALS = 6
MOST_BEST = 5
TOP_SHARE = 10
"""The first tenth."""


@dataclass(frozen=True)
class Candidate:
    """A regency with its newest verified assessment of the compared year."""

    hub: Hub
    assessment: HubAssessment
    method_hash: str
    low: float | None
    high: float | None
    draws: bytes | None
    nodes: Sequence[CheckedNode]

    @property
    def compared(self) -> float | None:
        """The score by which it is ranked: what is proven; the estimate by a method without."""
        one = self.assessment
        return one.value if one.proven is None else one.proven


@dataclass(frozen=True)
class RankedYear:
    """The ranking of a year, and the draws of those with an estimate."""

    ranking: NationalRanking
    elements: Sequence[ElementPractice]
    """Best practice of the regencies that are ranked."""
    regions: Sequence[str]
    """The regencies of the rows of `draws`."""
    draws: Draws

    def probabilities(self, region: str) -> RankProbabilities | None:
        """Return the probabilities of a regency's ranks; None if it has no estimate."""
        if region not in self.regions:
            return None
        at = self.regions.index(region)
        names = {one.region: one.name for one in self.ranking.items}
        before = outranking_probabilities(self.draws)[at]
        return RankProbabilities(
            region=region,
            name=names[region],
            period=self.ranking.period,
            rank_probabilities=[
                round(chance, DECIMALS) for chance in rank_probabilities(self.draws)[at].tolist()
            ],
            outranks={
                other: round(float(before[place]), DECIMALS)
                for place, other in enumerate(self.regions)
                if place != at
            },
        )


def rank_year(method: TreeMethod, period: int, candidates: Sequence[Candidate]) -> RankedYear:
    """Rank the regencies of a year by what is proven of them.

    Hubs with an open finding, assessments by another version of the method and regencies without a
    score are left out, with the reason.
    """
    method_hash = method.hash()
    fitting: list[Candidate] = []
    excluded: list[ExcludedHub] = []
    for one in candidates:
        if one.hub.standing == "untrusted":
            excluded.append(_excluded(one, "untrusted"))
        elif one.method_hash != method_hash:
            excluded.append(_excluded(one, "other_method"))
        elif one.compared is None:
            excluded.append(_excluded(one, "too_little_evidence"))
        else:
            fitting.append(one)
    drawn = [(one.hub.region, one.draws) for one in fitting if one.draws is not None]
    table = np.array(
        [np.frombuffer(draws, dtype=LITTLE_ENDIAN_FLOAT64) for _, draws in drawn],
        dtype=np.float64,
    )
    estimated = _estimated([region for region, _ in drawn], table)
    scores = np.sort(np.array([round_score(one.compared or 0) for one in fitting]))
    items = [_ranked(one, scores, estimated) for one in fitting]
    return RankedYear(
        ranking=NationalRanking(
            period=period,
            method=method.id,
            method_version=method.version,
            method_hash=method_hash,
            seed=SEED,
            draws=DRAWS,
            items=sorted(items, key=lambda item: (item.rank, item.region)),
            excluded=excluded,
        ),
        elements=best_practice(fitting),
        regions=[region for region, _ in drawn],
        draws=table,
    )


@dataclass(frozen=True)
class _EstimatedRank:
    median: int
    low: int
    high: int
    top: float


def _estimated(regions: Sequence[str], table: Draws) -> dict[str, _EstimatedRank]:
    if not regions:
        return {}
    chances = rank_probabilities(table)
    top = max(1, len(regions) // TOP_SHARE)
    found: dict[str, _EstimatedRank] = {}
    for at, region in enumerate(regions):
        span = rank_interval(chances[at])
        share = min(1.0, float(chances[at, :top].sum()))
        found[region] = _EstimatedRank(span.median, span.low, span.high, round(share, DECIMALS))
    return found


def _ranked(one: Candidate, scores: Draws, estimated: Mapping[str, _EstimatedRank]) -> RankedHub:
    own, assessment = round_score(one.compared or 0), one.assessment
    rank = estimated.get(one.hub.region)
    return RankedHub(
        region=one.hub.region,
        name=one.hub.name,
        rank=1 + len(scores) - int(np.searchsorted(scores, own, side="right")),
        proven=assessment.proven,
        possible=assessment.possible,
        coverage=assessment.coverage,
        value=assessment.value,
        low=one.low,
        high=one.high,
        median_rank=None if rank is None else rank.median,
        rank_low=None if rank is None else rank.low,
        rank_high=None if rank is None else rank.high,
        top_probability=None if rank is None else rank.top,
        silent_since=one.hub.silent_since,
        recorded_at=assessment.recorded_at,
        assessment=assessment.id,
        href=one.hub.href,
    )


def _excluded(one: Candidate, reason: Exclusion) -> ExcludedHub:
    return ExcludedHub(region=one.hub.region, name=one.hub.name, reason=reason)


def best_practice(candidates: Sequence[Candidate]) -> list[ElementPractice]:
    """Return each element and driver with the regencies of which most is proven in it."""
    known: dict[str, list[tuple[float, Candidate, CheckedNode]]] = {}
    for one in candidates:
        for node in one.nodes:
            if node.level in {"element", "driver"}:
                known.setdefault(node.code, []).append((node.proven or 0.0, one, node))
    practices: list[ElementPractice] = []
    for code, found in known.items():
        best = sorted(found, key=lambda each: (-each[0], each[1].hub.region))
        first = found[0][2]
        practices.append(
            ElementPractice(
                code=code,
                name=first.name,
                name_en=first.name_en,
                level="driver" if first.level == "driver" else "element",
                regencies=sum(proven > 0 for proven, _, _ in found),
                median=round_score(median(proven for proven, _, _ in found)),
                best=[
                    BestPractice(
                        region=one.hub.region,
                        name=one.hub.name,
                        proven=proven,
                        possible=node.possible,
                        href=one.hub.href,
                    )
                    for proven, one, node in best[:MOST_BEST]
                    if proven > 0
                ],
            )
        )
    return practices
