"""Request heads over the limits: refused before they are read whole, by each protocol."""

import socket
import time
from contextlib import suppress
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from services.feedback.events.fast_path import EventProtocol
from services.feedback.events.routes import PATH
from services.gateway.http_cache.fast_path import CachedReadProtocol
from services.platform.head_limit import MAX_FIELDS, MAX_HEAD_BYTES, MAX_PIPELINED
from services.platform.header_timeout import HeaderTimeoutProtocol
from tests.servers import exchange, serving

PROTOCOLS = pytest.mark.parametrize(
    "http", [HeaderTimeoutProtocol, CachedReadProtocol, EventProtocol]
)
LAST = b"Connection: close\r\n\r\n"
START = b"GET / HTTP/1.1\r\nHost: hub\r\n"


def field(size: int) -> bytes:
    return b"X: " + b"a" * (size - len(b"X: \r\n")) + b"\r\n"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    size = len(await request.body())
    names = [name.decode() for name, _ in scope["headers"]]
    await JSONResponse({"body": size, "headers": names})(scope, receive, send)


@pytest.mark.slow
@PROTOCOLS
@pytest.mark.parametrize(
    "head",
    [
        START + field(MAX_HEAD_BYTES) + LAST,
        START + b"X: " + b"a" * 32_000_000,
        START + b"X" * 1_000_000 + b": a\r\n" + LAST,
        START + b"X: a\r\n" * (MAX_FIELDS + 1) + LAST,
        START + b"X: a\r\n" * 1_000_000 + LAST,
        b"GET /?" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + LAST,
        b"\r\n" * 1_000_000 + START + LAST,
        f"POST {PATH} HTTP/1.1\r\nContent-Length: 0\r\n".encode() + field(60_000) + LAST,
    ],
    ids=["whole", "value", "name", "fields", "many", "line", "empty", "events"],
)
def test_a_head_over_the_limits_is_refused(http: Any, head: bytes) -> None:
    with serving(application, http=http, lifespan="off") as address:
        began = time.process_time()
        answers = exchange(address, head)
        assert time.process_time() - began < 1.5
    status, _, rest = answers[answers.rindex(b"HTTP/1.1 ") :].partition(b"\r\n")
    assert status.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in rest
    assert b'"type": "urn:emall:problem:head-too-large"' in rest


