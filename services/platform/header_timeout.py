"""uvicorn protocol with a timeout for request headers, which uvicorn itself does not have."""

import asyncio
from typing import Any

from services.platform.head_limit import SECURITY_LINES, HeadLimitProtocol

HEADER_TIMEOUT_SECONDS = 30.0
"""Time limit for the headers of a request, and for a new connection to send anything."""

REQUEST_TIMEOUT_RESPONSE = (
    b"HTTP/1.1 408 Request Timeout\r\n"
    b"%bcontent-length: 0\r\nconnection: close\r\n\r\n" % SECURITY_LINES
)


class HeaderTimeoutProtocol(HeadLimitProtocol):
    """uvicorn protocol that closes connections that do not finish their headers in time."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._awaiting_headers = True
        """True on a new connection and while headers are incomplete."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout of a new connection."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEADER_TIMEOUT_SECONDS, self._time_out)

    def data_received(self, data: bytes) -> None:
        """Parse data; start the timeout if headers remain incomplete."""
        super().data_received(data)
        if self._awaiting_headers and self._timer is None:
            self._timer = self.loop.call_later(HEADER_TIMEOUT_SECONDS, self._time_out)

    def on_message_begin(self) -> None:
        """Note that headers are being received."""
        self._awaiting_headers = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Cancel the timeout."""
        self.headers_received()
        super().on_headers_complete()

    def headers_received(self) -> None:
        """Cancel the timeout: headers were received, here or by a subclass."""
        self._awaiting_headers = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.write(REQUEST_TIMEOUT_RESPONSE)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout of a closed connection."""
        self.headers_received()
        super().connection_lost(exc)
