"""Alembic environment: one transaction for all branches, taken by one process at a time."""

from alembic import context
from sqlalchemy import Connection, text

# Any constant serves, as long as every process that migrates this database takes the same one.
MIGRATION_LOCK = 0x656D616C6C  # "emall"


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=None,
        version_table="alembic_version",
        version_table_schema="public",
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.run_migrations()


run(context.config.attributes["connection"])
