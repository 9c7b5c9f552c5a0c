"""Prepared statements for frequent reads, on dedicated connections without an ORM."""

import asyncio

import asyncpg

from services.platform.database import (
    DATABASE_ERRORS,
    Connection,
    Database,
    is_connection_lost,
    is_late,
)


class PreparedReads:
    """Pool of read-only connections of one service; each prepares a statement once."""

    def __init__(self, database: Database, *, connections: int = 2) -> None:
        self._database = database
        self._free: list[Connection | None] = [None] * connections
        # asyncio.Queue would let a new request overtake those that wait.
        self._semaphore = asyncio.Semaphore(connections)

    async def fetch_row(self, statement: str, *values: object) -> asyncpg.Record:
        """Return the row of a statement with parameters `$1`, `$2` ...

        Raise `LookupError` if the statement returns no row.
        """
        async with self._semaphore:
            row = await self._fetch(statement, *values)
        if row is None:
            raise LookupError("the statement returned no row")
        return row

    async def _fetch(self, statement: str, *values: object) -> asyncpg.Record | None:
        connection = self._free.pop()
        was_open = connection is not None
        try:
            if connection is None:
                connection = await self._connect()
            try:
                return await connection.fetchrow(statement, *values)
            except DATABASE_ERRORS as error:
                if not was_open or not is_connection_lost(error) or is_late(error):
                    raise
                # The server was restarted; a read can be repeated on a new connection.
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
        return await self._database.connect(
            purpose="reads", is_for_requests=True, default_transaction_read_only="on"
        )
