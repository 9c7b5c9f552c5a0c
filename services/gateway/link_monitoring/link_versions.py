"""Links as they are stored, each with its versions."""

from datetime import datetime
from typing import Literal

from sqlalchemy import text

from services.gateway.link_monitoring.records import Link
from services.platform.database import ReadSession, WriteSession
from services.platform.stored import parse_stored

Origin = Literal["pack", "api"]

NEXT_NUMBER = """
-- The number of a link's next version.
SELECT coalesce(max(number), 0) + 1 FROM gateway.link_version
WHERE region = :region AND slug = :slug
"""

STORE = """
-- Stores a link as its current state.
INSERT INTO gateway.link (region, slug, url, content, origin, version)
VALUES (:region, :slug, :url, CAST(:content AS jsonb), :origin, :number)
ON CONFLICT (region, slug) DO UPDATE SET
    url = excluded.url, content = excluded.content, origin = excluded.origin,
    version = excluded.version
"""

STORE_VERSION = """
-- Adds a version; its content is null if it withdraws the link.
INSERT INTO gateway.link_version (region, slug, number, recorded_at, recorded_by, content)
VALUES (:region, :slug, :number, :now, :by, CAST(:content AS jsonb))
"""

REMOVE = """
-- Deletes a link; its versions remain.
DELETE FROM gateway.link WHERE region = :region AND slug = :slug
"""

VERSION_CONTENT = """
-- A version of a link.
SELECT content FROM gateway.link_version
WHERE region = :region AND slug = :slug AND number = :number
"""

VERSIONS = """
-- The versions of a link, the newest first.
SELECT number, recorded_at, recorded_by, content IS NULL AS withdrawn FROM gateway.link_version
WHERE region = :region AND slug = :slug
ORDER BY number DESC
"""

VERSION_WITH_BEFORE = """
-- A version of a link, and the version before it.
SELECT v.number, v.recorded_at, v.recorded_by, v.content,
       before.number IS NOT NULL AS has_before, before.content AS before
FROM gateway.link_version v
LEFT JOIN gateway.link_version before
    ON before.region = v.region AND before.slug = v.slug AND before.number = v.number - 1
WHERE v.region = :region AND v.slug = :slug AND v.number = :number
"""

CONTENTS = """
-- The links of a region.
SELECT content FROM gateway.link WHERE region = :region ORDER BY slug
"""

WITHDRAWN = """
-- Links that were withdrawn over the API.
SELECT slug FROM (
    SELECT DISTINCT ON (slug) slug, recorded_by, content FROM gateway.link_version
    WHERE region = :region ORDER BY slug, number DESC
) AS last
WHERE content IS NULL AND recorded_by <> 'pack'
"""


async def store_link(
    session: WriteSession, region: str, link: Link, *, origin: Origin, by: str, now: datetime
) -> None:
    """Store this as the link's current state and its next version; the links are locked."""
    number = await _next_number(session, region, link.slug)
    content = link.model_dump_json()
    values = {"region": region, "slug": link.slug, "number": number, "content": content}
    await session.execute(text(STORE), values | {"url": link.url, "origin": origin})
    await session.execute(text(STORE_VERSION), values | {"by": by, "now": now})


async def withdraw_link(
    session: WriteSession, region: str, slug: str, *, by: str, now: datetime
) -> None:
    """Delete a link; its versions remain, with one that withdraws it. The links are locked."""
    key = {"region": region, "slug": slug}
    values = {"number": await _next_number(session, region, slug), "content": None}
    await session.execute(text(STORE_VERSION), key | values | {"by": by, "now": now})
    await session.execute(text(REMOVE), key)


async def find_withdrawn(session: WriteSession, region: str) -> set[str]:
    """Return the links that people withdrew over the API."""
    return set((await session.scalars(text(WITHDRAWN), {"region": region})).all())


async def find_links(session: ReadSession, region: str) -> list[Link]:
    """Return the links as they are now, by slug."""
    contents = await session.scalars(text(CONTENTS), {"region": region})
    return [parse_stored(Link, content) for content in contents]


async def find_version(session: WriteSession, region: str, slug: str, number: int) -> object:
    """Return the content of a version of a link; None if it withdraws it, or if there is none."""
    values = {"region": region, "slug": slug, "number": number}
    return await session.scalar(text(VERSION_CONTENT), values)


async def _next_number(session: WriteSession, region: str, slug: str) -> int:
    values = {"region": region, "slug": slug}
    return (await session.execute(text(NEXT_NUMBER), values)).scalar_one()
