"""Room in the server's protocol for answers that need neither a task nor the application: one that
extends this (`--http`) gives them while the connection is free; everything else is uvicorn's."""

from typing import Any

from services.platform.header_timeout import HeadLimit

UVICORN = "0.54.0"
"""The version whose protocol is extended; a test compares it with what is installed."""


class ShortWay(HeadLimit):
    """uvicorn's protocol, which knows when an answer may be given beside it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # An application under a path, or a limit on connections, is the long way's to look after.
        self.is_plain = not self.root_path and self.limit_concurrency is None
        self.is_between_messages = True
        self._answered_at = 0.0

    def is_free(self) -> bool:
        """Whether a request starts now, nobody waits for an answer, and the client reads."""
        return (
            self.is_between_messages
            and (not self.cycle or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def count_answer(self) -> None:
        """After an answer from here: it counts, and the connection is idle from now on."""
        self.end_head()
        self.server_state.total_requests += 1
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_handler()

    def timeout_keep_alive_handler(self) -> None:
        """Closes an idle connection; answers from here put that off without a timer each."""
        rest = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            again = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(rest, again)
        else:
            super().timeout_keep_alive_handler()

    def on_message_begin(self) -> None:
        self.is_between_messages = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self.is_between_messages = True
        super().on_message_complete()
