"""A server that stops answers what was sent to it before that."""

import asyncio
import socket
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.feedback.events.fast_path import EventProtocol
from services.gateway.http_cache.fast_path import CachedReadProtocol
from services.platform import shutdown
from services.platform.header_timeout import HeaderTimeoutProtocol
from tests.servers import serving

REQUEST = b"POST / HTTP/1.1\r\nhost: hub\r\ncontent-length: 0\r\n\r\n"
PROTOCOLS = pytest.mark.parametrize(
    "http", [HeaderTimeoutProtocol, CachedReadProtocol, EventProtocol]
)


@contextmanager
def stopping(address: ExitStack) -> Generator[None]:
    """Stop the server in a thread of its own meanwhile."""
    thread = Thread(target=address.close)
    thread.start()
    yield
    thread.join(20)


def connect(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read_response(connection: socket.socket) -> bytes:
    """Return a response of this file's applications, which ends with a full stop."""
    received = b""
    while not received.endswith(b"."):
        part = connection.recv(4096)
        assert part, f"closed after {received!r}"
        received += part
    return received


async def answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("answered.")


@pytest.mark.slow
@PROTOCOLS
def test_a_request_on_an_open_connection_is_the_last_one_of_it(http: type[Any]) -> None:
    app = Starlette(routes=[Route("/", answer, methods=["POST"])])
    with ExitStack() as server:
        address = server.enter_context(serving(app, http=http, lifespan="off"))
        with connect(address) as used, connect(address) as unused:
            used.sendall(REQUEST)
            assert b"connection: close" not in read_response(used)
            with stopping(server):
                time.sleep(0.4)  # the server looks for a signal ten times a second
                for connection in (used, unused):
                    connection.sendall(REQUEST)
                    response = read_response(connection)
                    assert response.startswith(b"HTTP/1.1 200")
                    assert b"connection: close" in response
                    assert connection.recv(1) == b""


def test_a_connection_without_a_request_does_not_keep_a_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutdown, "IDLE_SECONDS", 0.2)
    app = Starlette(routes=[Route("/", answer, methods=["POST"])])
    with ExitStack() as server:
        address = server.enter_context(serving(app, http=HeaderTimeoutProtocol, lifespan="off"))
        with connect(address) as unused, connect(address) as unfinished, stopping(server):
            unfinished.sendall(REQUEST[:20])
            assert unused.recv(1) == b""
            assert unfinished.recv(1) == b""


@pytest.mark.slow
def test_connections_that_wait_to_be_accepted_are_answered() -> None:
    ended = Event()

    async def keep_the_loop_busy(_: Request) -> PlainTextResponse:
        while not ended.is_set():
            time.sleep(0.05)
            await asyncio.sleep(0)
        return PlainTextResponse("busy.")

    routes = [
        Route("/", answer, methods=["POST"]),
        Route("/busy", keep_the_loop_busy, methods=["POST"]),
    ]
    accepted: list[socket.socket] = []
    with ExitStack() as server:
        address = server.enter_context(
            serving(Starlette(routes=routes), http=HeaderTimeoutProtocol, lifespan="off")
        )
        with connect(address) as busy, stopping(server):
            busy.sendall(REQUEST.replace(b"/ ", b"/busy "))
            with suppress(ConnectionRefusedError):
                while len(accepted) < 5000:
                    connection = connect(address)
                    connection.sendall(REQUEST)
                    accepted.append(connection)
                    time.sleep(0.002)
            ended.set()
            for connection in accepted:
                with connection:
                    assert read_response(connection).endswith(b"answered.")
            assert read_response(busy).endswith(b"busy.")
