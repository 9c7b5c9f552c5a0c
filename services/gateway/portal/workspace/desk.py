"""`/kelola`, Meja kerja: what waits for the person who signed in, each line a link."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import Query, Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.link_monitoring.health import read_link_health
from services.gateway.people.invitations import list_invitations
from services.gateway.people.roles import agencies_of
from services.gateway.people.sessions import choose_agency
from services.gateway.portal.workspace.access import (
    CHOOSE_AGENCY,
    HOME,
    AnyPerson,
    Workspace,
    database_of,
    safe_target,
)
from services.gateway.portal.workspace.announcements.announcement_records import ANNOUNCEMENTS
from services.gateway.portal.workspace.announcements.tasks import (
    find_announcements_to_review,
    find_refused_announcements,
)
from services.gateway.portal.workspace.cases import (
    CASES,
    find_cases_near_their_day,
    find_waiting_cases,
)
from services.gateway.portal.workspace.catalog.service_records import SERVICES
from services.gateway.portal.workspace.catalog.tasks import (
    find_drafts_to_review,
    find_refused_drafts,
    find_services_to_check,
)
from services.gateway.portal.workspace.evidence.record_kind import EVIDENCE
from services.gateway.portal.workspace.evidence.tasks import find_evidence_tasks
from services.gateway.portal.workspace.labels import ROLES
from services.gateway.portal.workspace.links.link_records import LINKS
from services.gateway.portal.workspace.meeting_plans import find_plan_tasks
from services.gateway.portal.workspace.meeting_records import MEETINGS
from services.gateway.portal.workspace.meetings import find_meeting_tasks
from services.gateway.portal.workspace.month_tasks import (
    find_doubted_figures,
    find_months_nobody_can_approve,
    find_months_to_approve,
    find_owed_months,
)
from services.gateway.portal.workspace.months import MONTHS
from services.gateway.portal.workspace.people import PEOPLE
from services.gateway.portal.workspace.reporting import REPORTING, find_agencies_to_remind
from services.gateway.portal.workspace.sign_in import Target
from services.gateway.portal.workspace.survey_tasks import find_due_follow_up, find_survey_tasks
from services.gateway.portal.workspace.surveys import SURVEYS
from services.gateway.portal.workspace.tasks import Task, TaskSource
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.service_client import RequestRejectedError
from services.platform.settings import Settings
from services.platform.translation import N_, NC_

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

MAX_INVITATIONS = 1000


async def find_broken_links(workspace: Workspace) -> list[Task]:
    """Return how many portals are broken."""
    request = workspace.page.request
    async with database_of(request).read_session() as session:
        health = await read_link_health(session, get_region(request), now=datetime.now(UTC))
    count = sum(each.state == "broken" for each in health.values())
    text = workspace.page.messages.ngettext(
        "%(num)s portal terganggu", "%(num)s portal terganggu", count
    )
    return [Task(text, LINKS, is_count=True)] if count else []


async def find_open_invitations(workspace: Workspace) -> list[Task]:
    """Return how many invitations nobody has used yet."""
    request = workspace.page.request
    async with database_of(request).read_session() as session:
        found = await list_invitations(
            session, get_region(request), now=datetime.now(UTC), cursor=None, limit=MAX_INVITATIONS
        )
    text = workspace.page.messages.ngettext(
        "%(num)s undangan belum dibuka", "%(num)s undangan belum dibuka", len(found)
    )
    return [Task(text, PEOPLE, is_count=True)] if found else []


TASK_SOURCES: Sequence[TaskSource] = (
    TaskSource(N_("Pengaduan"), ("responder", "lead"), find_waiting_cases, CASES),
    TaskSource(N_("Pengaduan menjelang batas"), ("approver",), find_cases_near_their_day, CASES),
    TaskSource(N_("Pelaporan bulanan"), ("reporter", "approver"), find_owed_months, MONTHS),
    TaskSource(
        N_("Laporan yang menunggu persetujuan"), ("approver",), find_months_to_approve, MONTHS
    ),
    TaskSource(
        N_("Laporan tanpa penyetuju"),
        ("lead",),
        find_months_nobody_can_approve,
        "/dasbor/pelaporan",
        needs_agency=False,
    ),
    TaskSource(
        N_("Instansi yang belum melapor"),
        ("lead",),
        find_agencies_to_remind,
        REPORTING,
        needs_agency=False,
    ),
    TaskSource(N_("Angka yang diragukan"), ("reporter", "approver"), find_doubted_figures, MONTHS),
    TaskSource(
        N_("Tindak lanjut rapat"),
        ("editor", "approver", "lead", "evaluator"),
        find_meeting_tasks,
        MEETINGS,
    ),
    TaskSource(
        N_("Rapat yang belum dicatat"), ("editor", "lead", "evaluator"), find_plan_tasks, MEETINGS
    ),
    TaskSource(
        N_("Konsep layanan yang menunggu pemeriksaan"),
        ("approver", "editor"),
        find_drafts_to_review,
        SERVICES,
    ),
    TaskSource(N_("Konsep layanan yang dikembalikan"), ("editor",), find_refused_drafts, SERVICES),
    TaskSource(
        N_("Pengumuman yang menunggu pemeriksaan"),
        ("approver", "lead"),
        find_announcements_to_review,
        ANNOUNCEMENTS,
        needs_agency=False,
    ),
    TaskSource(
        N_("Pengumuman yang dikembalikan"),
        ("editor", "lead"),
        find_refused_announcements,
        ANNOUNCEMENTS,
    ),
    TaskSource(NC_("plural", "Survei"), ("lead", "evaluator"), find_survey_tasks, SURVEYS),
    TaskSource(
        N_("Tindak lanjut survei"),
        ("reporter", "approver", "lead"),
        find_due_follow_up,
        SURVEYS,
    ),
    TaskSource(
        N_("Bukti"),
        ("editor", "approver", "lead", "evaluator"),
        find_evidence_tasks,
        EVIDENCE,
        needs_agency=False,
    ),
    TaskSource(N_("Layanan yang perlu diperiksa"), ("editor",), find_services_to_check, SERVICES),
    TaskSource(
        N_("Portal yang terganggu"), ("lead",), find_broken_links, LINKS, needs_agency=False
    ),
    TaskSource(
        N_("Undangan"), ("administrator",), find_open_invitations, PEOPLE, needs_agency=False
    ),
)
"""The sources in the order of the desk."""


def sources_of(workspace: Workspace) -> list[TaskSource]:
    """Return the sources of a person's desk, by the roles that hold now."""
    return [
        source
        for source in TASK_SOURCES
        if workspace.holds(*source.roles) and not (source.needs_agency and not workspace.agency)
    ]


