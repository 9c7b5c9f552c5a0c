"""Old checks of links: single ones go by the month, what they said of each day stays."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.platform.database import NO_ANSWER, Database, WriteSession

log = logging.getLogger(__name__)

JAKARTA = ZoneInfo("Asia/Jakarta")
PAUSE_SECONDS = 3600.0
FIRST_PAUSE_SECONDS = 60.0

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


def first_month_kept(now: datetime, months: int) -> datetime:
    """The beginning of the first month whose single checks stay; `months` are whole ones."""
    local = now.astimezone(JAKARTA)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    return datetime(year, month + 1, 1, tzinfo=JAKARTA)


async def keep_checks(session: WriteSession, region: str, *, now: datetime, months: int) -> int:
    """Rolls old checks up and drops them; answers how many. 0 too where another is at it."""
    if not await session.scalar(text(LOCK), {"region": region}):
        return 0
    before = first_month_kept(now, months)
    gone = await session.scalar(text(ROLL_UP), {"region": region, "before": before})
    return int(gone or 0)


class CheckRetention:
    """Does it hourly, as long as the gateway runs."""

    def __init__(self, database: Database, region: str, *, months: int) -> None:
        self._database = database
        self._region = region
        self._months = months
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_always(), name="keep checks")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_always(self) -> None:
        await asyncio.sleep(FIRST_PAUSE_SECONDS)
        while True:
            try:
                async with self._database.writing() as session:
                    gone = await keep_checks(
                        session, self._region, now=datetime.now(UTC), months=self._months
                    )
                if gone:
                    log.info("%d checks of links became figures of their days", gone)
            except NO_ANSWER as error:
                log.warning("old checks stay for now: %s", error)
            await asyncio.sleep(PAUSE_SECONDS)
