"""Who owes which month: the one reading of the calendar, for lists, feeds and the assessment."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import text

from services.feedback.events.partitions import month_of, shift
from services.feedback.statistics.schemas import AgencyReporting
from services.platform.database import ReadSession, WriteSession
from services.platform.local_time import JAKARTA

State = Literal["open", "on_time", "late", "missing"]

MONTHS_OF = """
-- For each agency and month: the services that it reports on, those that came, and when. A service
-- came when any figure of it did; the first figure counts, a correction makes nothing late.
WITH owed AS (
    SELECT e.agency, e.service, month::date AS month
    FROM feedback.expected_report e,
         generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), '1 month') AS month
    WHERE e.region = :region AND (:agency ::text IS NULL OR e.agency = :agency)
),
first_report AS (
    SELECT agency, service, period, min(reported_at) AS reported_at
    FROM feedback.statistic
    WHERE region = :region AND period BETWEEN :first AND :last
      AND (:agency ::text IS NULL OR agency = :agency)
    GROUP BY agency, service, period
),
received AS (
    -- Of any service: what an agency sent of one that is no longer its own came all the same.
    SELECT agency, period, min(reported_at) AS reported_at FROM first_report GROUP BY 1, 2
)
SELECT o.agency, o.month,
       count(*) AS services_owed,
       count(r.service) AS services_reported,
       min(any_of.reported_at) AS received_at,
       CASE WHEN count(*) = count(r.service) THEN max(r.reported_at) END AS completed_at,
       coalesce(array_agg(o.service ORDER BY o.service) FILTER (WHERE r.service IS NULL), '{}')
           AS missing
FROM owed o
LEFT JOIN first_report r ON r.agency = o.agency AND r.service = o.service AND r.period = o.month
LEFT JOIN received any_of ON any_of.agency = o.agency AND any_of.period = o.month
GROUP BY o.agency, o.month
ORDER BY o.agency, o.month
"""


def deadline(month: date, *, due_day: int) -> datetime:
    """The moment from which a month's report is late: midnight after the due day, in Jakarta."""
    last = shift(month, 1) + timedelta(days=due_day)
    return datetime(last.year, last.month, last.day, tzinfo=JAKARTA)


@dataclass(frozen=True)
class AgencyMonth:
    """A month that an agency owes, and what came of it."""

    agency: str
    month: date
    services_owed: int
    services_reported: int
    received_at: datetime | None
    """When the first figure of the month came."""
    completed_at: datetime | None
    """When the first figure of its last service came."""
    missing: tuple[str, ...]

    def due_on(self, due_day: int) -> date:
        """The last day on which the report is on time."""
        return shift(self.month, 1) + timedelta(days=due_day - 1)

    def state(self, *, now: datetime, due_day: int) -> State:
        """On time or late by the first figure; open while there is time left."""
        due = deadline(self.month, due_day=due_day)
        if self.received_at is not None:
            return "on_time" if self.received_at < due else "late"
        return "missing" if due <= now else "open"

    def is_owed(self, *, now: datetime, due_day: int) -> bool:
        """Whether the month counts: it came, or its deadline is over."""
        return self.state(now=now, due_day=due_day) != "open"

    @property
    def is_complete(self) -> bool:
        return not self.missing


async def months_of(
    session: ReadSession | WriteSession,
    region: str,
    *,
    first: date,
    last: date,
    agency: str | None = None,
) -> list[AgencyMonth]:
    """Every month of a span, of one agency or all."""
    rows = await session.execute(
        text(MONTHS_OF), {"region": region, "first": first, "last": last, "agency": agency}
    )
    return [
        AgencyMonth(**{**row, "missing": tuple(row["missing"])})  # pyright: ignore[reportArgumentType]
        for row in rows.mappings()
    ]


def closed_months(now: datetime, *, count: int) -> tuple[date, date]:
    """The first and last of the newest months that are over."""
    last = shift(month_of(now), -1)
    return shift(last, 1 - count), last


def counts_of(
    months: Iterable[AgencyMonth],
    *,
    doubted: Collection[tuple[str, date]],
    now: datetime,
    due_day: int,
) -> list[AgencyReporting]:
    """Of each agency the months that count, and of those that came how many are in doubt."""
    counted: dict[str, Counter[str]] = {}
    for month in months:
        state = month.state(now=now, due_day=due_day)
        if state == "open":
            continue
        counts = counted.setdefault(month.agency, Counter())
        counts["expected"] += 1
        if state != "missing":
            counts[state] += 1
            counts[f"{state}_doubted"] += (month.agency, month.month) in doubted
    return [
        AgencyReporting(
            agency=agency,
            expected=counts["expected"],
            on_time=counts["on_time"],
            late=counts["late"],
            on_time_doubted=counts["on_time_doubted"],
            late_doubted=counts["late_doubted"],
        )
        for agency, counts in counted.items()
    ]


def months_between(first: date, last: date) -> Sequence[date]:
    """The months of a span."""
    months = [first]
    while months[-1] < last:
        months.append(shift(months[-1], 1))
    return months
