"""The id and time of a visit, the same for each time that a reverse proxy sends its request.

A proxy sends a GET to another gateway if the first one ends before it answers. That one may have
counted the visit, so the proxy names the request by `X-Request-ID` and `X-Request-Start`, as the
shipped configurations do. The id depends on what is counted as well: equal ids are equal events, so
that it is harmless if a client writes these fields itself.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.platform.ids import new_id

REQUEST_ID = re.compile(r"[0-9a-f-]{32,36}")
STARTED = re.compile(r"t=([0-9]{10})\.?([0-9]{3})")
"""Milliseconds since 1970, as Caddy writes them, or seconds with three decimals (nginx)."""
LONGEST_REQUEST = timedelta(minutes=1)
"""A start before that is none of this request."""
TOLERANCE = timedelta(seconds=5)
"""How far the proxy's clock may be ahead."""


def identify_visit(
    headers: Mapping[str, str], *content: str | None, now: datetime
) -> tuple[UUID, datetime]:
    """Return the id (UUIDv7) and the time of a visit; a new id if no proxy names the request."""
    named = REQUEST_ID.fullmatch(headers.get("x-request-id", ""))
    started = STARTED.fullmatch(headers.get("x-request-start", ""))
    if named is None or started is None:
        return new_id(), now
    milliseconds = int(started[1] + started[2])
    at = datetime.fromtimestamp(int(started[1]), UTC) + timedelta(milliseconds=int(started[2]))
    if not now - LONGEST_REQUEST <= at <= now + TOLERANCE:
        return new_id(), now
    digest = hashlib.sha256(repr((named[0], content)).encode()).digest()
    random = int.from_bytes(digest[:10]) & ((1 << 74) - 1)
    return UUID(int=_uuid7(milliseconds, random)), at


def _uuid7(milliseconds: int, random: int) -> int:
    """Lay out a UUIDv7 (RFC 9562, 5.7): 48 bits of time, 12 and 62 of 74 random ones."""
    high, low = random >> 62, random & ((1 << 62) - 1)
    return milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
