"""`/kelola/rapat/rencana`: meetings before they take place, and the invitation to them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.assessment.client import SECTORS, Stakeholder
from services.gateway.meetings.attendance_routes import get_attendance_list, get_tokens
from services.gateway.meetings.attendance_schemas import AttendanceList
from services.gateway.meetings.plans import list_plans
from services.gateway.meetings.routes import (
    MAX_PLANS,
    delete_meeting_plan,
    get_meeting_invitation,
    get_meeting_plan,
    list_meeting_plans,
    mail_meeting_invitation,
    put_meeting_plan,
)
from services.gateway.meetings.schemas import MeetingPlan
from services.gateway.meetings.times import period_text
from services.gateway.portal.workspace.access import (
    NOT_STORED,
    RefusedError,
    Workspace,
    database_of,
)
from services.gateway.portal.workspace.evidence.vocabulary import SECTOR_NAMES
from services.gateway.portal.workspace.hidden_fields import form_id_of, given_tag, tag_of
from services.gateway.portal.workspace.meeting_plan_form import (
    MeetingPlanForm,
    blank_plan,
    fields_of_plan,
)
from services.gateway.portal.workspace.meeting_records import (
    CHANGED,
    MEETINGS,
    MeetingId,
    Recorder,
    labels,
)
from services.gateway.portal.workspace.reasons import reasons_of
from services.gateway.portal.workspace.tasks import Task
from services.platform.conditional_writes import ConditionalWrite
from services.platform.database import WriteSession
from services.platform.problems import (
    Conflict,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    ProblemError,
    Unavailable,
)
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Settings
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PLANS = f"{MEETINGS}/rencana"

NOT_YOUR_PLAN = N_("Rapat ini direncanakan instansi lain.")
NO_READER = N_(
    "Belum ada pelapor atau penyunting di instansi yang diundang. Unduh undangan kalendernya, lalu "
    "kirim sendiri."
)
LABELS: Mapping[str, Message] = {
    "kind": N_("Jenis"),
    "name": N_("Nama rapat"),
    "starts_at": N_("Jam mulai"),
    "ends_at": N_("Jam selesai"),
    "place": N_("Tempat"),
    "problem_statement": N_("Pokok masalah"),
    "agenda": N_("Agenda"),
    "invited": N_("Diundang"),
}
"""Fields of the form by those of the plan."""
REFUSED = N_("Rencana ini ditolak: %(reasons)s")


@dataclass(frozen=True)
class FoundPlan:
    """A planned meeting with its entity tag."""

    plan: MeetingPlan
    tag: str


async def find_plans(request: Request, workspace: Workspace) -> list[MeetingPlan]:
    """Return the meetings that the person's agency plans, the next one first."""
    async with database_of(request).read_session() as session:
        found = await list_meeting_plans(request, session, caller=workspace.caller, limit=MAX_PLANS)
    return sorted(found.items, key=lambda plan: plan.meeting.starts_at)


async def find_own_plan(request: Request, workspace: Workspace, id: UUID) -> FoundPlan | None:
    """Return a planned meeting of the person's agency; None if there is none.

    Raises:
        RefusedError: Another agency plans the meeting.
    """
    headers = Response()
    async with database_of(request).read_session() as session:
        try:
            plan = await get_meeting_plan(request, headers, session, workspace.caller, id)
        except NotFound:
            return None
        except NotAllowed:
            raise RefusedError(NOT_YOUR_PLAN) from None
    return FoundPlan(plan, headers.headers["ETag"])


async def read_attendance(request: Request, workspace: Workspace, id: UUID) -> AttendanceList:
    """Return the attendance list of a planned meeting of the person's agency."""
    async with database_of(request).read_session() as session:
        return await get_attendance_list(
            request,
            Response(),
            session,
            tokens=get_tokens(request),
            zone=workspace.page.zone,
            caller=workspace.caller,
            id=id,
        )


async def delete_plan(request: Request, workspace: Workspace, id: UUID, *, tag: str) -> None:
    """Delete a planned meeting that the person read; raise `ProblemError` if that is refused."""
    async with database_of(request).write_session() as session:
        write = write_of(request, workspace, session, tag)
        await delete_meeting_plan(request, write, workspace.page.zone, id)


