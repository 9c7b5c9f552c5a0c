"""Buckets shared by all replicas: one small table, queried for many buckets at a time."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from services.gateway.rate_limits.gcra import Policy
from services.platform.database import DATABASE_ERRORS, Connection, Database

QUERY_TIMEOUT_SECONDS = 1.0
"""Query timeout; after it a replica applies limits locally."""

TAKE = """
-- Subtract the debts and take what is requested, as far as each bucket holds it.
SELECT bucket, granted, seconds_to_full
FROM gateway.take_requests($1, $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
"""

DELETE_FULL = """
-- Delete full buckets: a missing bucket counts as full.
DELETE FROM gateway.rate_limit_bucket
WHERE region = $1 AND full_at < now()
"""


@dataclass(frozen=True)
class BucketRequest:
    """A replica's request to one bucket."""

    bucket: str
    policy: Policy
    requested: int
    debt: int


@dataclass(frozen=True)
class BucketGrant:
    """Requests that a replica may allow, and the seconds until the bucket is full."""

    granted: int
    seconds_to_full: float


class SharedBuckets:
    """The shared buckets of one region, over a dedicated connection."""

    def __init__(self, database: Database, region: str) -> None:
        self._database = database
        self._region = region
        self._connection: Connection | None = None

    async def take(self, requests: Sequence[BucketRequest]) -> list[BucketGrant]:
        """Take from all of these distinct buckets; raise one of `DATABASE_ERRORS` on failure."""
        connection = await self._open()
        rows = await connection.fetch(
            TAKE,
            self._region,
            [request.bucket for request in requests],
            [float(request.policy.burst) for request in requests],
            [request.policy.interval for request in requests],
            [float(request.requested) for request in requests],
            [float(request.debt) for request in requests],
            timeout=QUERY_TIMEOUT_SECONDS,
        )
        grants = {
            row["bucket"]: BucketGrant(row["granted"], row["seconds_to_full"]) for row in rows
        }
        return [grants[request.bucket] for request in requests]

    async def delete_full(self) -> None:
        """Delete the buckets that are full again."""
        connection = await self._open()
        await connection.execute(DELETE_FULL, self._region, timeout=QUERY_TIMEOUT_SECONDS)

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            async with asyncio.timeout(QUERY_TIMEOUT_SECONDS):
                self._connection = await self._database.connect(purpose="limits")
        return self._connection

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(*DATABASE_ERRORS):
                await self._connection.close(timeout=1)
            self._connection = None
