"""Migrates the collector's schema, which a hub does not have.

Its revisions are recorded in a table of their own, so that neither `emall migrate` nor a backup of
a hub on the same database knows of them.
"""

from alembic import command
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

from services.platform.installation_roles import close_database, prepare_roles
from services.platform.migrations import MIGRATION_LOCK, alembic_config, owner_connection
from services.platform.settings import Settings, Standalone

VERSION_TABLE = "collector_version"
OWNERS = (Standalone.collector,)


async def migrate_collector(settings: Settings) -> None:
    """Migrate the collector's schema; safe to run from several processes at once.

    Raise `RolesError`, with what to do, if its role cannot be made or is another's.
    """
    async with owner_connection(settings, name="emall collect") as connection:
        await connection.run_sync(_upgrade, settings)
        await connection.commit()


def _upgrade(connection: SyncConnection, settings: Settings) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    prefix = prepare_roles(connection, settings.role_prefix, with_login=(), owners=OWNERS)
    config = alembic_config(OWNERS)
    config.attributes["version_table"] = VERSION_TABLE
    config.attributes["connection"] = connection
    config.attributes["role_prefix"] = prefix
    command.upgrade(config, "head")
    close_database(connection, prefix, OWNERS)
