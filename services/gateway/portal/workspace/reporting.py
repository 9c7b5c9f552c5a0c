"""`/kelola/pelaporan`: who has not reported a month, for the lead agency, which reminds them."""

from collections.abc import Mapping
from typing import Annotated

import httpx
from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.people.month_reminder_routes import (
    MonthReminder,
    MonthReminderRequest,
    Outcome,
    incomplete_months,
    remind_of_month,
)
from services.gateway.portal.workspace.access import Enter, Workspace, database_of
from services.gateway.portal.workspace.reasons import reasons_of
from services.gateway.portal.workspace.tasks import Task
from services.platform.months import add_months, parse_period
from services.platform.problems import ProblemError
from services.platform.router import Router
from services.platform.settings import Settings
from services.platform.translation import N_, Message
from services.platform.types import YearMonth

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

REPORTING = "/kelola/pelaporan"
MONTHS_BACK = 12
"""Months that can be chosen."""

Lead = Annotated[Workspace, Depends(Enter("lead"))]
Month = Annotated[YearMonth | None, Query(description="The month; default: the last that ended.")]

OUTCOMES: Mapping[Outcome, Message] = {
    "mailed": N_("surel dikirim"),
    "mailed_before": N_("sudah diingatkan hari ini"),
    "no_recipient": N_("belum ada pelapor atau penyetuju yang menerima surel"),
    "no_mail_server": N_("hub ini tidak mengirim surel"),
}


@router.get(REPORTING)
async def show_reporting(workspace: Lead, bulan: Month = None) -> Response:
    """Show the agencies that have not reported all of a month."""
    return await _show(workspace, bulan or ended_month(workspace))


@router.post(REPORTING)
async def remind(request: Request, workspace: Lead) -> Response:
    """Mail those agencies, and show who was mailed."""
    period = workspace.fields.get("bulan", "")
    if period not in _months(workspace):
        return await _show(workspace, ended_month(workspace))
    try:
        async with database_of(request).write_session() as session:
            done = await remind_of_month(
                request,
                session,
                workspace.caller,
                workspace.page.zone,
                MonthReminderRequest(period=period),
            )
    except ProblemError as error:
        errors = {"ingatkan": reasons_of(workspace, error)}
        return await _show(workspace, period, errors=errors, status=error.status)
    return await _show(workspace, period, done=done)


async def find_agencies_to_remind(workspace: Workspace) -> list[Task]:
    """Return how many agencies have not reported the last month that ended."""
    period = ended_month(workspace)
    count = len(await incomplete_months(workspace.feedback, period))
    text = workspace.page.messages.ngettext(
        "%(num)s instansi belum melaporkan %(month)s",
        "%(num)s instansi belum melaporkan %(month)s",
        count,
        month=workspace.page.messages.month(parse_period(period)),
    )
    return [Task(text, REPORTING, is_count=True)] if count else []


def ended_month(workspace: Workspace) -> str:
    """Return the last month that has ended in the regency."""
    return f"{add_months(workspace.today, -1):%Y-%m}"


def _months(workspace: Workspace) -> list[str]:
    """Return the months that can be chosen, the newest first."""
    last = parse_period(ended_month(workspace))
    return [f"{add_months(last, -back):%Y-%m}" for back in range(MONTHS_BACK)]


async def _show(
    workspace: Workspace,
    period: str,
    *,
    done: MonthReminder | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    messages = workspace.page.messages
    try:
        months = await incomplete_months(workspace.feedback, period)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    settings: Settings = workspace.page.request.app.state.settings
    return workspace.render(
        "workspace/reporting.html",
        status=status,
        period=period,
        month=messages.month(parse_period(period)),
        months=[(each, messages.month(parse_period(each))) for each in _months(workspace)],
        agencies=months,
        names=await workspace.agency_names(),
        day=messages.long_date,
        today=workspace.today,
        may_mail=settings.smtp_host is not None,
        outcomes={
            each.agency: messages.translate(OUTCOMES[each.outcome])
            for each in (done.agencies if done else ())
        },
        mailed=sum(each.outcome == "mailed" for each in done.agencies) if done else None,
        errors=errors or {},
    )
