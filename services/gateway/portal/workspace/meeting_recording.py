"""`/kelola/rapat/baru` and `/kelola/rapat/{id}/ubah`: the form that proposes a meeting."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.assessment.client import Meeting
from services.gateway.meetings.attendance_schemas import AttendanceEntry
from services.gateway.portal.workspace.access import NOT_STORED, RefusedError, Workspace
from services.gateway.portal.workspace.evidence.attachments import attach_files, chosen_files
from services.gateway.portal.workspace.evidence.stored_records import Found, find_record
from services.gateway.portal.workspace.hidden_fields import form_id_of, tag_of
from services.gateway.portal.workspace.meeting_form import (
    AS_RECORDED,
    MAX_ROWS,
    MINUTES,
    ROWS,
    MeetingForm,
    blank_fields,
    fields_of,
    rows_of,
)
from services.gateway.portal.workspace.meeting_participants import (
    Participants,
    propose_agencies,
    read_participants,
)
from services.gateway.portal.workspace.meeting_plan_form import record_fields_of_plan
from services.gateway.portal.workspace.meeting_plans import (
    delete_plan,
    find_own_plan,
    read_attendance,
)
from services.gateway.portal.workspace.meeting_records import (
    CHANGED,
    MEETINGS,
    NOT_YOURS,
    MeetingId,
    Recorder,
    labels,
)
from services.gateway.portal.workspace.meetings import show_meeting_page
from services.gateway.portal.workspace.reasons import reasons_of
from services.platform.ids import new_id
from services.platform.problems import NotFound, PreconditionFailed
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

LABELS: Mapping[str, Message] = {
    "kind": N_("Jenis"),
    "held_on": N_("Tanggal rapat"),
    "place": N_("Tempat"),
    "problem_statement": N_("Pokok masalah"),
    "agenda": N_("Agenda"),
    "attendance": N_("Hadir"),
    "decisions": N_("Keputusan"),
    "action_items": N_("Tindak lanjut"),
}
"""Fields of the form by those of the service."""
SEEMS_AS_RECORDED = N_("seperti tercatat")
REFUSED = N_("Catatan ini ditolak layanan penilaian: %(reasons)s")


@router.get(f"{MEETINGS}/baru")
async def show_form(request: Request, workspace: Recorder, rencana: UUID | None = None) -> Response:
    """Show the form of a meeting: of one that was planned, or one that was held yesterday."""
    if rencana is None:
        return await _form(workspace, blank_fields(workspace.today) | {"id": str(new_id())})
    found = await find_own_plan(request, workspace, rencana)
    if found is None:
        return workspace.page.not_found()
    entries = (await read_attendance(request, workspace, rencana)).entries
    present = {f"hadir-{entry.stakeholder}": "1" for entry in entries if entry.stakeholder}
    fields = record_fields_of_plan(found.plan, workspace.page.zone) | present
    return await _form(workspace, fields, entries=entries)


@router.post(f"{MEETINGS}/baru")
async def record_meeting(request: Request, workspace: Recorder) -> Response:
    """Propose a meeting as evidence, with its minutes as a source; a plan of it is then deleted."""
    fields = workspace.fields
    form_id = form_id_of(fields)
    is_planned = fields.get("rencana") == str(form_id)
    entries = await _find_entries(request, workspace, form_id) if is_planned else ()
    if "tambah" in fields:
        return await _form(workspace, _with_more_rows(fields), entries=entries)
    try:
        participants = await read_participants(workspace)
        form = _read_form(workspace, participants)
        files = await chosen_files(workspace)
        recorder = _recorder_name(workspace, participants)
        source = form.read_source(recorder=recorder, has_files=bool(files))
        meeting = form.read_meeting(
            key=f"rapat-{form_id.hex}", sources=[source.id] if source else [], current=None
        )
        if meeting is None or source is None:
            return await _form(workspace, fields, errors=form.errors, entries=entries)
        await workspace.catalog.add_source(source)
        await propose_agencies(workspace, participants, meeting, form_id=form_id)
        stored = await workspace.assessment.record_evidence(meeting, idempotency_key=str(form_id))
    except httpx.HTTPError as error:
        return await _refuse_form(workspace, error, entries=entries)
    if is_planned:
        await _delete_plan(request, workspace, form_id)
    refused = await attach_files(workspace, Meeting, stored.id, files)
    if refused is not None:  # the meeting is recorded
        return await show_meeting_page(workspace, stored.id, refused_files=refused)
    return workspace.redirect(f"{MEETINGS}/{stored.id}?tercatat=1")


@router.get(f"{MEETINGS}/{{id}}/ubah")
async def show_correction(workspace: Recorder, id: MeetingId) -> Response:
    """Show the form with what is recorded."""
    try:
        found = await find_record(workspace, Meeting, id)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if found is None:
        return workspace.page.not_found()
    if not workspace.caller.can_write_for(found.record.recorded_by):
        raise RefusedError(NOT_YOURS)
    return await _form(workspace, fields_of(found.content) | {"versi": found.tag}, found=found)


@router.post(f"{MEETINGS}/{{id}}/ubah")
async def correct_meeting(workspace: Recorder, id: MeetingId) -> Response:
    """Propose a correction of a meeting; nothing is stored over what somebody else changed."""
    fields = workspace.fields
    found: Found[Meeting] | None = None
    try:
        found = await find_record(workspace, Meeting, id)
        if found is None:
            return workspace.page.not_found()
        if "tambah" in fields:
            return await _form(workspace, _with_more_rows(fields), found=found)
        participants = await read_participants(workspace)
        form = _read_form(workspace, participants)
        source = form.read_source(recorder=None)
        cited = found.content.sources
        sources = cited if source is None or source.id in cited else [*cited, source.id]
        meeting = form.read_meeting(key=found.content.key, sources=sources, current=found.content)
        if meeting is None or form.errors:
            return await _form(workspace, fields, errors=form.errors, found=found)
        if source is not None:
            await workspace.catalog.add_source(source)
        await propose_agencies(workspace, participants, meeting, form_id=id)
        await workspace.assessment.correct_evidence(id, meeting, tag=tag_of(fields))
    except httpx.HTTPError as error:
        return await _refuse_form(workspace, error, found=found)
    return workspace.redirect(f"{MEETINGS}/{id}")


async def _delete_plan(request: Request, workspace: Workspace, id: UUID) -> None:
    """Delete the plan of a meeting that was recorded; one that was deleted already is none."""
    found = await find_own_plan(request, workspace, id)
    if found is not None:
        with suppress(NotFound, PreconditionFailed):  # it is offered to be recorded again
            await delete_plan(request, workspace, id, tag=found.tag)


async def _find_entries(
    request: Request, workspace: Workspace, id: UUID
) -> Sequence[AttendanceEntry]:
    """Return the names in the attendance list of a plan; none if it was recorded and is deleted."""
    if await find_own_plan(request, workspace, id) is None:
        return ()
    return (await read_attendance(request, workspace, id)).entries


def _read_form(workspace: Workspace, participants: Participants) -> MeetingForm:
    return MeetingForm(
        workspace.fields, list(participants.names), workspace.page.messages, workspace.today
    )


def _recorder_name(workspace: Workspace, participants: Participants) -> str:
    """Return by whose word a meeting without a document is recorded, in Indonesian."""
    own = participants.own_agency
    return own.name if own is not None else workspace.agency or "pencatat"


async def _form(
    workspace: Workspace,
    fields: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    found: Found[Meeting] | None = None,
    entries: Sequence[AttendanceEntry] = (),
    status: int = 422,
) -> Response:
    """Return the form with what was typed; `found` is the meeting that is corrected.

    `entries` are the names in the attendance list of the meeting, which a person checks.
    """
    try:
        participants = await read_participants(workspace)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    messages, names = workspace.page.messages, participants.names
    minutes = {code: messages.translate(label) for code, (label, _) in MINUTES.items()}
    if found is not None and fields.get("notula") == AS_RECORDED:
        minutes[AS_RECORDED] = messages.translate(SEEMS_AS_RECORDED)
    return workspace.render(
        "workspace/meeting-form.html",
        status=status if errors else 200,
        typed=fields,
        errors=errors or {},
        groups=participants.groups,
        entries=entries,
        names=names,
        is_somebody_invited=any(fields.get(f"diundang-{key}") for key in names),
        found=found,
        rows=rows_of(fields),
        most_rows=MAX_ROWS,
        minutes=minutes,
        has_chosen_files=bool(errors and await chosen_files(workspace)),
        today=workspace.today,
        **labels(workspace, {}),
    )


async def _refuse_form(
    workspace: Workspace,
    error: httpx.HTTPError,
    *,
    found: Found[Meeting] | None = None,
    entries: Sequence[AttendanceEntry] = (),
) -> Response:
    """Show the form again with why it was not stored, and everything that was typed."""
    messages, fields = workspace.page.messages, workspace.fields
    if not isinstance(error, RequestRejectedError):
        errors = {"simpan": messages.translate(NOT_STORED)}
        return await _form(
            workspace, fields, errors=errors, found=found, entries=entries, status=503
        )
    if error.status == 403:
        raise RefusedError(NOT_YOURS)
    if error.status == 412 and found is not None:
        fields = {**fields, "versi": found.tag}
        errors = {"simpan": messages.translate(CHANGED)}
        return await _form(workspace, fields, errors=errors, found=found)
    errors = {"simpan": messages.translate(REFUSED, reasons=reasons_of(workspace, error, LABELS))}
    return await _form(workspace, fields, errors=errors, found=found, entries=entries)


def _with_more_rows(fields: Mapping[str, str]) -> dict[str, str]:
    return {**fields, "baris": str(min(rows_of(fields) + ROWS, MAX_ROWS))}
