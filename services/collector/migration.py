"""Migrates the collector's schema, which a hub does not have.

Its revisions are recorded in a table of their own, so that neither `emall migrate` nor a backup of
a hub on the same database knows of them.
"""

import asyncio

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

from services.platform.database import direct_address, make_engine, owner_url
from services.platform.database_line import Connection, open_connection
from services.platform.installation_roles import close_database, prepare_roles
from services.platform.migrations import CONNECT_SECONDS, MIGRATION_LOCK, MIGRATIONS
from services.platform.settings import Settings, Standalone

VERSION_TABLE = "collector_version"
OWNERS = (Standalone.collector,)


def collector_alembic_config() -> Config:
    """Return Alembic's configuration for the collector's branch alone."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(MIGRATIONS / "versions" / "collector"))
    config.attributes["version_table"] = VERSION_TABLE
    return config


async def migrate_collector(settings: Settings) -> None:
    """Migrate the collector's schema; safe to run from several processes at once.

    Raise `RolesError`, with what to do, if its role cannot be made or is another's.
    """
    address = direct_address(settings, await asyncio.to_thread(owner_url, settings))

    async def connect() -> Connection:
        connection, _ = await open_connection(
            address, name="emall collect", seconds=CONNECT_SECONDS, command_timeout=None
        )
        return connection

    engine = make_engine(connect, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, settings)
    finally:
        await engine.dispose()


def _upgrade(connection: SyncConnection, settings: Settings) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    prefix = prepare_roles(connection, settings.role_prefix, with_login=(), owners=OWNERS)
    config = collector_alembic_config()
    config.attributes["connection"] = connection
    config.attributes["role_prefix"] = prefix
    command.upgrade(config, "head")
    close_database(connection, prefix, OWNERS)
