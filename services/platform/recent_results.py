"""Results that are kept in memory while they are used: a bounded cache (least recently used)."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ResultT = TypeVar("ResultT")


class RecentResults(Generic[KeyT, ResultT]):
    """The results that were used last, by what each of them follows from.

    A key holds all that its result rests on, so that a result never becomes wrong.
    """

    def __init__(self, most: int) -> None:
        """Keep at most so many results."""
        self._most = most
        self._results: OrderedDict[KeyT, ResultT] = OrderedDict()

    def find(self, key: KeyT) -> ResultT | None:
        """Return a result that is kept; None without one."""
        if key not in self._results:
            return None
        self._results.move_to_end(key)
        return self._results[key]

    def keep(self, key: KeyT, result: ResultT) -> None:
        """Keep a result; the one that was not used for longest goes if there are too many."""
        self._results[key] = result
        self._results.move_to_end(key)
        while len(self._results) > self._most:
            self._results.popitem(last=False)

    async def get(self, key: KeyT, compute: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return a result that is kept, or compute it and keep it."""
        known = self.find(key)
        if known is None:
            known = await compute()
            self.keep(key, known)
        return known
