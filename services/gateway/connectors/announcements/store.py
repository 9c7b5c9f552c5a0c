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
from services.gateway.connectors.announcements.item import key_by_content, names_one_page
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id

MAX_ANNOUNCEMENTS = 500

LOCK = """
-- One process at a time stores announcements of a region, so that each sees the others' rows.
SELECT pg_advisory_xact_lock(hashtext('gateway.announcement'), hashtext(:region))
"""

EXISTING = """
-- Stored announcements of websites with the fields that identify them.
SELECT id, key, url, title, digest, dated_at, services FROM gateway.announcement
WHERE region = :region AND agency IS NULL
"""

INSERT = """
-- A new announcement.
INSERT INTO gateway.announcement (region, id, source, key, digest, title, summary, content, url,
    dated_at, published_at, first_seen_at, changed_at, services)
VALUES (:region, :id, :source, :key, :digest, :title, :summary, :content, :url,
    CAST(:dated_at AS timestamptz), COALESCE(CAST(:dated_at AS timestamptz), :now), :now, :now,
    CAST(:services AS jsonb))
"""

UPDATE = """
-- An announcement that its website changed, or that mentions other services by now.
UPDATE gateway.announcement SET digest = :digest, title = :title, summary = :summary,
    content = :content, url = :url, dated_at = LEAST(dated_at, CAST(:dated_at AS timestamptz)),
    published_at = LEAST(published_at, CAST(:dated_at AS timestamptz)),
    changed_at = CASE WHEN digest = :digest THEN changed_at ELSE :now END,
    services = CAST(:services AS jsonb)
WHERE region = :region AND id = :id
"""

PRUNE = """
-- Delete the oldest announcements of websites above the limit.
DELETE FROM gateway.announcement WHERE region = :region AND id IN (
    SELECT id FROM gateway.announcement WHERE region = :region AND agency IS NULL
    ORDER BY COALESCE(dated_at, first_seen_at) DESC, id DESC OFFSET :limit)
"""

DELETE_OF_SOURCE = """
-- Delete the announcements of one website.
DELETE FROM gateway.announcement WHERE region = :region AND source = :slug
"""

COLUMNS = """id, nullif(source, '') AS source, agency, title, title_en, summary, summary_en,
    content, content_en, url, dated_at AS published_at, shown_until, changed_at, services"""

IS_SHOWN = """(agency IS NULL
        OR (dated_at <= :now AND (shown_until IS NULL OR shown_until > :now)))"""
"""What is read from a website shows always; what agencies write, from and until when they say."""

NEWEST = f"""
-- A page of announcements, newest first; those without a date last, the first seen last.
SELECT {COLUMNS}
FROM gateway.announcement
WHERE region = :region AND {IS_SHOWN}
    AND (CAST(:service AS text) IS NULL
        OR services @> jsonb_build_array(jsonb_build_object('service', CAST(:service AS text))))
    AND (NOT :written OR agency IS NOT NULL)
    AND (CAST(:after AS uuid) IS NULL OR (COALESCE(dated_at, '-infinity'), id) < (
        SELECT COALESCE(dated_at, '-infinity'), id FROM gateway.announcement
        WHERE region = :region AND id = :after))
ORDER BY COALESCE(dated_at, '-infinity') DESC, id DESC LIMIT :limit
"""  # noqa: S608 - both parts are constants

FOUND = f"""
-- Announcements with all words of a search in title or summary, among the newest: each search reads
-- the words of these again.
SELECT *
FROM (
    SELECT {COLUMNS}
    FROM gateway.announcement
    WHERE region = :region AND {IS_SHOWN}
    ORDER BY COALESCE(dated_at, '-infinity') DESC, id DESC
    LIMIT :among
) newest
WHERE to_tsvector('indonesian', concat_ws(' ', title, left(summary, 500), title_en, summary_en))
    @@ plainto_tsquery('indonesian', :query)
ORDER BY COALESCE(published_at, '-infinity') DESC, id DESC
LIMIT :limit
"""  # noqa: S608 - both parts are constants

