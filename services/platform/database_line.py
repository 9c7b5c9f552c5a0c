"""The line to one database: opens its connections, and cuts them when it falls silent."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import asyncpg

from services.platform.database_address import DatabaseAddress, Host
from services.platform.version import version_mark
from services.platform.watch import Watch

Connection = asyncpg.Connection
"""Plain asyncpg connection."""

KEEPALIVE_IDLE_SECONDS = 15
KEEPALIVE_INTERVAL_SECONDS = 5
KEEPALIVE_COUNT = 3
UNACKNOWLEDGED_SECONDS = 5
"""Time after which TCP gives up data that the other side does not acknowledge."""

SERVER_KEEPALIVE = {
    "tcp_keepalives_idle": str(KEEPALIVE_IDLE_SECONDS),
    "tcp_keepalives_interval": str(KEEPALIVE_INTERVAL_SECONDS),
    "tcp_keepalives_count": str(KEEPALIVE_COUNT),
    "tcp_user_timeout": str(UNACKNOWLEDGED_SECONDS * 1000),
}
"""Settings by which the server frees the locks of a client that is gone."""

NEXT_HOST_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
)
"""Errors after which the next host of an address is tried."""


class PoolerError(ConnectionError):
    """An address leads to a pooler, where the server itself must be."""

    def __init__(self) -> None:
        super().__init__(
            "the database address leads to a pooler; set EMALL_DATABASE_DIRECT_URL to the address "
            "of the server itself"
        )


async def open_connection(
    address: DatabaseAddress,
    *,
    name: str,
    seconds: float,
    command_timeout: float | None,
    is_pooled: bool = False,
    options: Mapping[str, str] | None = None,
) -> tuple[Connection, Host]:
    """Open a connection to the first host that may be used; each has some seconds to answer.

    `options` are PostgreSQL settings of the session. Through a pooler (`is_pooled`) it has none but
    those that PgBouncer keeps for each client, and no prepared statements.

    Raises:
        PoolerError: There is a pooler, and it is not `is_pooled`.
    """
    # In a thread, as a checkout asks git once.
    version = await asyncio.to_thread(version_mark)
    settings = {"application_name": f"{name} ({version})", "timezone": "UTC", **(options or {})}
    if not is_pooled:
        settings |= SERVER_KEEPALIVE
        if address.options:
            settings["options"] = address.options
    arguments: dict[str, Any] = {
        "timeout": address.connect_timeout or seconds,
        "command_timeout": command_timeout,
        "statement_cache_size": 0 if is_pooled else 100,
        "server_settings": settings,
    }
    *others, last = address.hosts
    for host in others:
        with suppress(*NEXT_HOST_ERRORS):
            return await _connect_to(address, host, arguments), host
    return await _connect_to(address, last, arguments), last


async def _connect_to(
    address: DatabaseAddress, host: Host, arguments: Mapping[str, Any]
) -> Connection:
    try:
        connection = await asyncpg.connect(**address.arguments_for(host), **arguments)
    except asyncpg.ProtocolViolationError as error:
        if "startup parameter" in str(error):
            raise PoolerError from None
        raise
    _set_keepalive(connection)
    return connection


def _set_keepalive(connection: Connection) -> None:
    """Let TCP itself notice a connection whose other side is gone."""
    # asyncpg has no option for it, and no public way to the socket.
    line = getattr(connection, "_transport").get_extra_info("socket")  # noqa: B009
    if line.family == socket.AF_UNIX:
        return
    for option, value in (
        (socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS),
        (socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS),
        (socket.TCP_KEEPCNT, KEEPALIVE_COUNT),
        (socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_SECONDS * 1000),
    ):
        line.setsockopt(socket.IPPROTO_TCP, option, value)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


class DatabaseLine(Watch):
    """The connections of a process to one database address, and their circuit breaker.

    It asks on a connection of its own, from the first `connect` on.
    """

    AWAY_ERRORS = NEXT_HOST_ERRORS

    def __init__(
        self,
        find_address: Callable[[], Awaitable[DatabaseAddress]],
        *,
        label: str,
        silence: float,
        is_pooled: bool = False,
    ) -> None:
        """`find_address` is called for each connection: it also starts the embedded server."""
        super().__init__(label, silence)
        self.is_pooled = is_pooled
        self._find_address = find_address
        self._connect_seconds = silence * 3 / 4
        self._connections: WeakSet[Connection] = WeakSet()
        self._host: Host | None = None
        """The host that was connected to last."""
        self._heartbeat: Connection | None = None
        self._users = 0

    async def connect(
        self, *, name: str, command_timeout: float | None, options: Mapping[str, str] | None = None
    ) -> Connection:
        """Open a connection; raise `AwayError` at once while the database is silent."""
        self.admit()
        try:
            connection = await self._connect(
                name,
                seconds=self._connect_seconds,
                command_timeout=command_timeout,
                options=options,
            )
        except TimeoutError:
            error = TimeoutError(f"no connection within {self._connect_seconds:g} s")
            self.failed(error)
            raise error from None
        except NEXT_HOST_ERRORS as error:
            self.failed(error)
            raise
        self.answered()
        self._connections.add(connection)
        return connection

    def acquire(self) -> "DatabaseLine":
        """Use this line until `release`."""
        self._users += 1
        return self

    async def release(self) -> None:
        """Use this line no longer; without users it is not watched."""
        self._users -= 1
        if self._users == 0:
            await self.stop()

    async def stop(self) -> None:
        await super().stop()
        self._close_heartbeat()

    async def _connect(
        self,
        name: str,
        *,
        seconds: float,
        command_timeout: float | None,
        options: Mapping[str, str] | None = None,
    ) -> Connection:
        address = await self._find_address()
        hosts = tuple(sorted(address.hosts, key=lambda host: host != self._host))
        connection, self._host = await open_connection(
            replace(address, hosts=hosts),
            name=name,
            seconds=seconds,
            command_timeout=command_timeout,
            is_pooled=self.is_pooled,
            options=options,
        )
        return connection

    async def _ask(self) -> None:
        try:
            if self._heartbeat is None or self._heartbeat.is_closed():
                self._heartbeat = await self._connect(
                    "emall heartbeat",
                    seconds=self._connect_seconds,
                    command_timeout=self._connect_seconds,
                )
            await self._heartbeat.execute("SELECT 1")
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
            self._close_heartbeat()
            raise ConnectionResetError("the database closed the connection") from error
        except (asyncio.CancelledError, *NEXT_HOST_ERRORS):
            self._close_heartbeat()
            raise
        except (asyncpg.PostgresError, asyncpg.InternalClientError):
            self._close_heartbeat()  # an answer, such as that there are too many connections

    def _close_heartbeat(self) -> None:
        connection, self._heartbeat = self._heartbeat, None
        if connection is not None:
            connection.terminate()

    def _end_waiting(self) -> None:
        for connection in tuple(self._connections):
            connection.terminate()


_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, DatabaseLine]] = (
    WeakKeyDictionary()
)


def shared_line(key: Hashable, create: Callable[[], DatabaseLine]) -> DatabaseLine:
    """Return the line of this process to a database, which its services share.

    Each event loop has its own; `release` it after use.
    """
    lines = _lines.setdefault(asyncio.get_running_loop(), {})
    if key not in lines:
        lines[key] = create()
    return lines[key].acquire()
