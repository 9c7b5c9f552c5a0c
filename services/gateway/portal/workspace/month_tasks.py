"""Lines of the desk about monthly statistics: owed, to approve, to explain."""

import asyncio
from collections import Counter
from datetime import date

from services.feedback.client import StatisticDraftItem
from services.gateway.people.records import holders_of
from services.gateway.portal.service_clients import feedback_client
from services.gateway.portal.workspace.access import Workspace, database_of
from services.gateway.portal.workspace.months import MONTHS
from services.gateway.portal.workspace.tasks import Task
from services.platform.identity import HUB_READER
from services.platform.service import get_region


async def find_owed_months(workspace: Workspace) -> list[Task]:
    """Return the months that the agency has not reported; not those that wait for approval."""
    months, drafts = await asyncio.gather(
        workspace.feedback.list_reporting_months(agency=workspace.agency),
        workspace.once(_own_waiting_drafts),
    )
    submitted = {each.period for each in drafts}
    messages = workspace.page.messages
    return [
        Task(
            messages.gettext(
                "%(month)s belum dilaporkan; batasnya %(day)s",
                month=_name(workspace, month.period),
                day=messages.long_date(month.due_on),
            ),
            f"{MONTHS}/{month.period}",
            is_urgent=month.state == "missing",
        )
        for month in months
        if month.due_on is not None
        and month.state in {"open", "missing"}
        and month.period not in submitted
    ]


async def find_months_to_approve(workspace: Workspace) -> list[Task]:
    """Return the months that others submitted and the person can approve."""
    return [
        Task(
            workspace.page.messages.gettext(
                "%(month)s menunggu persetujuan Anda", month=_name(workspace, draft.period)
            ),
            f"{MONTHS}/{draft.period}",
        )
        for draft in await workspace.once(_own_waiting_drafts)
        if workspace.caller.person not in draft.authors
    ]


async def find_months_nobody_can_approve(workspace: Workspace) -> list[Task]:
    """Return the submitted months of all agencies where nobody but their authors can approve."""
    request = workspace.page.request
    hub = feedback_client(request, auth=request.app.state.auth_for(HUB_READER))
    waiting = await hub.list_drafts(state="submitted")
    if not waiting:
        return []
    async with database_of(request).read_session() as session:
        approvers = await holders_of(session, get_region(request), "approver")
    names = await workspace.agency_names()
    return [
        Task(
            workspace.page.messages.gettext(
                "%(month)s dari %(agency)s menunggu persetujuan, tetapi instansi itu belum punya "
                "penyetuju yang lain dari pengisinya",
                month=_name(workspace, draft.period),
                agency=names.get(draft.agency, draft.agency),
            ),
            "/kelola/orang/undang" if workspace.holds("administrator") else "/dasbor/pelaporan",
            is_urgent=True,
        )
        for draft in waiting
        if not approvers.get(draft.agency, set()).difference(draft.authors)
    ]


async def find_doubted_figures(workspace: Workspace) -> list[Task]:
    """Return the months with figures that wait for an explanation."""
    flags = (await workspace.feedback.list_flags("open")).items
    counts = Counter(flag.period for flag in flags)
    return [
        Task(
            workspace.page.messages.ngettext(
                "%(num)s angka %(month)s perlu dijelaskan",
                "%(num)s angka %(month)s perlu dijelaskan",
                count,
                month=_name(workspace, period),
            ),
            f"{MONTHS}/{period}",
        )
        for period, count in sorted(counts.items())
    ]


async def _own_waiting_drafts(workspace: Workspace) -> list[StatisticDraftItem]:
    return await workspace.feedback.list_drafts(state="submitted")


def _name(workspace: Workspace, period: str) -> str:
    return workspace.page.messages.month(date.fromisoformat(f"{period}-01"))
