"""`/kelola/orang/.../serah-terima`: give a person's roles and open work to a successor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.handovers.handovers import (
    NO_PERSON,
    Field,
    Handover,
    HandoverRefusedError,
    agencies_to_hand_over,
    find_handover,
    list_handovers,
    list_successors,
    plan_handover,
    record_handover,
    roles_to_hand_over,
)
from services.gateway.handovers.open_work import WorkItem, WorkKind
from services.gateway.handovers.routes import open_work_of
from services.gateway.people.records import find_person, person_of_subject
from services.gateway.portal.workspace.access import NOT_STORED, Workspace, database_of
from services.gateway.portal.workspace.announcements.announcement_records import ANNOUNCEMENTS
from services.gateway.portal.workspace.cases import CASES
from services.gateway.portal.workspace.catalog.services import SERVICES
from services.gateway.portal.workspace.labels import ROLES
from services.gateway.portal.workspace.meeting_records import MEETINGS
from services.gateway.portal.workspace.months import MONTHS
from services.gateway.portal.workspace.people import (
    LAST_ADMINISTRATOR,
    Administrator,
    ConfirmedAdministrator,
)
from services.platform.ids import new_id
from services.platform.problems import Conflict
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

HANDOVERS = "/kelola/orang/serah-terima"
MAX_SHOWN = 200

KINDS: Mapping[WorkKind, Message] = {
    "case": N_("Pengaduan yang belum dijawab"),
    "month": N_("Bulan yang belum disetujui"),
    "service": N_("Konsep layanan yang belum terbit"),
    "announcement": N_("Konsep pengumuman yang belum terbit"),
    "action_item": N_("Tindak lanjut rapat yang belum selesai"),
}
FIELDS: Mapping[Field, str] = {
    "from": "penerus",
    "to": "penerus",
    "agency": "instansi",
    "disable": "nonaktif",
}
NO_SUCCESSOR = N_("Pilih penerusnya.")


@dataclass(frozen=True)
class WorkLine:
    """Open work on a page: what it is, where it is done, and by when."""

    text: str
    href: str
    due: str | None
    is_own: bool


@router.get(HANDOVERS)
async def show_handovers(request: Request, workspace: Administrator) -> Response:
    """List what was handed over, the newest first."""
    async with database_of(request).read_session() as session:
        found = await list_handovers(session, get_region(request), limit=MAX_SHOWN)
    return workspace.render(
        "workspace/handovers.html",
        handovers=found,
        people=await _people(request, found),
        agency_names=await workspace.agency_names(),
        day=workspace.page.local_date,
    )


@router.get(f"{HANDOVERS}/{{id}}")
async def show_handover(request: Request, workspace: Administrator, id: UUID) -> Response:
    """Show what was handed over, to be printed and signed."""
    async with database_of(request).read_session() as session:
        found = await find_handover(session, get_region(request), id)
    if found is None:
        return workspace.page.not_found()
    page = workspace.page
    moment = found.recorded_at.astimezone(page.zone)
    return workspace.render(
        "workspace/handover.html",
        handover=found,
        people=await _people(request, [found]),
        at=f"{page.local_date(moment)} {page.messages.clock(moment)} {moment:%Z}",
        agency=(await workspace.agency_names()).get(found.agency, found.agency),
        role_names=page.messages.labels(ROLES),
        work=_by_kind(workspace, found.work),
        kinds=page.messages.labels(KINDS),
    )


@router.get("/kelola/orang/{id}/serah-terima")
async def show_form(
    request: Request, workspace: ConfirmedAdministrator, id: UUID, instansi: str | None = None
) -> Response:
    """Show what a person would hand over, and who may follow."""
    return await _form(request, workspace, id, instansi)


@router.post("/kelola/orang/{id}/serah-terima")
async def create_handover(
    request: Request, workspace: ConfirmedAdministrator, id: UUID
) -> Response:
    """Hand over, and show the record."""
    region, now, fields = get_region(request), datetime.now(UTC), workspace.fields
    agency = fields.get("instansi", "")
    try:
        successor = UUID(fields.get("penerus", ""))
    except ValueError:
        return await _form(request, workspace, id, agency, {"penerus": NO_SUCCESSOR})
    try:
        async with database_of(request).write_session() as session:
            plan = await plan_handover(
                session,
                region,
                leaver=id,
                successor=successor,
                agency=agency or None,
                disables="nonaktif" in fields,
            )
            reader = open_work_of(request, workspace.caller, workspace.page.zone)
            work = await reader.of(plan.agency, subject=plan.leaver.subject, now=now)
            made = await record_handover(
                session, region, plan, work, id=new_id(), by=workspace.person.subject, now=now
            )
    except HandoverRefusedError as error:
        if error.field == "from" and error.message is NO_PERSON:
            return workspace.page.not_found()
        errors = {FIELDS[error.field]: error.message}
        return await _form(request, workspace, id, agency, errors, values=error.values)
    except Conflict:
        errors = {"nonaktif": LAST_ADMINISTRATOR}
        return await _form(request, workspace, id, agency, errors, status=409)
    except httpx.HTTPError:
        errors = {"serahkan": NOT_STORED}
        return await _form(request, workspace, id, agency, errors, status=503)
    return workspace.redirect(f"{HANDOVERS}/{made.id}")


async def _form(
    request: Request,
    workspace: Workspace,
    id: UUID,
    agency: str | None,
    errors: Mapping[str, Message] | None = None,
    *,
    values: Mapping[str, str] | None = None,
    status: int = 422,
) -> Response:
    region, messages = get_region(request), workspace.page.messages
    async with database_of(request).read_session() as session:
        person = await find_person(session, region, id)
        if person is None:
            return workspace.page.not_found()
        agencies = agencies_to_hand_over(person)
        chosen = agency if agency in agencies else next(iter(agencies), None)
        successors = (
            [] if chosen is None else await list_successors(session, region, person, chosen)
        )
    work: dict[str, list[WorkLine]] = {}
    is_unread = False
    if chosen is not None:
        reader = open_work_of(request, workspace.caller, workspace.page.zone)
        try:
            found = await reader.of(chosen, subject=person.subject, now=datetime.now(UTC))
            work = _by_kind(workspace, found)
        except httpx.HTTPError:
            is_unread = True
    return workspace.render(
        "workspace/handover-form.html",
        status=status if errors else 200,
        person=person,
        agencies=agencies,
        chosen=chosen,
        names=await workspace.agency_names(),
        successors=successors,
        roles=[
            messages.translate(ROLES[each.role])
            for each in roles_to_hand_over(person, chosen or "")
        ],
        work=work,
        is_unread=is_unread,
        kinds=messages.labels(KINDS),
        errors={
            name: messages.translate(message, **(values or {}))
            for name, message in (errors or {}).items()
        },
        typed=workspace.fields,
    )


def _by_kind(workspace: Workspace, work: Sequence[WorkItem]) -> dict[str, list[WorkLine]]:
    """Return the lines of open work by its kind, in the order of the kinds."""
    found: dict[str, list[WorkLine]] = {kind: [] for kind in KINDS}
    for item in work:
        found[item.kind].append(_line(workspace, item))
    return {kind: lines for kind, lines in found.items() if lines}


def _line(workspace: Workspace, item: WorkItem) -> WorkLine:
    messages = workspace.page.messages
    match item.kind:
        case "case":
            text, href = item.id, f"{CASES}/{item.id}"
        case "month":
            text, href = messages.month(date.fromisoformat(f"{item.id}-01")), f"{MONTHS}/{item.id}"
        case "service":
            text, href = item.title, f"{SERVICES}/{item.id}"
        case "announcement":
            text, href = item.title, f"{ANNOUNCEMENTS}/{item.id}"
        case "action_item":
            text, href = item.title, f"{MEETINGS}/{item.id}"
    due = None if item.due is None else messages.long_date(item.due)
    return WorkLine(text, href, due, item.is_own)


async def _people(request: Request, handovers: Sequence[Handover]) -> dict[str, str]:
    """Return the names of those who took part, by id and by subject."""
    ids = {
        person
        for handover in handovers
        for person in (
            handover.from_person,
            handover.to_person,
            person_of_subject(handover.recorded_by),
        )
        if person is not None
    }
    names: dict[str, str] = {}
    async with database_of(request).read_session() as session:
        for each in ids:
            person = await find_person(session, get_region(request), each)
            if person is not None:
                names[str(each)] = names[person.subject] = person.name or person.email or ""
    return names
