"""Real servers for tests: an application on a socket of its own, in a thread."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

LOOPBACK = httpx.Client(
    verify=False, limits=httpx.Limits(max_keepalive_connections=0), trust_env=False
)
"""Asks servers on this machine over plain HTTP, each time anew.

`httpx.get` would read the machine's trusted roots for each request, which costs more than the
request.
"""


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
    config = uvicorn.Config(
        app,
        log_level="critical",
        timeout_graceful_shutdown=grace,
        server_header=False,
        http=http,
        **more,
    )
    server = uvicorn.Server(config)
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


@contextmanager
def hanging_up() -> Generator[str]:
    """Run a server that accepts a connection, reads a little and closes it; yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(4096)
            connection.close()

    thread = threading.Thread(target=hang_up, daemon=True)
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


def exchange(address: str, request: bytes) -> bytes:
    """Send these bytes, and return what the server sends until it closes the connection."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer
