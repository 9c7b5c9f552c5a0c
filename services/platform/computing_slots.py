"""A limit of heavy computations at a time, and of those that wait for it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from anyio.lowlevel import RunVar

from services.platform.slots import Limiter, slot

MAX_CONCURRENT = 2
"""Computations of one event loop at a time; each holds what it reads in memory."""
MAX_WAITING = 16

_limiter: Limiter = RunVar("computing_slots")


@asynccontextmanager
async def computing_slot() -> AsyncGenerator[None]:
    """Wait for a slot and hold it; raise `Unavailable` if too many requests wait for one.

    It is taken before the data is read, so that requests that wait hold none.
    """
    refusal = "Too many assessments are being computed; try again shortly."
    async with slot(_limiter, concurrent=MAX_CONCURRENT, waiting=MAX_WAITING, refusal=refusal):
        yield
