"""Keeps announcements: each once, however many feeds and visits bring it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.gateway.connectors.announcements.feed_parser import FeedItem
from services.gateway.connectors.announcements.sanitise import plain_text, sanitise
from services.gateway.connectors.announcements.service_matching import ServiceMatcher
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id

MOST_KEPT = 500
SUMMARY = 400

LOCK = """
-- One process at a time keeps announcements of a region: what is doubled is seen by each.
SELECT pg_advisory_xact_lock(hashtext('gateway.announcement'), hashtext(:region))
"""

KNOWN = """
-- Announcements that are kept, as they are told apart.
SELECT id, key, url, digest, services FROM gateway.announcement WHERE region = :region
"""

ADD = """
-- An announcement that is new.
INSERT INTO gateway.announcement (region, id, source, key, digest, title, summary, content, url,
    published_at, first_seen_at, changed_at, services)
VALUES (:region, :id, :source, :key, :digest, :title, :summary, :content, :url,
    :published_at, :now, :now, CAST(:services AS jsonb))
"""

CHANGE = """
-- An announcement that its website changed, or that speaks of other services by now.
UPDATE gateway.announcement SET digest = :digest, title = :title, summary = :summary,
    content = :content, url = :url, published_at = LEAST(published_at, :published_at),
    changed_at = CASE WHEN digest = :digest THEN changed_at ELSE :now END,
    services = CAST(:services AS jsonb)
WHERE region = :region AND id = :id
"""

PRUNE = """
-- The oldest, beyond as many as are kept.
DELETE FROM gateway.announcement WHERE region = :region AND id IN (
    SELECT id FROM gateway.announcement WHERE region = :region
    ORDER BY published_at DESC, id DESC OFFSET :most)
"""

NEWEST = """
-- A page of announcements, the newest first.
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

ONE = """
-- One announcement.
SELECT id, source, title, summary, content, url, published_at, changed_at, services
FROM gateway.announcement WHERE region = :region AND id = :id
"""


@dataclass(frozen=True)
class StoreResult:
    """What a visit to a feed changed."""

    added: int
    changed: int


async def store_items(
    session: WriteSession,
    region: str,
    source: str,
    items: Sequence[FeedItem],
    *,
    words: ServiceMatcher,
    now: datetime,
) -> StoreResult:
    """Keeps what is new, replaces what changed, passes over what another feed brought."""
    await session.execute(text(LOCK), {"region": region})
    rows = (await session.execute(text(KNOWN), {"region": region})).all()
    by_key = {row.key: row for row in rows}
    by_url = {row.url: row for row in rows if row.url is not None}
    digests = {row.digest for row in rows}
    added = changed = 0
    for item in _each_once(items):
        row = by_key.get(item.key) or by_url.get(item.url)
        written = _written(item, words=words, now=now)
        if row is None and written["digest"] in digests:
            continue
        if row is None:
            new = {"id": new_id(), "source": source, "key": item.key}
            await session.execute(text(ADD), {"region": region, "now": now} | new | written)
            added += 1
        elif row.digest != written["digest"] or row.services != json.loads(written["services"]):
            await session.execute(
                text(CHANGE), {"region": region, "id": row.id, "now": now} | written
            )
            changed += 1
        digests.add(written["digest"])
    await session.execute(text(PRUNE), {"region": region, "most": MOST_KEPT})
    return StoreResult(added, changed)


def _each_once(items: Sequence[FeedItem]) -> list[FeedItem]:
    """The first of each key and address; a feed may hold an item twice."""
    kept: list[FeedItem] = []
    seen: set[str] = set()
    for item in items:
        marks = {item.key, *([item.url] if item.url else [])}
        if seen.isdisjoint(marks):
            kept.append(item)
        seen |= marks
    return kept


def _written(item: FeedItem, *, words: ServiceMatcher, now: datetime) -> dict[str, Any]:
    content = sanitise(item.html)
    plain = plain_text(content, max_length=20_000)
    digest = hashlib.sha256(f"{item.title}\n{plain}".encode("utf-8", "replace")).hexdigest()
    mentioned = words.find(item.title, plain)
    return {
        "digest": digest,
        "title": item.title,
        "summary": plain_text(content, max_length=SUMMARY),
        "content": content,
        "url": item.url,
        # A date to come would keep its announcement above all others.
        "published_at": min(item.published_at or now, now),
        "services": json.dumps(
            [
                {
                    "service": each.service.slug,
                    "name": each.service.name,
                    "name_en": each.service.name_en,
                    "words": list(each.words),
                }
                for each in mentioned
            ]
        ),
    }


async def list_newest(
    session: ReadSession,
    region: str,
    *,
    limit: int,
    service: str | None = None,
    after: UUID | None = None,
) -> list[dict[str, Any]]:
    """Announcements, the newest first."""
    given = {"region": region, "limit": limit, "service": service, "after": after}
    return [dict(row) for row in (await session.execute(text(NEWEST), given)).mappings()]


async def get_by_id(session: ReadSession, region: str, announcement: UUID) -> dict[str, Any] | None:
    """One announcement; None where there is none of this id."""
    given = {"region": region, "id": announcement}
    row = (await session.execute(text(ONE), given)).mappings().one_or_none()
    return None if row is None else dict(row)
