"""Published announcements: their versions, and what pages show of the last one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from services.gateway.announcements.markup import to_html
from services.gateway.announcements.records import WrittenAnnouncement
from services.gateway.announcements.schemas import Visibility
from services.gateway.connectors.announcements.announcement import MAX_MATCHED, MAX_SUMMARY
from services.gateway.connectors.announcements.item import digest_of
from services.gateway.connectors.announcements.sanitise import plain_text
from services.gateway.connectors.announcements.service_matching import ServiceNames
from services.platform.database import ReadSession, WriteSession
from services.platform.stored import parse_stored

MAX_VERSIONS = 100
"""Versions of an announcement that are read, the newest."""

VERSIONS = """
-- The versions of an announcement, the newest first.
SELECT number, agency, recorded_at, recorded_by, approved_by, reason, shown_from, content
FROM gateway.announcement_version
WHERE region = :region AND announcement = :announcement
ORDER BY number DESC LIMIT :limit
"""

STORE_VERSION = """
-- Adds a version.
INSERT INTO gateway.announcement_version (region, announcement, number, agency, recorded_at,
    recorded_by, approved_by, reason, shown_from, content)
VALUES (:region, :announcement, :number, :agency, :now, :by, :approved_by, :reason, :shown_from,
    CAST(:content AS jsonb))
"""

SHOW = """
-- Stores what pages show of an announcement; one of a website has another key, and stays.
INSERT INTO gateway.announcement (region, id, source, key, digest, title, title_en, summary,
    summary_en, content, content_en, url, agency, dated_at, published_at, shown_until,
    first_seen_at, changed_at, services)
VALUES (:region, :announcement, '', :key, :digest, :title, :title_en, :summary, :summary_en,
    :content, :content_en, NULL, :agency, :shown_from, :shown_from, :shown_until, :now, :now,
    CAST(:services AS jsonb))
ON CONFLICT (region, key) DO UPDATE SET
    digest = excluded.digest, title = excluded.title, title_en = excluded.title_en,
    summary = excluded.summary, summary_en = excluded.summary_en, content = excluded.content,
    content_en = excluded.content_en, dated_at = excluded.dated_at,
    published_at = excluded.published_at, shown_until = excluded.shown_until,
    changed_at = excluded.changed_at, services = excluded.services
"""

HIDE = """
-- Deletes what pages show of an announcement; its versions remain.
DELETE FROM gateway.announcement
WHERE region = :region AND id = :announcement AND agency IS NOT NULL
"""


@dataclass(frozen=True)
class Version:
    """A version of an announcement."""

    number: int
    written: WrittenAnnouncement
    recorded_at: datetime
    recorded_by: str
    approved_by: str | None
    reason: str | None
    """Why it was withdrawn; None if it was published."""
    shown_from: datetime

    def visibility(self, now: datetime) -> Visibility:
        """Return what pages show of it."""
        until = self.written.publish_until
        return visibility_of(self.shown_from, until, is_withdrawn=self.reason is not None, now=now)


def visibility_of(
    start: datetime, end: datetime | None, *, is_withdrawn: bool, now: datetime
) -> Visibility:
    """Return what pages show of a version from `start` to `end`."""
    if is_withdrawn:
        return "withdrawn"
    if end is not None and end <= now:
        return "ended"
    return "scheduled" if start > now else "shown"


async def find_versions(
    session: ReadSession | WriteSession,
    region: str,
    announcement: UUID,
    *,
    limit: int = MAX_VERSIONS,
) -> list[Version]:
    """Return the versions of an announcement, the newest first."""
    parameters = {"region": region, "announcement": announcement, "limit": limit}
    return [
        Version(
            row.number,
            parse_stored(WrittenAnnouncement, row.content),
            row.recorded_at,
            row.recorded_by,
            row.approved_by,
            row.reason,
            row.shown_from,
        )
        for row in await session.execute(text(VERSIONS), parameters)
    ]


async def find_last_version(
    session: ReadSession | WriteSession, region: str, announcement: UUID
) -> Version | None:
    """Return the last version of an announcement; None if it was never published."""
    return next(iter(await find_versions(session, region, announcement, limit=1)), None)


async def publish_version(
    session: WriteSession,
    region: str,
    announcement: UUID,
    written: WrittenAnnouncement,
    *,
    before: Version | None,
    services: Sequence[ServiceNames],
    by: str,
    approved_by: str,
    now: datetime,
) -> None:
    """Store the next version of an announcement, and show it.

    A correction of what pages show keeps its place in lists, unless it is to begin later.
    """
    is_shown = before is not None and before.visibility(now) == "shown"
    first = before.shown_from if before is not None and is_shown else now
    version = Version(
        before.number + 1 if before is not None else 1,
        written,
        now,
        by,
        approved_by,
        None,
        max(filter(None, (first, written.publish_from))),
    )
    await _store(session, region, announcement, version)
    content = to_html(written.text)
    content_en = None if written.text_en is None else to_html(written.text_en)
    plain = plain_text(content, max_length=MAX_MATCHED)
    named = [
        {"service": each.slug, "name": each.name, "name_en": each.name_en, "words": []}
        for each in services
    ]
    await session.execute(
        text(SHOW),
        {
            "region": region,
            "announcement": announcement,
            "key": f"hub:{announcement}",
            "digest": digest_of(f"{written.title}\n{plain}"),
            "title": written.title,
            "title_en": written.title_en,
            "summary": plain_text(content, max_length=MAX_SUMMARY),
            "summary_en": content_en and plain_text(content_en, max_length=MAX_SUMMARY),
            "content": content,
            "content_en": content_en,
            "agency": written.agency,
            "shown_from": version.shown_from,
            "shown_until": written.publish_until,
            "now": now,
            "services": json.dumps(named),
        },
    )


async def withdraw_version(
    session: WriteSession,
    region: str,
    announcement: UUID,
    last: Version,
    *,
    by: str,
    reason: str,
    now: datetime,
) -> None:
    """Store that an announcement is withdrawn, and show it no more."""
    version = Version(last.number + 1, last.written, now, by, None, reason, last.shown_from)
    await _store(session, region, announcement, version)
    await session.execute(text(HIDE), {"region": region, "announcement": announcement})


async def _store(session: WriteSession, region: str, announcement: UUID, version: Version) -> None:
    await session.execute(
        text(STORE_VERSION),
        {
            "region": region,
            "announcement": announcement,
            "number": version.number,
            "agency": version.written.agency,
            "now": version.recorded_at,
            "by": version.recorded_by,
            "approved_by": version.approved_by,
            "reason": version.reason,
            "shown_from": version.shown_from,
            "content": version.written.model_dump_json(),
        },
    )
