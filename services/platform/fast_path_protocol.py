"""uvicorn protocol subclass that can answer a request without starting an ASGI task."""

from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar

from services.platform.head_limit import header_lines
from services.platform.header_timeout import HeaderTimeoutProtocol

UVICORN_VERSION = "0.54.0"
"""The version whose protocol is extended; a test compares it with the installed one."""

Handler = TypeVar("Handler")


class FastPathProtocol(HeaderTimeoutProtocol, Generic[Handler]):
    """Base of protocols that answer some requests themselves while the connection is idle.

    A subclass overrides `data_received`: it asks its handler about the data while the connection
    `is_idle` and calls `respond`, or leaves the data to uvicorn.
    """

    state_key: ClassVar[str]
    """Key of the handler in the application's lifespan state."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # A root path or a limit on concurrency needs uvicorn's own handling.
        is_supported = not self.root_path and self.limit_concurrency is None
        self.handler: Handler | None = self.app_state.get(self.state_key) if is_supported else None
        self.is_between_messages = True
        self._responded_at = 0.0

    def is_idle(self) -> bool:
        """Return whether no request is in progress and the client reads its responses.

        A stopping server says so in its last response, which is left to uvicorn.
        """
        return (
            self.is_between_messages
            and not self.is_stopping
            and (not self.cycle or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def respond(self, data: bytes) -> None:
        """Write a complete response, count it and start the keep-alive timeout."""
        self.transport.write(data)
        self.headers_received()
        self.server_state.total_requests += 1
        self._responded_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_handler()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; responses written here postpone this without a timer each."""
        remaining = self._responded_at + self.timeout_keep_alive - self.loop.time()
        if remaining > 0:
            handler = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(remaining, handler)
        else:
            super().timeout_keep_alive_handler()

    def on_message_begin(self) -> None:
        """Note the start of a request."""
        self.is_between_messages = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        self.is_between_messages = True
        super().on_message_complete()


@lru_cache(2)
def default_header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return uvicorn's default header lines; cached, since they change only once a second."""
    return header_lines(headers)
