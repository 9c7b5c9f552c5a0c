"""A limit of how many calls of a kind run at a time, and of how many wait for it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from anyio.lowlevel import RunVar

from services.platform.problems import Unavailable

Limiter = RunVar[anyio.CapacityLimiter]
"""The limiter of each event loop."""


@asynccontextmanager
async def slot(
    limiter: Limiter, *, concurrent: int, waiting: int, refusal: str
) -> AsyncGenerator[None]:
    """Wait for one of the `concurrent` slots of this event loop and hold it.

    Raises:
        Unavailable: `waiting` calls wait already; `refusal` says for what.
    """
    try:
        slots = limiter.get()
    except LookupError:
        slots = anyio.CapacityLimiter(concurrent)
        limiter.set(slots)
    if slots.statistics().tasks_waiting >= waiting:
        raise Unavailable(refusal)
    async with slots:
        yield
