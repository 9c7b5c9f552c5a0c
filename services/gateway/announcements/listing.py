"""The list of what agencies write: drafts and published announcements, each once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from services.gateway.announcements.schemas import WrittenAnnouncementItem
from services.gateway.announcements.versions import visibility_of
from services.platform.database import ReadSession
from services.platform.draft_steps import OpenState
from services.platform.service import API

WRITTEN = """
-- The announcements of agencies, the newest first: each with its open draft, its last version, and
-- whether a person wrote in the draft.
WITH last_step AS (
    SELECT DISTINCT ON (announcement) announcement, state, agency, recorded_at,
           content ->> 'title' AS title
    FROM gateway.announcement_draft
    WHERE region = :region
    ORDER BY announcement, revision DESC
), draft AS (
    SELECT * FROM last_step WHERE state NOT IN ('published', 'discarded')
), version AS (
    SELECT DISTINCT ON (announcement) announcement, number, agency, recorded_at, reason, shown_from,
           content ->> 'title' AS title,
           CAST(content ->> 'publish_until' AS timestamptz) AS shown_until
    FROM gateway.announcement_version
    WHERE region = :region
    ORDER BY announcement, number DESC
)
SELECT announcement AS id, coalesce(draft.agency, version.agency) AS agency,
       coalesce(draft.title, version.title) AS title, draft.state AS draft, version.number,
       version.reason, version.shown_from, version.shown_until,
       greatest(draft.recorded_at, version.recorded_at) AS recorded_at,
       draft.state IS NOT NULL AND EXISTS (
           SELECT FROM gateway.announcement_draft written
           WHERE written.region = :region AND written.announcement = draft.announcement
             AND written.state = 'draft' AND written.person = :person
             AND written.revision > coalesce((
               SELECT max(over.revision) FROM gateway.announcement_draft over
               WHERE over.region = :region AND over.announcement = draft.announcement
                 AND over.state IN ('published', 'discarded')), 0)) AS is_own
FROM draft FULL JOIN version USING (announcement)
WHERE (CAST(:agency AS text) IS NULL OR coalesce(draft.agency, version.agency) = :agency)
  AND (CAST(:draft AS text) IS NULL OR draft.state = :draft)
  AND (CAST(:cursor AS uuid) IS NULL OR announcement < :cursor)
ORDER BY announcement DESC
LIMIT :limit
"""


async def list_written(
    session: ReadSession,
    region: str,
    *,
    agency: str | None,
    draft: OpenState | None,
    person: str,
    cursor: UUID | None,
    limit: int,
    now: datetime,
) -> list[WrittenAnnouncementItem]:
    """Return announcements of an agency or of all, those that were begun last first."""
    parameters = {
        "region": region,
        "agency": agency,
        "draft": draft,
        "person": person,
        "cursor": cursor,
        "limit": limit,
    }
    return [
        WrittenAnnouncementItem(
            id=row.id,
            agency=row.agency,
            title=row.title,
            draft=row.draft,
            is_own=row.is_own,
            version=row.number,
            visibility=None
            if row.number is None
            else visibility_of(
                row.shown_from, row.shown_until, is_withdrawn=row.reason is not None, now=now
            ),
            shown_from=row.shown_from,
            shown_until=row.shown_until,
            recorded_at=row.recorded_at,
            href=f"{API}/announcements/{row.id}/{'draft' if row.draft else 'versions'}",
        )
        for row in await session.execute(text(WRITTEN), parameters)
    ]