async def find_plan_tasks(workspace: Workspace) -> list[Task]:
    """Return the agency's planned meetings that are over and that nobody recorded."""
    page, now = workspace.page, datetime.now(UTC)
    async with database_of(page.request).read_session() as session:
        plans = await list_plans(
            session,
            get_region(page.request),
            organiser=workspace.caller.actor,
            cursor=None,
            limit=MAX_PLANS,
        )
    return [
        Task(
            page.messages.gettext(
                "Rapat yang sudah berlangsung, belum dicatat: %(name)s, %(day)s",
                name=page.messages.choose(plan.meeting.name, en=plan.meeting.name_en),
                day=page.local_date(plan.meeting.starts_at),
            ),
            f"{MEETINGS}/baru?rencana={plan.id}",
        )
        for plan in plans
        if plan.meeting.ends_at <= now
    ]


def write_of(
    request: Request, workspace: Workspace, session: WriteSession, tag: str | None
) -> ConditionalWrite:
    """Return the request of a page as the operations of the API take it."""
    return ConditionalWrite(get_region(request), session, workspace.caller, Response(), tag)


@router.get(f"{PLANS}/baru")
async def show_form(workspace: Recorder) -> Response:
    """Show the form of a meeting in a week."""
    return await _form(workspace, blank_plan(workspace.today) | {"id": str(form_id_of({}))})


@router.post(f"{PLANS}/baru")
async def plan_meeting(request: Request, workspace: Recorder) -> Response:
    """Plan a meeting."""
    return await _save(request, workspace, form_id_of(workspace.fields), found=None)


