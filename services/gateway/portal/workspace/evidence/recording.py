"""`/kelola/bukti/{jenis}/baru`, `ubah` and `perpanjang`: the form that proposes a record."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import httpx
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import UploadFile

from services.assessment.client import Agreement, Evidence
from services.gateway.portal.workspace.access import NOT_STORED, RefusedError, Workspace
from services.gateway.portal.workspace.evidence.attachments import attach_files, chosen_files
from services.gateway.portal.workspace.evidence.fields import Choices, Field, List, Showing
from services.gateway.portal.workspace.evidence.form import (
    SAVE,
    RecordForm,
    blank_fields,
    fields_of,
)
from services.gateway.portal.workspace.evidence.found_records import (
    CHANGED,
    NOT_YOURS,
    KindSlug,
    Recorder,
    RecordId,
    find_of_kind,
    labels,
    read_lists,
)
from services.gateway.portal.workspace.evidence.index_fields import DOCUMENT_FILE
from services.gateway.portal.workspace.evidence.kinds import KIND_BY_SLUG
from services.gateway.portal.workspace.evidence.pages import show_record_page
from services.gateway.portal.workspace.evidence.record_kind import RecordKind
from services.gateway.portal.workspace.evidence.stored_records import Found
from services.gateway.portal.workspace.hidden_fields import form_id_of, tag_of
from services.gateway.portal.workspace.reasons import reasons_of
from services.gateway.portal.workspace.written_dates import write_date
from services.platform.ids import new_id
from services.platform.packs import Source
from services.platform.router import Router
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

REFUSED = N_("Catatan ini ditolak layanan penilaian: %(reasons)s")
NOT_THIS_KIND = N_("Peran Anda tidak mencatat bukti jenis ini.")
MAX_PREFILLED = 200
HASHED_AT_ONCE = 1024 * 1024
NOT_RENEWED = frozenset(
    {"ditandatangani", "sejak", "sampai", "tahun", "diperpanjang", "tempat", "catatan"}
)
"""Fields that a renewed agreement does not take over."""


@router.get("/kelola/bukti/{jenis}/baru")
async def show_form(workspace: Recorder, jenis: KindSlug) -> Response:
    """Show the empty form of a kind."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    _check_recorder(workspace, kind)
    given = workspace.page.request.query_params
    linked = {name: given[name][:MAX_PREFILLED] for name in kind.prefilled if name in given}
    return await _form(workspace, kind, blank_fields(kind) | linked | {"id": str(new_id())})


@router.post("/kelola/bukti/{jenis}/baru")
async def record_evidence(workspace: Recorder, jenis: KindSlug) -> Response:
    """Propose a record as evidence, with the document that was named as its source."""
    kind = KIND_BY_SLUG.get(jenis)
    if kind is None:
        return workspace.page.not_found()
    _check_recorder(workspace, kind)
    workspace = await _with_hash(workspace)
    try:
        stored = await _record_new(workspace, kind)
    except httpx.HTTPError as error:
        return await _refuse_form(workspace, kind, error)
    if isinstance(stored, Response):
        return stored
    return await _attach(workspace, kind, stored)


@router.get("/kelola/bukti/{jenis}/{id}/perpanjang")
async def show_renewal(workspace: Recorder, jenis: KindSlug, id: RecordId) -> Response:
    """Show the form of the agreement that continues this one."""
    found = await _find(workspace, jenis, id)
    if isinstance(found, Response):
        return found
    kind, former = found
    if not kind.may_be_renewed:
        return workspace.page.not_found()
    messages = workspace.page.messages
    fields = fields_of(kind, former.content, messages)
    fields = {name: text for name, text in fields.items() if name not in NOT_RENEWED}
    end = getattr(former.content, "valid_to", None)
    start = "" if end is None else write_date(end + timedelta(days=1), messages)
    fields |= {"id": str(new_id()), "meneruskan": former.content.key, "sejak": start}
    return await _form(workspace, kind, fields, former=former)


