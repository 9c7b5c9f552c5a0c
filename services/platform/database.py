"""PostgreSQL: the embedded server, engines, and sessions per service role."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NewType

import asyncpg
from fastapi import Depends, FastAPI, Request
from sqlalchemy import event, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import await_only

from services.platform.installation_roles import DEFAULT_PREFIX, ROLE_OF_SERVICE, role_name
from services.platform.logging import Outage, get_logger
from services.platform.problems import ProblemError, Unavailable
from services.platform.settings import Service, Settings

if TYPE_CHECKING:
    from services.platform.embedded_postgres import EmbeddedPostgres

ReadSession = NewType("ReadSession", AsyncSession)
"""Session in a read-only transaction; PostgreSQL rejects writes."""

WriteSession = NewType("WriteSession", AsyncSession)
"""Session whose transaction is committed if its block ends without an error."""

log = get_logger(__name__)

DATABASE_ERRORS = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Raised between the server's shutdown message and the end of the socket.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Errors of a statement when the database is unavailable or rejects it."""

CONNECTION_LOST_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown or startup
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Those of asyncpg that mean a lost connection rather than a wrong statement."""

IDLE_SINCE = "idle_since"
PING_AFTER_SECONDS = 10.0
"""Time without use after which the server is asked whether a connection of the pool lives."""

_servers_lock = threading.Lock()
_servers: dict[Path, "EmbeddedPostgres"] = {}


def embedded_url(data_dir: Path) -> str:
    """Start the embedded PostgreSQL in this folder if it is not running; return its URL.

    The server stops when the last process that uses it exits.
    """
    server = embedded_server(data_dir)
    server.ensure_running()
    return server.url


def embedded_server(data_dir: Path) -> "EmbeddedPostgres":
    """Return this process's use of the embedded PostgreSQL in this folder."""
    # Imported only if no external database is configured.
    from services.platform.embedded_postgres import EmbeddedPostgres  # noqa: PLC0415

    folder = data_dir.resolve() / "postgres"
    with _servers_lock:
        return _servers.setdefault(folder, EmbeddedPostgres(folder))


def owner_url(settings: Settings) -> str:
    """Return the database URL with owner rights, for migrations and packs."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded_url(settings.data_dir)


class CountingPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, which counts the sessions that wait for a connection."""

    waiting = 0

    def _do_get(self) -> ConnectionPoolEntry:
        self.waiting += 1
        try:
            return super()._do_get()
        finally:
            self.waiting -= 1


@dataclass(frozen=True)
class PoolUse:
    """How the connections of a pool are used now."""

    size: int
    """Connections that it may open, those under load included."""
    checked_out: int
    waiting: int
    """Sessions that wait for a connection: for one in use, or for a new one."""


def make_engine(
    url: str,
    *,
    role: Callable[[], Awaitable[str]] | None,
    name: str,
    pool_size: int = 5,
    command_timeout: float | None = 60,
) -> AsyncEngine:
    """Create an engine whose connections use `SET ROLE` (None: the login role)."""
    server_settings = {"application_name": f"emall {name}", "timezone": "UTC"}
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=CountingPool,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        connect_args={
            "server_settings": server_settings,
            "timeout": 10,
            "command_timeout": command_timeout,
        },
    )
    _replace_lost_connections(engine)
    if role is not None:
        find_role = role

        # As a startup parameter: a pooler between may give each transaction another session.
        @event.listens_for(engine.sync_engine, "do_connect")
        def set_role(  # pyright: ignore[reportUnusedFunction]
            _dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]
        ) -> None:
            parameters["server_settings"] = server_settings | {"role": await_only(find_role())}

    return engine


