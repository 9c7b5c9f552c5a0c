"""Scenarios over HTTP: `/api/v1/scenarios`."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request, Response
from pydantic import TypeAdapter
from sqlalchemy import text

from services.assessment.assessments.operations import assess_now, tree_method
from services.assessment.index_routes import index_method
from services.assessment.scenarios.collaboration_scenario import collaboration_outcome
from services.assessment.scenarios.errors import EvidenceConflictError, ScenarioError
from services.assessment.scenarios.level_scenario import levels_outcome, published_outcome
from services.assessment.scenarios.outcome import ScenarioOutcome
from services.assessment.scenarios.schemas import (
    CollaborationScenario,
    LevelsScenario,
    Scenario,
    ScenarioRequest,
)
from services.assessment.scoring.pipeline import compute_scores
from services.assessment.scoring.uncertainty import RandomStreams
from services.assessment.years import read_zone
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import ReadSession, ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import MetricsDrafter
from services.platform.ids import new_id
from services.platform.parameters import DelimiterQuery
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    Unavailable,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.spreadsheets.csv_export import (
    CSV_MEDIA_TYPE,
    Delimiter,
    write_csv,
)
from services.platform.stored import parse_stored

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

MIN_DRAWS = 100
"""A scenario uses values only, which do not depend on draws."""

INSERT_SCENARIO = """
-- Stores a computed scenario.
INSERT INTO assessment.scenario (region, id, recorded_at, recorded_by, request, outcome)
VALUES (:region, :id, :now, :recorded_by, CAST(:request AS jsonb), CAST(:outcome AS jsonb))
"""

FIND = """
-- One scenario.
SELECT id, region, recorded_at, recorded_by, request, outcome
FROM assessment.scenario WHERE region = :region AND id = :id
"""

COLUMNS = ("set", "without", "code", "name", "before", "after", "raw", "effort", "index")

REQUEST: TypeAdapter[LevelsScenario | CollaborationScenario] = TypeAdapter(ScenarioRequest)

ScenarioId = Annotated[UUID, Path(description="Id of a scenario.")]


@router.post(
    "/scenarios",
    operation_id="post_scenario",
    status_code=201,
    responses=problem_responses(403, 404, 409, 413, 503),
)
async def post_scenario(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: MetricsDrafter,
    scenario: ScenarioRequest,
    idempotency_key: IdempotencyKey = None,
) -> Scenario:
    """Compute the effect of changes, and the cheapest set of changes that reaches a target.

    Efforts are integers, 1 for each step by default. The least effort is exact, for levels and for
    every mean of a collaboration method; each result is computed by the scoring engine.
    """
    region, now = get_region(request), datetime.now(UTC)
    scenario_id, is_new = await claim_idempotency_key(
        session,
        Service.assessment,
        region,
        caller=caller.subject,
        operation="post_scenario",
        key=idempotency_key,
        body=scenario,
        new_id=new_id(),
        now=now,
    )
    if is_new:
        outcome = await _outcome(request, session, scenario)
        await session.execute(
            text(INSERT_SCENARIO),
            {
                "region": region,
                "id": scenario_id,
                "now": now,
                "recorded_by": caller.agency or caller.subject,
                "request": scenario.model_dump_json(),
                "outcome": json.dumps(outcome.model_dump(mode="json")),
            },
        )
    kept = await _find(session, region, scenario_id)
    response.headers["Location"] = kept.href
    return kept


@router.get("/scenarios/{id}", operation_id="get_scenario", responses=problem_responses(404))
async def get_scenario(request: Request, session: ReadSessionDep, id: ScenarioId) -> Scenario:
    """Return a scenario as it was computed; it never changes."""
    return await _find(session, get_region(request), id)


@router.get(
    "/scenarios/{id}/changes.csv",
    operation_id="get_scenario_changes",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
    | problem_responses(404),
)
async def get_scenario_changes(
    request: Request,
    session: ReadSessionDep,
    id: ScenarioId,
    delimiter: DelimiterQuery = "semicolon",
) -> Response:
    """Return the sets of changes of a scenario as CSV, a row for each indicator that changes."""
    found = await _find(session, get_region(request), id)
    return Response(
        changes_csv(found.outcome, delimiter=delimiter),
        media_type=CSV_MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="skenario-{id}.csv"'},
    )


def changes_csv(outcome: ScenarioOutcome, *, delimiter: Delimiter) -> bytes:
    """Return a row for each change of each set; the first set is the cheapest."""
    rows = [
        (number, one.without, change.code, change.name, change.before, change.after, change.raw,
         change.effort, one.result.value)
        for number, one in enumerate(outcome.solutions, start=1)
        for change in one.changes
    ]  # fmt: skip
    return write_csv(COLUMNS, rows, delimiter=delimiter)


async def _outcome(
    request: Request, session: WriteSession, scenario: LevelsScenario | CollaborationScenario
) -> ScenarioOutcome:
    try:
        if isinstance(scenario, LevelsScenario):
            return await _levels_scenario(request, session, scenario)
        return await _collaboration_scenario(request, session, scenario)
    except ScenarioError as error:
        extra = {} if error.best_reachable is None else {"best_reachable": error.best_reachable}
        kind = Conflict if isinstance(error, EvidenceConflictError) else Invalid
        raise kind(
            str(error),
            errors=[
                FieldError(pointer=pointer, parameter=None, detail=fault)
                for pointer, fault in error.faults.items()
            ],
            extra=extra,
        ) from None


async def _levels_scenario(
    request: Request, session: WriteSession, scenario: LevelsScenario
) -> ScenarioOutcome:
    method = await index_method(session, get_region(request), scenario.method)
    if scenario.published is not None and scenario.target is not None:
        return await asyncio.to_thread(
            published_outcome,
            method,
            _by_number(scenario.levels),
            published=scenario.published,
            target=scenario.target,
        )
    return await asyncio.to_thread(
        levels_outcome,
        method,
        _by_number(scenario.levels),
        lowest=scenario.unknown == "lowest",
        changes=_by_number(scenario.changes),
        target=scenario.target,
        efforts=_by_number(scenario.efforts),
        alternatives=scenario.alternatives,
    )


def _by_number(given: Mapping[str, Any]) -> dict[int, Any]:
    return {int(number): value for number, value in given.items()}


async def _collaboration_scenario(
    request: Request, session: WriteSession, scenario: CollaborationScenario
) -> ScenarioOutcome:
    region, now = get_region(request), datetime.now(UTC)
    zone = await read_zone(session, region)
    method = await tree_method(
        session,
        region,
        scenario.method,
        period=scenario.period,
        now=now,
        zone=zone,
        parameter=False,
    )
    assessed = await assess_now(
        session,
        request.app.state.report_client,
        method,
        region=region,
        period=scenario.period,
        seed=1,
        draws=MIN_DRAWS,
        now=now,
        zone=zone,
        authorization=request.headers["authorization"],
    )
    if assessed.notices:
        raise Unavailable(
            "A scenario is stored permanently, so it needs every service: "
            + "; ".join(assessed.notices)
        )

    def work() -> ScenarioOutcome:
        known = compute_scores(method, assessed.facts, RandomStreams(1, MIN_DRAWS)).values
        indicators = {one.code for one in method.indicators()}
        return collaboration_outcome(
            method,
            {code: value for code, value in known.items() if code in indicators},
            period=scenario.period,
            evidence_hash=assessed.facts.hash(),
            changes=scenario.changes,
            target=scenario.target,
            step=scenario.step,
            efforts=scenario.efforts,
            alternatives=scenario.alternatives,
        )

    return await asyncio.to_thread(work)


async def _find(session: ReadSession | WriteSession, region: str, scenario_id: UUID) -> Scenario:
    names = {"region": region, "id": scenario_id}
    row = (await session.execute(text(FIND), names)).one_or_none()
    if row is None:
        raise NotFound(f"There is no scenario {scenario_id}.")
    href = f"{API}/scenarios/{row.id}"
    return Scenario(
        id=row.id,
        region=row.region,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        request=REQUEST.validate_python(row.request),
        outcome=parse_stored(ScenarioOutcome, row.outcome),
        href=href,
        changes_href=f"{href}/changes.csv",
    )
