"""`/kelola/sistem`: what is wrong with the hub, its jobs, backups and settings."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from services.gateway.hub_status.backups import list_backups
from services.gateway.hub_status.operation_routes import operator_of, read_hub_jobs
from services.gateway.hub_status.refused_items import settle_named_items
from services.gateway.hub_status.routes import get_hub_status
from services.gateway.hub_status.runbook import read_runbook
from services.gateway.portal.workspace.access import Enter, Workspace, database_of
from services.gateway.portal.workspace.people import ConfirmedAdministrator
from services.platform.health.findings import RUNBOOK, HealthCheck, Severity
from services.platform.health.monitor import HealthMonitor
from services.platform.job_status import JobStatus
from services.platform.jobs import BackgroundJob, RefusedAction
from services.platform.problems import Conflict, NotFound
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings_in_force import SettingSource, list_settings
from services.platform.translation import N_, NC_, Message, Translator

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

SYSTEM = "/kelola/sistem"
RUNBOOK_PAGE = f"{SYSTEM}/panduan"
SHOWN_BACKUPS = 5
ITEM = "butir-"
SHOWN = "tampil-"
"""Prefixes of the fields of a form that tell which items are ticked, and which it shows."""

NOTHING_TICKED = N_("Pilih sekurang-kurangnya satu butir.")
GONE = N_("Ada butir yang sudah diulangi atau dibuang orang lain. Tidak ada yang diubah.")

CHECKS: Mapping[HealthCheck, Message] = {
    HealthCheck.database: N_("Basis data"),
    HealthCheck.schema: N_("Skema basis data"),
    HealthCheck.pack: N_("Data kabupaten"),
    HealthCheck.writable: N_("Penulisan ke basis data"),
    HealthCheck.keys: N_("Kunci hub"),
    HealthCheck.clock: N_("Jam server"),
    HealthCheck.queues: N_("Antrean"),
    HealthCheck.jobs: N_("Tugas latar belakang"),
    HealthCheck.replica: N_("Replika basis data"),
    HealthCheck.disk: N_("Ruang cakram"),
    HealthCheck.certificate: N_("Sertifikat TLS"),
    HealthCheck.services: N_("Layanan hub"),
    HealthCheck.backup: N_("Cadangan"),
    HealthCheck.postgresql: N_("Versi PostgreSQL"),
    HealthCheck.pooler: N_("Pengumpul koneksi basis data"),
    HealthCheck.database_tls: N_("Enkripsi sambungan basis data"),
    HealthCheck.roles: N_("Peran basis data"),
}
SEVERITIES: Mapping[Severity, Message] = {
    Severity.error: NC_("finding", "Gangguan"),
    Severity.warning: NC_("finding", "Peringatan"),
}
STATES: Mapping[str, Message] = {
    "ok": NC_("service", "Baik"),
    "degraded": NC_("service", "Ada masalah"),
    "down": NC_("service", "Tidak melayani"),
}
SOURCES: Mapping[SettingSource, Message] = {
    "default": N_("bawaan"),
    "environment": N_("lingkungan proses"),
    "file": N_("berkas rahasia"),
    "program": N_("perintah yang memulai hub"),
}

Reader = Annotated[Workspace, Depends(Enter("auditor"))]
JobName = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,60}$")]


@router.get(SYSTEM)
async def show_system(request: Request, workspace: Reader) -> Response:
    """Show what is wrong, the jobs, the last backups and the settings in force."""
    return await _page(request, workspace)


@router.get(RUNBOOK_PAGE)
async def show_runbook(workspace: Reader) -> Response:
    """Show what to do about each finding."""
    content = read_runbook()
    if content is None:
        return workspace.page.not_found()
    return workspace.render("workspace/runbook.html", content=Markup(content))  # noqa: S704 - of the distribution, escaped


@router.post(f"{SYSTEM}/{{job}}/ulangi")
async def retry(request: Request, workspace: ConfirmedAdministrator, job: JobName) -> Response:
    """Deliver refused items again."""
    return await _settle(request, workspace, job, "retry")


@router.post(f"{SYSTEM}/{{job}}/buang")
async def discard(request: Request, workspace: ConfirmedAdministrator, job: JobName) -> Response:
    """Remove refused items for good."""
    return await _settle(request, workspace, job, "discard")


async def _settle(
    request: Request, workspace: Workspace, job: str, action: RefusedAction
) -> Response:
    """Settle the items that are ticked; with `semua` ticked, all that the form shows."""
    chosen = SHOWN if workspace.fields.get("semua") else ITEM
    names = [name.removeprefix(chosen) for name in workspace.fields if name.startswith(chosen)]
    if not names:
        return await _page(request, workspace, {f"tugas-{job}": NOTHING_TICKED})
    jobs: tuple[BackgroundJob, ...] = request.app.state.jobs
    try:
        async with database_of(request).write_session() as session:
            await settle_named_items(
                session,
                get_region(request),
                jobs,
                job,
                names,
                action=action,
                operator=operator_of(workspace.caller),
                now=datetime.now(UTC),
            )
    except NotFound:
        return workspace.page.not_found()
    except Conflict:
        return await _page(request, workspace, {f"tugas-{job}": GONE}, status=409)
    return workspace.redirect(f"{SYSTEM}#tugas-{job}")


async def _page(
    request: Request,
    workspace: Workspace,
    errors: Mapping[str, Message] | None = None,
    *,
    status: int = 422,
) -> Response:
    page, now = workspace.page, datetime.now(UTC)
    messages = page.messages
    hub = await get_hub_status(request)
    found = await read_hub_jobs(request)
    async with database_of(request).read_session() as session:
        backups = await list_backups(session, get_region(request), limit=SHOWN_BACKUPS)

    def at(moment: datetime) -> str:
        return f"{page.local_date(moment)} {messages.clock(moment.astimezone(page.zone))}"

    return workspace.render(
        "workspace/system.html",
        status=status if errors else 200,
        errors=messages.labels(errors or {}),
        typed=workspace.fields,
        may_settle=workspace.holds("administrator"),
        hub=hub,
        remedies=_remedies(request),
        runbook=RUNBOOK,
        runbook_page=RUNBOOK_PAGE if read_runbook() is not None else None,
        checks=messages.labels(CHECKS),
        severities=messages.labels(SEVERITIES),
        states=messages.labels(STATES),
        troubled=[job for job in found.items if is_troubled(job)],
        others=[job for job in found.items if not is_troubled(job)],
        unanswered=found.unanswered,
        backups=backups,
        settings=list_settings(request.app.state.settings),
        sources=messages.labels(SOURCES),
        at=at,
        size=lambda bytes_: f"{messages.number(bytes_ / 1_000_000, 1)} MB",
        span=lambda seconds: _span(timedelta(seconds=seconds), messages),
        ago=lambda moment: messages.gettext(
            "%(span)s yang lalu", span=_span(now - moment, messages)
        ),
    )


def is_troubled(job: JobStatus) -> bool:
    """Return whether a job fails, or has set something aside."""
    return bool(job.failures or job.refused_count)


def _remedies(request: Request) -> dict[str, str]:
    """Return what to do by the message of each finding of the services in this process.

    The status, which everybody may read, has no remedies; of services in other processes only the
    section of the runbook is known.
    """
    state = request.app.state
    monitors: tuple[HealthMonitor, ...] = (state.health, *state.local_health)
    return {
        finding.message: finding.remedy
        for monitor in monitors
        if monitor.latest is not None
        for finding in monitor.latest.findings
    }


def _span(span: timedelta, messages: Translator) -> str:
    """Return a span of time in its largest whole unit."""
    if span >= timedelta(days=1):
        return messages.ngettext("%(num)s hari", "%(num)s hari", span.days)
    if span >= timedelta(hours=1):
        hours = span // timedelta(hours=1)
        return messages.ngettext("%(num)s jam", "%(num)s jam", hours)
    if span >= timedelta(minutes=1):
        minutes = span // timedelta(minutes=1)
        return messages.ngettext("%(num)s menit", "%(num)s menit", minutes)
    seconds = max(span // timedelta(seconds=1), 0)
    return messages.ngettext("%(num)s detik", "%(num)s detik", seconds)
