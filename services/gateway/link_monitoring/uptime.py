"""How long links were up, and how fast, by day, month and year."""

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field, computed_field
from sqlalchemy import text

from services.platform.api_model import ApiModel
from services.platform.database import ReadSession
from services.platform.types import Slug

By = Literal["day", "month", "year"]
DAYS_AT_MOST = 400

UPTIME = """
-- Seconds in each state and response times of links by period of Asia/Jakarta, [from, to).
WITH spent AS (
    SELECT slug, CAST(date_trunc(:by, day) AS date) AS period,
        sum(ok_seconds) AS ok, sum(caution_seconds) AS caution, sum(broken_seconds) AS broken,
        sum(maintenance_seconds) AS maintenance
    FROM gateway.link_day
    WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug)
        AND day >= :from AND day < :to
    GROUP BY 1, 2
), raw AS (
    SELECT slug,
        CAST(date_trunc(:by, checked_at AT TIME ZONE 'Asia/Jakarta') AS date) AS period,
        count(*) AS checks,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY response_ms) AS response
    FROM gateway.link_check
    WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug)
        AND checked_at >= CAST(:from AS timestamp) AT TIME ZONE 'Asia/Jakarta'
        AND checked_at < CAST(:to AS timestamp) AT TIME ZONE 'Asia/Jakarta'
    GROUP BY 1, 2
), parts AS (
    SELECT slug, period, checks, response[1] AS p50, response[2] AS p95, response[3] AS p99
    FROM raw
    UNION ALL
    SELECT slug, CAST(date_trunc(:by, day) AS date), checks, p50, p95, p99
    FROM gateway.link_response_day
    WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug)
        AND day >= :from AND day < :to
), looked AS (
    -- Of days whose single checks are gone, the mean of their percentiles.
    SELECT slug, period, CAST(sum(checks) AS bigint) AS checks, ARRAY[
        CAST(sum(p50 * checks) / sum(checks) FILTER (WHERE p50 IS NOT NULL) AS float8),
        CAST(sum(p95 * checks) / sum(checks) FILTER (WHERE p95 IS NOT NULL) AS float8),
        CAST(sum(p99 * checks) / sum(checks) FILTER (WHERE p99 IS NOT NULL) AS float8)
    ] AS response
    FROM parts GROUP BY slug, period
)
SELECT slug, period, coalesce(ok, 0) AS ok_seconds, coalesce(caution, 0) AS caution_seconds,
    coalesce(broken, 0) AS broken_seconds, coalesce(maintenance, 0) AS maintenance_seconds,
    coalesce(checks, 0) AS checks, response
FROM spent FULL JOIN looked USING (slug, period) ORDER BY slug, period
"""

DAYS = """
-- The share of each day that links were up, for the rows of small bars on the status page.
SELECT slug, day, ok_seconds + caution_seconds AS up, broken_seconds AS down
FROM gateway.link_day WHERE region = :region AND day >= :from
"""

INCIDENTS_BY_MONTH = """
-- How many incidents began in each month of a year.
SELECT slug, CAST(date_trunc('month', opened_at AT TIME ZONE 'Asia/Jakarta') AS date) AS period,
    count(*) AS incidents
FROM gateway.incident
WHERE region = :region AND opened_at >= CAST(:from AS timestamp) AT TIME ZONE 'Asia/Jakarta'
    AND opened_at < CAST(:to AS timestamp) AT TIME ZONE 'Asia/Jakarta'
GROUP BY 1, 2
"""

LINKS = """
-- The links, for the report.
SELECT slug, content ->> 'title' AS title, content ->> 'operator' AS operator
FROM gateway.link WHERE region = :region ORDER BY slug
"""


class UptimePeriod(ApiModel):
    """A day, month or year of a link."""

    period: date = Field(description="Its first day, in Asia/Jakarta.")
    ok_seconds: int
    caution_seconds: int
    broken_seconds: int
    maintenance_seconds: int
    checks: int
    response_ms_p50: float | None = Field(description="Half of the answers came within this.")
    response_ms_p95: float | None
    response_ms_p99: float | None

    @computed_field(
        description="Up (ok or caution) as a share of the time that is known and not maintenance."
    )
    @property
    def uptime(self) -> float | None:
        up = self.ok_seconds + self.caution_seconds
        known = up + self.broken_seconds
        return None if known == 0 else round(up / known, 6)


