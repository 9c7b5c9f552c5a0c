"""Migrating a database to a revision in the middle, as an older version left it."""

import asyncio
from collections.abc import Callable

import asyncpg
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.database import make_engine
from services.platform.installation_roles import prepare_roles
from services.platform.migrations import alembic_config


def upgrade(address: str, revision: str) -> None:
    """Migrate a branch to a revision, or all to `heads`."""

    def run(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        config.attributes["role_prefix"] = prepare_roles(connection, None, with_login=())
        command.upgrade(config, revision)

    async def work() -> None:
        engine = make_engine(lambda: asyncpg.connect(address), pool_size=1)
        try:
            async with engine.connect() as connection:
                await _in(connection, run)
        finally:
            await engine.dispose()

    async def _in(connection: AsyncConnection, run: Callable[[Connection], None]) -> None:
        await connection.run_sync(run)
        await connection.commit()

    asyncio.run(work())
