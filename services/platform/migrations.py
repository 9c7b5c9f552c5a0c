"""Migrates a database to the newest revision of every service's branch."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.database import direct_address, make_engine, owner_url
from services.platform.database_address import DatabaseAddress
from services.platform.database_line import Connection, open_connection
from services.platform.health.revisions import program_revisions
from services.platform.installation_roles import (
    RolesError,
    close_database,
    is_not_permitted,
    other_databases,
    prepare_roles,
    role_name,
    role_names,
)
from services.platform.lazy_module import LazyModule
from services.platform.settings import ROOT, Service, Settings, Standalone

if TYPE_CHECKING:
    from alembic import command, config
else:
    command, config = LazyModule("alembic.command"), LazyModule("alembic.config")

MIGRATIONS = ROOT / "migrations"
CONNECT_SECONDS = 10


def alembic_config(branches: Iterable[Service | Standalone] = Service) -> "config.Config":
    """Return Alembic's configuration: one environment, a version folder per branch."""
    made = config.Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("path_separator", "os")
    folders = [str(MIGRATIONS / "versions" / branch.value) for branch in branches]
    made.set_main_option("version_locations", os.pathsep.join(folders))
    return made


# Any constant serves, as long as every process that migrates this database takes the same one.
MIGRATION_LOCK = 0x656D616C6C  # "emall"


async def migrate(settings: Settings) -> None:
    """Migrate all branches; safe to run from several processes at once.

    Raise `RolesError`, with what to do, if the roles cannot be made or are another hub's.
    """
    async with owner_connection(settings, name="emall migrate") as connection:
        prefix = await connection.run_sync(_upgrade, settings)
        await connection.commit()
        await _set_role_passwords(connection, settings, prefix)
        await connection.commit()


@asynccontextmanager
async def owner_connection(settings: Settings, *, name: str) -> AsyncGenerator[AsyncConnection]:
    """Connect as the database's owner, to migrate; what is not committed is rolled back."""
    address = direct_address(settings, await asyncio.to_thread(owner_url, settings))

    async def connect() -> Connection:
        # No timeout: a migration may take long, and so may the wait for one in another process.
        connection, _ = await open_connection(
            address, name=name, seconds=CONNECT_SECONDS, command_timeout=None
        )
        return connection

    engine = make_engine(connect, pool_size=1)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def _upgrade(connection: SyncConnection, settings: Settings) -> str:
    """Prepare the roles and migrate, in one transaction; return the prefix of the roles."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    with_login = {service for service in Service if settings.service_database_url(service)}
    prefix = prepare_roles(connection, settings.role_prefix, with_login=with_login)
    for service in with_login:
        _login_of(settings, service, prefix)
    if not _is_newest(connection):
        environment = alembic_config()
        environment.attributes["connection"] = connection
        environment.attributes["role_prefix"] = prefix
        command.upgrade(environment, "heads")
    # Each service compares the database's revision with its own.
    roles = ", ".join(role_names(prefix))
    connection.exec_driver_sql(f"GRANT SELECT ON public.alembic_version TO {roles}")
    close_database(connection, prefix)
    return prefix


def _is_newest(connection: SyncConnection) -> bool:
    """Return whether the database is at the head of every branch.

    Most starts find it so, and do without Alembic: a quarter of a second.
    """
    if connection.scalar(text("SELECT to_regclass('public.alembic_version')")) is None:
        return False
    recorded = connection.scalars(text("SELECT version_num FROM public.alembic_version"))
    return sorted(recorded) == sorted(program_revisions(service).head for service in Service)


def _login_of(settings: Settings, service: Service, prefix: str) -> DatabaseAddress:
    """Return the database address of a service's own, which must be a login of its role."""
    address = direct_address(settings, settings.service_database_url(service) or "")
    role = role_name(prefix, service)
    if address.user != role or not address.password:
        raise RolesError(
            f"EMALL_{service.value.upper()}_DATABASE_URL must name the user {role} and a password"
        )
    return address


async def _set_role_passwords(connection: AsyncConnection, settings: Settings, prefix: str) -> None:
    """Let each role log in with the password in its service's own database URL, if one is set.

    Where the password may not be set from here, the login must work as it is.
    """
    for service in Service:
        if settings.service_database_url(service) is None:
            continue
        address = _login_of(settings, service, prefix)
        role = role_name(prefix, service)
        others = await connection.run_sync(other_databases, role)
        if others:
            await _check_login(address, role, f"the database {', '.join(others)} uses the role too")
            continue
        # DDL takes no parameters: PostgreSQL itself quotes the literal.
        statement = await connection.scalar(
            text(
                "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :role ::text, :password ::text)"
            ),
            {"role": role, "password": address.password},
        )
        try:
            async with connection.begin_nested():
                await connection.exec_driver_sql(str(statement))
        except DBAPIError as error:
            if not is_not_permitted(error):
                raise
            await _check_login(address, role, "the owner of the database may not alter the role")


async def _check_login(address: DatabaseAddress, role: str, because: str) -> None:
    """Check that a role can log in, if its password cannot be set `because` of something."""
    try:
        connection, _ = await open_connection(
            address, name="emall migrate", seconds=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS
        )
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise RolesError(
            f"{role} cannot log in ({str(error) or type(error).__name__}), and its password is not "
            f"set from here, since {because}; set it as the server's administrator (ALTER ROLE "
            f"{role} LOGIN PASSWORD '...'), or set EMALL_ROLE_PREFIX to a prefix of this hub's own"
        ) from None
    await connection.close()
