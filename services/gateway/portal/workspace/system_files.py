"""Jobs and backups of `/kelola/sistem` as files."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import Response

from services.gateway.hub_status.backups import list_backups
from services.gateway.hub_status.operation_routes import read_hub_jobs
from services.gateway.portal.page import Page
from services.gateway.portal.workspace.access import database_of
from services.gateway.portal.workspace.downloads import Table, csv_file, file_moment, xlsx_file
from services.gateway.portal.workspace.system import SYSTEM, Reader
from services.platform.job_status import JobStatus
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, NC_, Message

router = Router(include_in_schema=False)

MOST_BACKUPS = 1000

JOBS: Sequence[Message] = (
    N_("Layanan hub"),
    N_("Tugas"),
    N_("Selang (detik)"),
    N_("Aktif"),
    N_("Terakhir berhasil"),
    N_("Berikutnya"),
    N_("Gagal berturut-turut"),
    N_("Terakhir gagal"),
    N_("Sebab"),
    N_("Menunggu"),
    N_("Menunggu sejak"),
    N_("Ditolak"),
)
REFUSED: Sequence[Message] = (
    N_("Layanan hub"),
    N_("Tugas"),
    N_("Butir"),
    N_("Ditolak pada"),
    N_("Sebab"),
)
BACKUPS: Sequence[Message] = (N_("Dibuat"), N_("Ukuran (bita)"), N_("Terenkripsi"))


@router.get(f"{SYSTEM}/tugas.csv")
async def export_jobs_csv(request: Request, workspace: Reader) -> Response:
    """Return the background jobs as CSV."""
    jobs = (await read_hub_jobs(request)).items
    return csv_file(_jobs(workspace.page, jobs), name="tugas")


@router.get(f"{SYSTEM}/tugas.xlsx")
async def export_jobs_xlsx(request: Request, workspace: Reader) -> Response:
    """Return the background jobs as a workbook, with a sheet of what was refused."""
    jobs = (await read_hub_jobs(request)).items
    page = workspace.page
    tables = {
        page.messages.gettext("Tugas latar belakang"): _jobs(page, jobs),
        page.messages.gettext("Ditolak"): _refused(page, jobs),
    }
    return await xlsx_file(tables, name="tugas")


@router.get(f"{SYSTEM}/cadangan.csv")
async def export_backups_csv(request: Request, workspace: Reader) -> Response:
    """Return the backups as CSV."""
    return csv_file(await _backups(request, workspace.page), name="cadangan")


@router.get(f"{SYSTEM}/cadangan.xlsx")
async def export_backups_xlsx(request: Request, workspace: Reader) -> Response:
    """Return the backups as a workbook."""
    table = await _backups(request, workspace.page)
    return await xlsx_file({workspace.page.messages.gettext("Cadangan"): table}, name="cadangan")


def _jobs(page: Page, jobs: Sequence[JobStatus]) -> Table:
    answers = _answers(page)
    rows = [
        [
            job.service,
            job.job,
            job.every_seconds,
            answers[job.enabled],
            file_moment(page, job.last_success),
            file_moment(page, job.next_run),
            job.failures,
            file_moment(page, job.last_failure),
            job.failure,
            job.backlog,
            file_moment(page, job.oldest),
            job.refused_count,
        ]
        for job in jobs
    ]
    return Table(list(map(page.messages.translate, JOBS)), rows)


def _refused(page: Page, jobs: Sequence[JobStatus]) -> Table:
    rows = [
        [job.service, job.job, each.item, file_moment(page, each.refused_at), each.reason]
        for job in jobs
        for each in job.refused
    ]
    return Table(list(map(page.messages.translate, REFUSED)), rows)


async def _backups(request: Request, page: Page) -> Table:
    async with database_of(request).read_session() as session:
        found = await list_backups(session, get_region(request), limit=MOST_BACKUPS)
    answers = _answers(page)
    rows = [[file_moment(page, one.made_at), one.size, answers[one.encrypted]] for one in found]
    return Table(list(map(page.messages.translate, BACKUPS)), rows)


def _answers(page: Page) -> dict[bool, str]:
    return {
        True: page.messages.translate(NC_("answer", "Ya")),
        False: page.messages.translate(NC_("answer", "Tidak")),
    }
