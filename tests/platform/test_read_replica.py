"""A read replica that streams from the server is read while it is as new, and not otherwise."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.platform.database import Database
from services.platform.embedded_postgres import (
    _account_of,  # pyright: ignore[reportPrivateUsage]
    _programs,  # pyright: ignore[reportPrivateUsage]
)
from services.platform.migrations import migrate
from services.platform.settings import Service, Settings
from tests.faults import postgres
from tests.faults.postgres import SUPERUSER, Postgres
from tests.servers import free_port

pytestmark = pytest.mark.slow

WRITE = """
INSERT INTO gateway.service (region, slug) VALUES ('12.12', :slug)
"""
READ = """
SELECT pg_is_in_recovery() AS on_replica, current_user AS role,
    EXISTS (SELECT FROM gateway.service WHERE slug = :slug) AS seen
"""


@pytest.fixture(autouse=True)
def use_programs_of_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the programs of the embedded server, which has all that a replica needs."""
    account = postgres._account()  # pyright: ignore[reportPrivateUsage]
    owner = _account_of(account) if account is not None else None
    found = _programs(owner)
    monkeypatch.setattr(postgres, "programs", lambda: found)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Provide a folder that another account may enter, which pytest's are not."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@asynccontextmanager
async def replicated(folder: Path, template: Settings) -> AsyncGenerator[tuple[Postgres, Settings]]:
    """Run a server and its replica; yield the replica and settings of a hub on both."""
    primary = Postgres(folder / "primary", free_port())
    replica = Postgres(folder / "replica", free_port())
    primary.initialise()
    await primary.start()
    replica.copy_from(primary)
    await replica.start()
    try:
        yield (
            replica,
            template.model_copy(
                update={
                    "database_url": SecretStr(primary.url("postgres", user=SUPERUSER)),
                    "database_read_url": SecretStr(f"postgresql://127.0.0.1:{replica.port}"),
                    "silence_seconds": 4,
                }
            ),
        )
    finally:
        replica.kill()
        primary.kill()


async def run_on(replica: Postgres, statement: str) -> None:
    connection = await replica.connect("postgres")
    await connection.execute(statement)
    await connection.close()


async def write(database: Database, slug: str) -> None:
    async with database.write_session() as session:
        await session.execute(text(WRITE), {"slug": slug})


async def read(database: Database, slug: str) -> bool:
    """Check that a service is seen; return whether the replica answered."""
    async with database.read_session() as session:
        row = (await session.execute(text(READ), {"slug": slug})).one()
    assert row.seen, slug
    assert row.role == "emall_gateway"
    return bool(row.on_replica)


async def until_replica(database: Database, slug: str) -> None:
    async with asyncio.timeout(60):
        while not await read(database, slug):
            await asyncio.sleep(0.05)


def test_reads_of_a_replica_see_every_write_that_was_made_before(
    empty: Settings, folder: Path
) -> None:
    async def story() -> None:
        async with replicated(folder, empty) as (replica, settings):
            await migrate(settings)
            one, other = Database(settings, Service.gateway), Database(settings, Service.gateway)
            await write(one, "first")
            await until_replica(one, "first")
            on_replica = 0
            for number in range(100):
                await write(one, f"service-{number}")
                on_replica += await read(other, f"service-{number}")
            assert on_replica > 50

            await run_on(replica, "SELECT pg_wal_replay_pause()")
            await write(one, "while-paused")
            for database in (one, other):
                assert not await read(database, "while-paused")
            await run_on(replica, "SELECT pg_wal_replay_resume()")
            await until_replica(other, "while-paused")

            replica.kill()
            await write(one, "while-away")
            assert not await read(other, "while-away")
            await replica.start()
            await until_replica(other, "while-away")
            await one.close()
            await other.close()

    asyncio.run(story())
