"""Drafts of announcements: written by an agency, reviewed and published by a second person."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import text

from services.gateway.announcements.records import WrittenAnnouncement
from services.platform.conditional_writes import normalised
from services.platform.database import ReadSession, WriteSession
from services.platform.draft_steps import ReviewedDraft, State, read_steps
from services.platform.identity import Caller
from services.platform.problems import NotFound
from services.platform.service import API
from services.platform.stored import parse_stored

LOCK = """
-- One process at a time changes the announcements that a region's agencies write.
SELECT pg_advisory_xact_lock(hashtext('gateway.announcement_draft'), hashtext(:region))
"""

STEPS = """
-- The steps of the open draft of an announcement, the oldest first.
SELECT d.revision, d.state, d.base_version, d.recorded_at, d.recorded_by, d.person, d.reason,
       d.content
FROM gateway.announcement_draft d
WHERE d.region = :region AND d.announcement = :announcement AND d.revision > coalesce((
    SELECT max(over.revision) FROM gateway.announcement_draft over
    WHERE over.region = :region AND over.announcement = :announcement
      AND over.state IN ('published', 'discarded')), 0)
ORDER BY d.revision
"""

STORE_STEP = """
-- Adds a step to the draft of an announcement.
INSERT INTO gateway.announcement_draft
    (region, announcement, revision, state, base_version, agency, recorded_at, recorded_by, person,
     reason, content)
SELECT :region, :announcement, coalesce(max(revision), 0) + 1, :state, :base_version, :agency,
       :now, :by, :person, :reason, CAST(:content AS jsonb)
FROM gateway.announcement_draft WHERE region = :region AND announcement = :announcement
"""

REVISION = """
-- A revision of a draft.
SELECT content FROM gateway.announcement_draft
WHERE region = :region AND announcement = :announcement AND revision = :number
"""

AGENCY = """
-- The agency whose announcement this id is: of a draft, discarded or not, or of a version.
SELECT agency FROM gateway.announcement_draft
WHERE region = :region AND announcement = :announcement LIMIT 1
"""

COUNT_OPEN = """
-- How many drafts of an agency are open.
SELECT count(*) FROM (
    SELECT DISTINCT ON (announcement) state FROM gateway.announcement_draft
    WHERE region = :region AND agency = :agency
    ORDER BY announcement, revision DESC
) last
WHERE state NOT IN ('published', 'discarded')
"""


@dataclass(frozen=True)
class Draft(ReviewedDraft):
    """The open draft of an announcement."""

    reviewers = "agency or the lead agency, or an administrator, publishes or refuses it"

    id: UUID
    written: WrittenAnnouncement


async def lock_drafts(session: WriteSession, region: str) -> None:
    """Wait until no other process changes announcements of the region."""
    await session.execute(text(LOCK), {"region": region})


async def find_draft(
    session: ReadSession | WriteSession, region: str, announcement: UUID
) -> Draft | None:
    """Return the open draft of an announcement; None if there is none."""
    parameters = {"region": region, "announcement": announcement}
    rows = (await session.execute(text(STEPS), parameters)).all()
    if not rows:
        return None
    last = rows[-1]
    written = parse_stored(WrittenAnnouncement, last.content)
    return Draft(last.base_version, read_steps(rows), announcement, written)


async def get_draft(session: ReadSession | WriteSession, region: str, announcement: UUID) -> Draft:
    """Return the open draft of an announcement; raise `NotFound` if there is none."""
    draft = await find_draft(session, region, announcement)
    if draft is None:
        raise NotFound(
            f"There is no draft of {announcement}; {API}/announcements/written lists them."
        )
    return draft


async def find_revision(
    session: WriteSession, region: str, announcement: UUID, number: int
) -> JsonValue:
    """Return the announcement as a revision of its drafts has it; None if there is none."""
    parameters = {"region": region, "announcement": announcement, "number": number}
    return normalised(WrittenAnnouncement, await session.scalar(text(REVISION), parameters))


async def find_agency(session: WriteSession, region: str, announcement: UUID) -> str | None:
    """Return whose announcement an id is; None if it is nobody's yet."""
    return await session.scalar(text(AGENCY), {"region": region, "announcement": announcement})


async def count_open_drafts(session: WriteSession, region: str, agency: str) -> int:
    """Return how many drafts of an agency are open."""
    found = await session.scalar(text(COUNT_OPEN), {"region": region, "agency": agency})
    return found or 0


async def store_step(
    session: WriteSession,
    region: str,
    announcement: UUID,
    written: WrittenAnnouncement,
    state: State,
    *,
    base_version: int | None,
    caller: Caller,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Add a step to the draft of an announcement."""
    await session.execute(
        text(STORE_STEP),
        {
            "region": region,
            "announcement": announcement,
            "state": state,
            "base_version": base_version,
            "agency": written.agency,
            "now": now,
            "by": caller.actor,
            "person": caller.person,
            "reason": reason,
            "content": written.model_dump_json(),
        },
    )