@PROTOCOLS
def test_the_second_head_of_a_connection_is_limited_too(http: Any) -> None:
    with serving(application, http=http, lifespan="off") as address:
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(START + b"\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
            connection.sendall(START + field(MAX_HEAD_BYTES) + LAST)
            received = b""  # perhaps the rest of the first response comes before
            while b"HTTP/1.1 431 " not in received:
                part = connection.recv(4096)
                assert part, received
                received += part


@PROTOCOLS
def test_a_head_within_the_limits_is_read(http: Any) -> None:
    room = MAX_HEAD_BYTES - len(START + LAST)
    fields = b"X: a\r\n" * (MAX_FIELDS - 2)
    body = b"Content-Length: 200000\r\n" + LAST + bytes(200_000)
    with serving(application, http=http, lifespan="off") as address:
        for head in (START + field(room) + LAST, START + fields + LAST, START + body):
            assert exchange(address, head).startswith(b"HTTP/1.1 200 ")
        # The next request of a connection, and requests after each other.
        first = START + field(room) + b"\r\n"
        assert exchange(address, first * 3 + START + LAST).count(b"HTTP/1.1 200 ") == 4


@pytest.mark.slow
@PROTOCOLS
@pytest.mark.parametrize(
    "chunks",
    [
        b"1;" + b"x" * 1_000_000 + b"\r\na\r\n0\r\n\r\n",
        b"1\r\na\r\n0\r\n" + field(1_000_000) + b"\r\n",
        b"1\r\na\r\n0\r\n" + b"X: a\r\n" * 100_000 + b"\r\n",
    ],
    ids=["extension", "trailer", "trailers"],
)
def test_large_chunk_extensions_and_trailers_end_the_connection(http: Any, chunks: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(application, http=http, lifespan="off") as address, suppress(ConnectionError):
        assert exchange(address, head + chunks) == b""


@PROTOCOLS
def test_trailers_do_not_become_headers(http: Any) -> None:
    head = b"POST / HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n" + LAST
    chunks = b"1;a=b\r\na\r\n2\r\nbc\r\n0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"
    with serving(application, http=http, lifespan="off") as address:
        answer = exchange(address, head + chunks)
    assert b'"body":3' in answer
    assert b"x-forwarded-for" not in answer


REFUSED_HOSTS = [
    b"",
    b"Host: a.example\r\nHost: b.example\r\n",
    b"Host: a.example\r\nhost: a.example\r\n",
    b"Host: a.example/path\r\n",
    b"Host: a.example b.example\r\n",
    b"Host: user@a.example\r\n",
    b"Host: a.example:80:80\r\n",
    b"Host: a.example, b.example:\r\n",
    b"Host: a.example?<script>\r\n",
]


@PROTOCOLS
def test_a_request_has_exactly_one_host(http: Any) -> None:
    with serving(application, http=http, lifespan="off") as address:
        for hosts in REFUSED_HOSTS:
            for line in (b"GET / HTTP/1.1\r\n", f"POST {PATH} HTTP/1.1\r\n".encode()):
                head = line + hosts + b"Content-Length: 0\r\n\r\n"
                got = exchange(address, head)
                assert got.startswith(b"HTTP/1.1 400 "), (hosts, got)
                assert got.count(b"HTTP/1.1 ") == 1
                assert b"one Host field" in got
        assert exchange(address, b"GET / HTTP/1.0\r\n" + REFUSED_HOSTS[1] + b"\r\n").startswith(
            b"HTTP/1.1 400 "
        )
        for fit in (
            b"GET / HTTP/1.0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost:\r\n" + LAST,
            b"GET / HTTP/1.1\r\nHost: a_b.example:8000\r\n" + LAST,
            b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n" + LAST,
            b"GET / HTTP/1.1\r\nHost: xn--bb-yja.example.\r\n" + LAST,
        ):
            assert exchange(address, fit).startswith(b"HTTP/1.1 200 "), fit


@PROTOCOLS
def test_a_request_for_a_websocket_is_a_request(http: Any) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    with serving(application, http=http, lifespan="off") as address:
        got = exchange(address, START + upgrade + key)
    assert got.startswith(b"HTTP/1.1 ")
    assert not got.startswith(b"HTTP/1.1 400 ")


@pytest.mark.slow
@PROTOCOLS
@pytest.mark.parametrize(
    "head",
    [
        b"GET /\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: hub\r\n\r\n",
        START + b"\r\nGET /\r\n",
    ],
    ids=["line", "line and empty line", "named", "2.0", "after another"],
)
def test_other_versions_of_http_are_refused(http: Any, head: bytes) -> None:
    with serving(PlainTextResponse("here"), http=http, lifespan="off") as address:
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=3) as connection:
            first, is_second, line = head.partition(b"\r\n\r\nGET")
            connection.sendall(first + b"\r\n\r\n" if is_second and line else head)
            got = connection.recv(4096)
            if is_second and line:
                assert got.startswith(b"HTTP/1.1 200 ")
                connection.sendall(b"GET" + line)
                got = connection.recv(4096)
    assert got.startswith(b"HTTP/1.1 505 ")


def test_a_response_has_one_date_and_keeps_its_own() -> None:
    theirs = "Tue, 01 Dec 2026 00:00:00 GMT"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        own = {"Date": theirs} if scope["path"] == "/own" else None
        await PlainTextResponse("here", headers=own)(scope, receive, send)

    with serving(app, http=HeaderTimeoutProtocol, lifespan="off") as address:
        for path, is_own in ((b"/own", True), (b"/", False)):
            got = exchange(address, b"GET " + path + b" HTTP/1.1\r\nHost: hub\r\n" + LAST).lower()
            assert got.count(b"\r\ndate: ") == 1
            assert (theirs.lower().encode() in got) is is_own


def test_requests_after_each_other_are_answered_in_order_up_to_a_number() -> None:
    app = PlainTextResponse("here")
    with serving(app, http=HeaderTimeoutProtocol, lifespan="off") as address:
        requests = (START + b"\r\n") * MAX_PIPELINED + START + LAST
        assert exchange(address, requests).count(b"HTTP/1.1 200 ") == MAX_PIPELINED + 1
        with suppress(ConnectionError):
            assert exchange(address, (START + b"\r\n") * 100_000) == b""
