"""Drafts of services: written by an agency, reviewed and published by a second person."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import text

from services.catalog.records import Service
from services.platform.conditional_writes import normalised
from services.platform.database import ReadSession, WriteSession
from services.platform.draft_steps import ReviewedDraft, State, read_steps
from services.platform.identity import Caller
from services.platform.problems import NotFound
from services.platform.service import API
from services.platform.stored import parse_stored

STEPS = """
-- The steps of the open draft of a service, the oldest first.
SELECT d.revision, d.state, d.base_version, d.agency, d.recorded_at, d.recorded_by, d.person,
       d.reason, d.content
FROM catalog.service_draft d
WHERE d.region = :region AND d.slug = :slug AND d.revision > coalesce((
    SELECT max(over.revision) FROM catalog.service_draft over
    WHERE over.region = :region AND over.slug = :slug
      AND over.state IN ('published', 'discarded')), 0)
ORDER BY d.revision
"""

STORE_STEP = """
-- Adds a step to the draft of a service.
INSERT INTO catalog.service_draft
    (region, slug, revision, state, base_version, agency, recorded_at, recorded_by, person, reason,
     content)
SELECT :region, :slug, coalesce(max(revision), 0) + 1, :state, :base_version, :agency, :now, :by,
       :person, :reason, CAST(:content AS jsonb)
FROM catalog.service_draft WHERE region = :region AND slug = :slug
"""

REVISION = """
-- A revision of a draft.
SELECT content FROM catalog.service_draft
WHERE region = :region AND slug = :slug AND revision = :number
"""

OPEN_DRAFTS = """
-- The open drafts by slug, of an agency if one is given, each with whether a person wrote in it.
WITH latest AS (
    SELECT DISTINCT ON (slug) slug, revision, state, base_version, agency, recorded_at, recorded_by,
           content ->> 'name' AS name
    FROM catalog.service_draft
    WHERE region = :region
    ORDER BY slug, revision DESC
)
SELECT latest.*, EXISTS (
    SELECT FROM catalog.service_draft written
    WHERE written.region = :region AND written.slug = latest.slug AND written.state = 'draft'
      AND written.person = :person AND written.revision > coalesce((
        SELECT max(over.revision) FROM catalog.service_draft over
        WHERE over.region = :region AND over.slug = latest.slug
          AND over.state IN ('published', 'discarded')), 0)) AS is_own
FROM latest
WHERE state NOT IN ('published', 'discarded')
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
  AND (CAST(:state AS text) IS NULL OR state = :state)
  AND (CAST(:cursor AS text) IS NULL OR slug > :cursor)
ORDER BY slug
LIMIT :limit
"""


@dataclass(frozen=True)
class Draft(ReviewedDraft):
    """The open draft of a service."""

    reviewers = "agency, or an administrator, publishes or refuses it with another key"

    service: Service


async def find_draft(session: ReadSession | WriteSession, region: str, slug: str) -> Draft | None:
    """Return the open draft of a service; None if there is none."""
    rows = (await session.execute(text(STEPS), {"region": region, "slug": slug})).all()
    if not rows:
        return None
    last = rows[-1]
    return Draft(last.base_version, read_steps(rows), parse_stored(Service, last.content))


async def get_draft(session: ReadSession | WriteSession, region: str, slug: str) -> Draft:
    """Return the open draft of a service; raise `NotFound` if there is none."""
    draft = await find_draft(session, region, slug)
    if draft is None:
        raise NotFound(
            f"There is no draft of {slug!r}; {API}/catalog/drafts lists those of the agency."
        )
    return draft


async def find_revision(session: WriteSession, region: str, slug: str, number: int) -> JsonValue:
    """Return the service as a revision of its drafts has it; None if there is none."""
    parameters = {"region": region, "slug": slug, "number": number}
    return normalised(Service, await session.scalar(text(REVISION), parameters))


async def store_step(
    session: WriteSession,
    region: str,
    service: Service,
    state: State,
    *,
    base_version: int | None,
    caller: Caller,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Add a step to the draft of a service."""
    await session.execute(
        text(STORE_STEP),
        {
            "region": region,
            "slug": service.slug,
            "state": state,
            "base_version": base_version,
            "agency": service.agency,
            "now": now,
            "by": caller.actor,
            "person": caller.person,
            "reason": reason,
            "content": service.model_dump_json(),
        },
    )
