"""Single events are kept by month: months are opened ahead and on demand, old ones dropped whole.

What is dropped stays dropped: its ids are forgotten, so its months are never opened again, and an
event of such a month is refused rather than counted twice.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from services.platform.database import DATABASE_ERRORS, Connection, Database
from services.platform.local_time import JAKARTA

log = logging.getLogger(__name__)

FIRST_MONTH = date(2020, 1, 1)
"""Nothing is known of events before."""
AHEAD = 2
"""Months that are opened before they begin."""
PAUSE_SECONDS = 3600.0
BLOCKS = 2048

ADVANCE = """
-- The oldest month that is kept; it only ever moves on.
INSERT INTO feedback.event_horizon (region, month) VALUES ($1, $2)
ON CONFLICT (region) DO UPDATE SET month = excluded.month
WHERE event_horizon.month < excluded.month
"""

HORIZON = """
-- The oldest month that is kept, once some were dropped.
SELECT month FROM feedback.event_horizon WHERE region = $1
"""

GONE = """
-- Before this month no event of this region is left, and its ids before `ids_from` are forgotten.
SELECT least(h.month, min(to_date(c.relname, '"event_"YYYY_MM'))) AS since, h.ids_from
FROM feedback.event_horizon h
LEFT JOIN pg_inherits i ON i.inhparent = 'feedback.event'::regclass
LEFT JOIN pg_class c ON c.oid = i.inhrelid
WHERE h.region = $1
GROUP BY h.month, h.ids_from
"""

FORGOTTEN = "UPDATE feedback.event_horizon SET ids_from = $2 WHERE region = $1"

SIZE = """
-- Blocks of the table of ids.
SELECT pg_relation_size('feedback.event_id') / current_setting('block_size')::int
"""

FORGET = """
-- Forgets, in a range of blocks, the ids of events that were dropped.
DELETE FROM feedback.event_id
WHERE region = $1 AND occurred_at < $2
  AND ctid >= format('(%s,0)', $3::bigint)::tid AND ctid < format('(%s,0)', $4::bigint)::tid
"""

LOCK = "SELECT pg_try_advisory_lock(hashtextextended('retention of feedback.event', 0))"


@dataclass(frozen=True)
class Kept:
    """What a round of retention did."""

    since: date
    """The oldest month that is kept."""
    dropped: tuple[str, ...]
    """Partitions that are gone."""
    forgotten: int
    """Ids of events of this region that went with them."""


def month_of(moment: datetime) -> date:
    """The month, in Jakarta, of this moment."""
    return moment.astimezone(JAKARTA).date().replace(day=1)


def midnight(day: date) -> datetime:
    """The first moment of a day in Jakarta."""
    return datetime(day.year, day.month, day.day, tzinfo=JAKARTA)


def shift(month: date, by: int) -> date:
    """The month this many months later."""
    years, index = divmod(month.year * 12 + month.month - 1 + by, 12)
    return date(years, index + 1, 1)


def oldest_kept(now: datetime, *, retention_months: int) -> date:
    """The oldest month whose events are taken: the current one and so many whole ones before."""
    current = month_of(now)
    reach = (current.year - FIRST_MONTH.year) * 12 + current.month - FIRST_MONTH.month
    return shift(current, -min(retention_months, max(reach, 0)))


async def open_months(connection: Connection, region: str, months: Iterable[date]) -> list[date]:
    """Opens these months where they are not; answers those that were dropped for good."""
    return [
        month
        for month in sorted(set(months))
        if not await connection.fetchval("SELECT feedback.open_event_month($1, $2)", region, month)
    ]


async def keep_months(
    connection: Connection, region: str, *, now: datetime, retention_months: int
) -> Kept | None:
    """Opens the months ahead and drops those that are over; None where another one is at it."""
    if not await connection.fetchval(LOCK):
        return None
    try:
        current = month_of(now)
        await open_months(connection, region, (shift(current, n) for n in range(AHEAD + 1)))
        await connection.execute(
            ADVANCE, region, oldest_kept(now, retention_months=retention_months)
        )
        since = cast("date", await connection.fetchval(HORIZON, region))
        rows = await connection.fetch("SELECT feedback.drop_event_months()")
        dropped = tuple(row[0] for row in rows)
        return Kept(since, dropped, await _forget(connection, region))
    finally:
        await connection.execute("SELECT pg_advisory_unlock_all()")


async def _forget(connection: Connection, region: str) -> int:
    """Forgets dropped ids, some blocks at a time, so that no one waits and no lock grows."""
    gone = await connection.fetchrow(GONE, region)
    if gone is None or gone["since"] <= gone["ids_from"]:
        return 0
    before = midnight(gone["since"])
    blocks = cast("int", await connection.fetchval(SIZE))
    forgotten = 0
    for first in range(0, blocks, BLOCKS):
        answer = await connection.execute(FORGET, region, before, first, first + BLOCKS)
        forgotten += int(answer.rpartition(" ")[2])
    await connection.execute(FORGOTTEN, region, gone["since"])
    return forgotten


async def keep_always(
    database: Database, region: str, *, retention_months: int, clock: type[datetime] = datetime
) -> None:
    """Keeps the months in order for as long as the service runs."""
    while True:
        try:
            connection = await database.connect(purpose="retention")
            try:
                kept = await keep_months(
                    connection,
                    region,
                    now=clock.now(JAKARTA),
                    retention_months=retention_months,
                )
            finally:
                await connection.close()
            if kept is not None and kept.dropped:
                log.info("dropped the events before %s: %s", kept.since, ", ".join(kept.dropped))
        except DATABASE_ERRORS as error:
            log.warning("the months of events were not kept, it is tried again: %s", error)
        await asyncio.sleep(PAUSE_SECONDS)
