"""uvicorn protocol that stores and answers valid event requests without starting an ASGI task.

A task and the middleware of an application cost more than all other processing of an event. So
requests of `routes.PATH` are parsed beside uvicorn: if nothing is wrong with one, its events are
queued at once, and it is answered after their commit. Everything else, and whatever fails later, is
handled by uvicorn and the application as if this parser did not exist, so that errors are reported
in one place.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import httptools
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from services.feedback.events.formats import JSON
from services.feedback.events.intake import Intake
from services.feedback.events.routes import PATH, require_writer
from services.feedback.events.writer import Callback, StoreResult
from services.platform.fast_path_protocol import FastPathProtocol, default_header_lines
from services.platform.head_limit import MAX_FIELDS, MAX_HEAD_BYTES, has_valid_host
from services.platform.identity import TokenVerifier
from services.platform.middleware import send_problem
from services.platform.problems import ProblemError
from services.platform.request_id import RequestIdMiddleware, request_id_of
from services.platform.settings import Service

STATE_KEY = "events"
"""Key of the application's lifespan state that holds a `FastEventWriter` for the protocol."""

REQUEST_LINE = f"POST {PATH} HTTP/1.1\r\n".encode()
UNSUPPORTED_HEADERS = frozenset(
    {b"content-encoding", b"expect", b"prefer", b"transfer-encoding", b"upgrade"}
)
"""Headers of requests that the application has to handle."""
BODY_WAIT_SECONDS = 0.05
"""How long to wait for the rest of a request: many clients send headers and body separately."""

CONTENT_TYPE = JSON.encode()

Headers = dict[bytes, bytes]


ObserveEvents = Callable[[int, float], None]
"""Called with the status of each request of `PATH` and its seconds."""


class FastEventWriter:
    """Queues the events of valid requests."""

    def __init__(
        self,
        intake: Intake,
        verifier: Callable[[], TokenVerifier],
        *,
        max_body_bytes: int,
        observe: ObserveEvents | None = None,
    ) -> None:
        """`observe` measures the requests; None: nothing does."""
        self.observe = observe
        self._intake = intake
        self._verifier = verifier
        self._max_body_bytes = max_body_bytes

    def enqueue(self, headers: Headers, body: bytes, callback: Callback) -> int | None:
        """Queue the events of a request; return their number.

        The result goes to `callback` after the commit. Returns None if the application has to
        handle the request.
        """
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        is_supported = (
            UNSUPPORTED_HEADERS.isdisjoint(headers)
            and headers.get(b"content-type") == CONTENT_TYPE
            and len(body) <= self._max_body_bytes
            and scheme == b"Bearer"
        )
        if not is_supported:
            return None
        try:
            caller = require_writer.check(self._verifier().verify(token.decode("latin-1")))
            return self._intake.enqueue(
                body, caller=caller, now=datetime.now(UTC), callback=callback
            )
        except ProblemError:
            return None


class RequestState(Enum):
    """What a buffer of received bytes holds."""

    complete = "exactly one request"
    headers_only = "all headers but not the whole body"
    other = "anything else"


COMPLETE = ["begin", "headers", "end"]
"""Parser events of a request that is not the last one of its connection."""


class RequestReader:
    """Parses a request with the parser that uvicorn uses."""

    def __init__(self) -> None:
        self.headers: Headers = {}
        self.body = b""
        self._parser = httptools.HttpRequestParser(self)
        self._parser_events: list[str] = []
        self._header_lines = 0

    def take(self) -> tuple[Headers, bytes]:
        """Return headers and body of the last request, and release them.

        The parser and this reader refer to each other, so they outlive their connection for a
        while.
        """
        taken = self.headers, self.body
        self.headers, self.body = {}, b""
        return taken

    def read(self, data: bytes) -> RequestState:
        """Parse received bytes; if they are one complete request, `take` returns it."""
        self._parser_events.clear()
        try:
            self._parser.feed_data(data)
            if self._parser_events == COMPLETE:
                has_unique_headers = len(self.headers) == self._header_lines
                is_short = (
                    len(data) - len(self.body) <= MAX_HEAD_BYTES
                    and self._header_lines <= MAX_FIELDS
                    and has_valid_host("1.1", self.headers.items())
                )
                return (
                    RequestState.complete if has_unique_headers and is_short else RequestState.other
                )
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._parser_events.clear()
        self._parser = httptools.HttpRequestParser(self)
        if self._parser_events == COMPLETE[:2] and b"expect" not in self.headers:
            return RequestState.headers_only
        return RequestState.other

    def on_message_begin(self) -> None:
        self._parser_events.append("begin")
        self._header_lines = 0
        self.headers = {}
        self.body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_lines += 1
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        is_last = not self._parser.should_keep_alive()
        self._parser_events.append("headers of the last request" if is_last else "headers")

    def on_body(self, body: bytes) -> None:
        self.body = self.body + body if self.body else body

    def on_message_complete(self) -> None:
        self._parser_events.append("end")


