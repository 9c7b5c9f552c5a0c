"""A hub behind PgBouncer in transaction mode, where a session belongs to nobody."""

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.cli.diagnosis import diagnose
from services.gateway.app import create_app
from services.platform.database import Database
from services.platform.health.findings import HealthCheck
from services.platform.migrations import migrate
from services.platform.settings import Service, Settings
from tests.conftest import required_program
from tests.servers import LOOPBACK, free_port, line_to_database, serving
from tests.waiting import until

SESSIONS = 2
"""Sessions at the server that all clients share."""


@pytest.fixture
def pooled(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Provide settings of a hub whose database is behind PgBouncer."""
    program = required_program("pgbouncer", "pgbouncer", "/usr/sbin/pgbouncer")
    port = free_port()
    with line_to_database(settings) as (line, url):
        config = tmp_path / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={line.port} user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = transaction\ndefault_pool_size = {SESSIONS}\n"
        )
        account = ["-u", "nobody"] if os.geteuid() == 0 else []
        running = subprocess.Popen([program, "-q", *account, str(config)])
        try:
            yield settings.model_copy(
                update={
                    "database_url": SecretStr(url.replace(f":{line.port}/", f":{port}/")),
                    "database_direct_url": SecretStr(f"postgresql://127.0.0.1:{line.port}"),
                }
            )
        finally:
            running.terminate()
            running.wait(10)


@pytest.mark.slow
def test_sessions_that_share_connections_keep_role_and_statements_apart(pooled: Settings) -> None:
    """More services and statements at a time than sessions at the server."""

    async def roles(service: Service) -> list[tuple[str, str]]:
        database = Database(pooled, service)

        async def one(number: int) -> tuple[str, str]:
            async with database.write_session() as session:
                row = await session.execute(
                    text(
                        "SELECT current_user, current_setting('transaction_read_only'), "
                        f"CAST(:number AS int) AS n{number % 7}"
                    ),
                    {"number": number},
                )
                user, read_only, returned = row.one()
                assert returned == number
                return user, read_only

        async def other(number: int) -> tuple[str, str]:
            async with database.read_session() as session:
                row = await session.execute(
                    text(
                        "SELECT current_user, current_setting('transaction_read_only') "
                        f"FROM {service.value}.job_run RIGHT JOIN (SELECT {number % 5}) x ON true"
                    )
                )
                user, read_only = row.one()
                return user, read_only

        try:
            return await asyncio.gather(*(work(n) for n in range(30) for work in (one, other)))
        finally:
            await database.close()

    async def story() -> dict[Service, Counter[tuple[str, str]]]:
        services = (Service.gateway, Service.feedback)
        return dict(
            zip(services, map(Counter, await asyncio.gather(*map(roles, services))), strict=True)
        )

    until(lambda: is_there(pooled))
    for service, found in asyncio.run(story()).items():
        role = f"emall_{service.value}"
        assert found == {(role, "off"): 30, (role, "on"): 30}


def is_there(settings: Settings) -> bool:
    async def ask() -> None:
        database = Database(settings, Service.catalog)
        async with database.read_session() as session:
            await session.execute(text("SELECT 1"))
        await database.close()

    try:
        asyncio.run(ask())
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_a_hub_behind_a_pooler_migrates_serves_and_hears_of_changes(pooled: Settings) -> None:
    until(lambda: is_there(pooled))
    asyncio.run(migrate(pooled))
    app = create_app(pooled)
    with serving(app) as address:
        assert LOOPBACK.get(f"{address}/api/v1/services/pbg").status_code == 200
        assert LOOPBACK.get(f"{address}/go/simbg").status_code == 302
        until(lambda: bool(app.state.cache.store.is_connected))
        assert LOOPBACK.get(f"{address}/health/ready").status_code == 200

        # While the hub starts, its checks wait for the few sessions.
        def findings() -> list[str]:
            return [
                each["message"]
                for each in LOOPBACK.get(f"{address}/api/v1/status").json()["findings"]
            ]

        until(lambda: not findings())


def test_without_the_address_of_the_server_the_hub_says_that_it_is_needed(
    pooled: Settings,
) -> None:
    until(lambda: is_there(pooled))
    alone = pooled.model_copy(update={"database_direct_url": None})

    async def read() -> None:
        database = Database(alone, Service.catalog)
        try:
            async with database.read_session() as session:
                await session.execute(text("SELECT 1"))
        finally:
            await database.close()

    with pytest.raises(ConnectionError, match="set EMALL_DATABASE_DIRECT_URL"):
        asyncio.run(read())


@pytest.mark.slow
def test_doctor_recognises_the_pooler_and_its_mode(pooled: Settings) -> None:
    diagnosis = asyncio.run(diagnose(pooled))
    assert {facts.pooler for facts in diagnosis.databases.values()} == {"transaction"}
    assert HealthCheck.pooler not in {finding.check for finding in diagnosis.found_by}
    without = pooled.model_copy(update={"database_direct_url": None})
    found = [each for each in asyncio.run(diagnose(without)).found_by if each.blocks]
    assert {each.check for each in found} == {HealthCheck.pooler}
    assert "EMALL_DATABASE_DIRECT_URL" in found[0].remedy
