"""The database: regions in every key, roles that see one schema, tables that are as declared."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

import services.catalog.records
import services.gateway.link_monitoring.records
from services.platform.database import Database
from services.platform.migrations import migrate
from services.platform.settings import ROOT, Service, Settings
from tests.conftest import Server
from tests.rows import applied_revisions, close_connections, rows
from tests.waiting import until

# Imported for the tables that they declare.
DECLARING = (services.catalog.records, services.gateway.link_monitoring.records)
SCHEMAS = [service.value for service in Service]


def run_as(
    settings: Settings, service: Service, statement: str, *, write: bool = False
) -> list[Any]:
    """Run one statement as a service, in a read or write transaction."""

    async def work() -> list[Any]:
        database = Database(settings, service)
        try:
            async with database.write_session() if write else database.read_session() as session:
                return list(await session.execute(sa.text(statement)))
        finally:
            await database.close()

    return asyncio.run(work())


@pytest.fixture
def database_of(empty: Settings) -> Callable[..., list[Any]]:
    """Return `run_as` on the test's own database."""
    return partial(run_as, empty)


@pytest.fixture(scope="module")
def untouched(server: Server, migrated: str) -> Iterator[Settings]:
    """Provide settings of a database that no test changes."""
    with server.database_from(migrated) as name:
        yield server.settings(name)


def test_every_primary_key_and_unique_index_starts_with_the_region(empty: Settings) -> None:
    found = rows(
        empty,
        """
        SELECT i.indexrelid::regclass::text AS name, a.attname AS first
        FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE n.nspname = ANY ($1) AND i.indisunique
        """,
        SCHEMAS,
    )
    assert len(found) >= 15
    assert [row["name"] for row in found if row["first"] != "region"] == []


def test_every_foreign_key_starts_with_the_region_on_both_sides(empty: Settings) -> None:
    found = rows(
        empty,
        """
        SELECT k.conname AS name, a.attname AS here, b.attname AS there
        FROM pg_constraint k
        JOIN pg_namespace n ON n.oid = k.connamespace
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
        WHERE n.nspname = ANY ($1) AND k.contype = 'f'
        """,
        SCHEMAS,
    )
    assert found
    assert {(row["here"], row["there"]) for row in found} == {("region", "region")}


def test_every_table_has_a_primary_key(empty: Settings) -> None:
    """Single events have theirs in a table of their own, which outlives no partition's border."""
    found = rows(
        empty,
        """
        SELECT c.oid::regclass::text AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
        """,
        SCHEMAS,
    )
    assert {row["name"] for row in found} == {"feedback.event"}


@pytest.mark.slow
@pytest.mark.parametrize("reader", list(Service))
@pytest.mark.parametrize("owner", list(Service))
def test_a_service_reads_its_own_schema_and_no_other(
    untouched: Settings, reader: Service, owner: Service
) -> None:
    # A partition is read through its table.
    tables = rows(
        untouched,
        "SELECT relname AS tablename FROM pg_class WHERE relnamespace = ($1::text)::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1",
        owner.value,
    )
    assert tables
    for table in tables:
        statement = f"SELECT count(*) FROM {owner.value}.{table['tablename']}"
        if reader is owner:
            assert run_as(untouched, reader, statement) == [(0,)]
        else:
            with pytest.raises(DBAPIError, match="permission denied for schema"):
                run_as(untouched, reader, statement)


@pytest.mark.parametrize("service", list(Service))
def test_a_service_cannot_change_the_shape_of_its_schema(
    untouched: Settings, service: Service
) -> None:
    with pytest.raises(DBAPIError, match="permission denied for schema"):
        run_as(untouched, service, f"CREATE TABLE {service.value}.more (id int)", write=True)


def test_a_read_transaction_cannot_write(database_of: Callable[..., list[Any]]) -> None:
    statement = "INSERT INTO catalog.source VALUES ('12.12', 'x', '{}') RETURNING id"
    with pytest.raises(DBAPIError, match="read-only transaction"):
        database_of(Service.catalog, statement)
    database_of(Service.catalog, statement, write=True)
    assert database_of(Service.catalog, "SELECT id FROM catalog.source") == [("x",)]


def test_a_write_transaction_that_fails_stores_nothing(
    empty: Settings, database_of: Callable[..., list[Any]]
) -> None:
    async def fail() -> None:
        database = Database(empty, Service.catalog)
        try:
            async with database.write_session() as session:
                await session.execute(
                    sa.text("INSERT INTO catalog.source VALUES ('12.12', 'x', '{}')")
                )
                raise RuntimeError("something else failed")
        finally:
            await database.close()

    with pytest.raises(RuntimeError):
        asyncio.run(fail())
    assert database_of(Service.catalog, "SELECT id FROM catalog.source") == []


async def connections_of(database: Database, *, together: int) -> dict[int, asyncpg.Connection]:
    """Return the connections of so many sessions at a time, by the server's process behind each."""
    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(database.read_session()) for _ in range(together)
        ]
        found: dict[int, asyncpg.Connection] = {}
        for session in sessions:
            raw = await (await session.connection()).get_raw_connection()
            connection: Any = raw.driver_connection
            found[connection.get_server_pid()] = connection
        return found


async def backends_of(database: Database, *, together: int) -> set[int]:
    """Return the server's processes behind so many sessions at a time."""
    return set(await connections_of(database, together=together))


def test_connections_that_the_server_closed_are_replaced(empty: Settings) -> None:
    async def work() -> None:
        database = Database(empty, Service.catalog)
        before = await connections_of(database, together=3)
        assert await backends_of(database, together=3) == before.keys()
        assert await asyncio.to_thread(close_connections, empty, "emall catalog") == 3
        # A server process says that it ends before it closes its socket. asyncpg answers a use in
        # between with an error of its own, and has no public state that would tell.
        await asyncio.to_thread(until, lambda: all(one.is_closed() for one in before.values()))
        after = await backends_of(database, together=3)
        assert len(after) == 3
        assert not after & before.keys()
        await database.close()

    asyncio.run(work())


class ForgetfulFirewall:
    """Passes connections on to the server, and ends those it forgot when they are used again."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._forgotten = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_unix_connection(self._server)
        known_since = self._forgotten

        async def answer() -> None:
            while data := await answers.read(65536):
                writer.write(data)
            writer.close()

        answering = asyncio.create_task(answer())
        while (data := await reader.read(65536)) and known_since == self._forgotten:
            requests.write(data)
        answering.cancel()
        requests.close()
        writer.close()

    def forget(self) -> None:
        self._forgotten += 1


def test_an_idle_connection_that_was_lost_unnoticed_is_replaced(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.platform.database.PING_AFTER_SECONDS", 0)

    async def work() -> None:
        assert empty.database_url is not None
        url = make_url(empty.database_url.get_secret_value())
        firewall = ForgetfulFirewall(Path(str(url.query["host"])) / ".s.PGSQL.5432")
        listener = await asyncio.start_server(firewall.accept, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        through = url.set(host="127.0.0.1", port=port, query={})
        settings = empty.model_copy(
            update={"database_url": SecretStr(through.render_as_string(hide_password=False))}
        )
        database = Database(settings, Service.catalog)
        before = await backends_of(database, together=2)
        assert await backends_of(database, together=2) == before
        firewall.forget()
        after = await backends_of(database, together=2)
        assert len(after) == 2
        assert not after & before
        await database.close()
        listener.close()

    asyncio.run(work())


def declared_tables() -> list[sa.Table]:
    tables = SQLModel.metadata.tables.values()
    return sorted((t for t in tables if t.schema in SCHEMAS), key=lambda table: table.fullname)


UPGRADING = {"catalog.service": {"names", "search"}}
"""Columns that only the version before reads and writes, beside this one in a rolling upgrade."""


def test_the_declared_tables_are_the_migrated_ones(empty: Settings) -> None:
    assert {table.fullname for table in declared_tables()} >= {"catalog.service", "gateway.link"}
    for table in declared_tables():
        migrated = {
            row["column_name"]: row["is_nullable"] == "YES"
            for row in rows(
                empty,
                """
                SELECT column_name, is_nullable FROM information_schema.columns
                WHERE table_schema = $1 AND table_name = $2
                """,
                table.schema,
                table.name,
            )
        }
        declared = {column.name: column.nullable for column in table.columns}
        retired = UPGRADING.get(table.fullname, set[str]())
        assert retired <= migrated.keys()
        kept = {name: null for name, null in migrated.items() if name not in retired}
        assert declared == kept, table.fullname


def test_the_declared_primary_keys_are_the_migrated_ones(empty: Settings) -> None:
    for table in declared_tables():
        [row] = rows(
            empty,
            """
            SELECT array_agg(a.attname::text ORDER BY k.place) AS columns
            FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (number, place), pg_attribute a
            WHERE i.indrelid = $1::text::regclass AND i.indisprimary
              AND a.attrelid = i.indrelid AND a.attnum = k.number
            """,
            table.fullname,
        )
        assert [column.name for column in table.primary_key] == row["columns"], table.fullname


def test_migrating_again_changes_nothing(empty: Settings) -> None:
    before = applied_revisions(empty)
    asyncio.run(migrate(empty))
    assert applied_revisions(empty) == before
    assert len(before) == len(SCHEMAS)


@pytest.mark.slow
def test_processes_that_migrate_at_once_do_not_disturb_each_other(
    server: Server, migrated: str
) -> None:
    assert migrated  # its roles are not for this database
    with server.database_from("template1") as name:
        settings = server.settings(name)
        environment = os.environ | {"EMALL_DATABASE_URL": server.address_of(name)}
        program = (
            "import asyncio\n"
            "from services.platform.migrations import migrate\n"
            "from services.platform.settings import load_settings\n"
            "asyncio.run(migrate(load_settings()))\n"
        )
        processes = [
            subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)
            for _ in range(3)
        ]
        assert [process.wait(60) for process in processes] == [0, 0, 0]
        assert len(applied_revisions(settings)) == len(SCHEMAS)
