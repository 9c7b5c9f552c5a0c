"""Circuit breaker of one dependency, such as a database, that opens when it falls silent.

A request that takes long and one whose receiver is gone look alike to who waits. So the dependency
is asked whether it is there, several times in `silence` seconds. Without an answer the breaker
opens: what waits is ended, and nothing is asked until an answer comes.
"""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from contextvars import Context
from typing import ClassVar, Literal

from services.platform.logging import Outage, get_logger

log = get_logger(__name__)

WatchState = Literal["closed", "open"]
"""State of the circuit breaker: `closed`: the dependency answers; `open`: it does not."""

ATTEMPTS = 2
"""Attempts without an answer that open the breaker: one may meet a connection that was lost, or a
process that was held up."""


TICKS = 5
"""Parts of the time for an attempt, each of which counts once, however late it ends: a process that
gets no processor time, or is held up, has not waited for an answer."""


class AwayError(ConnectionError):
    """The dependency did not answer lately, so it was not asked."""


class Watch(ABC):
    """Asks a dependency at an interval whether it is there, from the first `admit` to `stop`."""

    AWAY_ERRORS: ClassVar[tuple[type[BaseException], ...]] = (OSError, TimeoutError)
    """Errors of `_ask` after which the dependency is away."""

    def __init__(self, label: str, silence: float) -> None:
        """`label` names the dependency in log lines; `silence` is in seconds."""
        self.label = label
        self.state: WatchState = "closed"
        self._outage = Outage(log, label)
        self._is_silent = False
        self._interval = silence / 4
        self._deadline = silence * 3 / 4 / ATTEMPTS
        """Seconds in which `_ask` must end."""
        self._heard_at = 0.0
        """When the dependency answered something, by the clock of the event loop."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether the dependency answered last."""
        return self.state == "closed" and not self._outage.is_ongoing

    def admit(self) -> None:
        """Begin to watch, unless that has begun; raise `AwayError` while there is no answer.

        Where the answer is an error, each caller may get it: that takes no time.
        """
        if self.state == "open" and self._is_silent:
            raise AwayError(f"the {self.label} does not answer")
        self.begin()

    def begin(self) -> None:
        """Begin to watch, unless that has begun."""
        if self._task is None:
            # Its log lines belong to no request.
            self._task = asyncio.create_task(
                self._run(), name=f"watch {self.label}", context=Context()
            )

    async def stop(self) -> None:
        """Watch no longer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def failed(self, error: BaseException) -> None:
        """Note that a use of the dependency failed; the first one of an outage is logged."""
        if not isinstance(error, AwayError):
            self._outage.failed(error)
            self._wake.set()

    def succeeded(self) -> None:
        """Note that a use of the dependency did not fail, which may have asked nothing."""
        if self.state == "closed":
            self._outage.succeeded()

    def heard(self) -> None:
        """Note that the dependency answered something: it is slow, but not silent."""
        self._heard_at = asyncio.get_running_loop().time()

    def answered(self) -> None:
        """Note that the dependency answered: an outage is over."""
        self.state = "closed"
        self._outage.succeeded()

    @abstractmethod
    async def _ask(self) -> None:
        """Return if the dependency answers; raise one of `AWAY_ERRORS` if not."""

    @abstractmethod
    def _end_waiting(self) -> None:
        """End what waits for an answer."""

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._wake.wait()
            self._wake.clear()
            await self._ask_repeatedly()

    async def _ask_repeatedly(self) -> None:
        began = asyncio.get_running_loop().time()
        for left in reversed(range(ATTEMPTS)):
            try:
                await self._ask_in_time()
            except self.AWAY_ERRORS as error:
                if left:
                    continue
                if isinstance(error, TimeoutError) and self._heard_at > began:
                    self.answered()
                else:
                    self._open(error)
            else:
                self.answered()
                return

    async def _ask_in_time(self) -> None:
        asking = asyncio.create_task(self._ask())
        try:
            for _ in range(TICKS):
                await asyncio.wait({asking}, timeout=self._deadline / TICKS)
                if asking.done():
                    asking.result()
                    return
            raise TimeoutError
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    def _open(self, error: BaseException) -> None:
        self.state = "open"
        self._is_silent = isinstance(error, TimeoutError)
        if self._is_silent:
            error = TimeoutError(f"no answer within {self._deadline:g} s")
        self._outage.failed(error)
        self._end_waiting()
