"""Ranges of bytes in requests for a part (RFC 9110, 14). Pure."""

import re
from dataclasses import dataclass

RANGE = re.compile(
    r"\s*bytes\s*=\s*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True)
class ByteRange:
    """A part of a content, as a request names it: from its start, or of its end."""

    first: int | None
    """The first byte; None for the last bytes."""
    last: int | None
    """The last byte, or the number of the last bytes; None up to the end."""

    def slice_of(self, size: int) -> slice | None:
        """Return the part of a content of this size; None if it has no such part (416)."""
        if self.first is None:
            start, end = max(0, size - (self.last or 0)), size
        else:
            start, end = self.first, size if self.last is None else min(self.last + 1, size)
        return slice(start, end) if start < end else None


def parse_range(value: str | None) -> ByteRange | None:
    """Return the range of a `Range` field.

    None for no range, other units, several ranges and what is invalid: the whole content is the
    response to those (14.2).
    """
    match = None if value is None else RANGE.fullmatch(value)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return ByteRange(None, int(suffix))
    if last and int(last) < int(first):
        return None
    return ByteRange(int(first), int(last) if last else None)
