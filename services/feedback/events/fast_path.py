"""The shortest way of events that are right: the server's protocol stores and answers them.

A task and the layers of an application cost more than all that an event needs. So a request of
`receiving.PATH` is read by a parser beside uvicorn's (`ShortWay`): where nothing is wrong, its
events are put into the queue at once, and it is answered when their commit is known. Everything
else, and what fails later, uvicorn and the application read as if nothing had been before them, so
that errors are told by one place.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

import httptools
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from services.feedback.events.intake import Intake
from services.feedback.events.parsing import JSON
from services.feedback.events.routes import PATH, writer
from services.feedback.events.writer import Outcome, Told
from services.platform.fast_path_protocol import ShortWay
from services.platform.identity import TokenVerifier
from services.platform.middleware import send_problem
from services.platform.problems import ProblemError

STATE = "events"
"""The name under which the application's lifespan hands an `AtOnce` to the protocol."""

LINE = f"POST {PATH} HTTP/1.1\r\n".encode()
LONG_WAY = frozenset({b"content-encoding", b"expect", b"prefer", b"transfer-encoding", b"upgrade"})
"""What makes a request more than a plain batch of events."""
REST_SECONDS = 0.05
"""How long the rest of a request is waited for: many clients send head and body one by one."""

PLAIN = JSON.encode()

Fields = dict[bytes, bytes]


class AtOnce:
    """Puts events of a request that is right into the queue."""

    def __init__(
        self, intake: Intake, verifier: Callable[[], TokenVerifier], *, max_body_bytes: int
    ) -> None:
        self._intake = intake
        self._verifier = verifier
        self._max_body_bytes = max_body_bytes

    def begin(self, fields: Fields, body: bytes, told: Told) -> int | None:
        """How many events a body holds, of which `told` hears after their commit; None where the
        application has to decide."""
        scheme, _, token = fields.get(b"authorization", b"").partition(b" ")
        is_plain = (
            LONG_WAY.isdisjoint(fields)
            and fields.get(b"content-type") == PLAIN
            and len(body) <= self._max_body_bytes
            and scheme == b"Bearer"
        )
        if not is_plain:
            return None
        try:
            caller = writer.check(self._verifier().verify(token.decode("latin-1")))
            return self._intake.begin(body, caller=caller, now=datetime.now(UTC), told=told)
        except ProblemError:
            return None


class Come(Enum):
    """How much of a request has come."""

    whole = "one request and nothing more"
    head = "its head and not all of its body"
    other = "anything else"


WHOLE = ["begin", "head", "end"]
"""What a parser sees of a request that is not the last one of its connection."""


class Reader:
    """Reads a request as uvicorn's parser does, and makes nothing of it."""

    def __init__(self) -> None:
        self.fields: Fields = {}
        self.body = b""
        self._parser = httptools.HttpRequestParser(self)
        self._seen: list[str] = []
        self._lines = 0

    def take(self) -> tuple[Fields, bytes]:
        """Fields and body of the request that was read last, which is kept no longer: a parser and
        who listens to it hold each other for a while after their connection."""
        taken = self.fields, self.body
        self.fields, self.body = {}, b""
        return taken

    def read(self, data: bytes) -> Come:
        """What these bytes are; when they are one request, `take` has what they say."""
        self._seen.clear()
        try:
            self._parser.feed_data(data)
            if self._seen == WHOLE:
                return Come.whole if len(self.fields) == self._lines else Come.other
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._seen.clear()
        self._parser = httptools.HttpRequestParser(self)
        is_head = self._seen == WHOLE[:2] and b"expect" not in self.fields
        return Come.head if is_head else Come.other

    def on_message_begin(self) -> None:
        self._seen.append("begin")
        self._lines = 0
        self.fields = {}
        self.body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines += 1
        self.fields[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._seen.append("head" if self._parser.should_keep_alive() else "last head")

    def on_body(self, body: bytes) -> None:
        self.body = self.body + body if self.body else body

    def on_message_complete(self) -> None:
        self._seen.append("end")


class EventProtocol(ShortWay):
    """uvicorn's protocol, which answers by itself what `AtOnce` takes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        is_plain = self.is_plain and not self.config.access_log
        self._at_once: AtOnce | None = self.app_state.get(STATE) if is_plain else None
        self._reader = Reader()
        self._start = b""
        """A request whose rest is waited for."""
        self._rest_due: asyncio.TimerHandle | None = None
        self._taken = b""
        """A request that is answered when its events are committed."""
        self._count = 0
        """The events of that."""
        self._behind = b""
        """What came after it, which waits its turn."""
        self._is_last = False

    def data_received(self, data: bytes) -> None:
        if self._taken:
            self._behind += data
            self.flow.pause_reading()
            return
        start = self._take_start()
        data = start + data
        if self._at_once is not None and data.startswith(LINE) and self.is_free():
            come = self._reader.read(data)
            if come is Come.whole and self._begin(data, self._at_once):
                return
            self._reader.take()
            if come is Come.head and not start:
                self._start = data
                self._rest_due = self.loop.call_later(REST_SECONDS, self._wait_no_more)
                return
        super().data_received(data)

    def _begin(self, data: bytes, at_once: AtOnce) -> bool:
        fields, body = self._reader.take()
        count = at_once.begin(fields, body, self._answer)
        if count is None:
            return False
        self.end_head()
        self._taken = data
        self._count = count
        return True

    def _take_start(self) -> bytes:
        start, self._start = self._start, b""
        if self._rest_due is not None:
            self._rest_due.cancel()
            self._rest_due = None
        return start

    def _wait_no_more(self) -> None:
        if start := self._take_start():
            super().data_received(start)

    def _answer(self, outcome: Outcome) -> None:
        """Writes what became of the request."""
        taken, self._taken = self._taken, b""
        behind, self._behind = self._behind, b""
        if self.transport.is_closing():  # the client went away
            return
        if isinstance(outcome, Exception):
            self._tell(outcome, taken)
        else:
            self._write(len(outcome))
        if self._is_last:
            super().shutdown()
        self.flow.resume_reading()
        if behind:
            self.data_received(behind)

    def _tell(self, error: Exception, taken: bytes) -> None:
        """What else is wrong (a month that is gone), the application finds again and words."""
        own = self.app
        if isinstance(error, ProblemError):
            self.app = _telling(error)
        super().data_received(taken)
        self.app = own

    def _write(self, known: int) -> None:
        body = b'{"accepted":%d,"repeated":%d}' % (self._count - known, known)
        self.transport.write(
            b"%b%bcontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
            % (
                STATUS_LINE[200],
                _lines_of(tuple(self.server_state.default_headers)),
                len(body),
                b"connection: close\r\n" if self._is_last else b"",
                body,
            )
        )
        self.count_answer()

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if not self._taken and not self._start:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Answers what was taken before it closes."""
        self._wait_no_more()
        self._is_last = bool(self._taken)
        if not self._is_last:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._take_start()
        super().connection_lost(exc)


@lru_cache(2)
def _lines_of(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """The server's own header lines, which change with the second."""
    return b"".join(b"%b: %b\r\n" % field for field in headers)


def _telling(error: ProblemError) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send_problem(error, scope, receive, send)

    return app
