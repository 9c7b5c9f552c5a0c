"""Yearly availability report of links: uptime by month, and the year's incidents."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time

from pydantic import AwareDatetime
from sqlalchemy import text

from services.gateway.link_monitoring.uptime import UptimePeriod, read_uptime
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession
from services.platform.local_time import JAKARTA

LINKS = """
-- The links of a region.
SELECT slug, url, content ->> 'title' AS title, content ->> 'operator' AS operator
FROM gateway.link WHERE region = :region ORDER BY slug
"""

INCIDENTS = """
-- Incidents that overlap a time span, oldest first.
SELECT slug, title, reason, opened_at, closed_at FROM gateway.incident
WHERE region = :region AND opened_at < :to AND coalesce(closed_at, :now) >= :from
ORDER BY opened_at, id
"""


class LinkIncident(ApiModel):
    """An incident in the report."""

    title: str
    reason: str | None
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None


class LinkSla(ApiModel):
    """The year of a link; months without checks are missing."""

    slug: str
    title: str
    operator: str
    url: str
    months: dict[int, UptimePeriod]
    total: UptimePeriod | None
    incidents_opened: dict[int, int]
    """Number of incidents opened in each month."""
    incidents: list[LinkIncident]


class SlaReport(ApiModel):
    """The year of all links of a region."""

    region_name: str
    year: int
    check_seconds: int
    """Check interval by the current settings; 0: periodic checks are disabled."""
    links: list[LinkSla]

    @property
    def etag(self) -> str:
        """A weak entity tag of the report's content."""
        content = self.model_dump_json().encode()
        return f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


async def read_sla_report(
    session: ReadSession,
    region: str,
    *,
    year: int,
    now: datetime,
    region_name: str,
    check_seconds: int,
) -> SlaReport:
    """Return the report of a year for all current links."""
    begin, end = date(year, 1, 1), date(year + 1, 1, 1)
    links = (await session.execute(text(LINKS), {"region": region})).all()
    months = await read_uptime(session, region, slug=None, by="month", begin=begin, end=end)
    totals = await read_uptime(session, region, slug=None, by="year", begin=begin, end=end)
    rows = await session.execute(
        text(INCIDENTS),
        {"region": region, "from": _midnight(begin), "to": _midnight(end), "now": now},
    )
    incidents: dict[str, list[LinkIncident]] = {}
    for row in rows.mappings():
        values = dict(row)
        incidents.setdefault(values.pop("slug"), []).append(LinkIncident(**values))
    return SlaReport(
        region_name=region_name,
        year=year,
        check_seconds=check_seconds,
        links=[
            LinkSla(
                slug=link.slug,
                title=link.title,
                operator=link.operator,
                url=link.url,
                months={period.period.month: period for period in months.get(link.slug, ())},
                total=next(iter(totals.get(link.slug, ())), None),
                incidents_opened=_count_opened(incidents.get(link.slug, ()), year=year),
                incidents=incidents.get(link.slug, []),
            )
            for link in links
        ],
    )


def combine(periods: Iterable[UptimePeriod | None], *, year: int) -> UptimePeriod | None:
    """Add up the year's periods of several links; None if all are None.

    Response time percentiles cannot be combined and are None.
    """
    measured = [period for period in periods if period is not None]
    if not measured:
        return None
    return UptimePeriod(
        period=date(year, 1, 1),
        ok_seconds=sum(period.ok_seconds for period in measured),
        caution_seconds=sum(period.caution_seconds for period in measured),
        broken_seconds=sum(period.broken_seconds for period in measured),
        maintenance_seconds=sum(period.maintenance_seconds for period in measured),
        checks=sum(period.checks for period in measured),
        response_ms_p50=None,
        response_ms_p95=None,
        response_ms_p99=None,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), JAKARTA)


def _count_opened(incidents: Iterable[LinkIncident], *, year: int) -> dict[int, int]:
    days = (incident.opened_at.astimezone(JAKARTA) for incident in incidents)
    return dict(Counter(day.month for day in days if day.year == year))
