"""`/kelola/bukti/{jenis}/{id}`: a record of evidence, and what people do about it."""

import asyncio
import re
from collections.abc import Mapping

import httpx
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter, ValidationError

from services.assessment.client import Evidence
from services.gateway.portal.workspace.access import NOT_STORED, Workspace
from services.gateway.portal.workspace.evidence.attachments import (
    FIELD,
    NO_FILE,
    FileHash,
    attach_files,
    chosen_files,
    delete_file,
    download,
)
from services.gateway.portal.workspace.evidence.fields import Showing
from services.gateway.portal.workspace.evidence.found_records import (
    CHANGED,
    NOT_YOURS,
    Confirmer,
    KindSlug,
    Reader,
    Recorder,
    RecordId,
    find_of_kind,
    labels,
    read_lists,
)
from services.gateway.portal.workspace.evidence.kinds import KIND_BY_SLUG
from services.gateway.portal.workspace.evidence.record_kind import (
    NAME_EN,
    NOTE,
    PASSAGE,
    RecordKind,
)
from services.gateway.portal.workspace.evidence.stored_records import Found
from services.gateway.portal.workspace.hidden_fields import tag_of
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message
from services.platform.types import Text

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

NOT_ANOTHER = N_(
    "Anda tidak dapat mengonfirmasinya: bukti dikonfirmasi orang lain dari organisasi lain, bukan "
    "yang mencatatnya dan bukan yang namanya diuntungkan olehnya."
)
NOT_YOUR_DISPUTE = N_(
    "Anda tidak dapat membantahnya: instansi yang mencatat memperbaiki atau menarik catatannya "
    "sendiri, dan yang sudah terkonfirmasi dibantah pengelola hub."
)
NEEDS_REASON = N_("Tulis alasannya, 3 sampai 5.000 karakter.")
TOO_LONG_NOTE = N_("Catatan paling banyak 5.000 karakter.")
MIN_REASON = 3
MAX_VERSIONS = 20
"""Versions whose changes the history tells; of earlier ones it has author and day."""

_TEXT: TypeAdapter[str] = TypeAdapter(Text)


@router.get("/kelola/bukti/{jenis}/{id}")
async def show_record(workspace: Reader, jenis: KindSlug, id: RecordId) -> Response:
    """Show a record with what can be done about it."""
    kind = KIND_BY_SLUG.get(jenis)
    return (
        workspace.page.not_found() if kind is None else await show_record_page(workspace, kind, id)
    )


@router.post("/kelola/bukti/{jenis}/{id}/konfirmasi")
async def confirm_record(workspace: Confirmer, jenis: KindSlug, id: RecordId) -> Response:
    """Confirm the version that the person read, so that scores read it."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    version = _version(workspace)
    if version is None:
        return await show_record_page(workspace, kind, id, {"konfirmasi": CHANGED})
    note = workspace.fields.get("catatan-konfirmasi") or None
    if note is not None and not is_text(note):
        return await show_record_page(workspace, kind, id, {"catatan-konfirmasi": TOO_LONG_NOTE})
    try:
        await workspace.assessment.confirm_evidence(kind.model, id, version=version, note=note)
    except httpx.HTTPError as error:
        return await _refuse(workspace, kind, id, error, field="konfirmasi", forbidden=NOT_ANOTHER)
    return workspace.redirect(f"{kind.address}/{id}")


@router.post("/kelola/bukti/{jenis}/{id}/bantah")
async def dispute_record(workspace: Confirmer, jenis: KindSlug, id: RecordId) -> Response:
    """Dispute the version that the person read, with a reason."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    version, reason = _version(workspace), _reason(workspace, "bantahan")
    if reason is None or version is None:
        refused = {"bantahan": NEEDS_REASON if reason is None else CHANGED}
        return await show_record_page(workspace, kind, id, refused)
    try:
        await workspace.assessment.dispute_evidence(kind.model, id, version=version, reason=reason)
    except httpx.HTTPError as error:
        return await _refuse(
            workspace, kind, id, error, field="bantahan", forbidden=NOT_YOUR_DISPUTE
        )
    return workspace.redirect(f"{kind.address}/{id}")


@router.post("/kelola/bukti/{jenis}/{id}/tarik")
async def withdraw_record(workspace: Recorder, jenis: KindSlug, id: RecordId) -> Response:
    """Withdraw a record with a reason; what scores read is withdrawn by a confirmation."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    reason = _reason(workspace, "alasan")
    if reason is None:
        return await show_record_page(workspace, kind, id, {"alasan": NEEDS_REASON})
    try:
        await workspace.assessment.withdraw_evidence(
            kind.model, id, tag=tag_of(workspace.fields), reason=reason
        )
    except httpx.HTTPError as error:
        return await _refuse(workspace, kind, id, error, field="alasan")
    return workspace.redirect(f"{kind.address}/{id}")


@router.post("/kelola/bukti/{jenis}/{id}/lampiran")
async def add_files(workspace: Recorder, jenis: KindSlug, id: RecordId) -> Response:
    """Attach files to a record."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    files = await chosen_files(workspace)
    if not files:
        return await show_record_page(workspace, kind, id, {FIELD: NO_FILE})
    refused = await attach_files(workspace, kind.model, id, files)
    if refused is not None:
        return await show_record_page(workspace, kind, id, refused_files=refused)
    return workspace.redirect(f"{kind.address}/{id}")