@router.get(HOME)
async def show_desk(workspace: AnyPerson) -> Response:
    """Show what waits for the person, by the roles that hold now."""
    sources = sources_of(workspace)
    found = await asyncio.gather(*(_find(workspace, source) for source in sources))
    messages = workspace.page.messages
    names = await workspace.agency_names()
    settings: Settings = workspace.page.request.app.state.settings
    return workspace.render(
        "workspace/desk.html",
        tasks=[task for tasks in found if tasks is not None for task in tasks],
        unread=[
            messages.translate(source.name)
            for source, tasks in zip(sources, found, strict=True)
            if tasks is None
        ],
        mail_is_off=workspace.holds("administrator") and settings.smtp_host is None,
        agency=names.get(workspace.agency or "", workspace.agency),
        agencies=[(slug, names.get(slug, slug)) for slug in agencies_of(workspace.person.roles)],
        roles=[messages.translate(ROLES[role]) for role in ROLES if role in workspace.roles],
    )


@router.get(CHOOSE_AGENCY)
async def show_agencies(
    workspace: AnyPerson,
    agencies: Annotated[list[str] | None, Query(alias="instansi", max_length=100)] = None,
    target: Target = None,
) -> Response:
    """Ask for which of some agencies, else of all, the person reads the page that a link names."""
    names = await workspace.agency_names()
    own = agencies_of(workspace.person.roles)
    chosen = [slug for slug in own if slug in (agencies or ())]
    return workspace.render(
        "workspace/choose-agency.html",
        target=safe_target(target),
        agencies=[(slug, names.get(slug, slug)) for slug in chosen or own],
        agency=names.get(workspace.agency or "", workspace.agency),
    )


@router.post("/kelola/instansi")
async def act_for_agency(request: Request, workspace: AnyPerson, target: Target = None) -> Response:
    """Set for which of the person's agencies the session acts, and go on."""
    agency = workspace.fields.get("instansi", "")
    if agency in agencies_of(workspace.person.roles):
        async with database_of(request).write_session() as session:
            await choose_agency(session, get_region(request), workspace.session.id, agency)
    return workspace.redirect(safe_target(target))


async def _find(workspace: Workspace, source: TaskSource) -> list[Task] | None:
    """Return the tasks of a source; None if its service does not answer."""
    try:
        return await source.find(workspace)
    except RequestRejectedError:
        return []
    except httpx.HTTPError:
        return None
