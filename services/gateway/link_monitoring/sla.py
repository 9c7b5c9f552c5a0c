"""Yearly availability report of links: uptime by month, and the year's incidents."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime
from sqlalchemy import text

from services.gateway.link_monitoring.uptime import UptimePeriod, read_uptime
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession
from services.platform.local_time import start_of_day

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
    time_zone: str
    """Zone of the months and of the times, such as `Asia/Jakarta`."""
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
    zone: ZoneInfo,
    region_name: str,
    check_seconds: int,
) -> SlaReport:
    """Return the report of a year for all current links."""
    begin, end = date(year, 1, 1), date(year + 1, 1, 1)
    links = (await session.execute(text(LINKS), {"region": region})).all()
    read = partial(read_uptime, session, region, slug=None, begin=begin, end=end, zone=zone)
    months, totals = await read(by="month"), await read(by="year")
    rows = await session.execute(
        text(INCIDENTS),
        {
            "region": region,
            "from": start_of_day(begin, zone),
            "to": start_of_day(end, zone),
            "now": now,
        },
    )
    incidents: dict[str, list[LinkIncident]] = {}
    for row in rows.mappings():
        values = dict(row)
        incidents.setdefault(values.pop("slug"), []).append(LinkIncident(**values))
    return SlaReport(
        region_name=region_name,
        time_zone=zone.key,
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
                incidents_opened=_count_opened(incidents.get(link.slug, ()), year=year, zone=zone),
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


def _count_opened(
    incidents: Iterable[LinkIncident], *, year: int, zone: ZoneInfo
) -> dict[int, int]:
    days = (incident.opened_at.astimezone(zone) for incident in incidents)
    return dict(Counter(day.month for day in days if day.year == year))