@router.post("/kelola/bukti/{jenis}/{id}/perpanjang")
async def renew_agreement(workspace: Recorder, jenis: KindSlug, id: RecordId) -> Response:
    """Propose the agreement that continues this one, and that this one was renewed."""
    found = await _find(workspace, jenis, id)
    if isinstance(found, Response):
        return found
    kind, former = found
    if not kind.may_be_renewed:
        return workspace.page.not_found()
    try:
        stored = await _record_new(workspace, kind, former=former)
        if isinstance(stored, Response):
            return stored
        is_own = workspace.caller.can_write_for(former.record.recorded_by)
        if is_own and isinstance(former.content, Agreement) and not former.content.renewed:
            renewed = former.content.model_copy(update={"renewed": True})
            await workspace.assessment.correct_evidence(id, renewed, tag=former.tag)
    except httpx.HTTPError as error:
        return await _refuse_form(workspace, kind, error, former=former)
    return await _attach(workspace, kind, stored)


@router.get("/kelola/bukti/{jenis}/{id}/ubah")
async def show_correction(workspace: Recorder, jenis: KindSlug, id: RecordId) -> Response:
    """Show the form with what is recorded."""
    found = await _find(workspace, jenis, id)
    if isinstance(found, Response):
        return found
    kind, current = found
    if not workspace.caller.can_write_for(current.record.recorded_by):
        raise RefusedError(NOT_YOURS)
    fields = fields_of(kind, current.content, workspace.page.messages) | {"versi": current.tag}
    return await _form(workspace, kind, fields, found=current)


@router.post("/kelola/bukti/{jenis}/{id}/ubah")
async def correct_evidence(workspace: Recorder, jenis: KindSlug, id: RecordId) -> Response:
    """Propose a correction; nothing is stored over what somebody else changed."""
    found = await _find(workspace, jenis, id)
    if isinstance(found, Response):
        return found
    kind, current = found
    _check_recorder(workspace, kind)
    workspace = await _with_hash(workspace)
    try:
        form = await _read_form(workspace, kind, current=current.content)
        source = form.read_source()
        cited = current.content.sources
        sources = cited if source is None or source.id in cited else [*cited, source.id]
        record = form.read_record(key=current.content.key, sources=sources)
        if record is None:
            return await _form(workspace, kind, workspace.fields, errors=form.errors, found=current)
        if source is not None and source.title not in form.register:
            await workspace.catalog.add_source(source)
        await workspace.assessment.correct_evidence(id, record, tag=tag_of(workspace.fields))
    except httpx.HTTPError as error:
        return await _refuse_form(workspace, kind, error, found=current)
    return workspace.redirect(f"{kind.address}/{id}")


async def _attach(workspace: Workspace, kind: RecordKind, id: UUID) -> Response:
    """Attach the files of the form to the record that was stored, and lead to its page."""
    refused = await attach_files(workspace, kind.model, id, await chosen_files(workspace))
    if refused is not None:
        return await show_record_page(workspace, kind, id, refused_files=refused)
    return workspace.redirect(f"{kind.address}/{id}")


async def _find(
    workspace: Workspace, slug: str, id: UUID
) -> tuple[RecordKind, Found[Evidence]] | Response:
    """Return a record with its kind, or the page that says why there is none."""
    kind = KIND_BY_SLUG.get(slug)
    if kind is None:
        return workspace.page.not_found()
    try:
        found = await find_of_kind(workspace, kind, id)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    return workspace.page.not_found() if found is None else (kind, found)


async def _record_new(
    workspace: Workspace, kind: RecordKind, *, former: Found[Evidence] | None = None
) -> UUID | Response:
    """Propose the record of a form; return its id, or the form with what is wrong in it.

    The form has an id of its own, so that one sent twice records once.
    """
    form_id = form_id_of(workspace.fields)
    form = await _read_form(workspace, kind)
    source = form.read_source()
    record = form.read_record(
        key=f"{kind.slug}-{form_id.hex}", sources=[source.id] if source else []
    )
    if record is None or source is None:
        return await _form(workspace, kind, workspace.fields, errors=form.errors, former=former)
    if source.title not in form.register:
        await workspace.catalog.add_source(source)
    stored = await workspace.assessment.record_evidence(record, idempotency_key=str(form_id))
    return stored.id


