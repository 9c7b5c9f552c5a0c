"""Reporting obligations over HTTP: completeness, reminders, and counts by year."""

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query, Request, Response

from services.feedback.statistics.calendar_feed import calendar_of
from services.feedback.statistics.obligation_schemas import (
    Reporting,
    ReportingCalendar,
    ReportingMonth,
)
from services.feedback.statistics.obligations import (
    count_by_agency,
    last_closed_months,
    months_between,
    obligations_between,
)
from services.feedback.statistics.parameters import (
    DEFAULT_MONTHS,
    FirstMonthQuery,
    LastMonthQuery,
    resolve_months,
)
from services.feedback.statistics.plausibility_flags import flagged_months
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.local_time import ZoneDep
from services.platform.months import add_months
from services.platform.parameters import AgencyQuery
from services.platform.problems import problem_responses
from services.platform.recent_results import RecentResults
from services.platform.revision import read_revision
from services.platform.router import Router
from services.platform.service import API
from services.platform.settings import Service, Settings
from services.platform.types import Slug, Year

MAX_KNOWN_REPORTING = 16
"""Years whose count of reports is kept while nothing of it changes."""

router = Router(prefix=f"{API}/usage", tags=["usage"], responses=problem_responses(401, 422))

REMINDER_MONTHS_AHEAD = 2


@router.get(
    "/completeness", operation_id="get_usage_completeness", responses=problem_responses(409)
)
async def get_usage_completeness(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    *,
    agency: AgencyQuery = None,
    first: FirstMonthQuery = None,
    last: LastMonthQuery = None,
) -> ReportingCalendar:
    """List the months of agencies: services reported, on time, late, missing or not asked for.

    Default: the last twelve months that have ended. `usage/reporting` and the assessment count the
    same months, except those in which nothing is asked for (`not_asked`).
    """
    settings: Settings = request.app.state.settings
    now, due_day = datetime.now(UTC), settings.reporting_due_day
    begin, end = resolve_months(first, last, now=now, zone=zone)
    months = await months_between(session, settings.region, first=begin, last=end, agency=agency)
    return ReportingCalendar(
        items=[
            ReportingMonth(
                agency=month.agency,
                period=f"{month.month:%Y-%m}",
                due_on=month.due_on(due_day) if month.is_asked else None,
                state=month.state(now=now, due_day=due_day, zone=zone),
                complete=month.is_complete if month.is_asked else None,
                services_expected=month.services_expected,
                services_reported=month.services_reported,
                services_not_asked=month.services_not_asked,
                received_at=month.received_at,
                completed_at=month.completed_at,
            )
            for month in months
        ]
    )


@router.get(
    "/reminders.ics",
    operation_id="get_usage_reminders",
    response_class=Response,
    responses={
        200: {
            "content": {"text/calendar": {"schema": {"type": "string"}}},
            "description": "An iCalendar feed (RFC 5545).",
        }
    },
)
async def get_usage_reminders(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    agency: Annotated[Slug, Query(description="The agency that reports.")],
) -> Response:
    """Return a calendar of an agency's incomplete and next months by due day, to subscribe to."""
    settings: Settings = request.app.state.settings
    now = datetime.now(UTC)
    first, last = last_closed_months(now, zone, count=DEFAULT_MONTHS)
    last = add_months(last, REMINDER_MONTHS_AHEAD)
    obligations = await obligations_between(
        session, settings.region, first=first, last=last, agency=agency
    )
    feed = calendar_of(
        obligations,
        region=settings.region,
        agency=agency,
        due_day=settings.reporting_due_day,
        # Stamped with the day, so that the ETag of an unchanged feed is stable.
        now=now.replace(hour=0, minute=0, second=0, microsecond=0),
    )
    return Response(feed, media_type="text/calendar")


@router.get("/reporting", operation_id="get_usage_reporting")
async def get_usage_reporting(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    period: Annotated[Year, Query(description="The year.")],
) -> Reporting:
    """Count the monthly reports expected of agencies in a year, and those received on time."""
    settings: Settings = request.app.state.settings
    known: RecentResults[tuple[int, str], Reporting] = request.app.state.known_reporting
    key = (period, await read_revision(session, Service.feedback, settings, zone))
    return await known.get(key, lambda: _reporting(session, settings, zone, period))


async def _reporting(
    session: ReadSession, settings: Settings, zone: ZoneInfo, period: int
) -> Reporting:
    first, last = date(period, 1, 1), date(period, 12, 1)
    months = await obligations_between(session, settings.region, first=first, last=last)
    now, due_day = datetime.now(UTC), settings.reporting_due_day
    agencies = count_by_agency(
        months,
        flagged=await flagged_months(session, settings.region, first=first, last=last),
        now=now,
        due_day=due_day,
        zone=zone,
    )
    due = [one for one in months if one.state(now=now, due_day=due_day, zone=zone) != "open"]
    return Reporting(
        period=period,
        expected=sum(agency.expected for agency in agencies),
        on_time=sum(agency.on_time for agency in agencies),
        late=sum(agency.late for agency in agencies),
        on_time_flagged=sum(agency.on_time_flagged for agency in agencies),
        late_flagged=sum(agency.late_flagged for agency in agencies),
        services_expected=sum(month.services_expected for month in due),
        services_reported=sum(month.services_reported for month in due),
        agencies=agencies,
    )