BY_ID = f"""
-- One announcement.
SELECT {COLUMNS}
FROM gateway.announcement WHERE region = :region AND id = :id AND {IS_SHOWN}
"""  # noqa: S608 - both parts are constants


MAX_SEARCHED = 200
"""The newest announcements, in which a search looks."""


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
    announcement has, unless title and date differ: so none takes the place of another.
    """
    await session.execute(text(LOCK), {"region": region})
    rows = (await session.execute(text(EXISTING), {"region": region})).all()
    by_key = {row.key: row for row in rows}
    # From the last to the first: of items with one date the first of a feed is the newest, and
    # gets the highest id.
    items = list({item.key: item for item in reversed(items)}.values())
    own_urls = _urls_of_one(row.url for row in rows) & _urls_of_one(item.url for item in items)
    by_url = {row.url: row for row in rows if row.url in own_urls}
    digests = {row.digest for row in rows}
    added = changed = 0
    for item in items:
        key = key_by_content(item.key, item.title, item.published_at)
        row = by_key.get(key)
        for found in (by_key.get(item.key), by_url.get(item.url)):
            if row is None and found is not None and not _is_another(found, item):
                row = found
        values = _column_values(item)
        if row is None and values["digest"] in digests:
            continue
        if row is None:
            new = {"id": new_id(), "source": source, "key": key if item.key in by_key else item.key}
            await session.execute(text(INSERT), {"region": region, "now": now} | new | values)
            added += 1
        elif (
            row.digest != values["digest"]
            or row.services != json.loads(values["services"])
            or (row.dated_at is None and item.published_at is not None)
        ):
            await session.execute(
                text(UPDATE), {"region": region, "id": row.id, "now": now} | values
            )
            changed += 1
        digests.add(values["digest"])
    await session.execute(text(PRUNE), {"region": region, "limit": MAX_ANNOUNCEMENTS})
    return StoreResult(added, changed)


def _is_another(row: Any, item: Announcement) -> bool:
    """Return whether an item with the id or address of a stored one is another announcement.

    Who edits an announcement changes its title or its date, and hardly both.
    """
    is_redated = None not in {row.dated_at, item.published_at} and row.dated_at != item.published_at
    return row.title != item.title and is_redated


def _urls_of_one(urls: Iterable[str | None]) -> set[str]:
    """Return the addresses that only one of these has, and that can be an item's own."""
    counts = Counter(url for url in urls if url is not None)
    return {url for url, count in counts.items() if count == 1 and names_one_page(url)}


def _column_values(item: Announcement) -> dict[str, Any]:
    return {
        "digest": item.digest,
        "title": item.title,
        "summary": item.summary,
        "content": item.content,
        "url": item.url,
        "dated_at": item.published_at,
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
    now: datetime,
    service: str | None = None,
    is_written: bool = False,
    after: UUID | None = None,
) -> list[dict[str, Any]]:
    """Return announcements, newest first, starting after an id.

    Of one service if given; with `is_written` only those that agencies wrote in the hub.
    """
    parameters = {
        "region": region,
        "limit": limit,
        "now": now,
        "service": service,
        "written": is_written,
        "after": after,
    }
    return [dict(row) for row in (await session.execute(text(NEWEST), parameters)).mappings()]


async def find_among_newest(
    session: ReadSession, region: str, query: str, *, limit: int, now: datetime
) -> list[dict[str, Any]]:
    """Return announcements that have all words of a search, newest first."""
    parameters = {
        "region": region,
        "query": query,
        "among": MAX_SEARCHED,
        "limit": limit,
        "now": now,
    }
    return [dict(row) for row in (await session.execute(text(FOUND), parameters)).mappings()]


async def get_by_id(
    session: ReadSession | WriteSession, region: str, announcement: UUID, *, now: datetime
) -> dict[str, Any] | None:
    """Return one announcement; None if there is none, or if pages do not show it now."""
    parameters = {"region": region, "id": announcement, "now": now}
    row = (await session.execute(text(BY_ID), parameters)).mappings().one_or_none()
    return None if row is None else dict(row)
