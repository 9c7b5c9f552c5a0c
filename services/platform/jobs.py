"""Work beside the requests: begun with a process and ended with it."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import ClassVar


class BackgroundJob(ABC):
    """A task that runs from `start` to `stop`. Whoever keeps something for its end extends `stop`.

    `run` takes its own errors: one that leaves it ends the task, and is raised by `stop`.
    """

    task_name: ClassVar[str]
    """What the task is called where tasks are listed."""

    _task: asyncio.Task[None] | None = None

    @abstractmethod
    async def run(self) -> None:
        """Does the work until it is cancelled."""

    def start(self) -> None:
        self._task = asyncio.create_task(self.run(), name=self.task_name)

    async def stop(self) -> None:
        """Ends the work where it waits."""
        task, self._task = self._task, None
        if task is not None:
            await cancel_and_wait(task)


async def cancel_and_wait(task: asyncio.Task[None]) -> None:
    """Ends a task where it waits."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
