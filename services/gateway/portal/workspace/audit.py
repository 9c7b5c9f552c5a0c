"""`/kelola/jejak`: who changed what and when, and whether the log is intact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import StringConstraints

from services.gateway.audit.chain import ChainedEntry
from services.gateway.audit.recent import verify_recent
from services.gateway.audit.records import AuditFilter, list_latest
from services.gateway.people.records import list_people, names_of, subject_of
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.workspace.access import Enter, Workspace, database_of
from services.gateway.portal.workspace.downloads import (
    Table,
    csv_file,
    file_moment,
    xlsx_file,
)
from services.platform.local_time import start_of_day
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.spreadsheets.csv_export import CsvValue
from services.platform.translation import N_, Message
from services.platform.types import TEXT_PATTERN

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

AUDIT = "/kelola/jejak"
PAGE_SIZE = 50
MAX_PEOPLE = 1000
MOST_EXPORTED = 5000
"""Lines in a file, the newest."""
ACTIONS = ("POST", "PUT", "PATCH", "DELETE")

NO_DAY = N_("Pilih tanggal yang benar.")
ENDS_BEFORE = N_("Tanggal akhir harus sesudah tanggal awal.")

EXPORTED: Sequence[Message] = (
    N_("Baris"),
    N_("Waktu"),
    N_("Siapa"),
    N_("Id"),
    N_("Instansi"),
    N_("Tindakan"),
    N_("Alamat"),
    N_("Status HTTP"),
    N_("Masalah"),
    N_("Id permintaan"),
)
"""Headings of the files."""

Reader = Annotated[Workspace, Depends(Enter("auditor"))]
Typed = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=300)]
Number = Annotated[int | None, Query(ge=1, le=2**62 - 1)]


@dataclass(frozen=True)
class Search:
    """What is searched for: as it was typed, as a filter, and what was wrong."""

    typed: Mapping[str, str]
    wanted: AuditFilter
    errors: Mapping[str, Message]

    @property
    def query(self) -> dict[str, str]:
        """The query parameters that are not empty."""
        return {name: value for name, value in self.typed.items() if value}


def read_search(  # noqa: PLR0917 - FastAPI passes by name
    page: CurrentPage,
    orang: Typed = "",
    instansi: Typed = "",
    tindakan: Typed = "",
    alamat: Typed = "",
    dari: Typed = "",
    sampai: Typed = "",
) -> Search:
    """Return what the query of a page or file searches for."""
    errors: dict[str, Message] = {}
    first, last = _day(dari, "dari", errors), _day(sampai, "sampai", errors)
    if first is not None and last is not None and last < first:
        errors["sampai"] = ENDS_BEFORE
    wanted = AuditFilter(
        agency=instansi or None,
        key_id=_subject(orang),
        action=tindakan or None,
        target=alamat or None,
        since=start_of_day(first, page.zone) if first else None,
        until=start_of_day(last + timedelta(days=1), page.zone) if last else None,
    )
    typed = {
        "orang": orang,
        "instansi": instansi,
        "tindakan": tindakan,
        "alamat": alamat,
        "dari": dari,
        "sampai": sampai,
    }
    return Search(typed, wanted, errors)


SearchDep = Annotated[Search, Depends(read_search)]


@router.get(AUDIT)
async def search_audit_log(
    request: Request, workspace: Reader, search: SearchDep, cursor: Number = None
) -> Response:
    """Search the log by person, agency, act and time, the newest lines first."""
    return await _page(request, workspace, search, cursor)


@router.get(f"{AUDIT}.csv")
async def export_csv(request: Request, workspace: Reader, search: SearchDep) -> Response:
    """Return the lines that are searched for as CSV, the newest."""
    if search.errors:
        return await _page(request, workspace, search)
    return csv_file(await _table(request, workspace, search), name="jejak-audit")


@router.get(f"{AUDIT}.xlsx")
async def export_xlsx(request: Request, workspace: Reader, search: SearchDep) -> Response:
    """Return the lines that are searched for as a workbook, the newest."""
    if search.errors:
        return await _page(request, workspace, search)
    title = workspace.page.messages.gettext("Jejak audit")
    return await xlsx_file({title: await _table(request, workspace, search)}, name="jejak-audit")


async def _table(request: Request, workspace: Workspace, search: Search) -> Table:
    region, page = get_region(request), workspace.page
    async with database_of(request).read_session() as session:
        lines = await list_latest(session, region, search.wanted, before=None, limit=MOST_EXPORTED)
        names = await names_of(session, region, {line.entry.key_id for line in lines})
    agencies = await workspace.agency_names()

    def row(line: ChainedEntry) -> list[CsvValue]:
        entry = line.entry
        return [
            line.number,
            file_moment(page, entry.at),
            names.get(entry.key_id),
            entry.key_id,
            agencies.get(entry.agency, entry.agency) if entry.agency else None,
            entry.action,
            entry.target,
            entry.status,
            entry.problem,
            entry.request_id,
        ]

    return Table(list(map(page.messages.translate, EXPORTED)), [row(line) for line in lines])


async def _page(
    request: Request, workspace: Workspace, search: Search, cursor: int | None = None
) -> Response:
    region, page, errors = get_region(request), workspace.page, search.errors
    async with database_of(request).read_session() as session:
        found: list[ChainedEntry] = []
        if not errors:
            found = await list_latest(
                session, region, search.wanted, before=cursor, limit=PAGE_SIZE + 1
            )
        lines = found[:PAGE_SIZE]
        names = await names_of(session, region, {line.entry.key_id for line in lines})
        people = await list_people(session, region, cursor=None, limit=MAX_PEOPLE)
        verification = await verify_recent(session, region)

    def at(moment: datetime) -> str:
        return f"{page.local_date(moment)} {page.messages.clock(moment.astimezone(page.zone))}"

    return workspace.render(
        "workspace/audit.html",
        status=422 if errors else 200,
        errors=page.messages.labels(errors),
        lines=lines,
        names=names,
        people=sorted(
            ((str(each.id), each.name or each.email or "") for each in people),
            key=lambda pair: pair[1].lower(),
        ),
        agencies=await workspace.agency_names(),
        actions=ACTIONS,
        typed=search.typed,
        query=search.query,
        cursor=lines[-1].number if len(found) > PAGE_SIZE else None,
        verification=verification,
        at=at,
        number=page.messages.number,
        month=page.messages.month,
    )


def _subject(typed: str) -> str | None:
    """Return the id by which the log names whom the form names: a person, or a key by its id."""
    if not typed:
        return None
    try:
        return subject_of(UUID(typed))
    except ValueError:
        return typed


def _day(typed: str, field: str, errors: dict[str, Message]) -> date | None:
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        errors[field] = NO_DAY
        return None
    if not 2000 <= day.year <= 2099:
        errors[field] = NO_DAY
        return None
    return day
