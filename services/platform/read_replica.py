"""Sessions on a read replica that is as new as the moment at which they begin.

A read asks the server for its position in the log and uses the replica only if that has replayed as
much. So everybody reads back what anybody wrote before, and a replica that lags is not used.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from services.platform.database_line import Connection

POSITION = "SELECT pg_current_wal_insert_lsn()::text"
POSITION_SECONDS = 0.5

HAS_REPLAYED = """
-- Whether this replica has replayed the log up to a position; null if it is none.
SELECT pg_last_wal_replay_lsn() >= CAST(CAST(:position AS text) AS pg_lsn) WHERE pg_is_in_recovery()
"""
ATTEMPTS = 5
PAUSE_SECONDS = 0.01
"""A replica is usually some milliseconds behind."""
REST_SECONDS = 1.0
"""How long a replica that lags, or does not answer, is not asked."""

MEASURE = """
-- What this replica has not replayed up to a position, and since when it replayed no transaction.
SELECT pg_is_in_recovery() AS is_replica,
    CAST(CAST(:position AS text) AS pg_lsn) - pg_last_wal_replay_lsn() AS behind,
    extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) AS quiet_seconds
"""
MEASURE_ATTEMPTS = 100
"""Attempts, a pause apart, until a replica counts as behind."""


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """How far a replica was behind its server when it was measured."""

    is_replica: bool
    """False once it was promoted."""
    behind_bytes: int
    seconds: float
    """Age of the oldest position of the server that it has not replayed; 0 if there is none."""


class ServerPosition:
    """The position of the server in its log, read once for all that ask at a time."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._running: asyncio.Task[str] | None = None
        self._next: asyncio.Task[str] | None = None

    async def read(self) -> str:
        """Return a position that was read after the call began."""
        # The reading that runs may be older than what the caller wrote last.
        if self._next is None:
            self._next = asyncio.create_task(self._read(self._running), name="read position")
        return await asyncio.shield(self._next)

    async def close(self) -> None:
        """Close the connection."""
        for task in filter(None, (self._running, self._next)):
            task.cancel()
            await asyncio.wait({task})
        if self._connection is not None:
            self._connection.terminate()

    async def _read(self, previous: asyncio.Task[str] | None) -> str:
        if previous is not None and not previous.done():
            await asyncio.wait({previous})
        self._running, self._next = self._next, None
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return str(await self._connection.fetchval(POSITION, timeout=POSITION_SECONDS))


class ReadReplica:
    """Sessions on a replica, where it is new enough."""

    def __init__(self, engine: AsyncEngine, position: ServerPosition) -> None:
        read_only = engine.execution_options(postgresql_readonly=True)
        self._engine = engine
        self._sessions = async_sessionmaker(read_only, expire_on_commit=False)
        self._position = position
        self._rests_until = 0.0
        self._measured_since: float | None = None
        self._unreplayed: deque[tuple[int, float]] = deque()
        """Positions of the server that were not replayed when measured last, with their times."""
        self.state: ReplicaState | None = None
        """The last measurement; None: not measured yet, or the replica did not answer."""

    async def open_session(self) -> AsyncSession | None:
        """Return a session on the replica; None if the server itself must be read.

        Raises errors of the database: then too the server must be read.
        """
        if time.monotonic() < self._rests_until:
            return None
        session = self._sessions()
        try:
            position = await self._position.read()
            for _ in range(ATTEMPTS):
                if await session.scalar(text(HAS_REPLAYED), {"position": position}):
                    return session
                await asyncio.sleep(PAUSE_SECONDS)
        except BaseException:
            self._rests_until = time.monotonic() + REST_SECONDS
            await session.close()
            raise
        self._rests_until = time.monotonic() + REST_SECONDS
        await session.close()
        return None

    async def measure(self, position: str) -> ReplicaState:
        """Measure how far the replica is behind a position that the server has written.

        Raises errors of the database.
        """
        self.state = None
        async with self._sessions() as session:
            attempts = MEASURE_ATTEMPTS
            while True:
                attempts -= 1
                row = (await session.execute(text(MEASURE), {"position": position})).one()
                if not (attempts and row.is_replica and row.behind > 0):
                    break
                await asyncio.sleep(PAUSE_SECONDS)
        behind = int(row.behind or 0) if row.is_replica else 0
        quiet = None if row.quiet_seconds is None else float(row.quiet_seconds)
        self.state = ReplicaState(row.is_replica, behind, self._age(position, behind, quiet=quiet))
        return self.state

    def _age(self, position: str, behind: int, *, quiet: float | None) -> float:
        """Return for how many seconds the replica has been behind.

        What was measured before tells it. A process that has measured for a shorter time than the
        replica has replayed nothing goes by that time, which is the longest that it can be.
        """
        now = time.monotonic()
        if self._measured_since is None:
            self._measured_since = now
        written = _number(position)
        self._unreplayed.append((written, now))
        while self._unreplayed and self._unreplayed[0][0] <= written - behind:
            self._unreplayed.popleft()
        if not self._unreplayed:
            return 0.0
        if quiet is not None and quiet > now - self._measured_since:
            return quiet
        return now - self._unreplayed[0][1]

    async def close(self) -> None:
        """Close all connections."""
        await self._position.close()
        await self._engine.dispose()


def _number(position: str) -> int:
    """Return a position in the log, such as `16/B374D848`, as its number of bytes."""
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
