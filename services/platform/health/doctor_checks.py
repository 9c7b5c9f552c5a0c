"""Checks of how a service reaches its database, for `emall doctor`: too slow or too open to run
in a service."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text

from services.platform.database import DATABASE_ERRORS, Database
from services.platform.health import rules
from services.platform.health.findings import Finding, HealthCheck
from services.platform.installation_roles import OTHER_DATABASES
from services.platform.logging import summarise

LISTEN_SECONDS = 3.0
CHANNEL = "emall_doctor"

FACTS = """
SELECT current_setting('server_version') AS version, current_user AS role,
    (SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
        AS is_powerful,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS has_tls,
    coalesce(inet_server_addr() <> inet_client_addr(), false) AS is_remote,
    EXISTS (SELECT FROM pg_database d,
                aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            WHERE d.datname = current_database() AND a.grantee = 0
                AND a.privilege_type = 'CONNECT') AS is_open
"""

PID = "SELECT pg_backend_pid()"

PATH_CHECKS = frozenset({HealthCheck.pooler, HealthCheck.database_tls, HealthCheck.roles})
"""What `check_paths` finds."""

PoolerMode = Literal["none", "session", "transaction", "statement"]


@dataclass(frozen=True)
class DatabaseFacts:
    """How a service is connected."""

    version: str
    role: str
    pooler: PoolerMode
    has_tls: bool


async def check_paths(
    database: Database, *, is_embedded: bool, declines_tls: bool
) -> tuple[DatabaseFacts, list[Finding]]:
    """Try the pool and a listener of a service; raise one of `DATABASE_ERRORS` if the pool fails.

    The embedded server is reached by the hub's account only, whatever its databases allow. An
    address may ask for no TLS (`sslmode=disable`).
    """
    async with database.read_session() as session:
        row = (await session.execute(text(FACTS))).one()
        others = list(await session.scalars(text(OTHER_DATABASES), {"roles": [row.role]}))
    facts = DatabaseFacts(row.version, row.role, await _pooler_mode(database), row.has_tls)
    found = [
        rules.judge_role(row.role, is_powerful=row.is_powerful, other_databases=others),
        rules.judge_access(is_open=row.is_open and not is_embedded),
        rules.judge_tls(has_tls=row.has_tls, is_remote=row.is_remote, is_declined=declines_tls),
        rules.judge_pooler(facts.pooler),
        await _check_listener(database),
    ]
    return facts, [each for each in found if each is not None]


async def _pooler_mode(database: Database) -> PoolerMode:
    """Find out whether a pooler lies between, and after what it changes the session.

    It invents the process id by which a session is cancelled. While a second session holds a
    transaction, in transaction mode the first one's next statement runs somewhere else.
    """
    engine = (await database.engine()).execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as one, engine.connect() as other:
        raw = (await one.get_raw_connection()).driver_connection
        first = await one.scalar(text(PID))
        if raw is None or raw.get_server_pid() == first:
            return "none"
        try:
            await other.exec_driver_sql("BEGIN")
            held = await other.scalar(text(PID))
            next_one = await one.scalar(text(PID))
            await other.exec_driver_sql("ROLLBACK")
        except DATABASE_ERRORS:
            return "statement"
    return "session" if next_one == first and held != first else "transaction"


async def _check_listener(database: Database) -> Finding | None:
    """Notify a listener on a connection of its own, as the caches have."""
    heard = asyncio.Event()
    try:
        async with asyncio.timeout(LISTEN_SECONDS):
            connection = await database.connect(purpose="doctor")
            try:
                await connection.add_listener(CHANNEL, lambda *_: heard.set())
                await connection.execute(f"NOTIFY {CHANNEL}")
                await heard.wait()
            finally:
                connection.terminate()
    except DATABASE_ERRORS as error:
        return rules.no_listener(summarise(error))
    return None