async def _read_form(
    workspace: Workspace, kind: RecordKind, *, current: Evidence | None = None
) -> RecordForm:
    lists = await read_lists(workspace, kind)
    register = await _read_register(workspace)
    return RecordForm(kind, workspace.fields, lists, workspace.page.messages, current, register)


async def _read_register(workspace: Workspace) -> dict[str, Source]:
    """Return the register of sources by their titles; nothing if the catalogue does not answer."""
    try:
        sources = await workspace.page.catalog.list_sources()
    except httpx.HTTPError:
        return {}
    return {source.title: source for source in sources}


async def _with_hash(workspace: Workspace) -> Workspace:
    """Return the form with the hash of the file that was chosen; the file is not kept."""
    upload = (await workspace.page.request.form()).get(DOCUMENT_FILE)
    if not isinstance(upload, UploadFile) or not upload.filename:
        return workspace
    digest = hashlib.sha256()
    while part := await upload.read(HASHED_AT_ONCE):
        digest.update(part)
    return replace(workspace, fields={**workspace.fields, "bukti-sidik": digest.hexdigest()})


def _check_recorder(workspace: Workspace, kind: RecordKind) -> None:
    """Refuse who does not record evidence of this kind."""
    if not workspace.holds(*kind.recorders):
        raise RefusedError(NOT_THIS_KIND)


async def _form(
    workspace: Workspace,
    kind: RecordKind,
    fields: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    found: Found[Evidence] | None = None,
    former: Found[Evidence] | None = None,
    status: int = 422,
) -> Response:
    """Return the form with what was typed.

    `found` is the record that is corrected, `former` the agreement that is renewed.
    """
    try:
        lists = await read_lists(workspace, kind)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    about = found or former
    register = await _read_register(workspace)
    address = kind.address if about is None else f"{kind.address}/{about.record.id}"
    return workspace.render(
        "workspace/evidence-form.html",
        status=status if errors else 200,
        kind=kind,
        action=f"{address}/{'ubah' if found else 'perpanjang' if former else 'baru'}",
        back=kind.address if about is None else address,
        inputs=[
            (
                each,
                _options(each, workspace, lists, found),
                workspace.page.messages.labels(getattr(each, "labels", {})),
            )
            for each in kind.fields
            if found is None or each.name not in kind.set_once
        ],
        has_file=any(each.widget == "document" for each in kind.fields),
        register=sorted(register),
        typed=fields,
        errors=errors or {},
        has_chosen_files=bool(errors and await chosen_files(workspace)),
        found=found,
        former=former,
        **labels(workspace, {}),
    )


def _options(
    field: Field, workspace: Workspace, lists: Mapping[List, Choices], found: Found[Evidence] | None
) -> Choices:
    """Return what can be chosen in a field; no record refers to itself."""
    options = field.options(Showing(workspace.page.messages, lists))
    own = found.content.key if found else None
    return {key: name for key, name in options.items() if key != own}


async def _refuse_form(
    workspace: Workspace,
    kind: RecordKind,
    error: httpx.HTTPError,
    *,
    found: Found[Evidence] | None = None,
    former: Found[Evidence] | None = None,
) -> Response:
    """Show the form again with why it was not stored, and everything that was typed."""
    messages, fields = workspace.page.messages, workspace.fields
    errors: dict[str, str] = {}
    status = 422
    if not isinstance(error, RequestRejectedError):
        errors[SAVE], status = messages.translate(NOT_STORED), 503
    elif error.status == 403:
        raise RefusedError(NOT_YOURS)
    elif error.status == 412 and found is not None:
        fields = {**fields, "versi": found.tag}
        errors[SAVE] = messages.translate(CHANGED)
    else:
        form = RecordForm(kind, fields, {}, messages)
        form.add_errors(error.errors)
        errors |= form.errors or {
            SAVE: messages.translate(REFUSED, reasons=reasons_of(workspace, error))
        }
    return await _form(
        workspace, kind, fields, errors=errors, found=found, former=former, status=status
    )
