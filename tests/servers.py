"""Real servers for tests: an application on a socket of its own, in a thread."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import uvicorn

from services.platform.database_address import parse_database_address
from services.platform.settings import Settings
from services.platform.shutdown import GracefulServer

LOOPBACK = httpx.Client(
    verify=False, limits=httpx.Limits(max_keepalive_connections=0), timeout=60, trust_env=False
)
"""Asks servers on this machine over plain HTTP, each time anew; one that is busy is no fault.

`httpx.get` would read the machine's trusted roots for each request, which costs more than the
request.
"""


class ShortPauses:
    """`asyncio` with pauses of a hundredth of a second at most.

    uvicorn looks each tenth of a second whether it is to end, and waits another one then. Tests
    start and end so many servers that this took minutes.
    """

    LONGEST = 0.01

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        """Wait, for `LONGEST` at most."""
        await asyncio.sleep(min(seconds, self.LONGEST))


uvicorn.server.asyncio = ShortPauses()  # pyright: ignore[reportAttributeAccessIssue]


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(
    app: Any, *, port: int = 0, grace: int = 5, http: Any = "auto", **more: Any
) -> Generator[str]:
    """Serve this application by uvicorn until the block ends, and yield its address.

    What is still being answered then has `grace` seconds to end. `http` is the server's protocol.
    """
    listener = socket.create_server(("127.0.0.1", port))
    # A connection that waits for a busy machine is not closed in the meantime.
    more.setdefault("timeout_keep_alive", 60)
    config = uvicorn.Config(
        app,
        log_level="critical",
        timeout_graceful_shutdown=grace,
        server_header=False,
        http=http,
        **more,
    )
    server = GracefulServer(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive(), "the server did not stop"


def hanging_up() -> AbstractContextManager[str]:
    """Run a server that accepts a connection, reads a little and closes it; yield its address."""
    return responding(b"")


@contextmanager
def responding(response: bytes) -> Generator[str]:
    """Run a server that sends these bytes once it has read a little, and closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def respond() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(4096)
            connection.sendall(response)
            connection.close()

    thread = threading.Thread(target=respond, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@contextmanager
def silent() -> Generator[str]:
    """Run a server that accepts connections and never responds; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class TcpProxy:
    """A line to a server that a test can cut or silence.

    `target` is a host and port, or the path of a Unix socket. While it is silent the line takes
    connections and data and passes nothing on, as where a firewall drops every packet; data of
    connections that are still open arrive when it is back.
    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._passing: asyncio.Event
        self._writers: set[asyncio.StreamWriter] = set()
        self._refuses = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def silence(self) -> None:
        """Pass nothing on."""
        self._call(self._passing.clear)

    def cut(self) -> None:
        """Close every connection, and new ones at once."""

        def close() -> None:
            self._refuses = True
            for writer in self._writers:
                writer.transport.abort()

        self._call(close)

    def restore(self) -> None:
        """Pass everything on again."""

        def restore() -> None:
            self._refuses = False
            self._passing.set()

        self._call(restore)

    @contextmanager
    def running(self) -> "Generator[TcpProxy]":
        """Run the proxy until the block ends."""
        started = threading.Event()
        thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        thread.start()
        assert started.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._listener.close()

    def _run(self, started: threading.Event) -> None:
        async def serve() -> asyncio.Server:
            self._passing = asyncio.Event()
            self._passing.set()
            return await asyncio.start_server(self._connected, sock=self._listener)

        server = self._loop.run_until_complete(serve())
        started.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _call(self, function: Callable[[], None]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (function(), done.set()))
        assert done.wait(10)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._refuses:
                return
            await self._passing.wait()
            there = (
                await asyncio.open_unix_connection(self._target)
                if isinstance(self._target, str)
                else await asyncio.open_connection(*self._target)
            )
            self._writers.add(there[1])
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, there[1]))
                group.create_task(self._pass_on(there[0], writer))
        except* OSError:
            pass
        finally:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._passing.wait()
            writer.write(data)
            await writer.drain()
        await self._passing.wait()
        writer.close()


@contextmanager
def line_to_database(settings: Settings) -> Generator[tuple[TcpProxy, str]]:
    """Run a line to the database of these settings; yield it, and the URL that leads over it."""
    assert settings.database_url is not None
    address = parse_database_address(settings.database_url.get_secret_value())
    [host] = address.hosts
    proxy = TcpProxy(f"{host.name}/.s.PGSQL.{host.port}")
    with proxy.running():
        yield proxy, f"postgresql://{address.user}@127.0.0.1:{proxy.port}/{address.database}"


def exchange(address: str, request: bytes) -> bytes:
    """Send these bytes, and return what the server sends until it closes the connection."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer
