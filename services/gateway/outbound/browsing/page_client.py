"""One GET of a page over a connection of its own, over HTTP/1.1 or HTTP/2."""

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from services.gateway.outbound.browsing.connection import Connection, connect
from services.gateway.outbound.browsing.cookies import host_of
from services.gateway.outbound.browsing.http1 import Head, Http11RequiredError, ResponseReader
from services.gateway.outbound.browsing.tls import BrowserTls, default_browser_tls
from services.gateway.outbound.ssrf_guard import (
    DEFAULT_PORT_OF_SCHEME,
    PrivateAddressError,
    SsrfGuard,
)

if TYPE_CHECKING:
    from services.gateway.outbound.browsing.http2 import Http2Reader

MAX_BODY_BYTES = 64 * 1024
"""Limit of a body, as received and decoded."""

MIN_BODY_BYTES = 512
"""Bytes from which a body whose rest does not come counts as arrived."""

QUIET_SECONDS = 1
"""How long the rest of a body is waited for after `</html>`."""

GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
PAGE_TYPES = ("html", "text/plain")


@dataclass(frozen=True)
class PageTimeouts:
    """Timeouts in seconds."""

    connect: float = 8
    """Limit of name resolution, and of the connection with TLS."""
    read: float = 15
    """Limit between two reads."""


@dataclass(frozen=True)
class PageResponse:
    """A response; of what is no page, such as a file, without its body."""

    head: Head
    body: bytes | None
    """The first part of the body, decoded; None if it was not read, or its coding is unknown."""
    is_whole: bool
    """Whether the body, or its first part, came as its framing said."""
    certificate: bytes | None = None
    """The server's certificate (DER), if the connection has TLS."""


class PageClient:
    """Sends requests of pages to addresses that the guard allows."""

    def __init__(
        self,
        guard: SsrfGuard,
        *,
        timeouts: PageTimeouts | None = None,
        tls: BrowserTls | None = None,
    ) -> None:
        self._guard = guard
        self._timeouts = timeouts or PageTimeouts()
        self.tls = tls or default_browser_tls()

    async def get(
        self,
        url: httpx.URL,
        headers: Mapping[str, str],
        *,
        deadline: float,
        context: ssl.SSLContext | None = None,
    ) -> PageResponse:
        """Return the response of a URL; redirects are not followed.

        `deadline` is a time of the event loop. Raises the errors that `classify_error` knows.
        """
        try:
            return await self._exchange(url, headers, context or self.tls.context, deadline)
        except Http11RequiredError:
            return await self._exchange(url, headers, self.tls.http1, deadline)

    async def get_file(
        self, url: httpx.URL, headers: Mapping[str, str], *, deadline: float, max_bytes: int
    ) -> bytes | None:
        """Return a file of less than `max_bytes`; None if there is none."""
        tls = self.tls.http1 if url.scheme == "https" else None
        async with asyncio.timeout_at(deadline):
            connection = await open_connection(self._guard, url, tls)
            try:
                await connection.send(http1_request(url, headers))
                reader = ResponseReader(max_bytes)
                while not reader.is_done:
                    data = await connection.receive()
                    reader.feed(data) if data else reader.end()
            finally:
                connection.close()
        is_found = reader.head is not None and reader.head.status == 200 and reader.is_whole
        return bytes(reader.body) if is_found and len(reader.body) < max_bytes else None

    async def connects(self, url: httpx.URL) -> bool:
        """Return whether the host of a URL accepts a connection, and TLS is verified."""
        tls = self.tls.context if url.scheme == "https" else None
        try:
            async with asyncio.timeout(self._timeouts.connect):
                connection = await open_connection(self._guard, url, tls)
        except (OSError, TimeoutError, httpx.InvalidURL, PrivateAddressError):
            return False
        connection.close()
        return True

    async def _exchange(
        self,
        url: httpx.URL,
        headers: Mapping[str, str],
        context: ssl.SSLContext,
        deadline: float,
    ) -> PageResponse:
        async with asyncio.timeout_at(min(deadline, _now() + self._timeouts.connect)):
            tls = context if url.scheme == "https" else None
            connection = await open_connection(self._guard, url, tls)
        try:
            reader: ResponseReader | Http2Reader
            if connection.tls is not None and connection.tls.selected_alpn_protocol() == "h2":
                reader = http2_request(url, headers)
                first = reader.to_send()
            else:
                reader = ResponseReader(MAX_BODY_BYTES)
                first = http1_request(url, headers)
            async with asyncio.timeout_at(deadline):
                await connection.send(first)
            await self._read(connection, reader, deadline=deadline)
            certificate = connection.tls.getpeercert(binary_form=True) if connection.tls else None
        finally:
            connection.close()
        if reader.head is None:
            raise AssertionError("a reader that ends without a head raises")
        body = decode_body(bytes(reader.body), reader.head) if is_page(reader.head) else None
        return PageResponse(reader.head, body, reader.is_whole, certificate)

    async def _read(
        self, connection: Connection, reader: "ResponseReader | Http2Reader", *, deadline: float
    ) -> None:
        """Read until the response, or the page, is there."""
        while not reader.is_done and (reader.head is None or is_page(reader.head)):
            has_ended = b"</html" in reader.body[-4096:].lower()
            seconds = QUIET_SECONDS if has_ended else self._timeouts.read
            try:
                async with asyncio.timeout_at(min(deadline, _now() + seconds)):
                    data = await connection.receive()
            except TimeoutError:
                if has_ended or len(reader.body) >= MIN_BODY_BYTES:
                    return
                raise
            if not data:
                reader.end()
                return
            reader.feed(data)
            if not isinstance(reader, ResponseReader):
                await connection.send(reader.to_send())