@router.get("/kelola/bukti/{jenis}/{id}/lampiran/{sha256}")
async def download_file(
    workspace: Reader, jenis: KindSlug, id: RecordId, sha256: FileHash
) -> Response:
    """Return a file of a record, only to be saved."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    return await download(workspace, kind.model, id, sha256)


@router.post("/kelola/bukti/{jenis}/{id}/lampiran/{sha256}/hapus")
async def remove_file(
    workspace: Recorder, jenis: KindSlug, id: RecordId, sha256: FileHash
) -> Response:
    """Delete a file with which nobody has confirmed the record."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    refused = await delete_file(workspace, kind.model, id, sha256)
    if refused is not None:
        return await show_record_page(workspace, kind, id, refused_files=refused)
    return workspace.redirect(f"{kind.address}/{id}")


@router.get("/kelola/bukti/{jenis}/{id}/riwayat")
async def show_history(workspace: Reader, jenis: KindSlug, id: RecordId) -> Response:
    """Show the versions of a record: who recorded each, what it changed, and what became of it."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    try:
        found = await find_of_kind(workspace, kind, id)
        versions = await workspace.assessment.list_evidence_versions(kind.model, id)
        if found is None or versions is None:
            return workspace.page.not_found()
        read = [
            await workspace.assessment.find_evidence(kind.model, id, version=each.version)
            for each in versions[: MAX_VERSIONS + 1]
        ]
        lists = await read_lists(workspace, kind)
        agencies = await workspace.agency_names()
    except httpx.HTTPError:
        return workspace.page.unavailable()
    contents = [None if each is None else each[0].content for each in read]
    showing = Showing(workspace.page.messages, lists)
    changes = {
        each.version: _changes(kind, contents[n], contents[n + 1], showing)
        for n, each in enumerate(versions[:MAX_VERSIONS])
        if n + 1 < len(contents)
    }
    return workspace.render(
        "workspace/evidence-history.html",
        kind=kind,
        found=found,
        versions=versions,
        changes=changes,
        **labels(workspace, agencies),
    )


def _changes(
    kind: RecordKind, now: Evidence | None, before: Evidence | None, showing: Showing
) -> list[tuple[str, str, str]]:
    """Return each field that differs: its label, what it had, and what it has."""
    if now is None or before is None:
        return []
    return [
        (showing.messages.translate(each.label), "; ".join(had), "; ".join(has))
        for each in kind.fields
        if (has := each.show(now, showing)) != (had := each.show(before, showing))
    ]


def _version(workspace: Workspace) -> int | None:
    typed = workspace.fields.get("versi", "")
    return int(typed) if re.fullmatch("[1-9][0-9]{0,5}", typed) else None


def _reason(workspace: Workspace, name: str) -> str | None:
    """Return the reason that was typed; None if it is too short, too long or unreadable."""
    reason = workspace.fields.get(name, "")
    return reason if len(reason) >= MIN_REASON and is_text(reason) else None


def is_text(typed: str) -> bool:
    """Return whether the service takes what was typed as a note or reason."""
    try:
        _TEXT.validate_python(typed)
    except ValidationError:
        return False
    return True


async def show_record_page(
    workspace: Workspace,
    kind: RecordKind,
    id: RecordId,
    errors: Mapping[str, Message] | None = None,
    *,
    refused_files: str | None = None,
    status: int = 422,
) -> Response:
    """Return the page of a record, with why an act on it was not done."""
    try:
        found = await find_of_kind(workspace, kind, id)
        if found is None:
            return workspace.page.not_found()
        lists, agencies, attachments = await asyncio.gather(
            read_lists(workspace, kind),
            workspace.agency_names(),
            workspace.assessment.list_attachments(kind.model, id),
        )
    except httpx.HTTPError:
        return workspace.page.unavailable()
    messages = workspace.page.messages
    told = messages.labels(errors or {}) | ({FIELD: refused_files} if refused_files else {})
    showing = Showing(messages, lists)
    shown = [
        (each, messages.translate(each.label), each.show(found.content, showing))
        for each in kind.fields
        if each.attribute != "name"
    ]
    is_named_twice = getattr(found.content, "name_en", None) == getattr(found.content, "name", None)
    return workspace.render(
        "workspace/evidence-record.html",
        status=status if told else 200,
        kind=kind,
        found=found,
        attachments=attachments,
        record=found.record,
        sources=found.record.sources,
        terms=[
            (label, lines)
            for each, label, lines in shown
            if lines and not (each is NAME_EN and is_named_twice)
        ],
        unknown=[
            label for each, label, lines in shown if not lines and each not in (PASSAGE, NOTE)
        ],
        errors=told,
        typed=workspace.fields,
        **_may(workspace, kind, found),
        **labels(workspace, agencies),
    )


def _may(workspace: Workspace, kind: RecordKind, found: Found[Evidence]) -> dict[str, bool]:
    """Return what the page offers; the service decides."""
    record = found.record
    is_own = record.recorded_by == workspace.caller.actor
    may_settle = record.states[-1].by == workspace.caller.actor or workspace.holds("administrator")
    is_open = record.state == "proposed" or (record.state == "disputed" and may_settle)
    is_open = is_open and workspace.holds("approver", "lead")
    return {
        "may_change": workspace.caller.can_write_for(record.recorded_by)
        and workspace.holds(*kind.recorders),
        "may_record": workspace.holds(*kind.recorders),
        "may_decide": is_open and not is_own,
        "waits_for_others": is_open and is_own,
    }


async def _refuse(
    workspace: Workspace,
    kind: RecordKind,
    id: RecordId,
    error: httpx.HTTPError,
    *,
    field: str,
    forbidden: Message = NOT_YOURS,
) -> Response:
    """Show the record with why the act was not done."""
    if not isinstance(error, RequestRejectedError):
        return await show_record_page(workspace, kind, id, {field: NOT_STORED}, status=503)
    if error.status == 403:
        return await show_record_page(workspace, kind, id, {field: forbidden}, status=403)
    return await show_record_page(workspace, kind, id, {field: CHANGED})
