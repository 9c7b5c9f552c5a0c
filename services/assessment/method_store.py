"""Methods of a hub: those of the distribution, and those published over the API or by a pack.

A published version never changes; a change is a further version with a higher number.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text

from services.assessment.methods.definition import METHOD, AnyMethod
from services.assessment.methods.library import read_methods
from services.platform.database import ReadSession, WriteSession

MAX_VERSIONS_OF_PUBLISHER = 200

NEWEST = """
-- The newest version of each published method, by id.
SELECT DISTINCT ON (id) definition, origin, published_at, published_by FROM assessment.method
WHERE region = :region AND (CAST(:cursor AS text) IS NULL OR id > :cursor)
ORDER BY id, version DESC LIMIT :limit
"""

NEWEST_OF_PACK = """
-- The newest version of each method that came with the pack, by id.
SELECT DISTINCT ON (id) definition, origin, published_at, published_by FROM assessment.method
WHERE region = :region AND origin = 'pack'
ORDER BY id, version DESC
"""

IDS = """
-- The ids of all published methods.
SELECT DISTINCT id FROM assessment.method WHERE region = :region ORDER BY id
"""

VERSIONS = """
-- All versions of a published method, the newest first.
SELECT definition, origin, published_at, published_by FROM assessment.method
WHERE region = :region AND id = :id ORDER BY version DESC
"""

FIND = """
-- A version of a published method, by default the newest.
SELECT definition, origin, published_at, published_by FROM assessment.method
WHERE region = :region AND id = :id AND (CAST(:version AS bigint) IS NULL OR version = :version)
ORDER BY version DESC LIMIT 1
"""

LOCK = """
-- Serialise publications of a method's versions.
SELECT pg_advisory_xact_lock(hashtextextended('emall method ' || :region || ' ' || :id, 0))
"""

COUNT = """
-- The number of versions that somebody published.
SELECT count(*) FROM assessment.method WHERE region = :region AND published_by = :published_by
"""

INSERT = """
-- Publish a version of a method.
INSERT INTO assessment.method
    (region, id, version, hash, definition, origin, published_at, published_by)
VALUES
    (:region, :id, :version, :hash, CAST(:definition AS jsonb), :origin, :now, :published_by)
"""

Origin = Literal["distribution", "pack", "api"]


class PublicationError(Exception):
    """A version that cannot be published, with the field that is at fault."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field} {detail}")
        self.field = field
        self.detail = detail


@dataclass(frozen=True)
class PublishedMethod:
    """A version of a method, and its origin."""

    method: AnyMethod
    origin: Origin
    published_at: datetime | None = None
    """None for a method of the distribution."""
    published_by: str | None = None


async def list_methods(
    session: ReadSession | WriteSession, region: str, *, cursor: str | None, limit: int
) -> list[PublishedMethod]:
    """Return the newest version of methods whose ids follow the cursor, by id."""
    rows = await session.execute(text(NEWEST), {"region": region, "cursor": cursor, "limit": limit})
    found = {one.method.id: one for one in map(_published, rows)} | {
        method.id: PublishedMethod(method, "distribution")
        for method in read_methods().values()
        if cursor is None or method.id > cursor
    }
    return [found[method_id] for method_id in sorted(found)][:limit]


async def own_methods(session: ReadSession, region: str) -> list[AnyMethod]:
    """Return the newest methods of the distribution and of the pack, by id.

    What agencies publish over the API is computed for whoever asks for it, and is on no list that
    pages and reports show by themselves.
    """
    rows = await session.execute(text(NEWEST_OF_PACK), {"region": region})
    found = {one.method.id: one.method for one in map(_published, rows)} | read_methods()
    return [found[method_id] for method_id in sorted(found)]


async def method_ids(session: ReadSession | WriteSession, region: str) -> set[str]:
    """Return the ids of all methods of the hub."""
    return {*read_methods(), *await session.scalars(text(IDS), {"region": region})}


async def list_versions(
    session: ReadSession | WriteSession, region: str, method_id: str
) -> list[PublishedMethod]:
    """Return all versions of a method, the newest first; none if there is no such method."""
    own = read_methods().get(method_id)
    if own is not None:
        return [PublishedMethod(own, "distribution")]
    rows = await session.execute(text(VERSIONS), {"region": region, "id": method_id})
    return [_published(row) for row in rows]


async def find_method(
    session: ReadSession | WriteSession,
    region: str,
    method_id: str,
    version: int | None = None,
) -> PublishedMethod | None:
    """Return a version of a method, by default the newest; None if there is none."""
    own = read_methods().get(method_id)
    if own is not None:
        found = version is None or version == own.version
        return PublishedMethod(own, "distribution") if found else None
    names = {"region": region, "id": method_id, "version": version}
    row = (await session.execute(text(FIND), names)).one_or_none()
    return None if row is None else _published(row)


async def publish_method(
    session: WriteSession,
    region: str,
    method: AnyMethod,
    *,
    origin: Literal["pack", "api"],
    published_by: str,
    may_take_over: bool,
    now: datetime,
    dry_run: bool = False,
) -> tuple[PublishedMethod, bool]:
    """Publish a version of a method; return it, and whether it is new.

    The same content again is no change. `PublicationError` if the id belongs to the distribution
    or, unless `may_take_over`, to another publisher; if the version was published with other
    content, or if a later one was published.
    """
    if method.id in read_methods():
        raise PublicationError("id", "is a method of emall itself; choose another id")
    await session.execute(text(LOCK), {"region": region, "id": method.id})
    versions = await list_versions(session, region, method.id)
    same = next((one for one in versions if one.method.version == method.version), None)
    if same is not None:
        if same.method.hash() == method.hash():
            return same, False
        raise PublicationError(
            "version", f"{method.version} was published with other content; raise it"
        )
    if versions:
        newest = versions[0]
        if newest.published_by != published_by and not may_take_over:
            raise PublicationError("id", f"is a method of {newest.published_by}; choose another id")
        if newest.method.version > method.version:
            raise PublicationError(
                "version", f"must be above {newest.method.version}, the newest published one"
            )
    parameters = {"region": region, "published_by": published_by}
    count: int = await session.scalar(text(COUNT), parameters) or 0
    if origin == "api" and count >= MAX_VERSIONS_OF_PUBLISHER:
        raise PublicationError(
            "version", f"is one too many: a publisher may have {MAX_VERSIONS_OF_PUBLISHER}"
        )
    if not dry_run:
        await session.execute(
            text(INSERT),
            parameters
            | {
                "id": method.id,
                "version": method.version,
                "hash": method.hash(),
                "definition": json.dumps(method.document()),
                "origin": origin,
                "now": now,
            },
        )
    return PublishedMethod(method, origin, now, published_by), True


def _published(row: Any) -> PublishedMethod:
    return PublishedMethod(
        METHOD.validate_python(row.definition), row.origin, row.published_at, row.published_by
    )
