"""Reads that many ask: prepared once, on connections of their own, without an ORM around them."""

import asyncio

import asyncpg

from services.platform.database import Connection, Database

LOST = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    # Between the server's farewell and the end of the socket, asyncpg has no better word for it.
    asyncpg.InternalClientError,
    OSError,
)
"""What tells that a connection is gone, and says nothing of the statement."""


class PreparedReads:
    """A few read-only connections of one service; each prepares a statement once."""

    def __init__(self, database: Database, *, connections: int = 2) -> None:
        self._database = database
        self._free: list[Connection | None] = [None] * connections
        # A queue of asyncio would let whoever comes just now overtake those who wait.
        self._semaphore = asyncio.Semaphore(connections)

    async def fetch_row(self, statement: str, *values: object) -> asyncpg.Record:
        """The one row that a statement answers; its parameters are `$1`, `$2`..."""
        async with self._semaphore:
            row = await self._fetch(statement, *values)
        if row is None:
            raise LookupError("the statement answers no row")
        return row

    async def _fetch(self, statement: str, *values: object) -> asyncpg.Record | None:
        connection = self._free.pop()
        was_open = connection is not None
        try:
            if connection is None:
                connection = await self._connect()
            try:
                return await connection.fetchrow(statement, *values)
            except LOST:
                if not was_open:
                    raise
                # The server was restarted since; nothing was changed, so it is asked again.
                connection.terminate()
                connection = await self._connect()
                return await connection.fetchrow(statement, *values)
        except BaseException:
            if connection is not None and connection.is_closed():
                connection = None
            raise
        finally:
            self._free.append(connection)

    async def close(self) -> None:
        for connection in self._free:
            if connection is not None:
                connection.terminate()

    async def _connect(self) -> Connection:
        return await self._database.connect(purpose="reads", default_transaction_read_only="on")