def _replace_lost_connections(engine: AsyncEngine) -> None:
    """Replace connections that were lost in the pool when they are taken from it.

    `pool_pre_ping` would ask the server each time, in three round trips. A connection that the
    server closed is known as closed; only one that was idle for long may have been lost unnoticed
    (a firewall forgets it, a host goes away), so only that is asked.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def note_idle(  # pyright: ignore[reportUnusedFunction]
        _connection: object, record: ConnectionPoolEntry
    ) -> None:
        record.info[IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(  # pyright: ignore[reportUnusedFunction]
        connection: Any, record: ConnectionPoolEntry, _fairy: object
    ) -> None:
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError("the server closed the connection")
        idle_since = record.info.pop(IDLE_SINCE, None)
        if idle_since is not None and time.monotonic() - idle_since > PING_AFTER_SECONDS:
            try:
                connection.ping()
            except Exception as error:
                raise InvalidatePoolError("the server does not answer") from error


Connection = asyncpg.Connection
"""Plain asyncpg connection."""


class Database:
    """Database access of one service; connects on first use."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service
        self._engine: AsyncEngine | None = None
        self._role: str | None = None
        self._open_lock = asyncio.Lock()
        self.schema = service.value
        self.outage = Outage(log.bind(service=service.value), "database")
        """Whoever uses a connection outside the sessions reports to it."""

    async def engine(self) -> AsyncEngine:
        if self._engine is None:
            async with self._open_lock:
                if self._engine is None:
                    self._engine = await asyncio.to_thread(self._create_engine)
        return self._engine

    def _create_engine(self) -> AsyncEngine:
        own = self._settings.service_database_url(self._service)
        return make_engine(
            own or owner_url(self._settings),
            role=None if own else self._find_role,
            name=self._service.value,
            pool_size=self._settings.database_pool_size,
        )

    def pool_use(self) -> PoolUse | None:
        """Return how the pool is used; None before the first connection."""
        pool = self._engine.pool if self._engine is not None else None
        if not isinstance(pool, CountingPool):
            return None
        return PoolUse(2 * pool.size(), pool.checkedout(), pool.waiting)

    @asynccontextmanager
    async def read_session(self) -> AsyncGenerator[ReadSession]:
        """Open a read-only transaction."""
        engine = (await self.engine()).execution_options(postgresql_readonly=True)
        with self._watch_outage():
            async with async_sessionmaker(engine, expire_on_commit=False)() as session:
                yield ReadSession(session)

    @asynccontextmanager
    async def write_session(self) -> AsyncGenerator[WriteSession]:
        """Open a transaction that commits at the end of the block and rolls back on an error."""
        engine = await self.engine()
        with self._watch_outage():
            async with async_sessionmaker(engine, expire_on_commit=False).begin() as session:
                yield WriteSession(session)

    @contextmanager
    def _watch_outage(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            if is_connection_lost(error):
                self.outage.failed(error)
            raise
        self.outage.succeeded()

    async def connect(self, *, purpose: str, **options: str) -> Connection:
        """Open a dedicated connection outside the pool, as the service's role.

        `options` are PostgreSQL settings of its session; `purpose` is shown in `pg_stat_activity`.
        """
        own = self._settings.service_database_url(self._service)
        url = own or await asyncio.to_thread(owner_url, self._settings)
        name = f"emall {self._service.value}: {purpose}"
        if own is None:
            options["role"] = await self._find_role()
        return await asyncpg.connect(
            _asyncpg_address(url),
            timeout=10,
            command_timeout=60,
            server_settings={"application_name": name, "timezone": "UTC", **options},
        )

    async def _find_role(self) -> str:
        """Return the service's role, read once from the database that is migrated.

        In another one it is a role that does not exist or has no rights: no service works with
        those of the owner.
        """
        if self._role is None:
            url = await asyncio.to_thread(owner_url, self._settings)
            connection = await asyncpg.connect(
                _asyncpg_address(url),
                timeout=10,
                command_timeout=10,
                server_settings={"application_name": f"emall {self.schema}: role"},
            )
            try:
                self._role = await connection.fetchval(ROLE_OF_SERVICE, self.schema)
            finally:
                await connection.close(timeout=10)
        return self._role or role_name(DEFAULT_PREFIX, self._service)

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None


def _asyncpg_address(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def is_connection_lost(error: BaseException) -> bool:
    """Return whether an error means that the database is unavailable, not that a query is wrong."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        return error.connection_invalidated or (cause is not None and is_connection_lost(cause))
    if isinstance(error, OSError):
        return error.filename is None  # of a socket, not of a file
    # asyncpg also raises InterfaceError for values that it cannot encode, as a ValueError.
    return isinstance(error, (PoolTimeout, *CONNECTION_LOST_ERRORS)) and not isinstance(
        error, ValueError
    )


def add_database_error_handlers(app: FastAPI) -> None:
    """Answer 503 with `Retry-After` if a request fails because the database is unavailable."""
    on_problem: Any = app.exception_handlers[ProblemError]
    on_unexpected: Any = app.exception_handlers[Exception]

    async def on_outage(request: Request, error: Exception) -> Any:
        if not is_connection_lost(error):
            return await on_unexpected(request, error)
        database: Database = request.app.state.database
        database.outage.failed(error)
        problem = Unavailable("The database is unavailable; try again shortly.")
        return await on_problem(request, problem)

    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, on_outage)


async def get_read_session(request: Request) -> AsyncGenerator[ReadSession]:
    database: Database = request.app.state.database
    async with database.read_session() as session:
        yield session


async def get_write_session(request: Request) -> AsyncGenerator[WriteSession]:
    database: Database = request.app.state.database
    async with database.write_session() as session:
        yield session


ReadSessionDep = Annotated[ReadSession, Depends(get_read_session, scope="function")]
"""The request's read-only transaction."""

WriteSessionDep = Annotated[WriteSession, Depends(get_write_session, scope="function")]
"""The request's transaction, committed before the response is sent."""
