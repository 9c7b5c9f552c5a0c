"""The comparison of regencies over HTTP: `/api/v1/metrics/ranking`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field, StringConstraints

from services.assessment.assessments.operations import collaboration_method
from services.assessment.assessments.routes import method_used
from services.assessment.assessments.schemas import (
    DEFAULT_DRAWS,
    DEFAULT_METHOD,
    DrawCount,
    MethodUsed,
    Seed,
)
from services.assessment.comparison.ranks import (
    ahead_probabilities,
    rank_probabilities,
    rank_span,
)
from services.assessment.comparison.regencies import (
    Contender,
    From,
    Scored,
    contenders,
    score,
    table_of,
)
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.scoring.assess import rounded
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep
from services.platform.problems import FieldError, NotFound, problem_responses
from services.platform.service import API, get_region
from services.platform.types import Href, Sha256, Slug, Year

router = APIRouter(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

DECIMALS = 6

AnyNode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)?$", max_length=80)]


class Ahead(ApiModel):
    """How probably a regency stands before another one."""

    than: str
    probability: float


class Ranked(ApiModel):
    """A regency with the probability of each rank."""

    region: str
    value: float
    low: float = Field(description="Lower end of the 95% interval of the score.")
    high: float
    median_rank: int
    rank_low: int = Field(description="With 95% it stands between this rank and `rank_high`.")
    rank_high: int
    rank_probabilities: list[float] = Field(description="Of rank 1, 2, ...; they sum to 1.")
    ahead: list[Ahead]
    came_from: From = Field(
        description="An assessment of this hub (`own`), of another hub on the same `database`, or "
        "a `bundle` that was brought here."
    )
    assessment: UUID
    recorded_at: AwareDatetime
    fingerprint: Sha256 | None = Field(description="Of the key that signed the bundle.")
    href: Href | None = Field(description="Where this hub shows it.")


class LeftOut(ApiModel):
    """A regency that cannot be ranked with the others, and why."""

    region: str
    reason: str
    assessment: UUID


class Ranking(ApiModel):
    """Regencies in the order of their median rank."""

    period: int
    method: MethodUsed
    node: str
    seed: int
    draws: int
    items: list[Ranked]
    left_out: list[LeftOut]


@router.get("/metrics/ranking", operation_id="get_ranking", responses=problem_responses(404, 409))
async def get_ranking(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: ReadSessionDep,
    period: Annotated[Year, Query(description="The year.", examples=[2024])],
    method: Annotated[Slug, Query(description="Method, see `methods`.")] = DEFAULT_METHOD,
    node: Annotated[
        AnyNode | None, Query(description="Code of a node; default: the index.")
    ] = None,
    seed: Annotated[Seed, Query()] = 1,
    draws: Annotated[DrawCount, Query()] = DEFAULT_DRAWS,
) -> Ranking:
    """Regencies in a year by one method: how probable each rank of each is.

    Each regency stands with its newest stored assessment, or a bundle of it (`bundles`). Only
    what follows this hub's version of the method is ranked; the rest is named in `left_out`.
    """
    chosen = collaboration_method(method, period=period, parameter=True)
    wanted = node or chosen.index.code
    _check_node(chosen, wanted)
    found = await contenders(session, get_region(request), method=chosen, period=period)
    fitting = [one for one in found if one.method_hash == chosen.hash()]

    def compute() -> list[Scored]:
        return [
            score(chosen, one, period=period, node=wanted, seed=seed, draws=draws)
            for one in fitting
        ]

    scored = await asyncio.to_thread(compute)
    return Ranking(
        period=period,
        method=method_used(chosen),
        node=wanted,
        seed=seed,
        draws=draws,
        items=await asyncio.to_thread(_ranked, [one for one in scored if one.draws is not None]),
        left_out=[
            *(_left_out(one, _other_method(one)) for one in found if one not in fitting),
            *(
                _left_out(one.contender, f"it has no value of {wanted}: too little evidence")
                for one in scored
                if one.draws is None
            ),
        ],
    )


def _check_node(method: CollaborationMethod, node: str) -> None:
    parts = (method.index, *method.dimensions, *method.elements(), *method.indicators())
    if node not in {part.code for part in parts}:
        detail = f"{method.id} has no node {node!r}; {API}/methods/{method.id} has its tree"
        error = FieldError(pointer=None, parameter="node", detail=detail)
        raise NotFound(f"{detail}.", errors=[error])


def _ranked(scored: Sequence[Scored]) -> list[Ranked]:
    if not scored:
        return []
    table = table_of(scored)
    chances, before = rank_probabilities(table), ahead_probabilities(table)
    regions = [one.contender.region for one in scored]
    items: list[Ranked] = []
    for at, one in enumerate(scored):
        span = rank_span(chances[at])
        value = rounded(one.value or 0)
        low, high = one.interval or (value, value)
        items.append(
            Ranked(
                region=regions[at],
                value=value,
                low=rounded(low),
                high=rounded(high),
                median_rank=span.median,
                rank_low=span.low,
                rank_high=span.high,
                rank_probabilities=[round(chance, DECIMALS) for chance in chances[at].tolist()],
                ahead=[
                    Ahead(than=other, probability=round(float(before[at, place]), DECIMALS))
                    for place, other in enumerate(regions)
                    if place != at
                ],
                came_from=one.contender.came_from,
                assessment=one.contender.id,
                recorded_at=one.contender.recorded_at,
                fingerprint=one.contender.fingerprint,
                href=_address(one.contender),
            )
        )
    return sorted(items, key=lambda item: (item.median_rank, -item.value, item.region))


def _address(contender: Contender) -> str | None:
    match contender.came_from:
        case "own":
            return f"{API}/assessments/{contender.id}"
        case "bundle":
            return f"{API}/bundles/{contender.id}"
        case "database":
            return None


def _left_out(contender: Contender, reason: str) -> LeftOut:
    return LeftOut(region=contender.region, reason=reason, assessment=contender.id)


def _other_method(contender: Contender) -> str:
    return f"it follows another version of the method (hash {contender.method_hash[:12]}...)"