@router.get(f"{PLANS}/{{id}}")
async def show_plan(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Show a planned meeting with what can be done about it."""
    return await _show(request, workspace, id)


@router.get(f"{PLANS}/{{id}}/undangan.ics")
async def download_invitation(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Return the invitation as a calendar file."""
    async with database_of(request).read_session() as session:
        try:
            return await get_meeting_invitation(request, session, workspace.caller, id)
        except NotFound:
            return workspace.page.not_found()
        except NotAllowed:
            raise RefusedError(NOT_YOUR_PLAN) from None


@router.get(f"{PLANS}/{{id}}/ubah")
async def show_change(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Show the form with what is planned."""
    found = await find_own_plan(request, workspace, id)
    if found is None:
        return workspace.page.not_found()
    fields = fields_of_plan(found.plan, workspace.page.zone) | {"versi": found.tag}
    return await _form(workspace, fields, found=found)


@router.post(f"{PLANS}/{{id}}/ubah")
async def change_plan(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Change a plan; nothing is stored over what somebody else changed."""
    found = await find_own_plan(request, workspace, id)
    if found is None:
        return workspace.page.not_found()
    return await _save(request, workspace, id, found=found)


@router.post(f"{PLANS}/{{id}}/kirim")
async def mail_invitation(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Mail the invitation to the people of the invited agencies."""

    async def mail(write: ConditionalWrite) -> object:
        return await mail_meeting_invitation(request, write, workspace.page.zone, id)

    return await _act(request, workspace, id, mail, at="kirim", conflict=NO_READER)


@router.post(f"{PLANS}/{{id}}/hapus")
async def call_off(request: Request, workspace: Recorder, id: MeetingId) -> Response:
    """Delete a plan of a meeting that does not take place."""

    async def delete(write: ConditionalWrite) -> object:
        return await delete_meeting_plan(request, write, workspace.page.zone, id)

    return await _act(request, workspace, id, delete, at="hapus", target=MEETINGS)


async def _act(
    request: Request,
    workspace: Workspace,
    id: UUID,
    act: Callable[[ConditionalWrite], Awaitable[object]],
    *,
    at: str,
    conflict: Message = CHANGED,
    target: str | None = None,
) -> Response:
    """Do something with a plan; show its page with the reason if that is refused."""
    try:
        async with database_of(request).write_session() as session:
            await act(write_of(request, workspace, session, tag_of(workspace.fields)))
    except NotFound:
        return workspace.page.not_found()
    except NotAllowed:
        raise RefusedError(NOT_YOUR_PLAN) from None
    except PreconditionFailed:
        return await _show(request, workspace, id, {at: CHANGED})
    except Conflict:
        return await _show(request, workspace, id, {at: conflict})
    return workspace.redirect(target or f"{PLANS}/{id}")


async def _save(
    request: Request, workspace: Workspace, id: UUID, *, found: FoundPlan | None
) -> Response:
    """Store what the form says, or show it again with what is wrong."""
    messages, fields = workspace.page.messages, workspace.fields
    try:
        records = await workspace.assessment.list_evidence(Stakeholder)
    except httpx.HTTPError:
        errors = {"simpan": messages.translate(NOT_STORED)}
        return await _form(workspace, fields, errors=errors, found=found, status=503)
    keys = [one.content.key for one in records if one.content]
    form = MeetingPlanForm(fields, keys, messages, workspace.today)
    meeting = form.read_plan(found and found.plan.meeting, workspace.page.zone)
    if meeting is None:
        return await _form(workspace, fields, errors=form.errors, found=found)
    try:
        async with database_of(request).write_session() as session:
            write = write_of(request, workspace, session, given_tag(fields))
            await put_meeting_plan(request, write, workspace.page.zone, id, meeting)
    except ProblemError as error:
        return await _refuse_form(workspace, error, id, found=found)
    return workspace.redirect(f"{PLANS}/{id}")


async def _refuse_form(
    workspace: Workspace, error: ProblemError, id: UUID, *, found: FoundPlan | None
) -> Response:
    """Show the form again with why it was not stored, and everything that was typed."""
    messages, fields = workspace.page.messages, workspace.fields
    if isinstance(error, NotAllowed):
        raise RefusedError(NOT_YOUR_PLAN)
    if found is None and error.status in {412, 428}:  # the form was sent twice
        return workspace.redirect(f"{PLANS}/{id}")
    if isinstance(error, Unavailable):
        errors = {"simpan": messages.translate(NOT_STORED)}
        return await _form(workspace, fields, errors=errors, found=found, status=503)
    if found is not None and isinstance(error, PreconditionFailed):
        fields = {**fields, "versi": found.tag}
        errors = {"simpan": messages.translate(CHANGED)}
        return await _form(workspace, fields, errors=errors, found=found)
    reasons = reasons_of(workspace, error, LABELS)
    errors = {"simpan": messages.translate(REFUSED, reasons=reasons)}
    return await _form(workspace, fields, errors=errors, found=found)


async def _form(
    workspace: Workspace,
    fields: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    found: FoundPlan | None = None,
    status: int = 422,
) -> Response:
    """Return the form with what was typed; `found` is the plan that is changed."""
    try:
        records = await workspace.assessment.list_evidence(Stakeholder)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    today = workspace.today
    listed = [one.content for one in records if one.content]
    active = [one for one in listed if one.valid_to is None or one.valid_to >= today]
    former = [one for one in listed if one not in active]
    names = workspace.page.messages.labels(SECTOR_NAMES)
    groups = [
        (names[sector], [one for one in active if one.sector == sector]) for sector in SECTORS
    ]
    return workspace.render(
        "workspace/meeting-plan-form.html",
        status=status if errors else 200,
        typed=fields,
        errors=errors or {},
        groups=[group for group in groups if group[1]],
        former=former,
        is_former_open=any(fields.get(f"diundang-{one.key}") for one in former),
        found=found,
        today=today,
        **labels(workspace, {}),
    )


async def _show(
    request: Request,
    workspace: Workspace,
    id: UUID,
    errors: Mapping[str, Message] | None = None,
) -> Response:
    """Return the page of a plan, with why an act on it was not done."""
    found = await find_own_plan(request, workspace, id)
    if found is None:
        return workspace.page.not_found()
    settings: Settings = request.app.state.settings
    meeting, messages, zone = found.plan.meeting, workspace.page.messages, workspace.page.zone
    now = datetime.now(UTC)
    return workspace.render(
        "workspace/meeting-plan.html",
        status=422 if errors else 200,
        plan=found.plan,
        tag=found.tag,
        errors=messages.labels(errors or {}),
        when=period_text(messages, meeting.starts_at, meeting.ends_at, zone),
        has_begun=meeting.starts_at <= now,
        is_over=meeting.ends_at <= now,
        sends_mail=settings.smtp_host is not None,
        local_day=workspace.page.local_date,
        **labels(workspace, {}),
    )
