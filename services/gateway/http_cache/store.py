"""Store of cache entries with a size limit and least-recently-used eviction."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable

from services.gateway.http_cache.entry import CacheEntry
from services.gateway.http_cache.rfc9111 import RawHeaders, vary_values

Key = tuple[str, str]
"""Origin (scheme and host) and request target."""

ALL_AREAS = "all"
"""Area that contains all others."""

MAX_VARIANTS = 8
"""Maximum number of stored variants (`Vary`) of one resource."""


class CacheStore:
    """Entries by key. Used only from the event loop's thread."""

    def __init__(self, *, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self.is_connected = False
        """Whether invalidations arrive; otherwise no entry counts as fresh."""
        self._variants: OrderedDict[Key, list[CacheEntry]] = OrderedDict()
        self._sizes: dict[int, int] = {}
        self._generations: defaultdict[str, int] = defaultdict(int)
        self.on_change: Callable[[], None] = lambda: None
        """Called when an entry that was fresh may no longer be."""

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, key: Key) -> bool:
        """Return whether an entry of this key is stored, whichever requests it matches."""
        return key in self._variants

    def generation(self, areas: Iterable[str]) -> int:
        """Return a number that grows with every change in one of these areas."""
        return sum([self._generations[area] for area in (ALL_AREAS, *areas)])

    def invalidate(self, area: str) -> None:
        """Invalidate the entries of an area, also those being fetched now."""
        self._generations[area] += 1
        self.on_change()

    def set_connected(self, *, connected: bool) -> None:
        """Set whether invalidations arrive."""
        self.is_connected = connected
        self.on_change()

    def get(self, key: Key, request_headers: RawHeaders) -> CacheEntry | None:
        """Return the entry that matches a request; it may be stale."""
        variants = self._variants.get(key)
        if variants is None:
            return None
        self._variants.move_to_end(key)
        for entry in variants:
            if (
                not entry.vary_names
                or vary_values(entry.vary_names, request_headers) == entry.vary_values
            ):
                return entry
        return None

    def put(self, key: Key, entry: CacheEntry) -> None:
        """Store an entry in place of the one that matches the same requests."""
        entry.key_size = sum(map(len, key))
        variants = self._variants.setdefault(key, [])
        for old in [other for other in variants if _is_same_variant(other, entry)]:
            variants.remove(old)
            self._discard(old)
            self.on_change()
        variants.insert(0, entry)
        while len(variants) > MAX_VARIANTS:
            self._discard(variants.pop())
        self._variants.move_to_end(key)
        self._sizes[id(entry)] = 0
        self.update_size(entry)

    def remove(self, key: Key, entry: CacheEntry | None) -> None:
        """Remove an entry, if it is still stored."""
        variants = self._variants.get(key, [])
        if entry in variants:
            variants.remove(entry)
            self._discard(entry)
            self.on_change()
        if not variants:
            self._variants.pop(key, None)

    def update_size(self, entry: CacheEntry) -> None:
        """Update the size of an entry and evict others if needed; ignore an evicted entry."""
        if id(entry) not in self._sizes:
            return
        self.size += entry.size - self._sizes[id(entry)]
        self._sizes[id(entry)] = entry.size
        while self.size > self.max_bytes and self._variants:
            _, evicted = self._variants.popitem(last=False)
            for old in evicted:
                self._discard(old)

    def clear(self) -> None:
        """Remove all entries."""
        self._variants.clear()
        self._sizes.clear()
        self.size = 0
        self.on_change()

    def _discard(self, entry: CacheEntry) -> None:
        self.size -= self._sizes.pop(id(entry), 0)


def _is_same_variant(one: CacheEntry, other: CacheEntry) -> bool:
    """Return whether a new entry replaces an old one: equal values, or another `Vary`."""
    return one.vary_names != other.vary_names or one.vary_values == other.vary_values
