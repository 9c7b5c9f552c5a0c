"""Diagnostics of an assessment: sensitivity analysis and internal consistency."""

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import FastAPI, Query, Request
from sqlalchemy import text

from services.assessment.assessments.operations import StoredAssessment, load_assessment
from services.assessment.assessments.schemas import DEFAULT_METHOD, AssessmentId, Levers
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.numerical_libraries import np
from services.assessment.scoring.consistency import Consistency, consistency
from services.assessment.scoring.levers import levers_of
from services.assessment.scoring.results import Sensitivity
from services.assessment.scoring.scores import Scores
from services.assessment.scoring.sensitivity import analyse_sensitivity
from services.platform.database import ReadSessionDep
from services.platform.problems import problem_responses
from services.platform.recent_results import RecentResults
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.stored import parse_stored
from services.platform.types import Slug

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

MAX_ANALYSES = 128
"""Assessments whose analysis is kept, of each kind of analysis."""

ResultT = TypeVar("ResultT")

NEWEST_BY_PERIOD = """
-- The newest assessment of each year by a method.
SELECT DISTINCT ON (period) period, scores
FROM assessment.assessment
WHERE region = :region AND method = :method
ORDER BY period, id DESC
"""


@router.get(
    "/assessments/{id}/sensitivity",
    operation_id="get_assessment_sensitivity",
    responses=problem_responses(404, 409),
)
async def get_assessment_sensitivity(
    request: Request, session: ReadSessionDep, id: AssessmentId
) -> Sensitivity:
    """Analyse how the index responds to contestable modelling choices.

    Everything is varied at once: the evidence within its uncertainty, the mean of the dimensions,
    the weights, one indicator left out, the goalposts. Sobol indices give each one's share.
    """
    known: RecentResults[UUID, Sensitivity] = request.app.state.known_sensitivities
    if (found := known.find(id)) is not None:
        return found
    return await sensitivity_of(
        request.app, await load_assessment(session, get_region(request), id)
    )


async def sensitivity_of(app: FastAPI, stored: StoredAssessment) -> Sensitivity:
    """Return the sensitivity analysis of an assessment, cached because it never changes."""
    return await _computed_once(
        app.state.known_sensitivities,
        stored,
        lambda: analyse_sensitivity(stored.method, stored.facts, seed=stored.seed),
    )


async def _computed_once(
    known: RecentResults[UUID, ResultT], stored: StoredAssessment, compute: Callable[[], ResultT]
) -> ResultT:
    """Return what follows from an assessment, cached because an assessment never changes."""
    # It takes long: off the event loop.
    return await known.get(stored.id, lambda: asyncio.to_thread(compute))


@router.get(
    "/assessments/{id}/levers",
    operation_id="get_assessment_levers",
    responses=problem_responses(404, 409),
)
async def get_assessment_levers(
    request: Request, session: ReadSessionDep, id: AssessmentId
) -> Levers:
    """Return what can be done to raise the index: each action as a change of the evidence.

    The gain is that in what is proven and in the estimate, at the worst and at the best outcome.
    Actions that would change nothing are left out. Without any action, `reason` says why.
    """
    known: RecentResults[UUID, Levers] = request.app.state.known_levers
    if (found := known.find(id)) is not None:
        return found
    stored = await load_assessment(session, get_region(request), id)
    return await _computed_once(known, stored, lambda: _levers(stored))


def _levers(stored: StoredAssessment) -> Levers:
    method = stored.method
    if not isinstance(method, CollaborationMethod) or not method.actions:
        return Levers(items=[], reason=f"the method {method.id} names no actions")
    items = levers_of(method, stored.facts)
    return Levers(items=items, reason=None if items else "no action would change a score")


@router.get("/metrics/consistency", operation_id="get_consistency")
async def get_consistency(
    request: Request,
    session: ReadSessionDep,
    method: Annotated[Slug, Query(description="Method, see `methods`.")] = DEFAULT_METHOD,
) -> Consistency:
    """Return correlations and Cronbach's alpha of the elements over the years.

    It reads the newest stored assessment of each year.
    """
    parameters = {"region": get_region(request), "method": method}
    rows = await session.execute(text(NEWEST_BY_PERIOD), parameters)
    years = [
        {
            element.code: element.value
            for dimension in parse_stored(Scores, row.scores).dimensions
            for element in dimension.elements
        }
        for row in rows
    ]
    nodes = sorted({code for year in years for code in year})
    table = [[year.get(code) for code in nodes] for year in years]
    values = np.array(table, dtype=np.float64).reshape(len(years), len(nodes))
    return consistency(nodes, values)
