"""Retention of link checks: old checks are deleted, their daily statistics stay."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.platform.database import WriteSession
from services.platform.retention import first_retained_month

LOCK = """
-- Take the lock that lets one replica prune at a time.
SELECT pg_try_advisory_xact_lock(hashtextextended('emall checks ' || CAST(:region AS text), 0))
"""

PRUNE_CHECKS = """
-- Delete old checks and store their number and response time percentiles per link and local day.
WITH deleted AS (
    DELETE FROM gateway.link_check WHERE region = :region AND checked_at < :before
    RETURNING slug, CAST(checked_at AT TIME ZONE :zone AS date) AS day, response_ms
), stored AS (
    INSERT INTO gateway.link_response_day AS d (region, slug, day, checks, p50, p95, p99)
    SELECT :region, slug, day, count(*),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY response_ms),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY response_ms),
        percentile_cont(0.99) WITHIN GROUP (ORDER BY response_ms)
    FROM deleted GROUP BY slug, day
    ON CONFLICT (region, slug, day) DO UPDATE SET checks = d.checks + excluded.checks
)
SELECT count(*) FROM deleted
"""


async def prune_checks(
    session: WriteSession, region: str, *, now: datetime, zone: ZoneInfo, months: int
) -> int:
    """Delete checks older than `months` whole months and return their number.

    Returns 0 if another replica is pruning.
    """
    if not await session.scalar(text(LOCK), {"region": region}):
        return 0
    before = first_retained_month(now, zone, months)
    parameters = {"region": region, "before": before, "zone": zone.key}
    deleted = await session.scalar(text(PRUNE_CHECKS), parameters)
    return int(deleted or 0)
