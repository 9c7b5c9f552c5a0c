"""What the database stores, read and changed as its owner.

Tests use this only for what no public interface shows or does: a clock moved, a crash injected,
what is stored for privacy. The statements are behind named functions, here or in the `*_rows.py`
module of a room.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any

import asyncpg

from services.platform.settings import Settings

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    OSError,
)
"""Errors of a connection whose server was stopped meanwhile."""


class Reader:
    """Connections to databases that are asked again and again, kept until it is closed."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._connections: dict[str, asyncpg.Connection] = {}

    def fetch(self, url: str, query: str, values: Sequence[Any]) -> list[Any]:
        """Return the rows of a query."""
        return self._runner.run(self._fetch(url, query, values))

    async def _fetch(self, url: str, query: str, values: Sequence[Any]) -> list[Any]:
        if url in self._connections:
            with suppress(*LOST):
                return await self._connections[url].fetch(query, *values)
        # Tests change tables, which statements of a cache would not follow.
        connection = await asyncpg.connect(url, statement_cache_size=0)
        self._connections[url] = connection
        return await connection.fetch(query, *values)

    def close(self) -> None:
        """Close every connection, and wait until they are."""
        for connection in self._connections.values():
            with suppress(*LOST):
                self._runner.run(connection.close(timeout=5))
        self._runner.close()


_kept = threading.local()


@contextmanager
def kept_connections() -> Generator[None]:
    """Let `rows` ask over the same connections until the block ends: a new one takes 15 ms."""
    if getattr(_kept, "reader", None) is not None:
        yield
        return
    _kept.reader = Reader()
    try:
        yield
    finally:
        _kept.reader.close()
        _kept.reader = None


def rows(settings: Settings, query: str, *values: Any) -> list[Any]:
    """Return the rows of a query; each is read by position or by name and equals a tuple."""
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    with kept_connections():
        reader: Reader = _kept.reader
        return reader.fetch(url, query, values)


def oblige_since(settings: Settings, month: date) -> None:
    """Let every reporting obligation have begun in a month."""
    statement = "UPDATE feedback.reporting_obligation SET since = $1, owed_in = NULL"
    rows(settings, statement, month)


def hide_table(settings: Settings, table: str) -> None:
    """Make every statement on a table (`schema.table`) fail, until `restore_table`."""
    rows(settings, f"ALTER TABLE {table} RENAME TO {table.partition('.')[2]}_hidden")


def restore_table(settings: Settings, table: str) -> None:
    rows(settings, f"ALTER TABLE {table}_hidden RENAME TO {table.partition('.')[2]}")


@contextmanager
def hidden_table(settings: Settings, table: str) -> Generator[None]:
    """Make every statement on a table (`schema.table`) fail until the block ends."""
    hide_table(settings, table)
    yield
    restore_table(settings, table)


@contextmanager
def locked_tables(settings: Settings, *tables: str) -> Generator[None]:
    """Lock tables (`schema.table`) in a session of its own, as `ALTER TABLE` does, meanwhile."""
    assert settings.database_url is not None
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(settings.database_url.get_secret_value()))
        runner.run(connection.execute(f"BEGIN; LOCK TABLE {', '.join(tables)}"))
        try:
            yield
        finally:
            runner.run(connection.close())


def change_type(settings: Settings, column: str, to: str) -> None:
    """Give a column (`schema.table.column`) another type."""
    table, _, name = column.rpartition(".")
    rows(settings, f"ALTER TABLE {table} ALTER COLUMN {name} TYPE {to}")


def close_connections(settings: Settings, application_name: str) -> int:
    """Terminate the connections with this name, as a restart does, and return their number."""
    closed = rows(
        settings,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE starts_with(application_name, $1) AND datname = current_database()",
        f"{application_name} (",
    )
    return sum(row[0] for row in closed)


@contextmanager
def silent_database(settings: Settings) -> Generator[Callable[[], None]]:
    """Stop the processes that serve the hub's connections: they stay open, and nothing answers.

    Yields what stops those that were added meanwhile.
    """
    stopped: set[int] = set()

    def stop() -> None:
        connections = rows(
            settings,
            "SELECT pid FROM pg_stat_activity "
            "WHERE application_name LIKE 'emall %' AND datname = current_database()",
        )
        for connection in connections:
            os.kill(connection["pid"], signal.SIGSTOP)
            stopped.add(connection["pid"])

    stop()
    try:
        yield stop
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def store_backup(settings: Settings, made_at: datetime, *, size: int) -> None:
    """Record a backup as `emall backup` does."""
    rows(
        settings,
        "INSERT INTO gateway.backup (region, made_at, size, encrypted) VALUES ($1, $2, $3, true)",
        settings.region,
        made_at,
        size,
    )


def applied_revisions(settings: Settings) -> list[str]:
    """Return the revision of each service's schema."""
    return [row[0] for row in rows(settings, "SELECT version_num FROM alembic_version ORDER BY 1")]


def rename_agency(settings: Settings, slug: str, name: str) -> None:
    """Rename an agency of the catalogue, outside every service."""
    rows(
        settings,
        "UPDATE catalog.agency SET content = jsonb_set(content, '{name}', to_jsonb($2::text)) "
        "WHERE slug = $1",
        slug,
        name,
    )


def count_rows(settings: Settings, table: str) -> int:
    return rows(settings, f"SELECT count(*) FROM {table}")[0][0]
