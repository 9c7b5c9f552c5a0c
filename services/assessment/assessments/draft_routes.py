"""Drafts of assessments over HTTP: `/api/v1/assessments/drafts`."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Path, Request, Response

from services.assessment.assessments.draft_schemas import (
    AssessmentDraft,
    AssessmentDraftItem,
    AssessmentDrafts,
)
from services.assessment.assessments.drafts import (
    delete_draft,
    draft_rows,
    find_draft,
    publish_draft,
)
from services.assessment.assessments.routes import (
    assess_once,
    find_assessment,
    method_reference_of,
)
from services.assessment.assessments.schemas import Assessment, AssessmentRequest
from services.assessment.scoring.scores import Node, Scores
from services.assessment.years import is_provisional, read_zone
from services.platform.concurrency_control import IdempotencyKey
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import MetricsDrafter
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.stored import parse_stored

PREFIX = f"{API}/assessments/drafts"

router = Router(prefix=PREFIX, tags=["metrics"], responses=problem_responses(401, 403, 422))

DraftId = Annotated[UUID, Path(description="Id of a draft.")]


@router.get("", operation_id="list_assessment_drafts")
async def list_assessment_drafts(
    request: Request, response: Response, session: ReadSessionDep, caller: MetricsDrafter
) -> AssessmentDrafts:
    """List the drafts that wait for publication, the newest first."""
    region = get_region(request)
    zone = await read_zone(session, region)
    response.headers["Cache-Control"] = "private, no-store"
    rows = await draft_rows(session, region)
    return AssessmentDrafts(items=[AssessmentDraftItem(**_fields(row, zone)) for row in rows])


@router.post(
    "",
    operation_id="post_assessment_draft",
    status_code=201,
    responses=problem_responses(404, 409, 413, 503),
)
async def post_assessment_draft(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: MetricsDrafter,
    body: AssessmentRequest,
    idempotency_key: IdempotencyKey = None,
) -> AssessmentDraft:
    """Assess a year without publishing the result: another person does, or nobody.

    `POST assessments` publishes at once, as programs do that need no second look.
    """
    draft_id = await assess_once(
        request, session, body, caller=caller, idempotency_key=idempotency_key, is_draft=True
    )
    region = get_region(request)
    zone = await read_zone(session, region)
    row = await find_draft(session, region, draft_id)
    response.headers["Location"] = f"{PREFIX}/{draft_id}"
    return _draft(row, zone)


@router.get("/{id}", operation_id="get_assessment_draft", responses=problem_responses(404))
async def get_assessment_draft(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    *,
    caller: MetricsDrafter,
    id: DraftId,
) -> AssessmentDraft:
    """Return a draft with its scores."""
    region = get_region(request)
    response.headers["Cache-Control"] = "private, no-store"
    return _draft(await find_draft(session, region, id), await read_zone(session, region))


@router.post(
    "/{id}/publication",
    operation_id="publish_assessment_draft",
    status_code=201,
    responses=problem_responses(404, 409),
)
async def publish_assessment_draft(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: MetricsDrafter,
    id: DraftId,
) -> Assessment:
    """Publish a draft as an assessment of the same id, which another person has made (else 403).

    From then on it never changes, and the dashboard shows it if it is the newest of its year.
    """
    region = get_region(request)
    await publish_draft(session, region, id, caller=caller, now=datetime.now(UTC))
    stored = await find_assessment(session, region, id)
    response.headers["Location"] = stored.href
    return stored


@router.delete(
    "/{id}",
    operation_id="delete_assessment_draft",
    status_code=204,
    responses=problem_responses(404),
)
async def delete_assessment_draft(
    request: Request, session: WriteSessionDep, *, caller: MetricsDrafter, id: DraftId
) -> None:
    """Delete a draft of the key's agency."""
    await delete_draft(session, get_region(request), id, caller=caller)


def _draft(row: Any, zone: ZoneInfo) -> AssessmentDraft:
    return AssessmentDraft(**_fields(row, zone), scores=parse_stored(Scores, row.scores))


def _fields(row: Any, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": row.id,
        "region": row.region,
        "period": row.period,
        "method": method_reference_of(row),
        "seed": row.seed,
        "draws": row.draws,
        "provisional": is_provisional(row.period, at=row.recorded_at, zone=zone),
        "evidence_hash": row.evidence_hash,
        "recorded_at": row.recorded_at,
        "recorded_by": row.recorded_by,
        "drafted_by": row.drafted_by,
        "index": Node.model_validate(row.scores["index"]),
        "href": f"{PREFIX}/{row.id}",
    }
