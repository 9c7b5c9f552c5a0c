"""A limit of heavy computations at a time, and of those that wait for it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from anyio.lowlevel import RunVar

from services.platform.problems import Unavailable

MAX_CONCURRENT = 2
"""Computations of one event loop at a time; each holds what it reads in memory."""
MAX_WAITING = 16

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("computing_slots")


@asynccontextmanager
async def computing_slot() -> AsyncGenerator[None]:
    """Wait for a slot and hold it; raise `Unavailable` if too many requests wait for one.

    It is taken before the data is read, so that requests that wait hold none.
    """
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(MAX_CONCURRENT)
        _limiter.set(limiter)
    if limiter.statistics().tasks_waiting >= MAX_WAITING:
        raise Unavailable("Too many assessments are being computed; try again shortly.")
    async with limiter:
        yield
