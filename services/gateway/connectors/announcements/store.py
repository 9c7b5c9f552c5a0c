"""Stores announcements: each once, even if several feeds or polls bring it."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.gateway.connectors.announcements.announcement import Announcement
from services.gateway.connectors.announcements.item import names_one_page
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id

MAX_ANNOUNCEMENTS = 500

LOCK = """
-- One process at a time stores announcements of a region, so that each sees the others' rows.
SELECT pg_advisory_xact_lock(hashtext('gateway.announcement'), hashtext(:region))
"""

EXISTING = """
-- Stored announcements with the fields that identify them.
SELECT id, key, url, digest, services FROM gateway.announcement WHERE region = :region
"""

INSERT = """
-- A new announcement.
INSERT INTO gateway.announcement (region, id, source, key, digest, title, summary, content, url,
    published_at, first_seen_at, changed_at, services)
VALUES (:region, :id, :source, :key, :digest, :title, :summary, :content, :url,
    :published_at, :now, :now, CAST(:services AS jsonb))
"""

UPDATE = """
-- An announcement that its website changed, or that mentions other services by now.
UPDATE gateway.announcement SET digest = :digest, title = :title, summary = :summary,
    content = :content, url = :url, published_at = LEAST(published_at, :published_at),
    changed_at = CASE WHEN digest = :digest THEN changed_at ELSE :now END,
    services = CAST(:services AS jsonb)
WHERE region = :region AND id = :id
"""

PRUNE = """
-- Delete the oldest announcements above the limit.
DELETE FROM gateway.announcement WHERE region = :region AND id IN (
    SELECT id FROM gateway.announcement WHERE region = :region
    ORDER BY published_at DESC, id DESC OFFSET :limit)
"""

DELETE_OF_SOURCE = """
-- Delete the announcements of one website.
DELETE FROM gateway.announcement WHERE region = :region AND source = :slug
"""

NEWEST = """
-- A page of announcements, newest first.
SELECT id, source, title, summary, content, url, published_at, changed_at, services
FROM gateway.announcement
WHERE region = :region
    AND (CAST(:service AS text) IS NULL
        OR services @> jsonb_build_array(jsonb_build_object('service', CAST(:service AS text))))
    AND (CAST(:after AS uuid) IS NULL OR (published_at, id) < (
        SELECT published_at, id FROM gateway.announcement
        WHERE region = :region AND id = :after))
ORDER BY published_at DESC, id DESC LIMIT :limit
"""

BY_ID = """
-- One announcement.
SELECT id, source, title, summary, content, url, published_at, changed_at, services
FROM gateway.announcement WHERE region = :region AND id = :id
"""


@dataclass(frozen=True)
class StoreResult:
    """How many announcements a poll changed."""

    added: int
    changed: int


async def store_items(
    session: WriteSession,
    region: str,
    source: str,
    items: Sequence[Announcement],
    *,
    now: datetime,
) -> StoreResult:
    """Insert new items, update changed ones, and skip those of another feed.

    An item is a stored one by its key, or by an address that no other item and no other stored
    announcement has, so that none takes the place of another.
    """
    await session.execute(text(LOCK), {"region": region})
    rows = (await session.execute(text(EXISTING), {"region": region})).all()
    by_key = {row.key: row for row in rows}
    items = list({item.key: item for item in reversed(items)}.values())[::-1]
    own_urls = _urls_of_one(row.url for row in rows) & _urls_of_one(item.url for item in items)
    by_url = {row.url: row for row in rows if row.url in own_urls}
    digests = {row.digest for row in rows}
    added = changed = 0
    for item in items:
        row = by_key.get(item.key) or by_url.get(item.url)
        values = _column_values(item, now=now)
        if row is None and values["digest"] in digests:
            continue
        if row is None:
            new = {"id": new_id(), "source": source, "key": item.key}
            await session.execute(text(INSERT), {"region": region, "now": now} | new | values)
            added += 1
        elif row.digest != values["digest"] or row.services != json.loads(values["services"]):
            await session.execute(
                text(UPDATE), {"region": region, "id": row.id, "now": now} | values
            )
            changed += 1
        digests.add(values["digest"])
    await session.execute(text(PRUNE), {"region": region, "limit": MAX_ANNOUNCEMENTS})
    return StoreResult(added, changed)


def _urls_of_one(urls: Iterable[str | None]) -> set[str]:
    """Return the addresses that only one of these has, and that can be an item's own."""
    counts = Counter(url for url in urls if url is not None)
    return {url for url, count in counts.items() if count == 1 and names_one_page(url)}


def _column_values(item: Announcement, *, now: datetime) -> dict[str, Any]:
    return {
        "digest": item.digest,
        "title": item.title,
        "summary": item.summary,
        "content": item.content,
        "url": item.url,
        # A date in the future would pin its announcement above all others.
        "published_at": min(item.published_at or now, now),
        "services": json.dumps(
            [
                {
                    "service": mention.service.slug,
                    "name": mention.service.name,
                    "name_en": mention.service.name_en,
                    "words": list(mention.words),
                }
                for mention in item.mentions
            ]
        ),
    }


async def delete_announcements(session: WriteSession, region: str, source: str) -> None:
    """Delete the announcements of one website."""
    await session.execute(text(DELETE_OF_SOURCE), {"region": region, "slug": source})


async def list_newest(
    session: ReadSession,
    region: str,
    *,
    limit: int,
    service: str | None = None,
    after: UUID | None = None,
) -> list[dict[str, Any]]:
    """Return announcements, newest first, of one service if given, starting after an id."""
    parameters = {"region": region, "limit": limit, "service": service, "after": after}
    return [dict(row) for row in (await session.execute(text(NEWEST), parameters)).mappings()]


async def get_by_id(session: ReadSession, region: str, announcement: UUID) -> dict[str, Any] | None:
    """Return one announcement, or None."""
    parameters = {"region": region, "id": announcement}
    row = (await session.execute(text(BY_ID), parameters)).mappings().one_or_none()
    return None if row is None else dict(row)
