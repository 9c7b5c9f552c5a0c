"""A limit of time for many waits at once, with one timer for all of them."""

import asyncio
from collections import deque
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast


@dataclass(slots=True)
class _Wait:
    """One wait, as a context: around every small request, where a generator's is dear."""

    until: float
    task: "asyncio.Task[object] | None"
    expired: bool = False

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        task, self.task = self.task, None
        if (
            kind is not None
            and issubclass(kind, asyncio.CancelledError)
            and self.expired
            and task is not None
            and task.uncancel() == 0
        ):
            raise TimeoutError from None


class Patience:
    """How long each of many waits may take: as `asyncio.timeout`, where a timer for each is dear.

    All waits have the same length, so they end in the order in which they began. A wait may take
    up to a tenth longer than its limit.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waits: deque[_Wait] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def limit(self) -> AbstractContextManager[None]:
        """Ends what is awaited inside with `TimeoutError` when its time is over."""
        loop = asyncio.get_running_loop()
        task = cast("asyncio.Task[object]", asyncio.current_task())
        wait = _Wait(loop.time() + self.seconds, task)
        self._waits.append(wait)
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._look)
        return wait

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waits and (self._waits[0].task is None or self._waits[0].until <= now):
            wait = self._waits.popleft()
            if wait.task is not None:
                wait.expired = True
                wait.task.cancel()
        self._timer = None
        if self._waits:
            # Not for each by itself: waits that begin close together are looked at together.
            later = max(self._waits[0].until - now, self.seconds / 10)
            self._timer = loop.call_later(later, self._look)
