"""Buckets that all replicas share: one small table, asked for many buckets at a time."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from services.gateway.rate_limits.gcra import Policy
from services.platform.database import DATABASE_ERRORS, Connection, Database

ANSWER_SECONDS = 1.0
"""How long the database may take; after that a replica limits by itself."""

TAKE = """
-- Takes from each bucket what is wanted, as far as it holds that, after what is owed to it.
SELECT bucket, granted, missing
FROM gateway.take_requests($1, $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
"""

CLEAR = """
-- Drops buckets that are full: they say nothing more.
DELETE FROM gateway.rate WHERE region = $1 AND full_at < now()
"""


@dataclass(frozen=True)
class Wish:
    """What a replica asks of a bucket."""

    bucket: str
    policy: Policy
    wanted: int
    owed: int


@dataclass(frozen=True)
class Lease:
    """What a replica may let through, and how many seconds the bucket is from being full."""

    granted: int
    missing: float


class Leases:
    """The shared buckets of one region, over a connection of their own."""

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self._connection: Connection | None = None

    async def take(self, wishes: Sequence[Wish]) -> list[Lease]:
        """Take from all of these distinct buckets; raise one of `DATABASE_ERRORS` on failure."""
        connection = await self._open()
        rows = await connection.fetch(
            TAKE,
            self._region,
            [wish.bucket for wish in wishes],
            [float(wish.policy.burst) for wish in wishes],
            [wish.policy.interval for wish in wishes],
            [float(wish.wanted) for wish in wishes],
            [float(wish.owed) for wish in wishes],
            timeout=ANSWER_SECONDS,
        )
        found = {row["bucket"]: Lease(row["granted"], row["missing"]) for row in rows}
        return [found[wish.bucket] for wish in wishes]

    async def clear(self) -> None:
        """Forgets whoever has not called lately."""
        connection = await self._open()
        await connection.execute(CLEAR, self._region, timeout=ANSWER_SECONDS)

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            async with asyncio.timeout(ANSWER_SECONDS):
                self._connection = await self._database.connect(purpose="limits")
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            with suppress(*DATABASE_ERRORS):
                await self._connection.close(timeout=1)
            self._connection = None
