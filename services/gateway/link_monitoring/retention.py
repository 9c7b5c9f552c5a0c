"""Old checks of links: single ones go by the month, what they said of each day stays."""

from datetime import datetime

from sqlalchemy import text

from services.gateway.jobs.retention import first_retained_month
from services.platform.database import WriteSession

LOCK = """
-- One replica at a time.
SELECT pg_try_advisory_xact_lock(hashtextextended('emall checks ' || CAST(:region AS text), 0))
"""

ROLL_UP = """
-- Checks before a time become, by link and day of Asia/Jakarta, their number and percentiles.
WITH gone AS (
    DELETE FROM gateway.link_check WHERE region = :region AND checked_at < :before
    RETURNING slug, CAST(checked_at AT TIME ZONE 'Asia/Jakarta' AS date) AS day, response_ms
), kept AS (
    INSERT INTO gateway.link_response_day AS d (region, slug, day, checks, p50, p95, p99)
    SELECT :region, slug, day, count(*),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY response_ms),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY response_ms),
        percentile_cont(0.99) WITHIN GROUP (ORDER BY response_ms)
    FROM gone GROUP BY slug, day
    ON CONFLICT (region, slug, day) DO UPDATE SET checks = d.checks + excluded.checks
)
SELECT count(*) FROM gone
"""


async def keep_checks(session: WriteSession, region: str, *, now: datetime, months: int) -> int:
    """Rolls old checks up and drops them; answers how many. 0 too where another is at it."""
    if not await session.scalar(text(LOCK), {"region": region}):
        return 0
    before = first_retained_month(now, months)
    gone = await session.scalar(text(ROLL_UP), {"region": region, "before": before})
    return int(gone or 0)
