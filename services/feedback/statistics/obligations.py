"""Reporting obligations: which agency must report which month, for lists, feeds and assessments."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.feedback.channels import ChannelKind
from services.feedback.statistics.obligation_schemas import AgencyReporting, ObligationState
from services.platform.database import ReadSession, WriteSession
from services.platform.local_time import month_of, start_of_day
from services.platform.months import add_months

MONTHS_BETWEEN = """
-- For each agency and month: the services whose reports are asked for, those of them that were
-- given, and when; and how many are not asked for. A service is reported once any figure of it is;
-- the first figure counts, so that a correction makes nothing late.
WITH reportable AS (
    SELECT o.agency, o.service, month::date AS month,
           CASE WHEN o.owed_in IS NULL THEN o.is_owed AND month >= o.since
                ELSE o.owed_in @> month::date END AS is_owed
    FROM feedback.reporting_obligation o,
         generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), '1 month') AS month
    WHERE o.region = :region AND (:agency ::text IS NULL OR o.agency = :agency)
),
first_report AS (
    SELECT agency, service, period, min(reported_at) AS reported_at
    FROM feedback.statistic
    WHERE region = :region AND period BETWEEN :first AND :last AND retraction IS NULL
      AND (:agency ::text IS NULL OR agency = :agency)
    GROUP BY agency, service, period
),
received AS (
    -- Of any service: a report on one that no longer belongs to the agency was received all the
    -- same.
    SELECT agency, period, min(reported_at) AS reported_at FROM first_report GROUP BY 1, 2
)
SELECT e.agency, e.month,
       count(*) FILTER (WHERE is_owed) AS services_expected,
       count(r.service) FILTER (WHERE is_owed) AS services_reported,
       count(*) FILTER (WHERE NOT is_owed) AS services_not_asked,
       min(any_of.reported_at) AS received_at,
       CASE WHEN bool_and(r.service IS NOT NULL) FILTER (WHERE is_owed)
            THEN max(r.reported_at) FILTER (WHERE is_owed) END AS completed_at,
       coalesce(array_agg(e.service ORDER BY e.service)
                FILTER (WHERE is_owed AND r.service IS NULL), '{}') AS missing
FROM reportable e
LEFT JOIN first_report r ON r.agency = e.agency AND r.service = e.service AND r.period = e.month
LEFT JOIN received any_of ON any_of.agency = e.agency AND any_of.period = e.month
GROUP BY e.agency, e.month
ORDER BY e.agency, e.month
"""

REPORTED_SERVICES = """
-- The services on which an agency reports.
SELECT service, name, channels FROM feedback.reporting_obligation
WHERE region = :region AND agency = :agency
ORDER BY service
"""


@dataclass(frozen=True)
class ReportedService:
    """A service on which an agency reports."""

    slug: str
    name: str
    channels: tuple[ChannelKind, ...]


async def reported_services(
    session: ReadSession | WriteSession, region: str, agency: str
) -> list[ReportedService]:
    """Return the services on which an agency reports; the default channel is the counter."""
    rows = await session.execute(text(REPORTED_SERVICES), {"region": region, "agency": agency})
    return [
        ReportedService(row.service, row.name, tuple(row.channels) or ("counter",)) for row in rows
    ]


def deadline(month: date, *, due_day: int, zone: ZoneInfo) -> datetime:
    """Return the moment from which a month's report is late: local midnight after the due day."""
    return start_of_day(add_months(month, 1) + timedelta(days=due_day), zone)


@dataclass(frozen=True)
class MonthlyObligation:
    """A month for which an agency may, and usually must, report, and what was received."""

    agency: str
    month: date
    services_expected: int
    services_reported: int
    services_not_asked: int
    received_at: datetime | None
    """When the first figure of the month was received."""
    completed_at: datetime | None
    """When the first figure of its last service was received."""
    missing: tuple[str, ...]

    def due_on(self, due_day: int) -> date:
        """Return the last day on which the report is on time."""
        return add_months(self.month, 1) + timedelta(days=due_day - 1)

    def state(self, *, now: datetime, due_day: int, zone: ZoneInfo) -> ObligationState:
        """Return on time or late by the first figure; without one, open until the deadline."""
        if not self.is_asked:
            return "not_asked"
        due = deadline(self.month, due_day=due_day, zone=zone)
        if self.received_at is not None:
            return "on_time" if self.received_at < due else "late"
        return "missing" if due <= now else "open"

    @property
    def is_asked(self) -> bool:
        """Whether a report on any service is asked for."""
        return self.services_expected > 0

    @property
    def is_complete(self) -> bool:
        """Whether every service whose report is asked for was reported."""
        return not self.missing


async def obligations_between(
    session: ReadSession | WriteSession,
    region: str,
    *,
    first: date,
    last: date,
    agency: str | None = None,
) -> list[MonthlyObligation]:
    """Return the months from `first` to `last` of which one agency, or each, is asked to report."""
    months = await months_between(session, region, first=first, last=last, agency=agency)
    return [month for month in months if month.is_asked]


async def months_between(
    session: ReadSession | WriteSession,
    region: str,
    *,
    first: date,
    last: date,
    agency: str | None = None,
) -> list[MonthlyObligation]:
    """Return the months of one agency, or of each, those of which nobody asks too."""
    rows = await session.execute(
        text(MONTHS_BETWEEN),
        {"region": region, "first": first, "last": last, "agency": agency},
    )
    return [
        MonthlyObligation(**{**row, "missing": tuple(row["missing"])})  # pyright: ignore[reportArgumentType]
        for row in rows.mappings()
    ]


def last_closed_months(now: datetime, zone: ZoneInfo, *, count: int) -> tuple[date, date]:
    """Return the first and last of the `count` most recent months that have ended."""
    last = add_months(month_of(now, zone), -1)
    return add_months(last, 1 - count), last


def count_by_agency(
    months: Iterable[MonthlyObligation],
    *,
    flagged: Collection[tuple[str, date]],
    now: datetime,
    due_day: int,
    zone: ZoneInfo,
) -> list[AgencyReporting]:
    """Count the expected reports of each agency, those on time and late, and the flagged ones."""
    by_agency: dict[str, Counter[str]] = {}
    for month in months:
        state = month.state(now=now, due_day=due_day, zone=zone)
        if state == "open":
            continue
        counts = by_agency.setdefault(month.agency, Counter())
        counts["expected"] += 1
        if state != "missing":
            counts[state] += 1
            counts[f"{state}_flagged"] += (month.agency, month.month) in flagged
    return [
        AgencyReporting(
            agency=agency,
            expected=counts["expected"],
            on_time=counts["on_time"],
            late=counts["late"],
            on_time_flagged=counts["on_time_flagged"],
            late_flagged=counts["late_flagged"],
        )
        for agency, counts in by_agency.items()
    ]
