"""The entries, at most so many bytes of them; the one that was not used longest goes first."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable

from services.gateway.http_cache.entry import Entry
from services.gateway.http_cache.rfc9111 import RawHeaders, chosen_by

Key = tuple[str, str]
"""Where (scheme and host) and what (the target) was asked."""

EVERYTHING = "everything"
"""The area that all others lie in."""

FORMS = 8
"""Forms of one address that are kept, where the answer varies with the request."""


class Store:
    """Entries by address. Everything happens in the event loop's thread."""

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.is_trusted = False
        """Whether every change is heard of: until then nothing that is kept counts as fresh."""
        self._held: OrderedDict[Key, list[Entry]] = OrderedDict()
        self._sizes: dict[int, int] = {}
        self._marks: defaultdict[str, int] = defaultdict(int)
        self.on_change: Callable[[], None] = lambda: None
        """Called where what was fresh a moment ago may be so no longer."""

    def __len__(self) -> int:
        return len(self._sizes)

    def mark(self, areas: Iterable[str]) -> int:
        """Grows whenever something in one of these areas changes."""
        return self._marks[EVERYTHING] + sum(self._marks[area] for area in areas)

    def purge(self, area: str) -> None:
        """What tells of this area is no longer valid; also what is being asked for just now."""
        self._marks[area] += 1
        self.on_change()

    def trust(self, *, heard: bool) -> None:
        """Says whether changes are heard of. What may have changed unheard is not valid."""
        self.is_trusted = heard
        self.on_change()

    def find(self, key: Key, asked: RawHeaders) -> Entry | None:
        """The entry that answers a request; it may be stale."""
        forms = self._held.get(key)
        if forms is None:
            return None
        self._held.move_to_end(key)
        for entry in forms:
            if not entry.vary or chosen_by(entry.vary, asked) == entry.chosen:
                return entry
        return None

    def put(self, key: Key, entry: Entry) -> None:
        """Keeps an entry in the place of the one that answers the same requests."""
        forms = self._held.setdefault(key, [])
        for old in [other for other in forms if _same_form(other, entry)]:
            forms.remove(old)
            self._forget(old)
            self.on_change()
        forms.insert(0, entry)
        while len(forms) > FORMS:
            self._forget(forms.pop())
        self._held.move_to_end(key)
        self._sizes[id(entry)] = 0
        self.grown(entry)

    def grown(self, entry: Entry) -> None:
        """Counts an entry anew and makes room; one that was thrown out meanwhile is none."""
        if id(entry) not in self._sizes:
            return
        self.size += entry.size - self._sizes[id(entry)]
        self._sizes[id(entry)] = entry.size
        while self.size > self.limit and self._held:
            _, forms = self._held.popitem(last=False)
            for old in forms:
                self._forget(old)

    def clear(self) -> None:
        self._held.clear()
        self._sizes.clear()
        self.size = 0
        self.on_change()

    def _forget(self, entry: Entry) -> None:
        self.size -= self._sizes.pop(id(entry), 0)


def _same_form(one: Entry, other: Entry) -> bool:
    """Whether two entries answer the same requests; where they vary by other fields, the newer
    one knows better."""
    return one.vary != other.vary or one.chosen == other.chosen
