"""`/kelola/pengumuman`: the announcements of an agency, and what is done with each."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import httpx
from fastapi import Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from services.gateway.announcements.draft_routes import (
    delete_announcement_draft,
    publish_announcement_draft,
    refuse_announcement_draft,
    submit_announcement_draft,
)
from services.gateway.announcements.routes import (
    list_announcements_written,
    withdraw_announcement,
)
from services.gateway.announcements.schemas import AnnouncementReason, WrittenAnnouncementItem
from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.announcements.announcement_form import preview_of
from services.gateway.portal.workspace.announcements.announcement_records import (
    ANNOUNCEMENTS,
    STATES,
    VISIBILITIES,
    Publisher,
    Reader,
    Writer,
    find_announcement,
    read_service_table,
    write_of,
)
from services.gateway.portal.workspace.announcements.fields import (
    ANNOUNCEMENT_FORM,
    local_differences,
)
from services.gateway.portal.workspace.catalog.differences import describe
from services.gateway.portal.workspace.downloads import Table, csv_file, xlsx_file
from services.gateway.portal.workspace.hidden_fields import tag_of
from services.gateway.portal.workspace.links.link_records import moment_text
from services.platform.conditional_writes import ConditionalWrite
from services.platform.paging import Page
from services.platform.problems import NotAllowed, ProblemError
from services.platform.router import Router
from services.platform.spreadsheets.csv_export import CsvValue
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PAGE_SIZE = 50
MOST_EXPORTED = 2000
"""Announcements in a file, the newest."""
MAX_REASON = 2000

NEEDS_REASON = N_("Tulis apa yang harus diperbaiki, paling banyak 2.000 huruf.")
NEEDS_WHY = N_("Tulis mengapa pengumuman ini ditarik, paling banyak 2.000 huruf.")
OTHER_STATE = N_("Keadaan pengumuman ini sudah berubah. Baca lagi sebelum melanjutkan.")
SAME_PERSON = N_(
    "Anda ikut menulis konsep ini. Orang lain di instansi Anda atau di instansi pengampu yang "
    "memeriksanya."
)
OVER = N_("Waktu tampilnya sudah lewat, atau layanan yang disebut sudah tidak ada. Ubah konsepnya.")
EXPORTED: tuple[Message, ...] = (
    N_("Judul"),
    N_("Instansi"),
    N_("Konsep"),
    N_("Keadaan"),
    N_("Tampil mulai"),
    N_("Tampil sampai"),
    N_("Terakhir diubah"),
    N_("Alamat"),
)
"""Headings of the files."""

DraftFilter = Annotated[Literal["", "draft", "in_review", "refused"], Query()]
Act = Callable[[ConditionalWrite], Awaitable[object]]


@router.get(ANNOUNCEMENTS)
async def list_announcements(
    request: Request,
    workspace: Reader,
    konsep: DraftFilter = "",
    cursor: UUID | None = None,
) -> Response:
    """Show the announcements of the agency, or those of all agencies to the lead agency."""
    found = await _read_page(request, workspace, draft=konsep, cursor=cursor, limit=PAGE_SIZE)
    messages = workspace.page.messages
    return workspace.render(
        "workspace/announcements.html",
        items=None if found is None else found.items,
        more=str(found.items[-1].id) if found is not None and found.next else None,
        chosen=konsep,
        names=await workspace.agency_names(),
        states=messages.labels(STATES),
        visibilities=messages.labels(VISIBILITIES),
        moment=moment_text(workspace),
    )


@router.get(f"{ANNOUNCEMENTS}.csv")
async def export_csv(request: Request, workspace: Reader, konsep: DraftFilter = "") -> Response:
    """Return the list as CSV, in the form of Indonesian spreadsheet programs."""
    return csv_file(await _table(request, workspace, konsep), name="pengumuman")


@router.get(f"{ANNOUNCEMENTS}.xlsx")
async def export_xlsx(request: Request, workspace: Reader, konsep: DraftFilter = "") -> Response:
    """Return the list as a workbook."""
    table = await _table(request, workspace, konsep)
    title = workspace.page.messages.gettext("Pengumuman")
    return await xlsx_file({title: table}, name="pengumuman")


@router.get(f"{ANNOUNCEMENTS}/{{id}}")
async def show_announcement(request: Request, workspace: Reader, id: UUID) -> Response:
    """Show where an announcement stands, how citizens see it, and what its draft changes."""
    return await _show(request, workspace, id)


@router.post(f"{ANNOUNCEMENTS}/{{id}}/ajukan")
async def submit_draft(request: Request, workspace: Writer, id: UUID) -> Response:
    """Send a draft to a second person for review."""

    async def submit(write: ConditionalWrite) -> object:
        return await submit_announcement_draft(request, write, id)

    return await _act(request, workspace, id, submit, at="ajukan")


@router.post(f"{ANNOUNCEMENTS}/{{id}}/terbitkan")
async def publish_draft(request: Request, workspace: Publisher, id: UUID) -> Response:
    """Publish a draft that somebody else wrote."""

    async def publish(write: ConditionalWrite) -> object:
        return await publish_announcement_draft(request, write, id)

    return await _act(request, workspace, id, publish, at="terbitkan")


@router.post(f"{ANNOUNCEMENTS}/{{id}}/kembalikan")
async def refuse_draft(request: Request, workspace: Publisher, id: UUID) -> Response:
    """Give a draft back to who wrote it, with the reason."""
    reason = _reason(workspace, "alasan")
    if reason is None:
        errors = {"alasan": NEEDS_REASON}
        return await _show(request, workspace, id, errors=errors, status=422)

    async def refuse(write: ConditionalWrite) -> object:
        return await refuse_announcement_draft(write, id, reason)

    return await _act(request, workspace, id, refuse, at="alasan")


@router.post(f"{ANNOUNCEMENTS}/{{id}}/buang")
async def discard_draft(request: Request, workspace: Writer, id: UUID) -> Response:
    """Discard a draft; what is published stays."""

    async def discard(write: ConditionalWrite) -> object:
        return await delete_announcement_draft(write, id)

    return await _act(request, workspace, id, discard, at="buang")


@router.post(f"{ANNOUNCEMENTS}/{{id}}/tarik")
async def withdraw(request: Request, workspace: Publisher, id: UUID) -> Response:
    """Withdraw what is published, with the reason."""
    reason = _reason(workspace, "mengapa")
    if reason is None:
        errors = {"mengapa": NEEDS_WHY}
        return await _show(request, workspace, id, errors=errors, status=422)

    async def take_back(write: ConditionalWrite) -> object:
        return await withdraw_announcement(write, id, reason)

    return await _act(request, workspace, id, take_back, at="mengapa")


def _reason(workspace: Workspace, name: str) -> AnnouncementReason | None:
    """Return the reason that was typed; None if there is none, or if it is too long."""
    try:
        return AnnouncementReason(reason=workspace.fields.get(name, ""))
    except ValidationError:
        return None


async def _act(request: Request, workspace: Workspace, id: UUID, act: Act, *, at: str) -> Response:
    """Do something with the announcement as the page showed it."""
    try:
        async with database_of(request).write_session() as session:
            await act(write_of(request, workspace, session, tag_of(workspace.fields)))
    except ProblemError as error:
        if error.status == 404:
            return workspace.page.not_found()
        message = OVER if error.errors else OTHER_STATE
        if error.status == 403:
            message = SAME_PERSON
        if error.status == 503:
            return workspace.page.unavailable()
        return await _show(request, workspace, id, errors={at: message}, status=error.status)
    found = await find_announcement(request, workspace, id)
    return workspace.redirect(ANNOUNCEMENTS if found is None else f"{ANNOUNCEMENTS}/{id}")


async def _show(
    request: Request,
    workspace: Workspace,
    id: UUID,
    *,
    errors: dict[str, Message] | None = None,
    status: int = 200,
) -> Response:
    found = await find_announcement(request, workspace, id)
    if found is None:
        return workspace.page.not_found()
    written, messages = found.written, workspace.page.messages
    try:
        tables = await read_service_table(workspace, agency=written.agency)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    names = await workspace.agency_names()
    changed = found.draft.differences if found.draft is not None else []
    last = found.history.versions[0] if found.history is not None else None
    return workspace.render(
        "workspace/announcement.html",
        status=status,
        found=found,
        written=written,
        last=last,
        preview=preview_of(written),
        agency=names.get(written.agency, written.agency),
        names=names,
        concerned=[(slug, tables["services"].get(slug, slug)) for slug in written.services],
        states=messages.labels(STATES),
        visibilities=messages.labels(VISIBILITIES),
        differences=describe(
            local_differences(changed, workspace.page.zone), ANNOUNCEMENT_FORM, tables, messages
        ),
        errors={name: messages.translate(text) for name, text in (errors or {}).items()},
        may_write=workspace.holds("editor", "lead")
        and workspace.caller.can_write_for(written.agency),
        may_publish=workspace.holds("approver", "lead"),
        moment=moment_text(workspace),
        now=datetime.now(UTC),
        fields=workspace.fields,
    )


async def _read_page(
    request: Request,
    workspace: Workspace,
    *,
    draft: DraftFilter,
    cursor: UUID | None,
    limit: int,
) -> Page[WrittenAnnouncementItem] | None:
    """Return a page of the list; None for somebody who works for no agency."""
    async with database_of(request).read_session() as session:
        try:
            return await list_announcements_written(
                request,
                session,
                caller=workspace.caller,
                draft=draft or None,
                cursor=cursor,
                limit=limit,
            )
        except NotAllowed:
            return None


async def _table(request: Request, workspace: Workspace, draft: DraftFilter) -> Table:
    """Return headings and rows of the list, the newest first."""
    messages, moment = workspace.page.messages, moment_text(workspace)
    names = await workspace.agency_names()
    states, visibilities = messages.labels(STATES), messages.labels(VISIBILITIES)
    items: list[WrittenAnnouncementItem] = []
    cursor: UUID | None = None
    while len(items) < MOST_EXPORTED:
        found = await _read_page(request, workspace, draft=draft, cursor=cursor, limit=100)
        items += [] if found is None else found.items
        if found is None or found.next is None:
            break
        cursor = found.items[-1].id
    rows: list[list[CsvValue]] = [
        [
            each.title,
            names.get(each.agency, each.agency),
            states[each.draft] if each.draft else None,
            visibilities[each.visibility] if each.visibility else None,
            moment(each.shown_from) if each.shown_from else None,
            moment(each.shown_until) if each.shown_until else None,
            moment(each.recorded_at),
            f"/pengumuman/{each.id}" if each.visibility == "shown" else None,
        ]
        for each in items
    ]
    return Table([messages.translate(heading) for heading in EXPORTED], rows)
