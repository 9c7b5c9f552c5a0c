"""Repeat statements that PostgreSQL refuses because a table changed since they were prepared.

While a hub is upgraded, tables change under processes that run. "cached plan must not change result
type" ends the transaction, so a statement is repeated in a new one, where that is the same: at the
beginning of a transaction, and in one that only reads, for each statement of it sees what is
committed when the statement begins.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine


def repeat_stale_statements(engine: AsyncEngine, set_up: Callable[[Connection], None]) -> None:
    """Repeat each stale statement once, if it may be; `set_up` is called in the new transaction."""
    dialect = engine.sync_engine.dialect
    stale: type[Exception] = dialect.dbapi.InvalidCachedStatementError  # pyright: ignore
    begun: WeakSet[Connection] = WeakSet()
    """Connections whose transaction had no statement yet."""

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        begun.add(connection)

    @event.listens_for(engine.sync_engine, "do_execute")
    def execute(  # pyright: ignore[reportUnusedFunction]
        cursor: DBAPICursor, statement: str, parameters: Any, context: ExecutionContext
    ) -> bool:
        connection = context.root_connection
        try:
            cursor.execute(statement, parameters)
        except stale as error:
            if not (connection in begun or _only_reads(connection)):
                raise
            context.handle_dbapi_exception(error)  # makes all connections prepare anew
            dialect.do_rollback(connection.connection)
            set_up(connection)
            context.pre_exec()
            cursor.execute(statement, parameters)
        begun.discard(connection)
        return True


def _only_reads(connection: Connection) -> bool:
    options = connection.get_execution_options()
    return bool(options.get("postgresql_readonly")) and not connection.in_nested_transaction()
