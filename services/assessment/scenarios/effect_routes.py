"""`GET /api/v1/metrics/scenario`: what would change, for anybody; nothing is stored."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request
from pydantic import StringConstraints

from services.assessment.assessments.current_scores import score_now
from services.assessment.assessments.operations import tree_method
from services.assessment.assessments.routes import method_reference
from services.assessment.assessments.schemas import DEFAULT_METHOD
from services.assessment.scenarios.collaboration_scenario import effect_of_scores
from services.assessment.scenarios.effect_schemas import MAX_SCENARIO_CHANGES, ScoreEffect
from services.assessment.scenarios.errors import ScenarioError
from services.assessment.scoring.scores import IndicatorScore, Scores
from services.assessment.years import read_zone
from services.platform.database import ReadSessionDep
from services.platform.problems import FieldError, Invalid, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Slug, Year

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

DRAWS = 1000
"""As the dashboard asks for, so that both share what is kept; a value depends on no draw."""

ScoreText = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9_]{1,40}\.[a-z0-9_]{1,40}:(?:100(?:\.0{1,4})?|\d{1,2}(?:\.\d{1,4})?)$"
    ),
]


@router.get(
    "/metrics/scenario",
    operation_id="get_scenario_effect",
    responses=problem_responses(404, 409, 503),
)
async def get_scenario_effect(
    request: Request,
    session: ReadSessionDep,
    *,
    period: Annotated[Year, Query(description="The year.", examples=[2024])],
    score: Annotated[
        list[ScoreText],
        Query(
            description="An indicator and the score from 0 to 100 that it shall have, such as "
            "`trust.reporting:80`; repeated for each.",
            max_length=MAX_SCENARIO_CHANGES,
            examples=[["trust.reporting:80"]],
        ),
    ] = [],  # noqa: B006 - FastAPI copies it
    method: Annotated[Slug, Query(description="Method, see `methods`.")] = DEFAULT_METHOD,
) -> ScoreEffect:
    """Return the index of a year if indicators had other scores, by the current evidence.

    Every other indicator stays as it is, and one that is not known stays so. It is an assumption
    and no forecast. `POST scenarios` computes one from raw values or for a target, and stores it.
    """
    region, now = get_region(request), datetime.now(UTC)
    zone = await read_zone(session, region)
    chosen = await tree_method(
        session, region, method, period=period, now=now, zone=zone, parameter=True
    )
    changed = {code: float(text) for code, _, text in (one.partition(":") for one in score)}
    found, reports = await score_now(
        request, session, chosen, period=period, seed=1, draws=DRAWS, now=now, zone=zone
    )
    known = _indicator_scores(found.scores)
    try:
        result = effect_of_scores(chosen, known, changed)
    except ScenarioError as error:
        raise Invalid(
            str(error),
            errors=[
                FieldError(pointer=None, parameter="score", detail=detail)
                for detail in error.faults.values()
            ],
        ) from None
    return ScoreEffect(
        region=region,
        period=period,
        method=method_reference(chosen),
        evidence_hash=found.evidence_hash,
        notices=list(reports.notices),
        assumed=sorted(changed.keys() - known.keys()),
        base=found.scores.index.value,
        result=result,
    )


def _indicator_scores(scores: Scores) -> dict[str, float]:
    return {
        node.code: node.value
        for node in scores.nodes()
        if isinstance(node, IndicatorScore) and node.value is not None
    }
