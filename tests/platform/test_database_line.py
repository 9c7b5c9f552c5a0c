"""A database that falls silent: nothing waits for it long, and it is used again when it is back."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.platform.database import (
    DATABASE_ERRORS,
    Connection,
    Database,
    is_connection_lost,
    make_engine,
)
from services.platform.settings import Service, Settings
from tests.servers import TcpProxy, line_to_database

pytestmark = pytest.mark.slow

SILENCE = 0.4


@pytest.fixture
def proxied(empty: Settings) -> Iterator[tuple[TcpProxy, Settings]]:
    """Provide a line to the test's database, and settings of a hub that uses it."""
    with line_to_database(empty) as (proxy, url):
        yield (
            proxy,
            empty.model_copy(update={"database_url": SecretStr(url), "silence_seconds": SILENCE}),
        )


def outage_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "vailable" in record.getMessage()]


async def fails(work: Awaitable[Any]) -> float:
    """Wait until this fails for the lost database; return the seconds."""
    began = time.monotonic()
    with pytest.raises(DATABASE_ERRORS) as raised:
        await work
    assert is_connection_lost(raised.value), raised.value
    return time.monotonic() - began


async def recovered(work: Callable[[], Awaitable[Any]]) -> None:
    """Wait until this works again."""
    end = time.monotonic() + 30
    while True:
        try:
            await work()
        except DATABASE_ERRORS:
            assert time.monotonic() < end, "the database did not come back"
            await asyncio.sleep(0.02)
        else:
            return


def test_statements_on_a_silent_line_end_and_the_line_is_used_again_when_it_is_back(
    proxied: tuple[TcpProxy, Settings], caplog: pytest.LogCaptureFixture
) -> None:
    """Also those that wait already, for a connection of the pool, and on one of their own."""
    proxy, settings = proxied
    caplog.set_level(logging.INFO)

    async def story() -> None:
        databases = [Database(settings, service) for service in (Service.catalog, Service.gateway)]
        single = await databases[1].connect(purpose="test")

        async def read(database: Database, statement: str = "SELECT 1") -> None:
            async with database.read_session() as session:
                await session.execute(text(statement))

        await asyncio.gather(*(read(database) for database in databases))
        await read(databases[0], f"SELECT pg_sleep({3 * SILENCE})")  # slow is not silent
        [line] = {database.line for database in databases}
        assert line.state == "closed"
        proxy.silence()
        waiting = [
            fails(single.execute("SELECT 1")),
            *(fails(read(database)) for database in databases for _ in range(15)),
        ]
        assert max(await asyncio.gather(*waiting)) < 5
        assert line.state == "open"
        assert await fails(read(databases[0])) < SILENCE / 2
        assert await fails(databases[1].connect(purpose="test")) < SILENCE / 2
        proxy.restore()
        await asyncio.gather(*(recovered(lambda d=d: read(d)) for d in databases))
        assert line.state == "closed"
        for database in databases:
            await database.close()

    asyncio.run(story())
    assert len(outage_lines(caplog)) == 2, outage_lines(caplog)


def test_a_database_that_was_away_at_the_start_is_found(
    proxied: tuple[TcpProxy, Settings], caplog: pytest.LogCaptureFixture
) -> None:
    proxy, settings = proxied
    caplog.set_level(logging.INFO)

    async def story() -> None:
        database = Database(settings, Service.catalog)

        async def read() -> None:
            async with database.read_session() as session:
                await session.execute(text("SELECT 1"))

        for _ in range(3):
            assert await fails(read()) < 5
        proxy.restore()
        await recovered(read)
        await database.close()

    for fault in (proxy.silence, proxy.cut):
        caplog.clear()
        fault()
        asyncio.run(story())
        assert len(outage_lines(caplog)) == 2, outage_lines(caplog)


def test_sessions_do_not_wait_for_connections_that_could_not_be_opened() -> None:
    """The pool wakes who waits when a connection is returned, not when opening one failed."""

    async def refuse() -> Connection:
        await asyncio.sleep(0.1)
        raise ConnectionRefusedError

    async def work() -> list[BaseException | None]:
        engine = make_engine(refuse, pool_size=1)

        async def ask() -> None:
            async with engine.connect():
                pass

        async with asyncio.timeout(8):
            return await asyncio.gather(*(ask() for _ in range(8)), return_exceptions=True)

    assert {type(error) for error in asyncio.run(work())} == {ConnectionRefusedError}


def test_a_pool_whose_connections_are_in_use_is_no_outage(
    empty: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.platform.database.POOL_TIMEOUT_SECONDS", 0.1)
    small = empty.model_copy(update={"database_pool_size": 1})

    async def work() -> None:
        database = Database(small, Service.gateway)

        async def hold(freed: asyncio.Event) -> None:
            async with database.read_session() as session:
                await session.execute(text("SELECT 1"))
                await freed.wait()

        freed = asyncio.Event()
        holders = [asyncio.create_task(hold(freed)) for _ in range(2)]
        await asyncio.sleep(0.5)
        await fails(hold(freed))
        assert database.is_up
        freed.set()
        await asyncio.gather(*holders)
        await database.close()

    asyncio.run(work())
    assert outage_lines(caplog) == []
