"""What each key takes: answers counted in memory, kept by the hour, shown to its agency."""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import text

from services.gateway.jobs.retention import first_retained_month
from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.identity import Caller
from services.platform.jobs import BackgroundJob
from services.platform.local_time import JAKARTA

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
CELLS_AT_MOST = 5000
"""So many different cells are kept without a pause; a count is never dropped."""
HOUR_SECONDS = 3600

ADD = """
-- Adds counts to those of the hour; in one order, so that replicas never lock each other out.
INSERT INTO gateway.consumption AS c (region, key_id, hour, area, status, agency, requests)
SELECT :region, * FROM unnest(
    CAST(:key_id AS text[]), CAST(:hour AS timestamptz[]), CAST(:area AS text[]),
    CAST(:status AS smallint[]), CAST(:agency AS text[]), CAST(:requests AS bigint[])
) AS n (key_id, hour, area, status, agency, requests) ORDER BY key_id, hour, area, status
ON CONFLICT (region, key_id, hour, area, status)
DO UPDATE SET requests = c.requests + excluded.requests
"""

SPENT = """
-- Requests of these keys since a time.
SELECT key_id, CAST(sum(requests) AS bigint) AS requests FROM gateway.consumption
WHERE region = :region AND key_id = ANY(CAST(:keys AS text[])) AND hour >= :since
GROUP BY key_id
"""


FORGET = """
-- Drops what was counted before a time.
WITH gone AS (
    DELETE FROM gateway.consumption WHERE region = :region AND hour < :before RETURNING 1
)
SELECT count(*) FROM gone
"""


class Cell(NamedTuple):
    """What is counted together."""

    key_id: str
    hour: int
    """Hours since 1970 in UTC."""
    area: str
    status: int
    """Class of the answer: 2 for 200 to 299."""
    agency: str


@lru_cache(4096)
def _cell_of(key_id: str, agency: str, hour: int, area: str, status: int) -> Cell:
    return Cell(key_id, hour, area, status // 100, agency)


def month_of(now: datetime) -> datetime:
    """The beginning of the month in Asia/Jakarta."""
    local = now.astimezone(JAKARTA)
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


async def forget_consumption(
    session: WriteSession, *, region: str, months: int, now: datetime
) -> int:
    """Drops counts that are older than so many whole months; answers how many."""
    before = first_retained_month(now, months)
    gone = await session.scalar(text(FORGET), {"region": region, "before": before})
    return int(gone or 0)


class Consumption(BackgroundJob):
    """Counts answers, and knows what keys with a quota have spent of it, all replicas together."""

    name = "keep consumption"

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self._counts: Counter[Cell] = Counter()
        self._month = month_of(datetime.now(UTC))
        self._spent: dict[str, int] = {}
        self._full = asyncio.Event()
        self._keeping = asyncio.Lock()

    def count(self, caller: Caller, area: str, status: int, *, now: float) -> None:
        """Counts an answer; `now` in seconds since 1970."""
        hour = int(now) // HOUR_SECONDS
        cell = _cell_of(caller.subject, caller.agency or "", hour, area, status)
        self._counts[cell] += 1
        if caller.subject in self._spent:
            self._spent[caller.subject] += 1
        if len(self._counts) > CELLS_AT_MOST:
            self._full.set()

    def spent(self, key_id: str, *, now: datetime) -> int:
        """Requests of a key with a quota in this month, as this replica knows it."""
        month = month_of(now)
        if month != self._month:
            self._month, self._spent = month, {}
        return self._spent.setdefault(key_id, 0)

    async def learn(self, key_id: str) -> None:
        """Asks the database what a key has spent, where this replica does not know."""
        if key_id in self._spent:
            return
        async with self._database.write_session() as session:
            spent = await self._spent_by(session, [key_id])
        self._spent[key_id] = spent.get(key_id, 0)

    async def stop(self) -> None:
        """Keeps what is counted, and ends."""
        await super().stop()
        await self.keep()

    async def keep(self) -> None:
        """Stores what was counted; where the database fails, it is stored the next time."""
        async with self._keeping:
            counts, self._counts = self._counts, Counter()
            try:
                async with self._database.write_session() as session:
                    if counts:
                        await self._add(session, counts)
                    spent = await self._spent_by(session, list(self._spent))
            except DATABASE_ERRORS as error:
                self._counts.update(counts)
                log.warning("consumption is kept later: %s", error)
                return
            except asyncio.CancelledError:
                self._counts.update(counts)
                raise
            for key_id in self._spent:
                since = sum(n for cell, n in self._counts.items() if cell.key_id == key_id)
                self._spent[key_id] = spent.get(key_id, 0) + since

    async def _add(self, session: WriteSession, counts: Counter[Cell]) -> None:
        await session.execute(
            text(ADD),
            {
                "region": self._region,
                "key_id": [cell.key_id for cell in counts],
                "hour": [datetime.fromtimestamp(cell.hour * HOUR_SECONDS, UTC) for cell in counts],
                "area": [cell.area for cell in counts],
                "status": [cell.status for cell in counts],
                "agency": [cell.agency for cell in counts],
                "requests": list(counts.values()),
            },
        )

    async def _spent_by(self, session: WriteSession, keys: list[str]) -> dict[str, int]:
        if not keys:
            return {}
        parameters = {"region": self._region, "keys": keys, "since": self._month}
        rows = await session.execute(text(SPENT), parameters)
        return {row.key_id: row.requests for row in rows}

    async def run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await self._full.wait()
            self._full.clear()
            if self._counts or self._spent:
                await self.keep()
