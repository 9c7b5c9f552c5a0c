"""The sources that are asked by the clock: which is due, who asks it, what came of it.

The database gives each due source to one process; a process that dies gives it back by time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession

Kind = Literal["feed", "statistics"]

LEASE_DURATION = timedelta(minutes=5)
"""How long a source may take before another replica asks it again."""

LEASE_DUE = """
-- The source that has waited longest; nobody else takes it. Materialized, for a plan may ask a
-- subquery twice, and each time another row is the first that is not locked.
WITH due AS MATERIALIZED (
    SELECT slug FROM gateway.connected_source
    WHERE region = :region AND due_at <= now()
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE gateway.connected_source source SET lease_id = :lease_id, due_at = now() + :duration
FROM due
WHERE source.region = :region AND source.slug = due.slug
RETURNING source.slug, source.kind, source.content, source.validators
"""

LEASE_NAMED = """
-- This source, unless somebody is asking it now.
UPDATE gateway.connected_source SET lease_id = :lease_id, due_at = now() + :duration
WHERE region = :region AND slug = :slug AND (lease_id IS NULL OR due_at <= now())
RETURNING slug, kind, content, validators
"""

RECORD_SUCCESS = """
-- A source gave what it has; nothing where its claim had ended.
UPDATE gateway.connected_source SET lease_id = NULL, due_at = now() + CAST(:wait AS interval),
    validators = CAST(:validators AS jsonb), polled_at = :now, fetched_at = :now, failures = 0,
    reason = NULL, detail = :detail
WHERE region = :region AND slug = :slug AND lease_id = :lease_id
RETURNING slug
"""

RECORD_FAILURE = """
-- A source gave nothing that can be used; what it said before stays.
UPDATE gateway.connected_source SET lease_id = NULL, due_at = now() + CAST(:wait AS interval),
    polled_at = :now, failures = failures + 1, reason = :reason, detail = :detail
WHERE region = :region AND slug = :slug AND lease_id = :lease_id
"""

LIST = """
-- All sources with what is known of them.
SELECT slug, kind, content, due_at, polled_at, fetched_at, failures, reason, detail
FROM gateway.connected_source WHERE region = :region ORDER BY slug
"""


@dataclass(frozen=True)
class SourceLease:
    """A source that this process, and no other, asks now."""

    id: UUID
    slug: str
    kind: Kind
    content: Mapping[str, Any]
    validators: Mapping[str, str]
    """`ETag` and `Last-Modified` of the answer known last."""


@dataclass(frozen=True)
class Source:
    """A source and how it is."""

    slug: str
    kind: Kind
    content: Mapping[str, Any]
    due_at: datetime
    polled_at: datetime | None
    fetched_at: datetime | None
    failures: int
    reason: str | None
    detail: str


async def claim_source(
    session: WriteSession, region: str, *, slug: str | None = None
) -> SourceLease | None:
    """Takes the named source, or one that is due; None where there is none to be had."""
    lease_id = uuid4()
    given = {"region": region, "lease_id": lease_id, "duration": LEASE_DURATION}
    if slug is not None:
        given["slug"] = slug
    statement = LEASE_DUE if slug is None else LEASE_NAMED
    row = (await session.execute(text(statement), given)).one_or_none()
    return (
        None
        if row is None
        else SourceLease(lease_id, row.slug, row.kind, row.content, row.validators)
    )


async def record_success(
    session: WriteSession,
    region: str,
    claim: SourceLease,
    *,
    validators: Mapping[str, str],
    detail: str,
    now: datetime,
    wait: timedelta,
) -> bool:
    """Gives the source back; False where the claim is no longer in force."""
    given = {
        "region": region,
        "slug": claim.slug,
        "lease_id": claim.id,
        "validators": json.dumps(dict(validators)),
        "detail": _printable(detail),
        "now": now,
        "wait": wait,
    }
    return await session.scalar(text(RECORD_SUCCESS), given) is not None


async def record_failure(
    session: WriteSession,
    region: str,
    claim: SourceLease,
    *,
    reason: str,
    detail: str,
    now: datetime,
    wait: timedelta,
) -> None:
    """Gives the source back with what went wrong."""
    given = {
        "region": region,
        "slug": claim.slug,
        "lease_id": claim.id,
        "reason": reason,
        "detail": _printable(detail),
        "now": now,
        "wait": wait,
    }
    await session.execute(text(RECORD_FAILURE), given)


def _printable(detail: str) -> str:
    """A detail in a line that can be stored: others wrote parts of it."""
    return "".join(character if character.isprintable() else " " for character in detail[:1000])


async def list_sources(session: ReadSession | WriteSession, region: str) -> list[Source]:
    """All sources by name."""
    rows = await session.execute(text(LIST), {"region": region})
    return [Source(**row) for row in rows.mappings()]
