"""A year of all links: uptime by month, and the incidents that lasted into it."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time

from pydantic import AwareDatetime
from sqlalchemy import text

from services.gateway.link_monitoring.uptime import UptimePeriod, uptime_of
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession
from services.platform.local_time import JAKARTA

LINKS = """
-- The links of a region and where they lead.
SELECT slug, url, content ->> 'title' AS title, content ->> 'operator' AS operator
FROM gateway.link WHERE region = :region ORDER BY slug
"""

INCIDENTS = """
-- Incidents that began in a span or lasted into it, oldest first.
SELECT slug, title, reason, opened_at, closed_at FROM gateway.incident
WHERE region = :region AND opened_at < :to AND coalesce(closed_at, :now) >= :from
ORDER BY opened_at, id
"""


class LinkIncident(ApiModel):
    """An incident of a link."""

    title: str
    reason: str | None
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None


class LinkYear(ApiModel):
    """What is known of a link in a year; a month in which nobody looked is not there."""

    title: str
    operator: str
    url: str
    months: dict[int, UptimePeriod]
    whole: UptimePeriod | None
    begun: dict[int, int]
    """How many incidents began in each month."""
    incidents: list[LinkIncident]


class SlaYear(ApiModel):
    """A year of all links of a region."""

    place: str
    year: int
    check_seconds: int
    """Time between two checks, as it is set now; 0: none by itself."""
    links: list[LinkYear]

    @property
    def tag(self) -> str:
        """A weak entity tag: another one as soon as anything that is known differs."""
        told = self.model_dump_json().encode()
        return f'W/"{hashlib.blake2b(told, digest_size=12).hexdigest()}"'


async def read_year(
    session: ReadSession,
    region: str,
    *,
    year: int,
    now: datetime,
    place: str,
    check_seconds: int,
) -> SlaYear:
    """The year of every link that is on record now."""
    begin, end = date(year, 1, 1), date(year + 1, 1, 1)
    links = (await session.execute(text(LINKS), {"region": region})).all()
    months = await uptime_of(session, region, slug=None, by="month", begin=begin, end=end)
    wholes = await uptime_of(session, region, slug=None, by="year", begin=begin, end=end)
    rows = await session.execute(
        text(INCIDENTS),
        {"region": region, "from": _midnight(begin), "to": _midnight(end), "now": now},
    )
    incidents: dict[str, list[LinkIncident]] = {}
    for row in rows.mappings():
        given = dict(row)
        incidents.setdefault(given.pop("slug"), []).append(LinkIncident(**given))
    return SlaYear(
        place=place,
        year=year,
        check_seconds=check_seconds,
        links=[
            LinkYear(
                title=link.title,
                operator=link.operator,
                url=link.url,
                months={period.period.month: period for period in months.get(link.slug, ())},
                whole=next(iter(wholes.get(link.slug, ())), None),
                begun=_begun(incidents.get(link.slug, ()), year=year),
                incidents=incidents.get(link.slug, []),
            )
            for link in links
        ],
    )


def together(periods: Iterable[UptimePeriod | None], *, year: int) -> UptimePeriod | None:
    """Several links as one; percentiles cannot be added up. None where nobody looked at any."""
    known = [period for period in periods if period is not None]
    if not known:
        return None
    return UptimePeriod(
        period=date(year, 1, 1),
        ok_seconds=sum(period.ok_seconds for period in known),
        caution_seconds=sum(period.caution_seconds for period in known),
        broken_seconds=sum(period.broken_seconds for period in known),
        maintenance_seconds=sum(period.maintenance_seconds for period in known),
        checks=sum(period.checks for period in known),
        response_ms_p50=None,
        response_ms_p95=None,
        response_ms_p99=None,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), JAKARTA)


def _begun(incidents: Iterable[LinkIncident], *, year: int) -> dict[int, int]:
    days = (incident.opened_at.astimezone(JAKARTA) for incident in incidents)
    return dict(Counter(day.month for day in days if day.year == year))
