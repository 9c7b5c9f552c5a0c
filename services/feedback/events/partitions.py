"""Monthly partitions of single events: created ahead and on demand, dropped after the retention.

A dropped month is never created again, since its ids are deleted too: an event of such a month is
rejected rather than counted twice.

Counts, the accepted range of times and the retention follow the local months of the region. The
partitions are shared by all regions of a database, whose zones may differ, and are therefore cut at
midnight in `PARTITION_ZONE`, the easternmost: a partition ends no later than the local month of its
name, so that dropping it never drops an event that a region retains. The events of a region farther
west that lie between the two midnights, at most two hours a month, are deleted by row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from services.platform.database import Connection, Database
from services.platform.local_time import LocalTime, month_of, start_of_day
from services.platform.logging import get_logger
from services.platform.months import add_months

log = get_logger(__name__)

FIRST_MONTH = date(2020, 1, 1)
"""Oldest month for which events are accepted."""
PARTITION_ZONE = ZoneInfo("Asia/Jayapura")
"""Zone of the bounds of partitions, as `feedback.create_event_partition` sets them."""
MONTHS_AHEAD = 2
"""Partitions created before their month begins."""
BLOCKS_PER_DELETE = 2048

ADVANCE_RETENTION = """
-- Sets the oldest retained month, which only ever advances.
INSERT INTO feedback.event_retention (region, oldest_month) VALUES ($1, $2)
ON CONFLICT (region) DO UPDATE SET oldest_month = excluded.oldest_month
WHERE event_retention.oldest_month < excluded.oldest_month
"""

OLDEST_MONTH = """
-- The oldest retained month, once any month was dropped.
SELECT oldest_month FROM feedback.event_retention WHERE region = $1
"""

DROPPED_BEFORE = """
-- The month before which no event of this region is left, and the one before which ids are deleted.
SELECT least(r.oldest_month, min(to_date(c.relname, '"event_"YYYY_MM'))) AS dropped_before,
       r.ids_deleted_before
FROM feedback.event_retention r
LEFT JOIN pg_inherits i ON i.inhparent = 'feedback.event'::regclass
LEFT JOIN pg_class c ON c.oid = i.inhrelid
WHERE r.region = $1
GROUP BY r.oldest_month, r.ids_deleted_before
"""

RECORD_IDS_DELETED = "UPDATE feedback.event_retention SET ids_deleted_before = $2 WHERE region = $1"

DELETE_EVENTS = """
-- Deletes the events of this region that dropped partitions left: those between its midnight and
-- that of the bounds. Records who sent them, as `feedback.drop_event_partitions` does.
WITH deleted AS (
    DELETE FROM feedback.event WHERE region = $1 AND occurred_at < $2
    RETURNING reported_by, received_at
)
INSERT INTO feedback.dropped_events AS known
SELECT $1, $3::date, reported_by, min(received_at), max(received_at), count(*)
FROM deleted GROUP BY reported_by
ON CONFLICT (region, month, reported_by) DO UPDATE SET
    first_received_at = least(known.first_received_at, excluded.first_received_at),
    last_received_at = greatest(known.last_received_at, excluded.last_received_at),
    events = known.events + excluded.events
"""

EVENT_ID_BLOCKS = """
-- Blocks of the table of ids; none if it is spread over other servers.
SELECT pg_relation_size('feedback.event_id') / current_setting('block_size')::int
"""

DELETE_IDS = """
-- Deletes, in a range of blocks, the ids of events that were dropped.
DELETE FROM feedback.event_id
WHERE region = $1 AND occurred_at < $2
  AND ctid >= format('(%s,0)', $3::bigint)::tid AND ctid < format('(%s,0)', $4::bigint)::tid
