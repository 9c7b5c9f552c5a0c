"""uvicorn protocol with a limit for request heads, which uvicorn itself does not have."""

import json
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.platform.problems import MEDIA_TYPE, HeadTooLarge, problem_body
from services.platform.security_headers import DEFAULT_HEADERS


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


class TooManyError(Exception):
    """More header fields or pipelined requests than are read."""


class HeadLimitProtocol(HttpToolsProtocol):
    """uvicorn protocol that answers 431 to a head over the limits, without parsing all of it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes = 0
        """Bytes received since the last message, headers or part of a body were complete."""
        self._is_refused = False

    def data_received(self, data: bytes) -> None:
        """Give the parser no more of a head than the limit."""
        if not self._is_refused and self._head_bytes + len(data) <= MAX_HEAD_BYTES:
            self._head_bytes += len(data)
            super().data_received(data)
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
        super().on_headers_complete()
        parser: Any = self.parser
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
        """Answer a request that is not HTTP or has too many fields; close the connection."""
        if len(self.headers) > MAX_FIELDS or len(self.pipeline) >= MAX_PIPELINED:
            self._refuse()
            return
        self._write_error(400, msg.encode("ascii"), b"text/plain; charset=utf-8")
        self.transport.close()

    def _refuse(self) -> None:
        self._is_refused = True
        if self.cycle and not self.cycle.response_complete:
            self.transport.close()  # a response is in progress, or a request has large trailers
            return
        body = json.dumps(problem_body(HeadTooLarge.status, DETAIL)).encode()
        self._write_error(HeadTooLarge.status, body, MEDIA_TYPE.encode())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _write_error(self, status: int, body: bytes, media_type: bytes) -> None:
        self.transport.write(
            b"%b%bcontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS_LINE[status], SECURITY_LINES, media_type, len(body), body)
        )
