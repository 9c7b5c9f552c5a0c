"""The connection of the database's owner, from which backup and restore ask what they need."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.database import make_engine
from services.platform.database_address import DatabaseAddress
from services.platform.database_line import Connection, open_connection
from services.platform.migrations import CONNECT_SECONDS


@asynccontextmanager
async def owner_connection(address: DatabaseAddress, name: str) -> AsyncGenerator[AsyncConnection]:
    """Open a connection without a timeout of its statements, in a transaction."""

    async def connect() -> Connection:
        connection, _ = await open_connection(
            address, name=f"emall {name}", seconds=CONNECT_SECONDS, command_timeout=None
        )
        return connection

    engine = make_engine(connect, pool_size=1)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()
