"""Migrates a database to the newest revision of every service's branch."""

import asyncio
import os

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.database import make_engine, owner_url
from services.platform.settings import ROOT, Service, Settings

MIGRATIONS = ROOT / "migrations"


def alembic_config() -> Config:
    """Return Alembic's configuration: one environment, a version folder per service."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    folders = [str(MIGRATIONS / "versions" / service.value) for service in Service]
    config.set_main_option("version_locations", os.pathsep.join(folders))
    return config


async def migrate(settings: Settings) -> None:
    """Migrate all branches; safe to run from several processes at once."""
    url = await asyncio.to_thread(owner_url, settings)
    # No timeout: a migration may take long, and so may the wait for one in another process.
    engine = make_engine(url, role=None, name="migrate", pool_size=1, command_timeout=None)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            await connection.commit()
            await _set_role_passwords(connection, settings)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


async def _set_role_passwords(connection: AsyncConnection, settings: Settings) -> None:
    """Set each role's password to that of its service's own database URL, if one is set."""
    for service in Service:
        own = settings.service_database_url(service)
        if own is None:
            continue
        url = make_url(own)
        if url.username != service.role or not url.password:
            raise ValueError(
                f"EMALL_{service.value.upper()}_DATABASE_URL must name the user {service.role} "
                "and a password"
            )
        # DDL takes no parameters: PostgreSQL itself quotes the literal.
        statement = await connection.scalar(
            text(
                "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :role ::text, :password ::text)"
            ),
            {"role": service.role, "password": url.password},
        )
        await connection.execute(text(str(statement).replace(":", r"\:")))
