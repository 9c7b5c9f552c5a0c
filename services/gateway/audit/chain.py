"""The hash chain of the audit log: entries, hashes and verification. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS_HASH = "0" * 64
"""Previous hash of the first line."""
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, with what result. Contains no secret, no body and no personal data."""

    at: datetime
    key_id: str
    """The key's id, `anonymous`, `command-line`, or `hub` for a job of the hub."""
    agency: str | None
    action: str
    """Method of the request, or the command."""
    target: str
    """Path of the request, or the command's argument."""
    status: int | None
    problem: str | None
    """Type of the problem if the write was rejected."""
    request_id: str
    body_hash: str | None
    """SHA-256 of the request body, if the request was authenticated by a key."""

    @property
    def hides_its_minute(self) -> bool:
        """Whether the time is only the hour, as that of a citizen's write."""
        return (self.at.minute, self.at.second, self.at.microsecond) == (0, 0, 0)


@dataclass(frozen=True)
class ChainedEntry:
    """An entry at its position in the chain."""

    number: int
    entry: AuditEntry
    previous: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The end of a chain: number and hash of its last line."""

    number: int
    hash: str


NO_LINE = Head(0, GENESIS_HASH)
"""Head of a chain without a line."""


def entry_hash(region: str, number: int, previous: str, entry: AuditEntry) -> str:
    """Return the SHA-256 of a line as canonical JSON: sorted names, no blanks, UTF-8, in UTC."""
    # Not `asdict`, which copies each value: a page recomputes a thousand lines.
    content = vars(entry) | {
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "region": region,
        "number": number,
        "previous": previous,
    }
    text = CANONICAL.encode(content)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def chain_entries(
    region: str, after: Head, entries: Iterable[AuditEntry]
) -> Iterator[ChainedEntry]:
    """Yield these entries as the next lines of the chain."""
    number, previous = after.number, after.hash
    for entry in entries:
        number += 1
        line = ChainedEntry(number, entry, previous, entry_hash(region, number, previous, entry))
        yield line
        previous = line.hash


class ChainVerifier:
    """Verifier that recomputes a chain from its first line, or from a head that is known."""

    def __init__(
        self,
        region: str,
        *,
        after: Head = NO_LINE,
        signed: Mapping[int, str] | None = None,
        expected: str | None = None,
    ) -> None:
        """Start after a head; some line must carry the hash `expected`, recorded elsewhere.

        `signed` has, by the number of a month's last line, the hash that was signed for it.
        """
        self._region = region
        self._after = after
        self._signed = signed or {}
        self._expected = expected
        known = {None, GENESIS_HASH, after.hash, *self._signed.values()}
        self._expected_found = expected in known
        self.verified = after.number
        """Number of the last line that is intact."""
        self.head = after.hash

    def verify_next(self, line: ChainedEntry) -> str | None:
        """Return what is wrong with the next line of the chain, or None."""
        if line.number != self.verified + 1:
            return (
                f"line {self.verified + 1} is missing: line {line.number} follows {self.verified}"
            )
        if line.previous != self.head:
            return (
                f"line {line.number} does not follow line {self.verified}: "
                "a line between them was replaced"
            )
        if line.hash != entry_hash(self._region, line.number, line.previous, line.entry):
            return f"line {line.number} was changed: its content does not match its hash"
        if line.hash != self._signed.get(line.number, line.hash):
            return f"line {line.number} was rewritten: its hash is not the one that was signed"
        self.verified = line.number
        self.head = line.hash
        self._expected_found = self._expected_found or line.hash == self._expected
        return None

    def verify_end(self) -> str | None:
        """Return what is wrong with the chain as a whole, after its last line, or None."""
        last_signed = max(self._signed, default=0)
        if last_signed > self.verified:
            return f"line {self.verified + 1} is missing: lines up to {last_signed} were signed"
        if self._expected_found:
            return None
        pruned = f", or it is one of the pruned lines 1 to {self._after.number}"
        return (
            f"no line has the hash {self._expected}: the log was truncated after line "
            f"{self.verified}, or rewritten{pruned if self._after.number else ''}"
        )
