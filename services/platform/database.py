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
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from services.platform.database_address import DatabaseAddress, parse_database_address
from services.platform.database_line import (
    Connection,
    DatabaseLine,
    PoolerError,
    shared_line,
)
from services.platform.installation_roles import DEFAULT_PREFIX, ROLE_OF_SERVICE, role_name
from services.platform.logging import Outage, get_logger, summarise
from services.platform.problems import ProblemError, Unavailable
from services.platform.read_replica import ReadReplica, ServerPosition
from services.platform.settings import SchemaOwner, Settings
from services.platform.stale_statements import repeat_stale_statements
from services.platform.statement_limits import (
    WORK_LIMITS,
    StatementLimits,
    request_limits,
    transaction_setup,
)

if TYPE_CHECKING:
    from services.platform.embedded_postgres import EmbeddedPostgres

ReadSession = NewType("ReadSession", AsyncSession)
"""Session in a read-only transaction; PostgreSQL rejects writes."""

WriteSession = NewType("WriteSession", AsyncSession)
"""Session whose transaction is committed if its block ends without an error."""

log = get_logger(__name__)

POOL_TIMEOUT_SECONDS = 10.0
"""Time that a session waits for a connection of the pool."""
POOL_RETRY_SECONDS = 0.5
"""Time after which a waiting session asks whether it may open a connection: the pool tells nobody
that opening one failed."""
COMMAND_TIMEOUT_SECONDS = 65
"""Time after which a statement is given up that the server did not end at its limit."""
CLOSE_TIMEOUT_SECONDS = 2
QUIET_SECONDS = 60.0
"""How long nothing was refused, or late, when an outage of some statements is over: others succeed
meanwhile."""

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
    asyncpg.InsufficientResourcesError,  # a full disk, all connections taken
    # Another password, role or database than this hub's: a restore that is not over, a pooler
    # without its users.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, or a database that somebody locked
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidCachedStatementError,  # a table was changed; the next attempt prepares anew
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Those of asyncpg that pass, rather than mean a wrong statement."""

LATE_ERRORS = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)
"""Errors of a statement that the server ended at its time limit."""

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
        end = time.monotonic() + POOL_TIMEOUT_SECONDS
        try:
            while True:
                try:
                    return super()._do_get()
                except PoolTimeout:
                    if time.monotonic() > end:
                        raise
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


def direct_address(settings: Settings, url: str) -> DatabaseAddress:
    """Return the address of the server itself: that of this URL, or the one set beside it."""
    address = parse_database_address(url)
    if settings.database_direct_url is None:
        return address
    return parse_database_address(settings.database_direct_url.get_secret_value()).completed_by(
        address
    )


def make_engine(
    connect: Callable[[], Awaitable[Connection]], *, is_pooled: bool = False, pool_size: int = 5
) -> AsyncEngine:
    """Create an engine on connections that `connect` opens.

    Behind a pooler in transaction mode (`is_pooled`) no statement is prepared under a name: the
    next transaction may have another session.
    """
    prepared: dict[str, Any] = {}
    if is_pooled:
        prepared = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=CountingPool,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_RETRY_SECONDS,
        connect_args={"async_creator_fn": connect, **prepared},
    )
    _replace_lost_connections(engine)
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


class Database:
    """Database access of one service; connects on first use.

    Sessions use a pool of connections, which may lead through a pooler in transaction mode;
    `connect` opens a session of its own at the server itself.
    """

    def __init__(self, settings: Settings, service: SchemaOwner) -> None:
        self._settings = settings
        self._service = service
        self._engine: AsyncEngine | None = None
        self._read_only_engine: AsyncEngine | None = None
        self._role: str | None = None
        self._has_role = False
        """Whether the role is known."""
        self._open_lock = asyncio.Lock()
        self._lines: tuple[DatabaseLine, DatabaseLine] | None = None
        self._replica_line: DatabaseLine | None = None
        self._replica: ReadReplica | None = None
        self._own_url = settings.service_database_url(service)
        self._refusals = Outage(
            log, f"writes to the database of {service.value}", quiet_seconds=QUIET_SECONDS
        )
        self._lateness = Outage(
            log, f"timely statements of {service.value}", quiet_seconds=QUIET_SECONDS
        )
        self._limits = request_limits(settings)
        self.schema = service.value

    async def engine(self) -> AsyncEngine:
        if self._engine is None:
            async with self._open_lock:
                if self._engine is None:
                    self._engine = await self._create_engine()
        return self._engine

    async def _engine_for_reads(self) -> AsyncEngine:
        """Return the engine with read-only transactions: made once, since that is costly."""
        engine = await self.engine()
        if self._read_only_engine is None:
            self._read_only_engine = engine.execution_options(postgresql_readonly=True)
        return self._read_only_engine

    async def _create_engine(self) -> AsyncEngine:
        role = await self._find_role()
        engine = self._engine_on(self.line, role)
        if self._settings.database_read_url is not None:
            self._replica_line = self._share_line(self._find_replica_address, "read replica")
            self._replica = ReadReplica(
                self._engine_on(self._replica_line, role),
                ServerPosition(self._connector(self.direct_line, role, ": position")),
            )
        return engine

    def _engine_on(self, line: DatabaseLine, role: str | None) -> AsyncEngine:
        """Return an engine on a line, whose transactions work as a role if one is given."""
        is_pooled = line.is_pooled
        engine = make_engine(
            self._connector(line, role),
            is_pooled=is_pooled,
            pool_size=self._settings.database_pool_size,
        )
        set_up = transaction_setup(
            self._limits, pooled_role=role if is_pooled else None, is_pooled=is_pooled
        )
        event.listen(engine.sync_engine, "begin", set_up)
        repeat_stale_statements(engine, set_up)
        return engine

    def _connector(
        self, line: DatabaseLine, role: str | None, purpose: str = ""
    ) -> Callable[[], Awaitable[Connection]]:
        """Return a function that opens connections over a line, as a role if one is given.

        A pooler refuses role and limits at the start; each transaction sets them.
        """
        options: dict[str, str] = {}
        if not line.is_pooled:
            options = self._limits.settings | ({} if role is None else {"role": role})

        async def connect() -> Connection:
            return await line.connect(
                name=f"emall {self.schema}{purpose}",
                command_timeout=COMMAND_TIMEOUT_SECONDS,
                options=options,
            )

        return connect

    def _open_lines(self) -> tuple[DatabaseLine, DatabaseLine]:
        """Return the lines of the pool and of single connections, one if there is no pooler."""
        if self._lines is None:
            url = self._own_url or self._settings.database_url
            is_pooled = url is not None and self._settings.database_direct_url is not None
            direct = self._share_line(self._find_direct_address, "database")
            pooled = direct
            if is_pooled:
                pooled = self._share_line(self._find_address, "database pooler", is_pooled=True)
            self._lines = pooled, direct
        return self._lines

    def _share_line(
        self,
        find_address: Callable[[], Awaitable[DatabaseAddress]],
        label: str,
        *,
        is_pooled: bool = False,
    ) -> DatabaseLine:
        settings = self._settings
        secrets = (
            settings.database_url,
            settings.database_direct_url,
            settings.database_read_url,
        )
        urls = [url.get_secret_value() if url else None for url in secrets]
        silence = settings.silence_seconds
        return shared_line(
            (settings.data_dir, self._own_url, *urls, label, silence),
            lambda: DatabaseLine(find_address, label=label, silence=silence, is_pooled=is_pooled),
        )

    async def _find_url(self) -> str:
        url = self._own_url
        if url is None:
            # In a thread, for it may start the embedded server.
            url = await asyncio.to_thread(owner_url, self._settings)
        return url

    async def _find_address(self) -> DatabaseAddress:
        return parse_database_address(await self._find_url())

    async def _find_direct_address(self) -> DatabaseAddress:
        return direct_address(self._settings, await self._find_url())

    async def _find_replica_address(self) -> DatabaseAddress:
        url = self._settings.database_read_url
        address = await self._find_address()
        if url is None:
            return address
        return parse_database_address(url.get_secret_value()).completed_by(address)

    @property
    def line(self) -> DatabaseLine:
        """The line of the sessions, perhaps to a pooler; users report failures to it."""
        return self._open_lines()[0]

    @property
    def direct_line(self) -> DatabaseLine:
        """The line to the server itself, which `connect` uses."""
        return self._open_lines()[1]

    @property
    def is_up(self) -> bool:
        """Whether the database answered last, also past a pooler; true before it was asked."""
        return all(line.is_up for line in self._lines or ())

    def pool_use(self) -> PoolUse | None:
        """Return how the pool is used; None before the first connection."""
        pool = self._engine.pool if self._engine is not None else None
        if not isinstance(pool, CountingPool):
            return None
        return PoolUse(2 * pool.size(), pool.checkedout(), pool.waiting)

    @property
    def replica(self) -> ReadReplica | None:
        """The read replica; None before the first connection, or if there is none."""
        return self._replica

    @asynccontextmanager
    async def read_session(self) -> AsyncGenerator[ReadSession]:
        """Open a read-only transaction, on a read replica if that is as new as this moment."""
        with self._watch_outage():
            engine = await self._engine_for_reads()
            on_replica = await self._open_on_replica()
            if on_replica is not None:
                async with on_replica:
                    yield ReadSession(on_replica)
                return
            async with AsyncSession(engine, expire_on_commit=False) as session:
                yield ReadSession(session)

    async def _open_on_replica(self) -> AsyncSession | None:
        if self._replica is None:
            return None
        try:
            return await self._replica.open_session()
        except DATABASE_ERRORS as error:
            if not is_connection_lost(error):  # else its line logs an outage
                log.warning("read replica not used", error=summarise(error))
            return None

    @asynccontextmanager
    async def write_session(self) -> AsyncGenerator[WriteSession]:
        """Open a transaction that commits at the end of the block and rolls back on an error."""
        with self._watch_outage():
            engine = await self.engine()
            async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
                yield WriteSession(session)
        self._refusals.succeeded()

    def failed(self, error: BaseException) -> None:
        """Note an error of an outage (`is_connection_lost`); the first one is logged.

        A database that is read-only still serves reads, one whose connections are all in use
        answers, and so does one whose statements wait for a lock: their line is not down.
        """
        if isinstance(error, PoolTimeout) or is_stale(error):
            return
        if is_read_only(error):
            self._refusals.failed(error)
        elif is_late(error):
            self._lateness.failed(error)
        else:
            self.line.failed(error)

    @contextmanager
    def _watch_outage(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            if is_connection_lost(error):
                self.failed(error)
            raise
        self.line.succeeded()
        self._lateness.succeeded()

    async def connect(
        self, *, purpose: str, is_for_requests: bool = False, **options: str
    ) -> Connection:
        """Open a connection to the server itself outside the pool, as the service's role.

        `options` are PostgreSQL settings of its session; `purpose` is shown in `pg_stat_activity`.
        Its statements have the time limits of jobs, or those of requests.
        """
        role = await self._find_role()
        limits: StatementLimits = self._limits if is_for_requests else WORK_LIMITS
        options = limits.settings | options
        if role is not None:
            options["role"] = role
        return await self.direct_line.connect(
            name=f"emall {self.schema}: {purpose}",
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            options=options,
        )

    async def _find_role(self) -> str | None:
        """Return the role to switch to, read once from the database that is migrated; None: none.

        In another one it is a role that does not exist or has no rights: no service works with
        those of the owner.

        Raises:
            PoolerError: The address of the server itself leads to a pooler.
        """
        if self._has_role:
            return self._role
        connection = await self.direct_line.connect(
            name=f"emall {self.schema}: role", command_timeout=COMMAND_TIMEOUT_SECONDS
        )
        try:
            # In a transaction, which also a pooler keeps in one session.
            async with connection.transaction():
                pid = await connection.fetchval("SELECT pg_backend_pid()")
                role = await connection.fetchval(ROLE_OF_SERVICE, self.schema)
            is_direct = pid == connection.get_server_pid()
        finally:
            await connection.close(timeout=CLOSE_TIMEOUT_SECONDS)
        if not is_direct:
            raise PoolerError
        if self._own_url is None:
            self._role = role or role_name(DEFAULT_PREFIX, self._service)
        self._has_role = self._own_url is not None or role is not None
        return self._role

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = self._read_only_engine = None
        if self._replica is not None:
            await self._replica.close()
            self._replica = None
        if self._replica_line is not None:
            await self._replica_line.release()
            self._replica_line = None
        if self._lines is not None:
            lines, self._lines = self._lines, None
            for line in dict.fromkeys(lines):
                await line.release()


def is_read_only(error: BaseException) -> bool:
    """Return whether an error means that the database takes no writes now, but reads."""
    return isinstance(_cause_of(error), asyncpg.ReadOnlySQLTransactionError)


def is_late(error: BaseException) -> bool:
    """Return whether the server ended a statement at its time limit, or an administrator did."""
    return isinstance(_cause_of(error), LATE_ERRORS)


def is_stale(error: BaseException) -> bool:
    """Return whether a table was changed since a statement was prepared."""
    return isinstance(_cause_of(error), asyncpg.InvalidCachedStatementError)


def _cause_of(error: BaseException) -> BaseException | None:
    """Return the error of asyncpg that SQLAlchemy wrapped."""
    return error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error


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
        database.failed(error)
        problem = Unavailable(_describe_outage(error), retry_after=1 if is_stale(error) else 5)
        return await on_problem(request, problem)

    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, on_outage)


def _describe_outage(error: Exception) -> str:
    if is_late(error):
        return "The database is busy: a statement did not end in time. Try again shortly."
    return "The database is unavailable; try again shortly."


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
