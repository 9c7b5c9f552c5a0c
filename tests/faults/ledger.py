"""What the load sent and what the hub accepted, compared with what the hub stored."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is sent, by how it is stored."""

    event = "event"
    statistic = "statistic"
    complaint = "complaint"
    response = "survey response"
    click = "click-out"
    risk = "risk"
    incident = "incident"
    webhook = "webhook"
    audit = "audit line"


REPEATED = frozenset({Kind.click})
"""Kinds of which each request is one more of the same item; of the others an item is stored once,
however often it is sent."""


class Item(NamedTuple):
    """Something that is stored; `key` tells it from others of its kind."""

    kind: Kind
    key: str


@dataclass
class Entry:
    """How often an item was sent, and how often the hub answered that it accepted it."""

    sent: int = 0
    accepted: int = 0


@dataclass
class Ledger:
    """Record of the load of one case."""

    entries: dict[Item, Entry] = field(default_factory=dict[Item, Entry])
    errors: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Requests without a proper answer, by status or kind of error and by what was sent."""
    last_error_at: float = 0.0
    """Time of the event loop."""
    answered: int = 0
    """Requests that were answered as they should be."""
    slowest: dict[str, float] = field(default_factory=dict[str, float])
    """Seconds that the slowest answer took, errors included, by what was sent."""

    def send(self, items: Iterable[Item]) -> None:
        """Record that items are about to be sent."""
        for item in items:
            self.entries.setdefault(item, Entry()).sent += 1

    def accept(self, items: Iterable[Item]) -> None:
        """Record that the hub answered that it accepted these items, which were sent."""
        self.answered += 1
        for item in items:
            self.entries[item].accepted += 1

    def fail(self, error: str, sent: str, *, now: float) -> None:
        """Record a request without a proper answer."""
        self.errors[error, sent] += 1
        self.last_error_at = now

    def time(self, sent: str, seconds: float) -> None:
        """Record how long an answer took."""
        self.slowest[sent] = max(seconds, self.slowest.get(sent, 0.0))

    @property
    def accepted(self) -> int:
        """How many items the hub accepted, each as often as it is to be stored."""
        return sum(
            entry.accepted if item.kind in REPEATED else min(entry.accepted, 1)
            for item, entry in self.entries.items()
        )


@dataclass(frozen=True)
class Difference:
    """What differs between a ledger and what the hub stored."""

    lost: Counter[Item]
    """Accepted, but not stored so often."""
    doubled: Counter[Item]
    """Stored more often than it was sent, or than once."""

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled)


def compare(ledger: Ledger, stored: Mapping[Item, int]) -> Difference:
    """Compare a ledger with how often each item is stored.

    A request without an answer, or with one that it failed, may or may not have been stored.
    """
    lost, doubled = Counter[Item](), Counter[Item]()
    for item, entry in ledger.entries.items():
        repeated = item.kind in REPEATED
        least = entry.accepted if repeated else min(entry.accepted, 1)
        most = entry.sent if repeated else 1
        found = stored.get(item, 0)
        if found < least:
            lost[item] = least - found
        elif found > most:
            doubled[item] = found - most
    for item in stored.keys() - ledger.entries.keys():
        doubled[item] = stored[item]
    return Difference(lost, doubled)
