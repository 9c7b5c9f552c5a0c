"""The chain of the audit log: what a line holds, its hash, and how the chain is checked. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

BEGINNING = "0" * 64
"""What stands where the first line would carry the hash of the one before it."""


@dataclass(frozen=True)
class Entry:
    """Who did what, and what came of it. No secret, no body, nothing about a person."""

    at: datetime
    key_id: str
    """The key's id, `anonymous`, or `command-line`."""
    agency: str | None
    action: str
    """Method of the request, or the command."""
    target: str
    """Path of the request, or what the command was given."""
    status: int | None
    problem: str | None
    """Type of the problem where the write was refused."""
    request_id: str
    body_hash: str | None
    """SHA-256 of the body that was sent with a key."""


@dataclass(frozen=True)
class Line:
    """An entry in its place."""

    number: int
    entry: Entry
    previous: str
    hash: str


def hash_of(region: str, number: int, previous: str, entry: Entry) -> str:
    """SHA-256 over the line as canonical JSON: sorted names, no blanks, UTF-8, times in UTC."""
    told = asdict(entry) | {
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "region": region,
        "number": number,
        "previous": previous,
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def chained(region: str, after: Line | None, entries: Iterable[Entry]) -> Iterator[Line]:
    """These entries as the next lines of the chain."""
    number, previous = (after.number, after.hash) if after else (0, BEGINNING)
    for entry in entries:
        number += 1
        line = Line(number, entry, previous, hash_of(region, number, previous, entry))
        yield line
        previous = line.hash


class Check:
    """Recomputes a chain from its first line on."""

    def __init__(self, region: str, *, expected: str | None = None) -> None:
        """`expected` is a hash that was written down elsewhere; a line must carry it."""
        self._region = region
        self._expected = expected
        self._met = expected is None or expected == BEGINNING
        self.lines = 0
        self.head = BEGINNING

    def fault(self, line: Line) -> str | None:
        """What is wrong with the next line of the chain, or None."""
        if line.number != self.lines + 1:
            return f"line {self.lines + 1} is missing: line {line.number} follows {self.lines}"
        if line.previous != self.head:
            return f"line {line.number} does not follow line {self.lines}: another stood between"
        if line.hash != hash_of(self._region, line.number, line.previous, line.entry):
            return f"line {line.number} was changed: it is not what its hash was made of"
        self.lines = line.number
        self.head = line.hash
        self._met = self._met or line.hash == self._expected
        return None

    def fault_at_end(self) -> str | None:
        """What is wrong with the chain as a whole, after its last line."""
        if self._met:
            return None
        return (
            f"no line has the hash {self._expected}: the log was cut off after line {self.lines}, "
            "or written anew"
        )
