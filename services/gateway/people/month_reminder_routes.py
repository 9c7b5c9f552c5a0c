"""`/api/v1/month-reminders`: the lead agency reminds those that have not reported a month."""

from datetime import UTC, datetime
from typing import Literal

import httpx
from fastapi import Request
from pydantic import Field

from services.catalog.client import CatalogClient
from services.feedback.client import FeedbackClient, ReportingMonth
from services.gateway.people.mail.month_reminders import MonthReminders
from services.platform.api_model import ApiModel
from services.platform.database import WriteSession, WriteSessionDep
from services.platform.identity import Caller, UsageWriter
from services.platform.local_time import ZoneDep, day_of
from services.platform.problems import (
    FieldError,
    Invalid,
    NotAllowed,
    Unavailable,
    problem_responses,
)
from services.platform.regency import find_lead_agency
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service, Settings
from services.platform.translation import N_, localized
from services.platform.types import YearMonth

router = Router(prefix=API, tags=["usage"], responses=problem_responses(401, 403, 422))

Outcome = Literal["mailed", "mailed_before", "no_recipient", "no_mail_server"]


class MonthReminderRequest(ApiModel):
    """The month to remind of."""

    period: YearMonth = Field(description="A month that has ended, such as `2024-03`.")


class RemindedAgency(ApiModel):
    """An agency that has not reported all of the month."""

    agency: str
    services_expected: int = Field(description="Number of services whose figures are due.")
    services_reported: int = Field(description="Number of services whose figures were received.")
    outcome: Outcome = Field(
        description="`mailed`: its reporters and approvers get a mail; `mailed_before`: they got "
        "one of this month today; `no_recipient`: nobody of it takes mail; `no_mail_server`: the "
        "hub sends no mail."
    )
    people: int = Field(description="Number of people to whom a mail was stored by this request.")


class MonthReminder(ApiModel):
    """Whom a request reminded."""

    period: YearMonth
    agencies: list[RemindedAgency] = Field(description="By the agency's name in addresses.")


@router.post(
    "/month-reminders",
    operation_id="remind_of_month",
    responses=problem_responses(503),
)
async def remind_of_month(
    request: Request,
    session: WriteSessionDep,
    caller: UsageWriter,
    zone: ZoneDep,
    body: MonthReminderRequest,
) -> MonthReminder:
    """Mail the agencies that have not reported all of a month, each at most once a day.

    Only for keys of the lead agency that the pack names, and of an administrator. The mails go to
    the reporters and approvers of each agency, in their language.
    """
    await check_lead_agency(session, get_region(request), caller)
    now = datetime.now(UTC)
    today = day_of(now, zone)
    if body.period >= f"{today:%Y-%m}":
        error = FieldError.at("#/period", localized(N_("harus bulan yang sudah berakhir")))
        raise Invalid(localized(N_("Bulan ini belum berakhir.")), errors=[error])
    clients = request.app.state.clients
    try:
        months = await incomplete_months(FeedbackClient(clients[Service.feedback]), body.period)
        agencies = await CatalogClient(clients[Service.catalog]).list_agencies()
    except httpx.HTTPError:
        away = N_("Layanan statistik atau katalog tidak menjawab; coba lagi sebentar.")
        raise Unavailable(localized(away)) from None
    settings: Settings = request.app.state.settings
    if settings.smtp_host is None or settings.public_address is None:
        unsent = [_reminded(month, 0, "no_mail_server") for month in months]
        return MonthReminder(period=body.period, agencies=unsent)
    reminders = MonthReminders(
        region=get_region(request),
        outbox=request.app.state.mail_outbox,
        public_address=settings.public_address,
        names={each.slug: each.name for each in agencies},
        today=today,
        now=now,
    )
    mailed = await reminders.remind(session, months)
    return MonthReminder(
        period=body.period,
        agencies=[_told(month, mailed[month.agency]) for month in months],
    )


async def incomplete_months(feedback: FeedbackClient, period: str) -> list[ReportingMonth]:
    """Return for each agency that is asked for a month and has not reported all of it the month."""
    months = await feedback.list_reporting_months(first=period, last=period)
    asked = [month for month in months if month.due_on is not None and not month.complete]
    return sorted(asked, key=lambda month: month.agency)


async def check_lead_agency(session: WriteSession, region: str, caller: Caller) -> None:
    """Raise `NotAllowed` unless the caller may write for the lead agency."""
    lead = await find_lead_agency(session, Service.gateway, region)
    if not caller.can_write_for(lead or ""):
        only = N_("Yang mengingatkan adalah instansi pengampu (%(agency)s) atau pengelola hub.")
        raise NotAllowed(localized(only, agency=lead or "-"))


def _told(month: ReportingMonth, people: int | None) -> RemindedAgency:
    if people is None:
        return _reminded(month, 0, "mailed_before")
    return _reminded(month, people, "mailed" if people else "no_recipient")


def _reminded(month: ReportingMonth, people: int, outcome: Outcome) -> RemindedAgency:
    return RemindedAgency(
        agency=month.agency,
        services_expected=month.services_expected,
        services_reported=month.services_reported,
        outcome=outcome,
        people=people,
    )
