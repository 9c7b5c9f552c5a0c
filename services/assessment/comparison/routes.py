"""Comparison of regencies over HTTP: `/api/v1/metrics/ranking`."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import AwareDatetime, Field, StringConstraints

from services.assessment.assessments.operations import tree_method
from services.assessment.assessments.routes import method_reference
from services.assessment.assessments.schemas import (
    DEFAULT_DRAWS,
    DEFAULT_METHOD,
    DrawCount,
    MethodReference,
    Seed,
)
from services.assessment.comparison.ranks import (
    outranking_probabilities,
    rank_interval,
    rank_probabilities,
)
from services.assessment.comparison.regencies import (
    ComparedRegency,
    Origin,
    ScoredRegency,
    compared_regencies,
    draws_table,
    score_regency,
)
from services.assessment.methods.definition import TreeMethod
from services.assessment.scoring.assess import round_score
from services.assessment.scoring.batch import node_codes
from services.assessment.years import read_zone
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.problems import FieldError, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Href, Sha256, Slug, Year

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

DECIMALS = 6

NodeCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)?$", max_length=80)]


class Outranking(ApiModel):
    """Probability that a regency ranks above another."""

    region: str = Field(description="Code of the other regency.")
    probability: float


class EstimatedRank(ApiModel):
    """The probability of each rank by the estimates, each within its uncertainty."""

    median_rank: int = Field(description="Rank that is exceeded as often as not.")
    rank_low: int = Field(description="Lower end of the 95% interval of its rank.")
    rank_high: int = Field(description="Last rank within the uncertainty.")
    rank_probabilities: list[float] = Field(
        description="Probabilities of rank 1, 2, ...; they sum to 1."
    )
    outranks: list[Outranking] = Field(description="Probability to rank above each other regency.")


class RankedRegency(ApiModel):
    """A regency with its rank by what is proven, and the estimate beside it."""

    region: str
    rank: int = Field(
        description="By `proven`; equal ones share the better rank. By `value` if the method takes "
        "registers as complete, so that nothing is proven."
    )
    proven: float | None
    possible: float | None
    coverage: float = Field(ge=0, le=1, description="Share of its indicators that have evidence.")
    value: float | None = Field(description="The estimate; null if too little is known.")
    low: float | None = Field(description="Lower end of the 95% interval of the estimate.")
    high: float | None = Field(
        description="Highest score within the uncertainty; null if not known."
    )
    estimated: EstimatedRank | None = Field(
        description="Its rank among the regencies with an estimate, by the estimates; null without "
        "one."
    )
    origin: Origin = Field(
        description="An assessment of this hub (`own`), of another hub on the same `database`, or "
        "an imported `bundle`."
    )
    assessment: UUID
    recorded_at: AwareDatetime
    fingerprint: Sha256 | None = Field(description="Fingerprint of the key that signed the bundle.")
    href: Href | None = Field(description="Its address at this hub.")


class ExcludedRegency(ApiModel):
    """A regency that cannot be ranked with the others, and the reason."""

    region: str
    reason: str = Field(description="Why it cannot be ranked, in words.")
    assessment: UUID


class Ranking(ApiModel):
    """Regencies in the order of their rank."""

    period: int = Field(description="Calendar year that is compared.")
    method: MethodReference = Field(description="Method by which it was made.")
    node: str
    seed: int
    draws: int
    items: list[RankedRegency] = Field(description="Regencies, the first rank first.")
    excluded: list[ExcludedRegency]


@router.get("/metrics/ranking", operation_id="get_ranking", responses=problem_responses(404, 409))
async def get_ranking(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: ReadSessionDep,
    period: Annotated[Year, Query(description="The year.", examples=[2024])],
    method: Annotated[Slug, Query(description="Method, see `methods`.")] = DEFAULT_METHOD,
    node: Annotated[
        NodeCode | None, Query(description="Code of a node; default: the index.")
    ] = None,
    seed: Annotated[Seed, Query()] = 1,
    draws: Annotated[DrawCount, Query()] = DEFAULT_DRAWS,
) -> Ranking:
    """Rank the regencies of a year by what is proven of them, by one method.

    Ranking by the estimate would reward whoever withholds unfavourable evidence; the probabilities
    of the ranks by the estimates stand beside it.

    Each regency takes part with its newest stored assessment or imported bundle (`bundles`). Only
    assessments by this hub's version of the method are ranked; the others are listed in `excluded`.
    """
    region, now = get_region(request), datetime.now(UTC)
    zone = await read_zone(session, region)
    chosen = await tree_method(
        session, region, method, period=period, now=now, zone=zone, parameter=True
    )
    chosen_node = node or chosen.index.code
    _check_node(chosen, chosen_node)
    found = await compared_regencies(session, region, method=chosen, period=period)
    fitting = [one for one in found if one.method_hash == chosen.hash()]

    def compute() -> list[ScoredRegency]:
        return [
            score_regency(chosen, one, period=period, node=chosen_node, seed=seed, draws=draws)
            for one in fitting
        ]

    scored = await asyncio.to_thread(compute)
    return Ranking(
        period=period,
        method=method_reference(chosen),
        node=chosen_node,
        seed=seed,
        draws=draws,
        items=await asyncio.to_thread(_ranked, [one for one in scored if one.compared is not None]),
        excluded=[
            *(_excluded(one, _other_method(one)) for one in found if one not in fitting),
            *(
                _excluded(one.regency, f"it has no value of {chosen_node}: too little evidence")
                for one in scored
                if one.compared is None
            ),
        ],
    )


def _check_node(method: TreeMethod, node: str) -> None:
    if node not in node_codes(method):
        detail = f"{method.id} has no node {node!r}; {API}/methods/{method.id} has its tree"
        error = FieldError(pointer=None, parameter="node", detail=detail)
        raise NotFound(f"{detail}.", errors=[error])


def _ranked(scored: Sequence[ScoredRegency]) -> list[RankedRegency]:
    estimated = _estimated_ranks([one for one in scored if one.draws is not None])
    compared = [round_score(one.compared or 0) for one in scored]
    items: list[RankedRegency] = []
    for one, score in zip(scored, compared, strict=True):
        proven, possible = one.bounds or (None, None)
        low, high = one.interval or (None, None)
        items.append(
            RankedRegency(
                region=one.regency.region,
                rank=1 + sum(other > score for other in compared),
                proven=_rounded(proven),
                possible=_rounded(possible),
                coverage=round(one.coverage, DECIMALS),
                value=_rounded(one.value),
                low=_rounded(low),
                high=_rounded(high),
                estimated=estimated.get(one.regency.region),
                origin=one.regency.origin,
                assessment=one.regency.id,
                recorded_at=one.regency.recorded_at,
                fingerprint=one.regency.fingerprint,
                href=_href(one.regency),
            )
        )
    return sorted(items, key=lambda item: (item.rank, item.region))


def _estimated_ranks(scored: Sequence[ScoredRegency]) -> dict[str, EstimatedRank]:
    """Return the ranks of these regencies by their estimates."""
    if not scored:
        return {}
    table = draws_table(scored)
    chances, before = rank_probabilities(table), outranking_probabilities(table)
    regions = [one.regency.region for one in scored]
    found: dict[str, EstimatedRank] = {}
    for at, region in enumerate(regions):
        span = rank_interval(chances[at])
        found[region] = EstimatedRank(
            median_rank=span.median,
            rank_low=span.low,
            rank_high=span.high,
            rank_probabilities=[round(chance, DECIMALS) for chance in chances[at].tolist()],
            outranks=[
                Outranking(region=other, probability=round(float(before[at, place]), DECIMALS))
                for place, other in enumerate(regions)
                if place != at
            ],
        )
    return found


def _rounded(score: float | None) -> float | None:
    return None if score is None else round_score(score)


def _href(regency: ComparedRegency) -> str | None:
    match regency.origin:
        case "own":
            return f"{API}/assessments/{regency.id}"
        case "bundle":
            return f"{API}/bundles/{regency.id}"
        case "database":
            return None


def _excluded(regency: ComparedRegency, reason: str) -> ExcludedRegency:
    return ExcludedRegency(region=regency.region, reason=reason, assessment=regency.id)


def _other_method(regency: ComparedRegency) -> str:
    return f"it follows another version of the method (hash {regency.method_hash[:12]}...)"
