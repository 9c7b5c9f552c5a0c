"""uvicorn protocol that checks request heads, which uvicorn does not: size, version, `Host`."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from services.platform.problems import MEDIA_TYPE, HeadTooLarge, problem_body
from services.platform.security_headers import DEFAULT_HEADERS
from services.platform.shutdown import GracefulStopProtocol


def header_lines(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return header fields as lines, each with its line end."""
    return b"".join([b"%b: %b\r\n" % field for field in headers])


MAX_HEAD_BYTES = 32 * 1024
"""Limit of request line and headers; also of a chunk's extensions, and of trailers."""
MAX_FIELDS = 100
MAX_PIPELINED = 100
"""Requests of a connection that wait for an earlier one; each takes time on the event loop."""
LINGER_SECONDS = 2.0
"""How long to discard what a refused client still sends: a reset would hide the response."""

SECURITY_LINES = header_lines(DEFAULT_HEADERS)
"""What is answered without the application has them too."""
DETAIL = (
    f"The request line and headers may have at most {MAX_HEAD_BYTES} bytes and {MAX_FIELDS} fields."
)


VERSIONS = frozenset({"1.0", "1.1"})
"""The parser also accepts HTTP/0.9, which has no headers, and the line of HTTP/2.0."""
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
"""A host with an optional port (RFC 9110, 7.2); it may be empty."""
SIMPLE_REQUEST = re.compile(rb"[A-Z]+ [^ \r\n]+\r?\n")
"""A whole request of HTTP/0.9, at the end of which its client waits."""
VERSION_DETAIL = "This server speaks HTTP/1.1 and HTTP/1.0."
HOST_DETAIL = "A request has one Host field: a host name or address, and a port if needed."


class TooManyError(Exception):
    """More header fields or pipelined requests than are read."""


class UnfitHeadError(Exception):
    """A head that is not to be answered as it is: its version, or its `Host`."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class DefaultHeaders(list[tuple[bytes, bytes]]):
    """The server's own header fields; a response that has a `Date` keeps it (RFC 9110, 6.6.1)."""

    def __add__(self, own: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        for name, _ in own:
            if name == b"date":
                return [*(field for field in self if field[0] != b"date"), *own]
        return [*self, *own]


def has_valid_host(version: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request has one valid `Host` field; HTTP/1.0 may do without (RFC 9112, 3.2).

    What is accepted here is what caches and pages know as the address that was asked.
    """
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts:
        return version == "1.0"
    return len(hosts) == 1 and HOST.fullmatch(hosts[0]) is not None


class HeadLimitProtocol(GracefulStopProtocol):
    """uvicorn protocol that answers 431 to a head over the limits, without parsing all of it.

    A request without one valid `Host` gets 400, one of another version of HTTP 505.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes = 0
        """Bytes received since the last message, headers or part of a body were complete."""
        self._is_refused = False
        self._unfit: UnfitHeadError | None = None

    def data_received(self, data: bytes) -> None:
        """Give the parser no more of a head than the limit."""
        if not self._is_refused and self._head_bytes + len(data) <= MAX_HEAD_BYTES:
            self._head_bytes += len(data)
            super().data_received(data)
            if self._head_bytes == len(data) and SIMPLE_REQUEST.fullmatch(data):
                self._refuse(505, VERSION_DETAIL)
            return
        while not self._is_refused and not self.transport.is_closing():
            part = data[: MAX_HEAD_BYTES - self._head_bytes]
            data = data[len(part) :]
            self._head_bytes += len(part)
            super().data_received(part)
            if not data:
                return
            if self._head_bytes >= MAX_HEAD_BYTES:
                self._refuse()

    def on_headers_complete(self) -> None:
        """Start the request; its trailers are not added to its headers (RFC 9110, 6.5.1)."""
        self._head_bytes = 0
        if len(self.headers) > MAX_FIELDS or len(self.pipeline) >= MAX_PIPELINED:
            raise TooManyError
        parser: Any = self.parser
        version: str = parser.get_http_version()
        if version not in VERSIONS:
            self._unfit = UnfitHeadError(505, VERSION_DETAIL)
        elif not has_valid_host(version, self.headers):
            self._unfit = UnfitHeadError(400, HOST_DETAIL)
        if self._unfit is not None:
            raise self._unfit
        super().on_headers_complete()
        cycle: Any = self.cycle
        if cycle is not None:  # None where uvicorn opens a WebSocket
            cycle.default_headers = DefaultHeaders(cycle.default_headers)
        if not parser.should_upgrade():
            self.headers = []

    def on_body(self, body: bytes) -> None:
        """Receive a part of a body; what follows may be trailers."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Complete a request; what follows is another head."""
        self._head_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP or not to be answered; close the connection."""
        if self._unfit is not None:
            self._refuse(self._unfit.status, self._unfit.detail)
            return
        if len(self.headers) > MAX_FIELDS or len(self.pipeline) >= MAX_PIPELINED:
            self._refuse()
            return
        self._write_error(400, msg.encode("ascii"), b"text/plain; charset=utf-8")
        self.transport.close()

    def _refuse(self, status: int = HeadTooLarge.status, detail: str = DETAIL) -> None:
        self._is_refused = True
        if self.cycle and not self.cycle.response_complete:
            self.transport.close()  # a response is in progress, or a request has large trailers
            return
        body = json.dumps(problem_body(status, detail)).encode()
        self._write_error(status, body, MEDIA_TYPE.encode())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _write_error(self, status: int, body: bytes, media_type: bytes) -> None:
        self.transport.write(
            b"%b%bcontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[status], SECURITY_LINES, media_type, len(body), body)
        )