class EventProtocol(FastPathProtocol[FastEventWriter]):
    """uvicorn's protocol, which answers the requests that `FastEventWriter` accepts."""

    state_key = STATE_KEY

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.config.access_log:
            self.handler = None  # uvicorn writes the access log
        self._reader = RequestReader()
        self._partial = b""
        """A request of which the rest has not been received yet."""
        self._body_timer: asyncio.TimerHandle | None = None
        self._in_flight = b""
        """The request whose events are being committed."""
        self._count = 0
        """Number of its events."""
        self._enqueued_at = 0.0
        self._request_id = b""
        self._pipelined = b""
        """Bytes received after the request in flight."""
        self._is_last = False

    def data_received(self, data: bytes) -> None:
        if self._in_flight:
            self._pipelined += data
            self.flow.pause_reading()
            return
        partial = self._take_partial()
        data = partial + data
        if self.handler is not None and data.startswith(REQUEST_LINE) and self.is_idle():
            state = self._reader.read(data)
            if state is RequestState.complete and self._enqueue(data, self.handler):
                return
            self._reader.take()
            if state is RequestState.headers_only and not partial:
                self._partial = data
                self._body_timer = self.loop.call_later(BODY_WAIT_SECONDS, self._pass_on_partial)
                return
        super().data_received(data)

    def _enqueue(self, data: bytes, writer: FastEventWriter) -> bool:
        headers, body = self._reader.take()
        count = writer.enqueue(headers, body, self._respond)
        if count is None:
            return False
        self.headers_received()
        self._in_flight = data
        self._count = count
        self._enqueued_at = self.loop.time()
        self._request_id = request_id_of(headers.get(b"traceparent"))
        return True

    def _take_partial(self) -> bytes:
        partial, self._partial = self._partial, b""
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
        return partial

    def _pass_on_partial(self) -> None:
        """Let uvicorn handle a request whose rest did not follow in time."""
        if partial := self._take_partial():
            super().data_received(partial)

    def _respond(self, result: StoreResult) -> None:
        """Answer the request in flight, then continue with what was pipelined."""
        request, self._in_flight = self._in_flight, b""
        pipelined, self._pipelined = self._pipelined, b""
        if self.transport.is_closing():  # the client disconnected
            return
        if isinstance(result, Exception):
            self._respond_error(result, request)
        else:
            self._write(len(result))
            self._observe(200)
        if self._is_last:
            super().shutdown()
        self.flow.resume_reading()
        if pipelined:
            self.data_received(pipelined)

    def _respond_error(self, error: Exception, request: bytes) -> None:
        """Answer with a problem; any other error (a pruned month) the application finds again."""
        app = self.app
        if isinstance(error, ProblemError):
            self.app = _problem_app(error)
            self._observe(error.status)
        super().data_received(request)
        self.app = app

    def _observe(self, status: int) -> None:
        if self.handler is not None and self.handler.observe is not None:
            self.handler.observe(status, self.loop.time() - self._enqueued_at)

    def _write(self, repeated: int) -> None:
        body = b'{"accepted":%d,"repeated":%d}' % (self._count - repeated, repeated)
        self.respond(
            b"%b%bcontent-type: application/json\r\n%b"
            b"x-request-id: %b\r\ncontent-length: %d\r\n\r\n%b"
            % (
                STATUS_LINE[200],
                default_header_lines(tuple(self.server_state.default_headers)),
                b"connection: close\r\n" if self._is_last else b"",
                self._request_id,
                len(body),
                body,
            )
        )

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if not self._in_flight and not self._partial:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Answer the request in flight before closing the connection."""
        self._pass_on_partial()
        self._is_last = bool(self._in_flight)
        if not self._is_last:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._take_partial()
        super().connection_lost(exc)


def _problem_app(error: ProblemError) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send_problem(error, scope, receive, send)

    return RequestIdMiddleware(app, service=Service.feedback.value)
