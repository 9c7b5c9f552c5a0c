"""Requests that come too slowly, or not whole: given up in time, whatever they are for."""

import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from services.feedback.events.fast_path import EventProtocol
from services.gateway.app import create_app
from services.gateway.http_cache.fast_path import CachedReadProtocol
from services.platform import header_timeout, request_body
from services.platform.header_timeout import HeaderTimeoutProtocol
from tests.conftest import Server
from tests.servers import LOOPBACK, serving

PROTOCOLS = pytest.mark.parametrize(
    "http", [HeaderTimeoutProtocol, CachedReadProtocol, EventProtocol]
)


@pytest.fixture(scope="module")
def address(server: Server, toba: str) -> Iterator[str]:
    """Provide a hub with the Toba pack that accepts messages from OSS."""
    with server.database_from(toba) as name:
        settings = server.settings(
            name, oss_username="hub", oss_password="x", oss_senders="127.0.0.1"
        )
        with serving(create_app(settings), http=HeaderTimeoutProtocol) as address:
            yield address


def connect(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


@contextmanager
def dripping(connection: socket.socket, drop: bytes) -> Generator[None]:
    """Send a byte now and then until the block ends."""
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(0.1):
            try:
                connection.sendall(drop)
            except OSError:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/api/v1/comments", "application/json"),
        ("/api/v1/surveys/skm/responses", "application/json"),
        ("/api/v1/oss/receive-nib", "application/json"),
        ("/survei/skm", "application/x-www-form-urlencoded"),
        ("/aduan", "application/x-www-form-urlencoded"),
        ("/unggah/masuk", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_drips_is_given_up_and_others_are_served_meanwhile(
    address: str, monkeypatch: pytest.MonkeyPatch, path: str, media_type: str
) -> None:
    monkeypatch.setattr(request_body, "BODY_TIMEOUT_SECONDS", 0.5)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: {media_type}\r\n"
        "Content-Length: 5000\r\n\r\n"
    )
    with connect(address) as connection:
        connection.sendall(head.encode())
        with dripping(connection, b" "):
            assert LOOPBACK.get(f"{address}/api/v1/services").status_code == 200
            assert connection.recv(4096).startswith(b"HTTP/1.1 408")


def test_a_body_that_ends_too_early_leaves_nothing_behind(address: str) -> None:
    with connect(address) as connection:
        connection.sendall(
            b"POST /api/v1/oss/receive-nib HTTP/1.1\r\nHost: hub\r\n"
            b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
        )
    assert LOOPBACK.get(f"{address}/health/ready").status_code == 200


@pytest.mark.slow
@PROTOCOLS
def test_slow_headers_and_silent_connections_time_out(
    monkeypatch: pytest.MonkeyPatch, http: Any
) -> None:
    monkeypatch.setattr(header_timeout, "HEADER_TIMEOUT_SECONDS", 0.5)
    with serving(PlainTextResponse("here"), http=http, lifespan="off") as address:
        with connect(address) as silent:
            assert silent.recv(4096).startswith(b"HTTP/1.1 408")
        with connect(address) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: hub\r\nX-Drops: ")
            with dripping(connection, b"x"):
                assert connection.recv(4096).startswith(b"HTTP/1.1 408")
        with connect(address) as again:  # the second request of a connection
            again.sendall(b"GET /health/live HTTP/1.1\r\nHost: hub\r\n\r\n")
            assert again.recv(4096).startswith(b"HTTP/1.1 200")
            again.sendall(b"GET /health/live HTTP/1.1\r\n")
            assert again.recv(4096).startswith(b"HTTP/1.1 408")
