"""`/kelola/rapat`: meetings as evidence, recorded by one organisation and confirmed by another."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import httpx
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter, ValidationError

from services.assessment.client import (
    ActionItem,
    Meeting,
    Record,
    Stakeholder,
)
from services.gateway.meetings.schemas import MeetingPlan
from services.gateway.meetings.times import period_text
from services.gateway.portal.workspace.access import NOT_STORED, Enter, Workspace
from services.gateway.portal.workspace.evidence.attachments import (
    FIELD,
    NO_FILE,
    FileHash,
    attach_files,
    chosen_files,
    delete_file,
    download,
)
from services.gateway.portal.workspace.evidence.stored_records import find_record, own_stakeholders
from services.gateway.portal.workspace.hidden_fields import tag_of
from services.gateway.portal.workspace.meeting_plans import find_plans
from services.gateway.portal.workspace.meeting_records import (
    CHANGED,
    MEETINGS,
    NOT_YOURS,
    MeetingId,
    Recorder,
    labels,
)
from services.gateway.portal.workspace.tasks import Task
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message
from services.platform.types import Text, Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

NOT_ANOTHER = N_("Bukti dikonfirmasi instansi lain: bukan yang mencatat dan bukan pemimpin rapat.")
NEEDS_REASON = N_("Tulis alasannya, 3 sampai 5.000 karakter.")
MIN_REASON = 3
SOON = timedelta(days=7)
"""How long before its day an action item is on the desk."""

Reader = Annotated[Workspace, Depends(Enter("editor", "approver", "lead", "evaluator"))]
Confirmer = Annotated[Workspace, Depends(Enter("approver", "lead"))]
Filter = Literal["tahun", "menunggu"]


@dataclass(frozen=True)
class OpenItem:
    """An action item that is not done, with where it stands in its meeting."""

    meeting: Record[Meeting]
    item: ActionItem
    is_late: bool


@router.get(MEETINGS)
async def list_meetings(
    request: Request, workspace: Reader, tahun: Year | None = None, saring: Filter = "tahun"
) -> Response:
    """Show planned meetings and those of a year, or those that wait for a confirmation."""
    today = workspace.today
    may_record = workspace.holds("editor", "lead", "evaluator")
    plans = await find_plans(request, workspace) if may_record and saring == "tahun" else []
    year = tahun or today.year
    try:
        waiting = await _waiting(workspace) if _may_confirm(workspace) else []
        found = await workspace.assessment.list_evidence(Meeting)
        names = await _stakeholder_names(workspace)
        agencies = await workspace.agency_names()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if saring == "menunggu":
        ids = {record.id for record in waiting}
        shown = [record for record in found if record.id in ids]
    else:
        shown = [one for one in found if one.content and one.content.held_on.year == year]
    years = {one.content.held_on.year for one in found if one.content} | {today.year, year}
    return workspace.render(
        "workspace/meetings.html",
        meetings=sorted(shown, key=_held_on, reverse=True),
        items={record.id: _open_items([record], today) for record in shown},
        waiting=len(waiting),
        chosen=saring,
        year=year,
        years=sorted(years, reverse=True),
        names=names,
        may_record=may_record,
        plans=[(plan, _when(workspace, plan)) for plan in plans],
        now=datetime.now(UTC),
        **labels(workspace, agencies),
    )


@router.get(f"{MEETINGS}/{{id}}")
async def show_meeting(workspace: Reader, id: MeetingId) -> Response:
    """Show a meeting with what can be done about it."""
    return await show_meeting_page(workspace, id)


@router.post(f"{MEETINGS}/{{id}}/selesai")
async def finish_item(workspace: Recorder, id: MeetingId) -> Response:
    """Record that an action item is done, as a correction of its meeting."""
    try:
        found = await find_record(workspace, Meeting, id)
        if found is None:
            return workspace.page.not_found()
        items = list(found.content.action_items or ())
        typed = workspace.fields.get("butir", "")
        n = int(typed) if re.fullmatch("[0-9]{1,4}", typed) else len(items)
        if n >= len(items):
            return await show_meeting_page(workspace, id, {"butir": CHANGED})
        items[n] = items[n].model_copy(update={"done": True})
        meeting = found.content.model_copy(update={"action_items": items})
        await workspace.assessment.correct_evidence(id, meeting, tag=tag_of(workspace.fields))
    except httpx.HTTPError as error:
        return await _refuse(workspace, id, error, field="butir")
    return workspace.redirect(f"{MEETINGS}/{id}")


@router.post(f"{MEETINGS}/{{id}}/konfirmasi")
async def confirm_meeting(workspace: Confirmer, id: MeetingId) -> Response:
    """Confirm the version that the person read, so that scores read it."""
    typed = workspace.fields.get("versi", "")
    if not re.fullmatch("[1-9][0-9]{0,5}", typed):
        return await show_meeting_page(workspace, id, {"konfirmasi": CHANGED})
    try:
        await workspace.assessment.confirm_evidence(Meeting, id, version=int(typed))
    except httpx.HTTPError as error:
        return await _refuse(workspace, id, error, field="konfirmasi", forbidden=NOT_ANOTHER)
    return workspace.redirect(f"{MEETINGS}/{id}")


@router.post(f"{MEETINGS}/{{id}}/tarik")
async def withdraw_meeting(workspace: Recorder, id: MeetingId) -> Response:
    """Withdraw a meeting with a reason; what scores read is withdrawn by a confirmation."""
    reason = workspace.fields.get("alasan", "")
    try:
        TypeAdapter(Text).validate_python(reason)
    except ValidationError:
        reason = ""
    if len(reason) < MIN_REASON:
        return await show_meeting_page(workspace, id, {"alasan": NEEDS_REASON})
    try:
        await workspace.assessment.withdraw_evidence(
            Meeting, id, tag=tag_of(workspace.fields), reason=reason
        )
    except httpx.HTTPError as error:
        return await _refuse(workspace, id, error, field="alasan")
    return workspace.redirect(f"{MEETINGS}/{id}")


@router.post(f"{MEETINGS}/{{id}}/lampiran")
async def add_files(workspace: Recorder, id: MeetingId) -> Response:
    """Attach files, such as minutes and photographs, to a meeting."""
    files = await chosen_files(workspace)
    if not files:
        return await show_meeting_page(workspace, id, {FIELD: NO_FILE})
    refused = await attach_files(workspace, Meeting, id, files)
    if refused is not None:
        return await show_meeting_page(workspace, id, refused_files=refused)
    return workspace.redirect(f"{MEETINGS}/{id}")


@router.get(f"{MEETINGS}/{{id}}/lampiran/{{sha256}}")
async def download_file(workspace: Reader, id: MeetingId, sha256: FileHash) -> Response:
    """Return a file of a meeting, only to be saved."""
    return await download(workspace, Meeting, id, sha256)


@router.post(f"{MEETINGS}/{{id}}/lampiran/{{sha256}}/hapus")
async def remove_file(workspace: Recorder, id: MeetingId, sha256: FileHash) -> Response:
    """Delete a file with which nobody has confirmed the meeting."""
    refused = await delete_file(workspace, Meeting, id, sha256)
    if refused is not None:
        return await show_meeting_page(workspace, id, refused_files=refused)
    return workspace.redirect(f"{MEETINGS}/{id}")


async def find_meeting_tasks(workspace: Workspace) -> list[Task]:
    """Return the agency's action items that are due within days or overdue."""
    messages = workspace.page.messages
    own, meetings = await asyncio.gather(
        workspace.once(own_stakeholders), workspace.assessment.list_evidence(Meeting)
    )
    found = _open_items(meetings, workspace.today)
    return [
        Task(
            messages.gettext(
                "Tindak lanjut rapat: %(task)s; batasnya %(day)s",
                task=_shortened(one.item.task),
                day=messages.long_date(one.item.due),
            ),
            f"{MEETINGS}/{one.meeting.id}",
            is_urgent=one.is_late,
        )
        for one in found
        if one.item.due <= workspace.today + SOON
        and (one.item.owner in own or one.meeting.recorded_by == workspace.agency)
    ]


async def _waiting(workspace: Workspace) -> list[Record[Meeting]]:
    """Return the proposed meetings that another organisation than the person's recorded."""
    proposed = await workspace.assessment.list_evidence(Meeting, state="proposed")
    return [one for one in proposed if one.recorded_by != workspace.caller.actor]


def _may_confirm(workspace: Workspace) -> bool:
    return workspace.holds("approver", "lead")


def _open_items(records: Sequence[Record[Meeting]], today: date) -> list[OpenItem]:
    """Return the action items that are not done, the earliest due first."""
    items = [
        OpenItem(record, item, item.due < today)
        for record in records
        if record.content
        for item in record.content.action_items or ()
        if not item.done
    ]
    return sorted(items, key=lambda one: one.item.due)


async def show_meeting_page(
    workspace: Workspace,
    id: UUID,
    errors: Mapping[str, Message] | None = None,
    *,
    refused_files: str | None = None,
    status: int = 422,
) -> Response:
    """Return the page of a meeting, with why an act on it was not done."""
    try:
        found = await find_record(workspace, Meeting, id)
        if found is None:
            return workspace.page.not_found()
        names = await _stakeholder_names(workspace)
        agencies = await workspace.agency_names()
        attachments = await workspace.assessment.list_attachments(Meeting, id)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    record = found.record
    told = workspace.page.messages.labels(errors or {})
    told |= {FIELD: refused_files} if refused_files else {}
    is_own = workspace.caller.can_write_for(record.recorded_by)
    return workspace.render(
        "workspace/meeting.html",
        status=status if told else 200,
        record=record,
        attachments=attachments,
        meeting=found.content,
        tag=found.tag,
        names=names,
        errors=told,
        alasan=workspace.fields.get("alasan", ""),
        may_change=is_own and workspace.holds("editor", "lead", "evaluator"),
        may_confirm=_may_confirm(workspace)
        and record.state == "proposed"
        and record.recorded_by != workspace.caller.actor,
        today=workspace.today,
        is_just_recorded=record.state == "proposed"
        and "tercatat" in workspace.page.request.query_params,
        local_day=workspace.page.local_date,
        **labels(workspace, agencies),
    )


async def _refuse(
    workspace: Workspace,
    id: UUID,
    error: httpx.HTTPError,
    *,
    field: str,
    forbidden: Message = NOT_YOURS,
) -> Response:
    """Show the meeting with why the act was not done."""
    if not isinstance(error, RequestRejectedError):
        return await show_meeting_page(workspace, id, {field: NOT_STORED}, status=503)
    if error.status == 403:
        return await show_meeting_page(workspace, id, {field: forbidden}, status=403)
    return await show_meeting_page(workspace, id, {field: CHANGED})


async def _stakeholder_names(workspace: Workspace) -> dict[str, str]:
    found = [one.content for one in await workspace.assessment.list_evidence(Stakeholder)]
    return {one.key: _name(workspace, one) for one in found if one}


def _name(workspace: Workspace, stakeholder: Stakeholder) -> str:
    return workspace.page.in_language(stakeholder, "name") or stakeholder.name


def _when(workspace: Workspace, plan: MeetingPlan) -> str:
    page, meeting = workspace.page, plan.meeting
    return period_text(page.messages, meeting.starts_at, meeting.ends_at, page.zone)


def _held_on(record: Record[Meeting]) -> date:
    return record.content.held_on if record.content else date.min


def _shortened(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
