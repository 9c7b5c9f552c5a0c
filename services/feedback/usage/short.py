"""The shortest way of events that are right: the server's protocol stores and answers them.

uvicorn takes a protocol class of one's own (`--http`). This one keeps all of uvicorn's, and starts
the application's task for a request of `receiving.PATH` later, or not at all: a request whose body
came with its head, and of which nothing is wrong, is put into the queue at once and answered when
its commit is known. Everything else goes to the application as it always would, so that errors are
told by one place. A task and the layers of an application cost more than all that an event needs.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from services.feedback.usage.decoding import JSON
from services.feedback.usage.events import Intake
from services.feedback.usage.receiving import PATH, writer
from services.platform.guards import answer_problem
from services.platform.identity import TokenVerifier
from services.platform.problems import ProblemError

STATE = "events"
"""The name under which the application's lifespan hands an `AtOnce` to the protocol."""

LONG_WAY = frozenset({b"content-encoding", b"expect", b"prefer", b"transfer-encoding", b"upgrade"})
"""What makes a request more than a plain batch of events."""

Repeated = asyncio.Future[list[int]]


class AtOnce:
    """Puts events of a request that is right into the queue."""

    def __init__(
        self, intake: Intake, verifier: Callable[[], TokenVerifier], *, max_body_bytes: int
    ) -> None:
        self._intake = intake
        self._verifier = verifier
        self._max_body_bytes = max_body_bytes

    def begin(self, scope: Scope, body: bytes) -> tuple[int, Repeated] | None:
        """How many events a body holds and the places of those known before, after their commit;
        None where the application has to decide."""
        given: dict[bytes, bytes] = dict(scope["headers"])
        is_plain = (
            len(given) == len(scope["headers"])
            and LONG_WAY.isdisjoint(given)
            and given.get(b"content-type") == JSON.encode()
            and not scope["query_string"]
            and len(body) <= self._max_body_bytes
        )
        scheme, _, token = given.get(b"authorization", b"").partition(b" ")
        if not is_plain or scheme != b"Bearer":
            return None
        try:
            caller = writer.check(self._verifier().verify(token.decode("latin-1")))
            return self._intake.begin(body, caller=caller, now=datetime.now(UTC))
        except ProblemError:
            return None


class EventProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which answers by itself what `AtOnce` takes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # What logs, counts or moves requests is the long way's to do.
        is_plain = not (self.root_path or self.config.access_log or self.limit_concurrency)
        self._at_once: AtOnce | None = self.app_state.get(STATE) if is_plain else None
        self._in_head = False
        self._held: RequestResponseCycle | None = None
        """A request whose head is known, and whose task is not started yet."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._start_held()  # its body takes its time

    def on_headers_complete(self) -> None:
        self._in_head = True
        super().on_headers_complete()
        self._in_head = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope: Any = cycle.scope
        if (
            self._at_once is not None
            and self._in_head
            and scope["path"] == PATH
            and scope["method"] == "POST"
        ):
            self._held = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def _start_held(self) -> None:
        cycle, self._held = self._held, None
        if cycle is not None:
            app: Any = self.app
            super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        cycle = self._held
        if cycle is None or self._at_once is None:
            return
        scope: Any = cycle.scope
        begun = self._at_once.begin(scope, bytes(cycle.body))
        if begun is None:
            self._start_held()
            return
        self._held = None
        count, repeated = begun
        repeated.add_done_callback(partial(self._answer, cycle, count))

    def _answer(self, cycle: RequestResponseCycle, count: int, repeated: Repeated) -> None:
        """Writes what became of a request."""
        if error := repeated.exception():
            # What else is wrong (a month that is gone), the application finds again and words.
            app: Any = _telling(error) if isinstance(error, ProblemError) else self.app
            super()._start_asgi_task(cycle, app)
            return
        known = len(repeated.result())
        if not cycle.disconnected:
            body = b'{"accepted":%d,"repeated":%d}' % (count - known, known)
            head = _lines_of(tuple(cycle.default_headers))
            self.transport.write(
                b"%b%bcontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
                % (
                    STATUS_LINE[200],
                    head,
                    len(body),
                    b"" if cycle.keep_alive else b"connection: close\r\n",
                    body,
                )
            )
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()


@lru_cache(2)
def _lines_of(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """The server's own header lines, which change with the second."""
    return b"".join(b"%b: %b\r\n" % field for field in headers)


def _telling(error: ProblemError) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer_problem(error, scope, receive, send)

    return app
