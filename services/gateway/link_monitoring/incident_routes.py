"""Incidents and maintenance over HTTP: `/api/v1/incidents`, `/api/v1/maintenance`."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from services.gateway.link_monitoring.check_routes import UuidCursor
from services.gateway.link_monitoring.incidents import (
    Incident,
    NewIncident,
    NewIncidentUpdate,
    find_incident,
    list_incidents,
    open_manual_incident,
    update_incident,
)
from services.gateway.link_monitoring.maintenance import (
    Maintenance,
    NewMaintenance,
    cancel,
    find_maintenance,
    list_maintenance,
    plan,
)
from services.gateway.link_monitoring.records import LinkRecord
from services.platform.concurrency_control import IdempotencyKey, claim_idempotency_key
from services.platform.database import ReadSession, ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import Administrator
from services.platform.ids import new_id
from services.platform.paging import Page, paginate
from services.platform.parameters import Limit
from services.platform.problems import (
    SEE_ERRORS,
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service
from services.platform.translation import N_, localized
from services.platform.types import Slug

router = Router(prefix=API, tags=["links"], responses=problem_responses(401, 422))

IncidentPath = Annotated[UUID, Path(description="Id of the incident.")]
LinkQuery = Annotated[Slug | None, Query(description="Only items of this link.")]


@router.get("/incidents", operation_id="list_incidents")
async def list_all_incidents(
    request: Request,
    session: ReadSessionDep,
    *,
    link: LinkQuery = None,
    is_open: Annotated[
        bool | None, Query(alias="open", description="Only open incidents, or only closed ones.")
    ] = None,
    cursor: UuidCursor = None,
    limit: Limit = 50,
) -> Page[Incident]:
    """List incidents of links with their updates, newest first."""
    incidents = await list_incidents(
        session, get_region(request), link=link, is_open=is_open, cursor=cursor, limit=limit + 1
    )
    return paginate(request, incidents, limit=limit, cursor_of=lambda item: str(item.id))


@router.post(
    "/incidents",
    operation_id="open_incident",
    status_code=201,
    responses=problem_responses(403, 409),
)
async def open_incident(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: Administrator,
    incident: NewIncident,
    idempotency_key: IdempotencyKey = None,
) -> Incident:
    """Open an incident that checks cannot detect, such as a portal that loses applications."""
    region, now = get_region(request), datetime.now(UTC)
    await _require_link(session, region, incident.link)
    incident_id, is_new = await claim_idempotency_key(
        session,
        Service.gateway,
        region,
        caller=caller.subject,
        operation="open_incident",
        key=idempotency_key,
        body=incident,
        new_id=new_id(),
        now=now,
    )
    if is_new:
        await open_manual_incident(
            session, region, incident, id_=incident_id, agency=caller.actor, now=now
        )
    opened = await _get_incident(session, region, incident_id)
    response.headers["Location"] = opened.href
    return opened


@router.get("/incidents/{incident}", operation_id="get_incident", responses=problem_responses(404))
async def get_incident(
    request: Request, session: ReadSessionDep, incident: IncidentPath
) -> Incident:
    """Return an incident with its updates.

    An automatic incident is closed by checks once the link is up again.
    """
    return await _get_incident(session, get_region(request), incident)


@router.post(
    "/incidents/{incident}/updates",
    operation_id="update_incident",
    status_code=201,
    responses=problem_responses(403, 404),
)
async def post_incident_update(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    incident: IncidentPath,
    update: NewIncidentUpdate,
) -> Incident:
    """Add an update to an incident, and close it if `close` is set."""
    region = get_region(request)
    current = await _get_incident(session, region, incident)
    await update_incident(
        session, region, current, update, agency=caller.actor, now=datetime.now(UTC)
    )
    return await _get_incident(session, region, incident)


@router.get("/maintenance", operation_id="list_maintenance")
async def list_all_maintenance(
    request: Request,
    session: ReadSessionDep,
    *,
    link: LinkQuery = None,
    upcoming: Annotated[bool, Query(description="Only current and upcoming windows.")] = False,
    cursor: UuidCursor = None,
    limit: Limit = 50,
) -> Page[Maintenance]:
    """List past, current and upcoming maintenance of links, the last announced first."""
    windows = await list_maintenance(
        session,
        get_region(request),
        now=datetime.now(UTC),
        link=link,
        upcoming=upcoming,
        cursor=cursor,
        limit=limit + 1,
    )
    return paginate(request, windows, limit=limit, cursor_of=lambda item: str(item.id))


@router.post(
    "/maintenance",
    operation_id="plan_maintenance",
    status_code=201,
    responses=problem_responses(403, 409),
)
async def plan_maintenance(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    maintenance: NewMaintenance,
    idempotency_key: IdempotencyKey = None,
) -> Maintenance:
    """Announce maintenance, during which no incident opens and no downtime is counted."""
    region, now = get_region(request), datetime.now(UTC)
    await _require_link(session, region, maintenance.link)
    window, is_new = await claim_idempotency_key(
        session,
        Service.gateway,
        region,
        caller=caller.subject,
        operation="plan_maintenance",
        key=idempotency_key,
        body=maintenance,
        new_id=new_id(),
        now=now,
    )
    if not is_new:
        planned = await find_maintenance(session, region, window)
        if planned is None:
            raise Conflict("The maintenance planned with this Idempotency-Key was cancelled.")
        return planned
    if maintenance.ends_at <= max(now, maintenance.starts_at):
        detail = N_("harus lebih akhir dari mulainya, dan belum lewat")
        error = FieldError.at("#/ends_at", localized(detail))
        raise Invalid(SEE_ERRORS, errors=[error])
    return await plan(session, region, maintenance, id_=window, agency=caller.actor, now=now)


@router.delete(
    "/maintenance/{maintenance}",
    operation_id="cancel_maintenance",
    status_code=204,
    responses=problem_responses(403, 404),
)
async def cancel_maintenance(
    request: Request,
    session: WriteSessionDep,
    caller: Administrator,
    maintenance: Annotated[UUID, Path(description="Id of the maintenance.")],
) -> None:
    """End current maintenance or cancel upcoming maintenance; 404 if it is over."""
    if not await cancel(session, get_region(request), maintenance, now=datetime.now(UTC)):
        raise NotFound(f"There is no current or upcoming maintenance {maintenance}.")


async def _get_incident(
    session: ReadSession | WriteSession, region: str, incident: UUID
) -> Incident:
    found = await find_incident(session, region, incident)
    if found is None:
        raise NotFound(f"There is no incident {incident}; {API}/incidents lists all of them.")
    return found


async def _require_link(session: WriteSession, region: str, slug: str) -> None:
    if await session.get(LinkRecord, (region, slug)) is None:
        _raise_conflict("#/link", f"there is no link {slug!r}; {API}/links lists all of them")


def _raise_conflict(pointer: str, detail: str) -> None:
    raise Conflict(
        "The request conflicts with stored data.",
        errors=[FieldError(pointer=pointer, parameter=None, detail=detail)],
    )
