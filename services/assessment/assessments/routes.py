"""Assessments over HTTP: `/api/v1/assessments`, `/api/v1/metrics/collaboration-dynamics`."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Path, Query, Request, Response
from sqlalchemy import text

from services.assessment.assessments import operations
from services.assessment.assessments.analysis import sensitivity_of
from services.assessment.assessments.current_scores import CurrentScores, hash_of, score_now
from services.assessment.assessments.operations import (
    assess_completely,
    assessment_not_found,
    evidence_items,
    last_years,
    load_assessment,
    store_assessment,
    tree_method,
)
from services.assessment.assessments.schemas import (
    DEFAULT_DRAWS,
    DEFAULT_METHOD,
    Assessment,
    AssessmentEvidence,
    AssessmentId,
    AssessmentRequest,
    AssessmentSummary,
    CollaborationDynamics,
    DrawCount,
    MethodReference,
    NodeDetail,
    ScoreNodes,
    Seed,
)
from services.assessment.assessments.score_table import scores_csv, scores_xlsx
from services.assessment.evidence.api_models import source_item
from services.assessment.evidence.store import SOURCES
from services.assessment.methods.definition import TreeMethod
from services.assessment.scoring.items import Item
from services.assessment.scoring.scores import IndicatorScore, Node, Scores
from services.assessment.years import is_provisional, read_zone
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.content_negotiation import negotiate_format
from services.platform.database import ReadSession, ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import Caller, MetricsDrafter
from services.platform.ids import new_id
from services.platform.paging import Page, paginate
from services.platform.parameters import DelimiterQuery, Limit
from services.platform.problems import Conflict, NotFound, problem_responses
from services.platform.recent_results import RecentResults
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.spreadsheets.model import CSV, XLSX
from services.platform.stored import parse_stored
from services.platform.types import Slug, Year

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

MAX_ASSESSMENTS = 32
"""Assessments kept; one takes some 100 KB."""

NodeCode = Annotated[
    str,
    Path(
        description="Code of a node, such as `trust` or `trust.reporting`.",
        pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)?$",
        max_length=80,
    ),
]


@router.get(
    "/metrics/collaboration-dynamics",
    operation_id="get_collaboration_dynamics",
    responses=problem_responses(404, 409, 503),
)
async def get_collaboration_dynamics(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: ReadSessionDep,
    period: Annotated[
        Year | None,
        Query(
            description="The year; default: the newest of the last five with an index, or the "
            "current one if none has.",
            examples=[2024],
        ),
    ] = None,
    method: Annotated[Slug, Query(description="Method, see `methods`.")] = DEFAULT_METHOD,
    seed: Annotated[Seed, Query()] = 1,
    draws: Annotated[DrawCount, Query()] = DEFAULT_DRAWS,
) -> CollaborationDynamics:
    """Return the collaboration scores of a year by the current evidence.

    Every value leads to its evidence: an indicator's `evidence[].href` to the record or report it
    was computed from, and that to its sources.
    """
    region, now = get_region(request), datetime.now(UTC)
    zone = await read_zone(session, region)
    chosen = await tree_method(
        session, region, method, period=period, now=now, zone=zone, parameter=True
    )
    known: CurrentScores = request.app.state.current_scores

    async def score(year: int) -> CollaborationDynamics:
        found, reports = await score_now(
            request, session, chosen, period=year, seed=seed, draws=draws, now=now, zone=zone
        )
        return CollaborationDynamics(
            region=region,
            period=year,
            method=method_reference(chosen),
            seed=seed,
            draws=draws,
            provisional=is_provisional(year, at=now, zone=zone),
            evidence_hash=found.evidence_hash,
            notices=list(reports.notices),
            scores=found.scores,
        )

    if period is not None:
        return await score(period)
    years = last_years(chosen, now=now, zone=zone)
    for year in await known.years_with_evidence(session, chosen, years, region=region):
        scored = await score(year)
        if scored.scores.index.value is not None:
            return scored
    return await score(years[0])


@router.get(
    "/metrics/collaboration-dynamics/{node}",
    operation_id="get_collaboration_node",
    responses=problem_responses(404, 409, 503),
)
async def get_collaboration_node(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: ReadSessionDep,
    node: NodeCode,
    period: Annotated[Year, Query(description="The year.", examples=[2024])],
    method: Annotated[Slug, Query(description="Method, see `methods`.")] = DEFAULT_METHOD,
    seed: Annotated[Seed, Query()] = 1,
    draws: Annotated[DrawCount, Query()] = DEFAULT_DRAWS,
) -> NodeDetail:
    """Return one node by the current evidence, and the evidence of an indicator with its sources.

    `GET assessments/{id}/scores/{node}` is the same of a stored assessment.
    """
    region, now = get_region(request), datetime.now(UTC)
    zone = await read_zone(session, region)
    chosen = await tree_method(
        session, region, method, period=period, now=now, zone=zone, parameter=True
    )
    found, reports = await score_now(
        request, session, chosen, period=period, seed=seed, draws=draws, now=now, zone=zone
    )
    score = found.scores.node(node)
    if score is None:
        raise NotFound(f"The method {method} has no node {node!r}; {API}/methods/{method} has all.")
    items = [*await evidence_items(session, region), *reports.items]
    address = f"{API}/metrics/collaboration-dynamics"
    query = urlencode({"period": period, "method": method, "seed": seed, "draws": draws})
    return await _node_detail(
        session,
        region,
        found.scores,
        score,
        [item for item in items if item.state in {None, "confirmed"}],
        address_of=lambda code: f"{address}/{code}?{query}",
    )


@router.post(
    "/assessments",
    operation_id="post_assessment",
    status_code=201,
    responses=problem_responses(403, 404, 409, 413, 503),
)
async def post_assessment(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: MetricsDrafter,
    body: AssessmentRequest,
    idempotency_key: IdempotencyKey = None,
) -> Assessment:
    """Assess a year and store the result with the evidence that was read."""
    assessment_id = await assess_once(
        request, session, body, caller=caller, idempotency_key=idempotency_key
    )
    stored = await find_assessment(session, get_region(request), assessment_id)
    response.headers["Location"] = stored.href
    return stored


async def assess_once(
    request: Request,
    session: WriteSession,
    body: AssessmentRequest,
    *,
    caller: Caller,
    idempotency_key: str | None,
    is_draft: bool = False,
) -> UUID:
    """Assess a year and store the result, published or as a draft; return its id.

    The same key stores once, and names what was stored.
    """
    region, now = get_region(request), datetime.now(UTC)
    zone = await read_zone(session, region)
    method = await tree_method(
        session, region, body.method, period=body.period, now=now, zone=zone, parameter=False
    )
    assessment_id, is_new = await claim_idempotency_key(
        session,
        Service.assessment,
        region,
        caller=caller.subject,
        operation="post_assessment_draft" if is_draft else "post_assessment",
        key=idempotency_key,
        body=body,
        new_id=new_id(),
        now=now,
    )
    if not is_new:
        return assessment_id
    assessed = await assess_completely(
        session,
        request.app.state.report_client,
        method,
        region=region,
        period=body.period,
        seed=body.seed,
        draws=body.draws,
        now=now,
        zone=zone,
        authorization=request.headers["authorization"],
    )
    await store_assessment(
        session,
        method,
        assessed,
        region=region,
        assessment_id=assessment_id,
        seed=body.seed,
        draws=body.draws,
        recorded_by=caller.actor,
        now=now,
        drafted_by=caller.person if is_draft else None,
    )
    return assessment_id


@router.get("/assessments", operation_id="list_assessments")
async def list_assessments(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    session: ReadSessionDep,
    period: Annotated[Year | None, Query(description="Only of this year.")] = None,
    method: Annotated[Slug | None, Query(description="Only by this method.")] = None,
    cursor: Annotated[UUID | None, Query(description="From `next` of the previous page.")] = None,
    limit: Limit = 20,
) -> Page[AssessmentSummary]:
    """List stored assessments without their scores, the newest first; none ever changes."""
    parameters = {
        "region": get_region(request),
        "period": period,
        "method": method,
        "cursor": cursor,
        "limit": limit + 1,
    }
    rows = (await session.execute(text(operations.PAGE), parameters)).all()
    zone = await read_zone(session, get_region(request))
    items = [AssessmentSummary(**summary_fields(row, zone)) for row in rows]
    return paginate(request, items, limit=limit, cursor_of=lambda item: str(item.id))


@router.get("/assessments/{id}", operation_id="get_assessment", responses=problem_responses(404))
async def get_assessment(request: Request, session: ReadSessionDep, id: AssessmentId) -> Assessment:
    """Return a stored assessment with its scores and the hashes of its method and evidence.

    It never changes: what it read can be read again in the versions that it names.
    """
    region = get_region(request)
    known: RecentResults[tuple[UUID, str], Assessment] = request.app.state.known_assessments
    key = (id, (await read_zone(session, region)).key)
    return await known.get(key, lambda: find_assessment(session, region, id))


ScoresFormat = Literal["json", "csv", "xlsx"]
SCORES_MEDIA_TYPES: dict[ScoresFormat, str] = {"json": "application/json", "csv": CSV, "xlsx": XLSX}


@router.get(
    "/assessments/{id}/scores",
    operation_id="list_scores",
    response_model=ScoreNodes,
    responses={
        200: {
            "content": {
                CSV: {"schema": {"type": "string"}},
                XLSX: {"schema": {"type": "string", "format": "binary"}},
            }
        }
    }
    | problem_responses(404),
)
async def list_scores(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    id: AssessmentId,
    *,
    format: Annotated[
        ScoresFormat | None, Query(description="The format; default: by `Accept`, else JSON.")
    ] = None,
    delimiter: DelimiterQuery = "semicolon",
) -> ScoreNodes | Response:
    """Return every node of an assessment as a flat list, or as a table with a row for each."""
    region = get_region(request)
    form = negotiate_format(request, format, SCORES_MEDIA_TYPES)
    found = await find_assessment(session, region, id)
    if form != "json":
        write = partial(scores_csv, delimiter=delimiter) if form == "csv" else scores_xlsx
        spread = None
        with suppress(Conflict):  # of an assessment whose method this hub no longer has
            stored = await load_assessment(session, region, id)
            spread = (await sensitivity_of(request.app, stored)).spread
        content = await asyncio.to_thread(
            write, found.scores, region=region, period=found.period, spread=spread
        )
        name = f"nilai-{found.method.id}-{found.period}-{region}.{form}"
        return Response(
            content,
            media_type=f"{CSV}; charset=utf-8" if form == "csv" else XLSX,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"},
        )
    response.headers["Vary"] = "Accept"
    return ScoreNodes(
        items=[
            Node.model_validate(node.model_dump(include=set(Node.model_fields)))
            for node in found.scores.nodes()
        ]
    )


@router.get(
    "/assessments/{id}/scores/{node}", operation_id="get_score", responses=problem_responses(404)
)
async def get_score(
    request: Request, session: ReadSessionDep, id: AssessmentId, node: NodeCode
) -> NodeDetail:
    """Return one node: its value, its parent and children, and the evidence of an indicator."""
    region = get_region(request)
    found = await find_assessment(session, region, id)
    score = found.scores.node(node)
    if score is None:
        raise NotFound(f"The assessment has no node {node!r}; {found.scores_href} lists them.")
    return await _node_detail(
        session,
        region,
        found.scores,
        score,
        await _evidence(session, region, id),
        address_of=lambda code: f"{found.scores_href}/{code}",
    )


async def _node_detail(
    session: ReadSession,
    region: str,
    scores: Scores,
    score: Node,
    items: Sequence[Item],
    *,
    address_of: Callable[[str], str],
) -> NodeDetail:
    """Return a node of the tree, with those of the items that it was computed from."""
    parent, children = scores.neighbours(score.code)
    read: list[Item] = []
    if isinstance(score, IndicatorScore):
        used = {(link.kind, link.key) for link in score.evidence}
        read = [item for item in items if (item.kind, item.key) in used]
    cited = {str(source) for item in read for source in item.content.get("sources") or ()}
    rows = await session.execute(text(SOURCES), {"region": region, "ids": sorted(cited)})
    return NodeDetail(
        node=Node.model_validate(score.model_dump(include=set(Node.model_fields))),
        raw=score.raw if isinstance(score, IndicatorScore) else None,
        inputs=score.inputs if isinstance(score, IndicatorScore) else {},
        evidence=read,
        sources=[source_item(row.content) for row in rows],
        parent=None if parent is None else address_of(parent),
        children=[address_of(child) for child in children],
    )


@router.get(
    "/assessments/{id}/evidence",
    operation_id="list_assessment_evidence",
    responses=problem_responses(404),
)
async def list_assessment_evidence(
    request: Request, session: ReadSessionDep, id: AssessmentId
) -> AssessmentEvidence:
    """Return all the evidence that an assessment read, in the versions of that time."""
    return AssessmentEvidence(items=await _evidence(session, get_region(request), id))


def method_reference(method: TreeMethod) -> MethodReference:
    return MethodReference(
        id=method.id,
        version=method.version,
        hash=hash_of(method),
        href=f"{API}/methods/{method.id}",
    )


def method_reference_of(row: Any) -> MethodReference:
    """Return the method of a stored assessment."""
    return MethodReference(
        id=row.method,
        version=row.method_version,
        hash=row.method_hash,
        href=f"{API}/methods/{row.method}",
    )


def summary_fields(row: Any, zone: ZoneInfo) -> dict[str, Any]:
    """Return the fields of an assessment's summary from a row."""
    href = f"{API}/assessments/{row.id}"
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
        "index": Node.model_validate(
            row.scores["index"] | {"href": f"{href}/scores/{row.scores['index']['code']}"}
        ),
        "href": href,
        "scores_href": f"{href}/scores",
        "evidence_href": f"{href}/evidence",
        "sensitivity_href": f"{href}/sensitivity",
        "bundle_href": f"{href}/bundle",
        "report_href": f"{href}/report",
    }


async def find_assessment(
    session: ReadSession | WriteSession, region: str, assessment_id: UUID
) -> Assessment:
    """Return a stored assessment; raise `NotFound` if there is none."""
    parameters = {"region": region, "id": assessment_id}
    row = (await session.execute(text(operations.FIND), parameters)).one_or_none()
    if row is None:
        raise assessment_not_found(assessment_id)
    head = summary_fields(row, await read_zone(session, region))
    scores = parse_stored(Scores, row.scores).with_hrefs(head["scores_href"])
    return Assessment(**head, scores=scores)


async def _evidence(session: ReadSession, region: str, assessment_id: UUID) -> list[Item]:
    parameters = {"region": region, "id": assessment_id}
    row = (await session.execute(text(operations.EVIDENCE), parameters)).one_or_none()
    if row is None:
        raise assessment_not_found(assessment_id)
    return [Item.model_validate(item) for item in row.evidence]
