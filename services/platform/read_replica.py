"""Sessions on a read replica that is as new as the moment at which they begin.

A read asks the server for its position in the log and uses the replica only if that has replayed as
much. So everybody reads back what anybody wrote before, and a replica that lags is not used.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

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

    async def close(self) -> None:
        """Close all connections."""
        await self._position.close()
        await self._engine.dispose()