async def open_connection(
    guard: SsrfGuard, url: httpx.URL, context: ssl.SSLContext | None
) -> Connection:
    """Connect to the host of a URL at the addresses that the guard allows; TLS with a context."""
    addresses = await guard.resolve(url)
    if not addresses:
        raise OSError("the host has no address")
    port = url.port or DEFAULT_PORT_OF_SCHEME[url.scheme]
    return await connect(
        addresses,
        port,
        context=context,
        server_name=host_of(url),
    )


def http1_request(url: httpx.URL, headers: Mapping[str, str]) -> bytes:
    """Return a GET request of HTTP/1.1."""
    lines = [
        f"GET {url.raw_path.decode('ascii')} HTTP/1.1",
        f"Host: {url.netloc.decode('ascii')}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def http2_request(url: httpx.URL, headers: Mapping[str, str]) -> "Http2Reader":
    """Return the reader of a GET request of HTTP/2, which has the request to be sent."""
    # Imported for the first server that prefers HTTP/2: its library takes 1 MiB.
    from services.gateway.outbound.browsing.http2 import Http2Reader  # noqa: PLC0415

    return Http2Reader(http2_fields(url, headers), max_body=MAX_BODY_BYTES)


def http2_fields(url: httpx.URL, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the header fields of a GET request of HTTP/2."""
    return [
        (":method", "GET"),
        (":scheme", url.scheme),
        (":authority", url.netloc.decode("ascii")),
        (":path", url.raw_path.decode("ascii")),
        *((name.lower(), value) for name, value in headers.items()),
    ]


def is_page(head: Head) -> bool:
    """Return whether a response may be a page that a browser shows as text."""
    content_type = head.headers.get("content-type", "").lower()
    return not content_type or any(kind in content_type for kind in PAGE_TYPES)


def decode_body(body: bytes, head: Head) -> bytes | None:
    """Return a body decoded, at most `MAX_BODY_BYTES`; None if it cannot be decoded."""
    coding = head.headers.get("content-encoding", "identity").strip().lower()
    if coding in {"", "identity"}:
        return body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return None
    for window in (GZIP_OR_ZLIB, -zlib.MAX_WBITS):
        try:
            return zlib.decompressobj(window).decompress(body, MAX_BODY_BYTES)
        except zlib.error:
            continue
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()
