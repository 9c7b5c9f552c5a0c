"""Incidents and maintenance over HTTP: `/api/v1/incidents`, `/api/v1/maintenance`."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from services.gateway.api_keys.keys import Administrator
from services.gateway.link_monitoring.check_routes import UuidCursor
from services.gateway.link_monitoring.incidents import (
    Incident,
    NewIncident,
    NewIncidentUpdate,
    find_incident,
    list_incidents,
    open_by_hand,
    update_incident,
)
from services.gateway.link_monitoring.maintenance import (
    Maintenance,
    NewMaintenance,
    cancel,
    list_maintenance,
    plan,
)
from services.gateway.link_monitoring.records import LinkRecord
from services.platform.database import ReadSession, ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.identity import Caller
from services.platform.paging import Page, next_page_url
from services.platform.parameters import Limit
from services.platform.problems import (
    SEE_ERRORS,
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    problem_responses,
)
from services.platform.service import API, get_region
from services.platform.types import Slug

router = APIRouter(prefix=API, tags=["links"], responses=problem_responses(401, 422))

IncidentPath = Annotated[UUID, Path(description="Id of the incident.")]
OfLink = Annotated[Slug | None, Query(description="Only those of this link.")]


@router.get("/incidents", operation_id="list_incidents")
async def list_all_incidents(
    request: Request,
    session: ReadSessionDep,
    *,
    link: OfLink = None,
    is_open: Annotated[
        bool | None, Query(alias="open", description="Only those that are open, or over.")
    ] = None,
    cursor: UuidCursor = None,
    limit: Limit = 50,
) -> Page[Incident]:
    """Incidents of links with their updates, newest first."""
    found = await list_incidents(
        session, get_region(request), link=link, is_open=is_open, cursor=cursor, limit=limit + 1
    )
    more = str(found[limit - 1].id) if len(found) > limit else None
    return Page(items=found[:limit], next=next_page_url(request, more))


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
    caller: Administrator,
    incident: NewIncident,
) -> Incident:
    """Opens an incident that checks cannot see, such as a portal that loses applications."""
    await _known_link(session, get_region(request), incident.link)
    opened = await open_by_hand(
        session, get_region(request), incident, agency=_name(caller), now=datetime.now(UTC)
    )
    made = await _found(session, get_region(request), opened)
    response.headers["Location"] = made.href
    return made


@router.get("/incidents/{incident}", operation_id="get_incident", responses=problem_responses(404))
async def get_incident(
    request: Request, session: ReadSessionDep, incident: IncidentPath
) -> Incident:
    """One incident with its updates: of which link, since when, and until when.

    One that checks opened is closed by checks, once the link works again.
    """
    return await _found(session, get_region(request), incident)


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
    """Says how an incident goes on, and closes it where that is asked for."""
    region = get_region(request)
    known = await _found(session, region, incident)
    await update_incident(
        session, region, known, update, agency=_name(caller), now=datetime.now(UTC)
    )
    return await _found(session, region, incident)


@router.get("/maintenance", operation_id="list_maintenance")
async def list_all_maintenance(
    request: Request,
    session: ReadSessionDep,
    *,
    link: OfLink = None,
    ahead: Annotated[bool, Query(description="Only what is on or to come.")] = False,
    cursor: UuidCursor = None,
    limit: Limit = 50,
) -> Page[Maintenance]:
    """Maintenance of links, announced last first: what was, what is on, and what is to come."""
    found = await list_maintenance(
        session,
        get_region(request),
        now=datetime.now(UTC),
        link=link,
        ahead=ahead,
        cursor=cursor,
        limit=limit + 1,
    )
    more = str(found[limit - 1].id) if len(found) > limit else None
    return Page(items=found[:limit], next=next_page_url(request, more))


@router.post(
    "/maintenance",
    operation_id="plan_maintenance",
    status_code=201,
    responses=problem_responses(403, 409),
)
async def plan_maintenance(
    request: Request, session: WriteSessionDep, caller: Administrator, maintenance: NewMaintenance
) -> Maintenance:
    """Announces maintenance: while it lasts, no incident opens and no downtime is counted."""
    await _known_link(session, get_region(request), maintenance.link)
    now = datetime.now(UTC)
    if maintenance.ends_at <= max(now, maintenance.starts_at):
        detail = "must be later than starts_at, and lie in the future"
        error = FieldError(pointer="#/ends_at", parameter=None, detail=detail)
        raise Invalid(SEE_ERRORS, errors=[error])
    return await plan(session, get_region(request), maintenance, agency=_name(caller), now=now)


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
    """Ends maintenance now, or before it begins; what is over already cannot be ended (404)."""
    if not await cancel(session, get_region(request), maintenance, now=datetime.now(UTC)):
        raise NotFound(f"There is no maintenance {maintenance} on or to come.")


def _name(caller: Caller) -> str:
    return caller.agency or caller.subject


async def _found(session: ReadSession | WriteSession, region: str, incident: UUID) -> Incident:
    found = await find_incident(session, region, incident)
    if found is None:
        raise NotFound(f"There is no incident {incident}; {API}/incidents lists all of them.")
    return found


async def _known_link(session: WriteSession, region: str, slug: str) -> None:
    if await session.get(LinkRecord, (region, slug)) is None:
        _refuse("#/link", f"there is no link {slug!r}; {API}/links lists all of them")


def _refuse(pointer: str, detail: str) -> None:
    raise Conflict(
        "It does not fit what is known.",
        errors=[FieldError(pointer=pointer, parameter=None, detail=detail)],
    )