class Uptime(ApiModel):
    """How long a link was up."""

    link: Slug
    by: By
    items: list[UptimePeriod]


async def uptime_of(
    session: ReadSession, region: str, *, slug: str | None, by: By, begin: date, end: date
) -> dict[str, list[UptimePeriod]]:
    """Periods of a link, or of all of them, by slug; the day `end` is not in it."""
    rows = await session.execute(
        text(UPTIME), {"region": region, "slug": slug, "by": by, "from": begin, "to": end}
    )
    found: dict[str, list[UptimePeriod]] = {}
    for row in rows.mappings():
        given = dict(row)
        p50, p95, p99 = given.pop("response") or (None, None, None)
        found.setdefault(given.pop("slug"), []).append(
            UptimePeriod(response_ms_p50=p50, response_ms_p95=p95, response_ms_p99=p99, **given)
        )
    return found


async def days_of(
    session: ReadSession, region: str, *, begin: date
) -> dict[str, dict[date, float | None]]:
    """The uptime of each link on each day since."""
    rows = await session.execute(text(DAYS), {"region": region, "from": begin})
    found: dict[str, dict[date, float | None]] = {}
    for row in rows:
        known = row.up + row.down
        found.setdefault(row.slug, {})[row.day] = row.up / known if known else None
    return found


COLUMNS = (
    "link",
    "title",
    "operator",
    "period",
    "uptime_percent",
    "ok_minutes",
    "caution_minutes",
    "broken_minutes",
    "maintenance_minutes",
    "unknown_minutes",
    "checks",
    "response_ms_p50",
    "response_ms_p95",
    "response_ms_p99",
    "incidents",
)


async def sla_report(session: ReadSession, region: str, *, year: int, today: date) -> str:
    """The year of every link as CSV: a line per month, and one for the year."""
    begin, end = date(year, 1, 1), date(year + 1, 1, 1)
    span: dict[str, Any] = {"region": region, "from": begin, "to": end}
    links = (await session.execute(text(LINKS), {"region": region})).all()
    counted = await session.execute(text(INCIDENTS_BY_MONTH), span)
    incidents = {(row.slug, row.period): int(row.incidents) for row in counted}
    months = await uptime_of(session, region, slug=None, by="month", begin=begin, end=end)
    years = await uptime_of(session, region, slug=None, by="year", begin=begin, end=end)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for link in links:
        named = [link.slug, link.title, link.operator]
        for period in months.get(link.slug, ()):
            month_end = (period.period + timedelta(days=31)).replace(day=1)
            seconds = _elapsed(period.period, month_end, today=today)
            began = incidents.get((link.slug, period.period), 0)
            shown = f"{period.period:%Y-%m}"
            writer.writerow(_safe([*named, shown, *_figures(period, seconds, began)]))
        for period in years.get(link.slug, ()):
            seconds = _elapsed(begin, end, today=today)
            began = sum(count for (slug, _), count in incidents.items() if slug == link.slug)
            writer.writerow(_safe([*named, str(year), *_figures(period, seconds, began)]))
    return out.getvalue()


def _elapsed(begin: date, end: date, *, today: date) -> int:
    """Seconds of the period that are past, today counted whole."""
    return max((min(end, today + timedelta(days=1)) - begin).days, 0) * 86_400


def _figures(period: UptimePeriod, seconds: int, incidents: int) -> list[Any]:
    spent = (
        period.ok_seconds,
        period.caution_seconds,
        period.broken_seconds,
        period.maintenance_seconds,
    )
    uptime = None if period.uptime is None else round(period.uptime * 100, 3)
    times = (period.response_ms_p50, period.response_ms_p95, period.response_ms_p99)
    return [
        uptime,
        *(round(part / 60) for part in spent),
        round(max(seconds - sum(spent), 0) / 60),
        period.checks,
        *(None if value is None else round(value) for value in times),
        incidents,
    ]


def _safe(cells: Sequence[Any]) -> list[Any]:
    """Cells that no spreadsheet takes for a formula."""
    return [
        f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t"} else cell
        for cell in cells
    ]
