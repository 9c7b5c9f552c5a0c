"""Drafts of assessments: kept apart from what is published, until a second person publishes one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.assessment.assessments.draft_schemas import MAX_DRAFTS
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.problems import Conflict, NotAllowed, NotFound
from services.platform.service import API
from services.platform.translation import N_, localized

DRAFTS = """
-- The drafts of a region, the newest first, or one of them.
SELECT id, region, method, method_version, method_hash, period, seed, draws, evidence_hash,
       recorded_at, recorded_by, drafted_by, scores
FROM assessment.assessment_draft
WHERE region = :region AND (CAST(:id AS uuid) IS NULL OR id = :id)
ORDER BY id DESC
LIMIT :most
"""

LOCK = """
-- Locks a draft until the transaction ends.
SELECT id, method, period, recorded_at, recorded_by, drafted_by
FROM assessment.assessment_draft
WHERE region = :region AND id = :id
FOR UPDATE
"""

NEWER = """
-- Whether an assessment of the same year by the same method was published that is newer.
SELECT EXISTS (
    SELECT FROM assessment.assessment
    WHERE region = :region AND period = :period AND method = :method AND id > :id
)
"""

PUBLISH = """
-- Moves a draft to the published assessments.
INSERT INTO assessment.assessment
    (region, id, method, method_version, method_hash, period, seed, draws, evidence_hash,
     recorded_at, recorded_by, definition, evidence, scores)
SELECT region, id, method, method_version, method_hash, period, seed, draws, evidence_hash,
       recorded_at, recorded_by, definition, evidence, scores
FROM assessment.assessment_draft
WHERE region = :region AND id = :id
"""

RECORD_PUBLICATION = """
-- Who published an assessment, and who had made it.
INSERT INTO assessment.publication (region, id, drafted_by, published_by, published_at)
VALUES (:region, :id, :drafted_by, :published_by, :now)
"""

DELETE = """
-- Deletes a draft.
DELETE FROM assessment.assessment_draft WHERE region = :region AND id = :id
"""


async def draft_rows(session: ReadSession | WriteSession, region: str) -> list[Any]:
    """Return the drafts of a region, the newest first."""
    parameters = {"region": region, "id": None, "most": MAX_DRAFTS}
    return list(await session.execute(text(DRAFTS), parameters))


async def find_draft(session: ReadSession | WriteSession, region: str, draft_id: UUID) -> Any:
    """Return the row of a draft; raise `NotFound` if there is none."""
    parameters = {"region": region, "id": draft_id, "most": 1}
    row = (await session.execute(text(DRAFTS), parameters)).one_or_none()
    if row is None:
        raise draft_not_found(draft_id)
    return row


async def publish_draft(
    session: WriteSession, region: str, draft_id: UUID, *, caller: Caller, now: datetime
) -> None:
    """Publish a draft, which another person has made.

    Raises:
        NotFound: There is no such draft.
        NotAllowed: The caller has made it.
        Conflict: A newer assessment of the year is published, which it would not replace.
    """
    parameters = {"region": region, "id": draft_id}
    row = await _lock(session, region, draft_id)
    if row.drafted_by == caller.person:
        raise NotAllowed(localized(N_("Konsep ini diterbitkan orang lain, bukan yang membuatnya.")))
    if await session.scalar(text(NEWER), parameters | {"period": row.period, "method": row.method}):
        raise Conflict(
            localized(
                N_("Penilaian %(year)s yang lebih baru sudah terbit. Nilai tahun itu sekali lagi."),
                year=row.period,
            ),
            errors=[],
        )
    await session.execute(text(PUBLISH), parameters)
    published = {"drafted_by": row.drafted_by, "published_by": caller.person, "now": now}
    await session.execute(text(RECORD_PUBLICATION), parameters | published)
    await session.execute(text(DELETE), parameters)


async def delete_draft(
    session: WriteSession, region: str, draft_id: UUID, *, caller: Caller
) -> None:
    """Delete a draft of the caller's agency; raise `NotAllowed` if it is another's."""
    row = await _lock(session, region, draft_id)
    if row.drafted_by != caller.person and not caller.can_write_for(row.recorded_by):
        made_for = N_("Konsep ini dibuat untuk %(agency)s, yang dapat menghapusnya.")
        raise NotAllowed(localized(made_for, agency=row.recorded_by))
    await session.execute(text(DELETE), {"region": region, "id": draft_id})


def draft_not_found(draft_id: UUID) -> NotFound:
    """Return the problem of a draft that does not exist, or is published by now."""
    return NotFound(f"There is no draft {draft_id}; {API}/assessments/drafts lists them.")


async def _lock(session: WriteSession, region: str, draft_id: UUID) -> Any:
    parameters = {"region": region, "id": draft_id}
    row = (await session.execute(text(LOCK), parameters)).one_or_none()
    if row is None:
        raise draft_not_found(draft_id)
    return row
