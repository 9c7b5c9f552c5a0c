"""A limit of time for many waits, with one timer for all."""

import asyncio

import pytest

from services.platform.patience import Patience


async def waiting(patience: Patience, event: asyncio.Event) -> str:
    try:
        with patience.limit():
            await event.wait()
    except TimeoutError:
        return "over"
    return "in time"


def test_each_wait_ends_at_its_own_time_and_those_that_end_by_themselves_are_left_alone() -> None:
    async def work() -> None:
        patience = Patience(0.2)
        never, soon = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(waiting(patience, never))
        quick = asyncio.create_task(waiting(patience, soon))
        await asyncio.sleep(0.1)
        late = asyncio.create_task(waiting(patience, never))
        soon.set()
        assert await quick == "in time"
        assert await first == "over"
        assert not late.done()
        assert await late == "over"
        # And again, after a time in which nothing waited.
        assert await waiting(patience, never) == "over"

    asyncio.run(asyncio.wait_for(work(), 20))


def test_a_task_that_somebody_else_cancels_is_cancelled() -> None:
    async def work() -> None:
        task = asyncio.create_task(waiting(Patience(10), asyncio.Event()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(work(), 20))
