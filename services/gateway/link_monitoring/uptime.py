"""Uptime and response times of links by day, month and year."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, computed_field
from sqlalchemy import text

from services.platform.api_model import ApiModel
from services.platform.database import ReadSession
from services.platform.types import Slug

MIN_OBSERVED = timedelta(hours=1)
"""Observed time below which there is no uptime: a few checks say nothing of a period."""

Granularity = Literal["day", "month", "year"]
MAX_DAYS = 400

UPTIME = """
-- Seconds in each state and response times of links per local period, [from, to).
WITH durations AS (
    SELECT slug, CAST(date_trunc(:by, day) AS date) AS period,
        sum(ok_seconds) AS up, sum(caution_seconds) AS degraded, sum(broken_seconds) AS down,
        sum(maintenance_seconds) AS maintenance
    FROM gateway.link_uptime_day
    WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug)
        AND day >= :from AND day < :to
    GROUP BY 1, 2
), raw AS (
    SELECT slug,
        CAST(date_trunc(:by, checked_at AT TIME ZONE :zone) AS date) AS period,
        count(*) AS checks,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY response_ms) AS response
    FROM gateway.link_check
    WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug)
        AND checked_at >= CAST(:from AS timestamp) AT TIME ZONE :zone
        AND checked_at < CAST(:to AS timestamp) AT TIME ZONE :zone
    GROUP BY 1, 2
), parts AS (
    SELECT slug, period, checks, response[1] AS p50, response[2] AS p95, response[3] AS p99
    FROM raw
    UNION ALL
    SELECT slug, CAST(date_trunc(:by, day) AS date), checks, p50, p95, p99
    FROM gateway.link_response_day
    WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug)
        AND day >= :from AND day < :to
), responses AS (
    -- Days whose checks are deleted contribute the weighted mean of their percentiles.
    SELECT slug, period, CAST(sum(checks) AS bigint) AS checks, ARRAY[
        CAST(sum(p50 * checks) / sum(checks) FILTER (WHERE p50 IS NOT NULL) AS float8),
        CAST(sum(p95 * checks) / sum(checks) FILTER (WHERE p95 IS NOT NULL) AS float8),
        CAST(sum(p99 * checks) / sum(checks) FILTER (WHERE p99 IS NOT NULL) AS float8)
    ] AS response
    FROM parts GROUP BY slug, period
)
SELECT slug, period, coalesce(up, 0) AS ok_seconds, coalesce(degraded, 0) AS caution_seconds,
    coalesce(down, 0) AS broken_seconds, coalesce(maintenance, 0) AS maintenance_seconds,
    coalesce(checks, 0) AS checks, response
FROM durations FULL JOIN responses USING (slug, period) ORDER BY slug, period
"""

OBSERVED = """
-- Seconds up and down of a link, or of each, on each day since one, for the status page.
SELECT slug, day, ok_seconds + caution_seconds AS up, broken_seconds AS down
FROM gateway.link_uptime_day
WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug) AND day >= :from
"""


@dataclass(frozen=True)
class Observed:
    """How long a link was seen up or down."""

    up_seconds: int = 0
    down_seconds: int = 0

    def __add__(self, other: "Observed") -> "Observed":
        return Observed(self.up_seconds + other.up_seconds, self.down_seconds + other.down_seconds)

    @property
    def duration(self) -> timedelta:
        """Time on which a share rests."""
        return timedelta(seconds=self.up_seconds + self.down_seconds)

    @property
    def uptime(self) -> float | None:
        """Share of the observed time in which it was up; None if that is too short."""
        if self.duration < MIN_OBSERVED:
            return None
        return self.up_seconds / (self.up_seconds + self.down_seconds)


class UptimePeriod(ApiModel):
    """Uptime and response times of a link in a day, month or year."""

    period: date = Field(description="First day, in local time.")
    ok_seconds: int = Field(description="Seconds in which the link worked.")
    caution_seconds: int = Field(description="Seconds in which the link worked with a defect.")
    broken_seconds: int = Field(description="Seconds in which the link did not work.")
    maintenance_seconds: int = Field(
        description="Seconds of announced maintenance, which do not count."
    )
    checks: int = Field(description="Number of checks.")
    response_ms_p50: float | None = Field(description="Median response time in milliseconds.")
    response_ms_p95: float | None = Field(
        description="Milliseconds within which 95 of 100 checks were answered; null without checks."
    )
    response_ms_p99: float | None = Field(
        description="Milliseconds within which 99 of 100 checks were answered; null without checks."
    )

    @computed_field(description="Time on which `uptime` rests: up, degraded or down.")
    @property
    def observed_seconds(self) -> int:
        return self.ok_seconds + self.caution_seconds + self.broken_seconds

    @computed_field(
        description="Share of the observed time in which it was up or degraded; null below an hour."
    )
    @property
    def uptime(self) -> float | None:
        if self.observed_seconds < MIN_OBSERVED.total_seconds():
            return None
        return round((self.ok_seconds + self.caution_seconds) / self.observed_seconds, 6)


class Uptime(ApiModel):
    """Uptime of a link by period."""

    link: Slug
    by: Granularity
    items: list[UptimePeriod] = Field(description="Periods in order.")


async def read_uptime(
    session: ReadSession,
    region: str,
    *,
    slug: str | None,
    by: Granularity,
    begin: date,
    end: date,
    zone: ZoneInfo,
) -> dict[str, list[UptimePeriod]]:
    """Return the periods of a link, or of all links, by slug; `end` is exclusive."""
    span = {"from": begin, "to": end, "zone": zone.key}
    rows = await session.execute(text(UPTIME), {"region": region, "slug": slug, "by": by, **span})
    periods: dict[str, list[UptimePeriod]] = {}
    for row in rows.mappings():
        values = dict(row)
        p50, p95, p99 = values.pop("response") or (None, None, None)
        periods.setdefault(values.pop("slug"), []).append(
            UptimePeriod(response_ms_p50=p50, response_ms_p95=p95, response_ms_p99=p99, **values)
        )
    return periods


async def read_observed(
    session: ReadSession, region: str, *, begin: date, slug: str | None = None
) -> dict[str, dict[date, Observed]]:
    """Return how long a link, or each, was seen up or down on each day since `begin`, by slug."""
    parameters = {"region": region, "slug": slug, "from": begin}
    found: dict[str, dict[date, Observed]] = {}
    for row in await session.execute(text(OBSERVED), parameters):
        found.setdefault(row.slug, {})[row.day] = Observed(row.up, row.down)
    return found
