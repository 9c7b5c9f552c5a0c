"""Usage metering: responses are counted in memory and stored per key, area and hour."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.identity import Caller
from services.platform.local_time import LocalTime, start_of_month
from services.platform.retention import first_retained_month

FLUSH_INTERVAL = timedelta(seconds=5)
MAX_PENDING_COUNTS = 5000
"""Number of pending keys that triggers a flush at once; a count is never dropped."""
HOUR_SECONDS = 3600

ADD_COUNTS = """
-- Add counts to those of the hour; ordered, so that concurrent replicas do not deadlock.
INSERT INTO gateway.consumption AS c (region, key_id, hour, area, status, agency, requests)
SELECT :region, key_id, hour, area, status, agency, CAST(sum(requests) AS bigint) FROM unnest(
    CAST(:key_id AS text[]), CAST(:hour AS timestamptz[]), CAST(:area AS text[]),
    CAST(:status AS smallint[]), CAST(:agency AS text[]), CAST(:requests AS bigint[])
) AS n (key_id, hour, area, status, agency, requests)
GROUP BY key_id, hour, area, status, agency ORDER BY key_id, hour, area, status
ON CONFLICT (region, key_id, hour, area, status)
DO UPDATE SET requests = c.requests + excluded.requests
"""

SELECT_USAGE = """
-- Sum the requests of these families of keys since a time.
SELECT k.family, CAST(sum(c.requests) AS bigint) AS requests
FROM gateway.api_key k JOIN gateway.consumption c ON c.region = k.region AND c.key_id = k.id
WHERE k.region = :region AND k.family = ANY(CAST(:families AS text[])) AND c.hour >= :since
GROUP BY k.family
"""

DELETE_BEFORE = """
-- Delete counts of hours before a time; return how many.
WITH deleted AS (
    DELETE FROM gateway.consumption WHERE region = :region AND hour < :before RETURNING 1
)
SELECT count(*) FROM deleted
"""


@dataclass(frozen=True, eq=False, slots=True)
class UsageKey:
    """Dimensions of a count.

    Compared by identity, which costs a cached read less than its fields; equal ones are added up
    when they are stored.
    """

    key_id: str
    hour: int
    """Hours since 1970 in UTC."""
    area: str
    status: int
    """Class of the status: 2 for 200 to 299."""
    agency: str


@lru_cache(4096)
def _usage_key(key_id: str, agency: str, hour: int, area: str, status: int) -> UsageKey:
    return UsageKey(key_id, hour, area, status // 100, agency)


def _key_of(caller: Caller, area: str, status: int, *, now: float) -> UsageKey:
    hour = int(now) // HOUR_SECONDS
    return _usage_key(caller.subject, caller.agency or "", hour, area, status)


async def delete_old_consumption(
    session: WriteSession, *, region: str, months: int, now: datetime, zone: ZoneInfo
) -> int:
    """Delete counts older than `months` whole months; return how many."""
    before = first_retained_month(now, zone, months)
    deleted = await session.scalar(text(DELETE_BEFORE), {"region": region, "before": before})
    return int(deleted or 0)


class UsageMeter:
    """Counter of responses, and what families of keys with a quota used this month everywhere."""

    def __init__(self, database: Database, region: str, local_time: LocalTime) -> None:
        self._database = database
        self._region = region
        self._local_time = local_time
        self._counts: Counter[UsageKey] = Counter()
        self._month = start_of_month(datetime.now(UTC), local_time.zone)
        self._usage: dict[str, int] = {}
        self._unstored: Counter[str] = Counter()
        """The part of `_usage` that is not in the database yet."""
        self.full = asyncio.Event()
        """Set when so many counts are pending that they should be stored now."""
        self._flush_lock = asyncio.Lock()

    def count(
        self, caller: Caller, area: str, status: int, *, now: float, family: str | None = None
    ) -> None:
        """Count a response, also for a family's quota; `now` in seconds since 1970."""
        self._increment(_key_of(caller, area, status, now=now))
        if family is not None and family in self._usage:
            self._usage[family] += 1
            self._unstored[family] += 1

    def counter(self, caller: Caller, area: str, status: int, *, now: float) -> Callable[[], None]:
        """Return a function that counts a response of a caller without a quota, in this hour."""
        return partial(self._increment, _key_of(caller, area, status, now=now))

    def _increment(self, key: UsageKey) -> None:
        counts = self._counts
        counts[key] = counts.get(key, 0) + 1
        if len(counts) > MAX_PENDING_COUNTS:
            self.full.set()

    def month_bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the start of the region's month that contains a moment, and that of the next."""
        zone = self._local_time.zone
        start = start_of_month(now, zone)
        return start, start_of_month(start + timedelta(days=32), zone)

    def usage_this_month(self, family: str, *, now: datetime) -> int:
        """Return the requests of a family in this month, as far as this replica knows."""
        month, _ = self.month_bounds(now)
        if month != self._month:
            self._month, self._usage = month, {}
            self._unstored.clear()
        return self._usage.setdefault(family, 0)

    async def load_usage(self, family: str) -> None:
        """Load the monthly usage of a family that this replica does not know yet."""
        if family in self._usage:
            return
        async with self._database.write_session() as session:
            usage = await self._select_usage(session, [family])
        self._usage[family] = usage.get(family, 0)

    async def flush(self) -> None:
        """Store pending counts; raise if the database fails, and keep them pending."""
        if not self._counts and not self._usage:
            return
        async with self._flush_lock:
            counts, self._counts = self._counts, Counter()
            unstored, self._unstored = self._unstored, Counter()
            try:
                async with self._database.write_session() as session:
                    if counts:
                        await self._add(session, counts)
                    usage = await self._select_usage(session, list(self._usage))
            except (*DATABASE_ERRORS, asyncio.CancelledError):
                self._counts.update(counts)
                self._unstored.update(unstored)
                raise
            for family in self._usage:
                self._usage[family] = usage.get(family, 0) + self._unstored[family]

    async def _add(self, session: WriteSession, counts: Counter[UsageKey]) -> None:
        await session.execute(
            text(ADD_COUNTS),
            {
                "region": self._region,
                "key_id": [key.key_id for key in counts],
                "hour": [datetime.fromtimestamp(key.hour * HOUR_SECONDS, UTC) for key in counts],
                "area": [key.area for key in counts],
                "status": [key.status for key in counts],
                "agency": [key.agency for key in counts],
                "requests": list(counts.values()),
            },
        )

    async def _select_usage(self, session: WriteSession, families: list[str]) -> dict[str, int]:
        if not families:
            return {}
        parameters = {"region": self._region, "families": families, "since": self._month}
        rows = await session.execute(text(SELECT_USAGE), parameters)
        return {row.family: row.requests for row in rows}
