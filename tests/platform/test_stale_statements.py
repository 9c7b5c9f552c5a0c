"""Tables that change under a process that runs, as while a hub is upgraded."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.gateway.app import create_app
from services.platform.database import Database, is_stale
from services.platform.prepared_reads import PreparedReads
from services.platform.settings import Service, Settings
from tests.rows import change_type
from tests.servers import LOOPBACK, serving

READ = "SELECT slug FROM catalog.life_event"
WRITE = """
INSERT INTO catalog.life_event (region, slug, position, content) VALUES ('12.12', 'lahir', 1, '{}')
"""


def test_requests_are_answered_after_a_table_changed(settings: Settings) -> None:
    paths = ("incidents?limit={}", "agencies?limit={}", "services?limit={}")
    one_connection = settings.model_copy(update={"database_pool_size": 1})
    with serving(create_app(one_connection)) as address:
        for limit, to in enumerate(("varchar(90)", "text", "varchar(90)"), 1):  # past the cache
            for path in paths:
                answer = LOOPBACK.get(f"{address}/api/v1/{path.format(limit)}")
                assert answer.status_code == 200, answer.text
            change_type(settings, "gateway.incident.title", to)
            change_type(settings, "catalog.agency.slug", to)


def test_a_stale_statement_is_repeated_in_reads_and_at_the_beginning_of_a_transaction(
    empty: Settings,
) -> None:
    async def story() -> None:
        database = Database(empty.model_copy(update={"database_pool_size": 1}), Service.catalog)
        reads = PreparedReads(database, connections=1)

        async def change(to: str) -> None:
            await asyncio.to_thread(change_type, empty, "catalog.life_event.slug", to)

        async def read() -> None:
            async with database.read_session() as session:
                await session.execute(text("SELECT 1"))
                await session.execute(text(READ))
                only = await session.scalar(text("SELECT current_setting('transaction_read_only')"))
                assert only == "on"
            with pytest.raises(LookupError):  # no row, and no other error
                await reads.fetch_row(READ)

        async def write() -> None:
            async with database.write_session() as session:
                await session.execute(text(READ))
                await session.execute(text(WRITE))
                await session.execute(text("DELETE FROM catalog.life_event"))

        for work in (read, write):
            for to in ("varchar(90)", "text"):
                await work()
                await change(to)
            await work()
        await reads.close()
        await database.close()

    asyncio.run(story())


def test_what_was_written_before_a_stale_statement_is_undone_and_the_next_attempt_works(
    empty: Settings,
) -> None:
    async def story() -> None:
        database = Database(empty.model_copy(update={"database_pool_size": 1}), Service.catalog)

        async def write() -> None:
            async with database.write_session() as session:
                await session.execute(text(WRITE))
                await session.execute(text(READ))
                await session.execute(text("DELETE FROM catalog.life_event"))

        await write()
        await asyncio.to_thread(change_type, empty, "catalog.life_event.slug", "varchar(90)")
        with pytest.raises(DBAPIError) as raised:
            await write()
        assert is_stale(raised.value)
        await write()  # nothing is there yet
        await database.close()

    asyncio.run(story())
