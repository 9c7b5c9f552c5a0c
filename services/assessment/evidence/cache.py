"""Results that are kept for as long as the evidence does not change."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import text

from services.assessment.evidence.store import HISTORY_LENGTH
from services.platform.database import ReadSession
from services.platform.recent_results import RecentResults

MAX_KNOWN = 32
"""Results kept; the scores of a year take some 100 KB."""

ResultT = TypeVar("ResultT")
InputT = TypeVar("InputT")


class EvidenceCache(Generic[ResultT]):
    """The last results that follow from the evidence, each computed once.

    A result is kept under how long the history of the evidence was and under what else it rests on.
    So the next request sees a change, whichever process made it, and nothing has to be told of it.
    """

    def __init__(self) -> None:
        self._known = RecentResults[Hashable, ResultT](MAX_KNOWN)
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def get(
        self,
        session: ReadSession,
        region: str,
        basis: Hashable,
        compute: Callable[[], Awaitable[ResultT]],
    ) -> ResultT:
        """Return what is known, or what `compute` makes of the evidence that it reads.

        `basis` is all that the result rests on besides the evidence. Requests that ask for the same
        wait for the first of them.
        """
        length = await _history_length(session, region)
        key = (region, length, basis)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if (known := self._known.find(key)) is not None:
                return known
            result = await compute()
            if await _history_length(session, region) == length:
                self._known.keep(key, result)
            return result


async def _history_length(session: ReadSession, region: str) -> int:
    length: int = await session.scalar(text(HISTORY_LENGTH), {"region": region}) or 0
    return length
