"""Leases of polled sources: which source is due, which process polls it, and the outcome.

The database leases each due source to one process; the lease of a process that dies expires.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.jobs import LeaseTable

LEASE_DURATION = timedelta(minutes=5)
"""How long a poll may take before another replica polls the source again."""
MAX_DETAIL = 1_000

DUE_SOURCES = LeaseTable(
    "gateway.connected_source",
    ("slug",),
    lease=LEASE_DURATION,
    lease_column="lease_id",
    returning=("kind", "content", "validators"),
)

LEASE_NAMED = """
-- Lease this source, unless another process holds it.
UPDATE gateway.connected_source SET lease_id = :lease_id, due_at = now() + :duration
WHERE region = :region AND slug = :slug AND (lease_id IS NULL OR due_at <= now())
RETURNING slug, kind, content, validators
"""

RECORD_SUCCESS = """
-- Record a successful poll and release the lease; no row if the lease has expired.
UPDATE gateway.connected_source SET lease_id = NULL, due_at = now() + CAST(:wait AS interval),
    validators = CAST(:validators AS jsonb), polled_at = :now, fetched_at = :now, failures = 0,
    reason = NULL, detail = :detail
WHERE region = :region AND slug = :slug AND lease_id = :lease_id
RETURNING slug
"""

RECORD_FAILURE = """
-- Record a failed poll and release the lease; content of earlier polls stays.
UPDATE gateway.connected_source SET lease_id = NULL, due_at = now() + CAST(:wait AS interval),
    polled_at = :now, failures = failures + 1, reason = :reason, detail = :detail
WHERE region = :region AND slug = :slug AND lease_id = :lease_id
"""

LIST = """
-- All sources with the outcome of their last poll.
SELECT slug, kind, content, due_at, polled_at, fetched_at, failures, reason, detail
FROM gateway.connected_source WHERE region = :region ORDER BY slug
"""


@dataclass(frozen=True)
class SourceLease:
    """A source that this process polls now, and no other process."""

    id: UUID
    slug: str
    kind: str
    content: Mapping[str, Any]
    """The source's entry in the pack."""
    validators: Mapping[str, str]
    """`ETag` and `Last-Modified` of the last successful response."""


@dataclass(frozen=True)
class Source:
    """A source with the outcome of its last poll."""

    slug: str
    kind: str
    content: Mapping[str, Any]
    due_at: datetime
    polled_at: datetime | None
    """Time of the last poll."""
    fetched_at: datetime | None
    """Time of the last successful poll."""
    failures: int
    """Failed polls since the last successful one."""
    reason: str | None
    detail: str


async def lease_source(
    session: WriteSession, region: str, *, slug: str | None = None
) -> SourceLease | None:
    """Lease the named source, or one that is due; None if it is leased or none is due."""
    lease_id = uuid4()
    if slug is None:
        row = next(iter(await DUE_SOURCES.claim(session, region, lease_id=lease_id)), None)
    else:
        parameters = {
            "region": region,
            "lease_id": lease_id,
            "duration": LEASE_DURATION,
            "slug": slug,
        }
        row = (await session.execute(text(LEASE_NAMED), parameters)).one_or_none()
    if row is None:
        return None
    return SourceLease(lease_id, row.slug, row.kind, row.content, row.validators)


async def record_success(
    session: WriteSession,
    region: str,
    lease: SourceLease,
    *,
    validators: Mapping[str, str],
    detail: str,
    now: datetime,
    wait: timedelta,
) -> bool:
    """Record a successful poll and release the lease; False if the lease has expired."""
    parameters = {
        "region": region,
        "slug": lease.slug,
        "lease_id": lease.id,
        "validators": json.dumps(dict(validators)),
        "detail": _printable(detail),
        "now": now,
        "wait": wait,
    }
    return await session.scalar(text(RECORD_SUCCESS), parameters) is not None


async def record_failure(
    session: WriteSession,
    region: str,
    lease: SourceLease,
    *,
    reason: str,
    detail: str,
    now: datetime,
    wait: timedelta,
) -> None:
    """Record a failed poll and release the lease."""
    parameters = {
        "region": region,
        "slug": lease.slug,
        "lease_id": lease.id,
        "reason": reason,
        "detail": _printable(detail),
        "now": now,
        "wait": wait,
    }
    await session.execute(text(RECORD_FAILURE), parameters)


def _printable(detail: str) -> str:
    """Return a detail as one line that can be stored: parts of it come from other systems."""
    return "".join(
        character if character.isprintable() else " " for character in detail[:MAX_DETAIL]
    )


async def list_sources(session: ReadSession | WriteSession, region: str) -> list[Source]:
    """Return all sources by name."""
    rows = await session.execute(text(LIST), {"region": region})
    return [Source(**row) for row in rows.mappings()]