"""

DELETE_ALL_IDS = """
-- Deletes the ids of events that were dropped.
DELETE FROM feedback.event_id WHERE region = $1 AND occurred_at < $2
"""

LOCK = "SELECT pg_try_advisory_lock(hashtextextended('retention of feedback.event', 0))"


@dataclass(frozen=True)
class RetentionResult:
    """Result of one run of the event retention."""

    oldest_month: date
    """The oldest retained month."""
    partitions: tuple[str, ...]
    """Names of the partitions that were dropped."""
    ids_deleted: int
    """Number of deleted event ids of this region."""


def oldest_retained_month(now: datetime, zone: ZoneInfo, *, retention_months: int) -> date:
    """Return the oldest local month whose events are accepted: `retention_months` ago."""
    current = month_of(now, zone)
    available = (current.year - FIRST_MONTH.year) * 12 + current.month - FIRST_MONTH.month
    return add_months(current, -min(retention_months, max(available, 0)))


def partition_of(moment: datetime) -> date:
    """Return the first day of the month whose partition holds an event of this moment."""
    return month_of(moment, PARTITION_ZONE)


async def create_partitions(
    connection: Connection, region: str, months: Iterable[date]
) -> list[date]:
    """Create the missing partitions; return the months that were dropped and stay so."""
    return [
        month
        for month in sorted(set(months))
        if not await connection.fetchval(
            "SELECT feedback.create_event_partition($1, $2)", region, month
        )
    ]


async def apply_retention(
    connection: Connection,
    region: str,
    zone: ZoneInfo,
    *,
    now: datetime,
    retention_months: int,
) -> RetentionResult | None:
    """Create partitions ahead and drop expired ones; return None if another process is doing so."""
    if not await connection.fetchval(LOCK):
        return None
    try:
        current = partition_of(now)
        ahead = (add_months(current, n) for n in range(MONTHS_AHEAD + 1))
        await create_partitions(connection, region, ahead)
        await connection.execute(
            ADVANCE_RETENTION,
            region,
            oldest_retained_month(now, zone, retention_months=retention_months),
        )
        oldest_month = cast("date", await connection.fetchval(OLDEST_MONTH, region))
        rows = await connection.fetch("SELECT feedback.drop_event_partitions()")
        partitions = tuple(row[0] for row in rows)
        deleted = await _delete_remaining(connection, region, zone)
        return RetentionResult(oldest_month, partitions, deleted)
    finally:
        await connection.execute("SELECT pg_advisory_unlock_all()")


async def _delete_remaining(connection: Connection, region: str, zone: ZoneInfo) -> int:
    """Delete what dropped partitions left of a region; return the number of deleted ids.

    Ids are deleted some blocks at a time, to keep each transaction short.
    """
    row = await connection.fetchrow(DROPPED_BEFORE, region)
    if row is None or row["dropped_before"] <= row["ids_deleted_before"]:
        return 0
    before = start_of_day(row["dropped_before"], zone)
    last_dropped = add_months(row["dropped_before"], -1)
    await connection.execute(DELETE_EVENTS, region, before, last_dropped)
    blocks = cast("int", await connection.fetchval(EVENT_ID_BLOCKS))
    statuses = [
        await connection.execute(DELETE_IDS, region, before, first, first + BLOCKS_PER_DELETE)
        for first in range(0, blocks, BLOCKS_PER_DELETE)
    ] or [await connection.execute(DELETE_ALL_IDS, region, before)]
    deleted = sum(int(status.rpartition(" ")[2]) for status in statuses)
    await connection.execute(RECORD_IDS_DELETED, region, row["dropped_before"])
    return deleted


async def prune_events(
    database: Database, region: str, local_time: LocalTime, *, retention_months: int
) -> None:
    """Apply the event retention now, on a connection of its own."""
    connection = await database.connect(purpose="retention")
    try:
        # Events must not be dropped by the default zone, before the database answered.
        await local_time.refresh()
        result = await apply_retention(
            connection,
            region,
            local_time.zone,
            now=local_time.now(),
            retention_months=retention_months,
        )
    finally:
        await connection.close()
    if result is not None and result.partitions:
        log.info(
            "event partitions dropped",
            before=str(result.oldest_month),
            partitions=", ".join(result.partitions),
        )
