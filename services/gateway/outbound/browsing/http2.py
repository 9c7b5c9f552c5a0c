"""A response of HTTP/2 (RFC 9113), for servers that speak nothing else or prefer it."""

from collections.abc import Sequence

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from services.gateway.outbound.browsing.http1 import Head, Http11RequiredError, ResponseError

LENIENT = h2.config.H2Configuration(
    header_encoding=None, validate_inbound_headers=False, normalize_inbound_headers=False
)
"""Browsers show pages with header fields that RFC 9113, 8.2, does not allow."""


class Http2Reader:
    """Sends one request and reads its response; at most `max_body` bytes of its body.

    Has the attributes of `ResponseReader`. What must be sent in return is in `to_send`.
    """

    def __init__(self, headers: Sequence[tuple[str, str]], *, max_body: int) -> None:
        self.head: Head | None = None
        self.body = bytearray()
        self.is_done = False
        self.is_whole = False
        self._max_body = max_body
        self._connection = h2.connection.H2Connection(LENIENT)
        # A body of the maximum size comes without updates of the window.
        window = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
        self._connection.local_settings = h2.settings.Settings(
            client=True,
            initial_values={window: 2 * max_body, h2.settings.SettingCodes.ENABLE_PUSH: 0},
        )
        self._connection.initiate_connection()
        self._connection.increment_flow_control_window(2 * max_body)
        self._connection.send_headers(1, headers, end_stream=True)

    def to_send(self) -> bytes:
        """Return the bytes to be sent now."""
        return self._connection.data_to_send()

    def feed(self, data: bytes) -> None:
        """Take what was received; raise `ResponseError` if there will be no response."""
        try:
            events = self._connection.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            self._fail(f"HTTP/2: {error}")
            return
        for event in events:
            self._handle(event)
        if len(self.body) >= self._max_body:
            del self.body[self._max_body :]
            self.is_done = self.is_whole = True

    def end(self) -> None:
        """Note that the connection ended; raise `ResponseError` if no response had come."""
        self._fail("the connection ended with no response")

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self.head = _to_head(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.body += event.data
        elif isinstance(event, h2.events.StreamEnded):
            self.is_done = self.is_whole = True
        elif isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
            if self.is_done:
                return
            if event.error_code == h2.errors.ErrorCodes.HTTP_1_1_REQUIRED:
                raise Http11RequiredError("the server requires HTTP/1.1")
            self._fail(f"HTTP/2: the server ended the stream with code {event.error_code}")

    def _fail(self, reason: str) -> None:
        """End with what was received; raise `ResponseError` if nothing was."""
        self.is_done = True
        if self.head is None:
            raise ResponseError(reason)


def _to_head(fields: Sequence[tuple[bytes | str, bytes | str]]) -> Head:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in fields:
        name, value = _to_text(raw_name).lower(), _to_text(raw_value).strip()
        if name == "set-cookie":
            cookies.append(value)
        if not headers.get(name):
            headers[name] = value
    status = headers.pop(":status", "")
    if len(status) != 3 or not status.isdigit():
        raise ResponseError("the response has no status")
    return Head(int(status), headers, tuple(cookies))


def _to_text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
