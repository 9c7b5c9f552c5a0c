"""The hash chain of the audit log: entries, hashes and verification. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

GENESIS_HASH = "0" * 64
"""Previous hash of the first line."""


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, with what result. Contains no secret, no body and no personal data."""

    at: datetime
    key_id: str
    """The key's id, `anonymous`, or `command-line`."""
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


@dataclass(frozen=True)
class ChainedEntry:
    """An entry at its position in the chain."""

    number: int
    entry: AuditEntry
    previous: str
    hash: str


def entry_hash(region: str, number: int, previous: str, entry: AuditEntry) -> str:
    """Return the SHA-256 of a line as canonical JSON: sorted names, no blanks, UTF-8, in UTC."""
    content = asdict(entry) | {
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "region": region,
        "number": number,
        "previous": previous,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def chain_entries(
    region: str, after: ChainedEntry | None, entries: Iterable[AuditEntry]
) -> Iterator[ChainedEntry]:
    """Yield these entries as the next lines of the chain."""
    number, previous = (after.number, after.hash) if after else (0, GENESIS_HASH)
    for entry in entries:
        number += 1
        line = ChainedEntry(number, entry, previous, entry_hash(region, number, previous, entry))
        yield line
        previous = line.hash


class ChainVerifier:
    """Verifier that recomputes a chain from its first line."""

    def __init__(self, region: str, *, expected: str | None = None) -> None:
        """Start at the first line; some line must carry the hash `expected`, recorded elsewhere."""
        self._region = region
        self._expected = expected
        self._expected_found = expected is None or expected == GENESIS_HASH
        self.verified = 0
        self.head = GENESIS_HASH

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
        self.verified = line.number
        self.head = line.hash
        self._expected_found = self._expected_found or line.hash == self._expected
        return None

    def verify_end(self) -> str | None:
        """Return what is wrong with the chain as a whole, after its last line, or None."""
        if self._expected_found:
            return None
        return (
            f"no line has the hash {self._expected}: the log was truncated after line "
            f"{self.verified}, or rewritten"
        )
