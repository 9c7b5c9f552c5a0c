"""Versioned storage of evidence: a correction adds a version, nothing is overwritten."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from services.assessment.evidence.states import EvidenceState
from services.platform.database import WriteSession

CURRENT_OF_KIND = """
-- Records of one kind by key as a pack finds them: in force, or withdrawn over the API.
SELECT DISTINCT ON (e.key) e.id, e.key, e.version, e.recorded_at, e.origin, e.content
FROM assessment.evidence e
WHERE e.region = :region AND e.kind = :kind
  AND (e.is_current OR (e.origin = 'api' AND e.content IS NULL AND NOT EXISTS (
      SELECT FROM assessment.evidence later
      WHERE later.region = e.region AND later.kind = e.kind AND later.id = e.id
        AND later.version > e.version)))
ORDER BY e.key, e.is_current DESC, e.recorded_at DESC
"""

CURRENT = """
-- Newest content of the records in force of every kind, with its state.
SELECT e.kind, e.id, e.key, e.version, e.content, s.state
FROM assessment.evidence e
JOIN LATERAL (SELECT state FROM assessment.evidence_state s
              WHERE s.region = e.region AND s.kind = e.kind AND s.id = e.id
                AND s.version = e.version
              ORDER BY step DESC LIMIT 1) s ON true
WHERE e.region = :region AND e.is_current
ORDER BY e.kind, e.key
"""

_MARKED = """
-- Every version as of a moment (null: now), with its state and when it was first confirmed, the
-- newest version of its record, the newest with content, and the newest that is confirmed (or a
-- withdrawal in effect).
WITH stated AS (
    SELECT e.*, s.state, s.changed_by, s.changed_at,
           (SELECT min(s.changed_at) FROM assessment.evidence_state s
            WHERE s.region = e.region AND s.kind = e.kind AND s.id = e.id
              AND s.version = e.version AND s.state = 'confirmed'
              AND (CAST(:as_of AS timestamptz) IS NULL OR s.changed_at <= :as_of)
           ) AS counted_at
    FROM assessment.evidence e
    JOIN LATERAL (SELECT state, changed_by, changed_at FROM assessment.evidence_state s
                  WHERE s.region = e.region AND s.kind = e.kind AND s.id = e.id
                    AND s.version = e.version
                    AND (CAST(:as_of AS timestamptz) IS NULL OR s.changed_at <= :as_of)
                  ORDER BY step DESC LIMIT 1) s ON true
    WHERE e.region = :region
      AND (CAST(:kind AS text) IS NULL OR e.kind = :kind)
      AND (CAST(:as_of AS timestamptz) IS NULL OR e.recorded_at <= :as_of)
), marked AS (
    SELECT *,
           max(version) OVER record AS newest,
           max(version) FILTER (WHERE content IS NOT NULL) OVER record AS standing,
           max(version) FILTER (WHERE state IN ('confirmed', 'withdrawn')) OVER record AS official,
           max(version) FILTER (WHERE state = 'withdrawn') OVER record AS ended
    FROM stated
    WINDOW record AS (PARTITION BY kind, id)
)
"""

COUNTED = f"""
{_MARKED}, ranked AS (
    SELECT *,
           counted_at IS NOT NULL AND (version IS DISTINCT FROM official OR state = 'disputed')
               AS is_former,
           min(counted_at) FILTER (WHERE version > coalesce(ended, 0)) OVER record AS counts_since,
           max(origin) FILTER (WHERE version = official) OVER record AS decided_by
    FROM marked
    WINDOW record AS (PARTITION BY kind, id)
)
-- What scores read as of a moment: the confirmed version of each record, and beside it what was
-- proposed since (without content: that the record is withdrawn) and each version that counted
-- before it was corrected, withdrawn or disputed over the API. A correction does not change since
-- when a record counts.
SELECT kind, id, key, version, recorded_by, content,
       CASE WHEN is_former THEN 'withdrawn' ELSE state END AS state,
       CASE WHEN is_former THEN counted_at WHEN state = 'confirmed' THEN counts_since END
           AS confirmed_at
FROM ranked
WHERE (version = official AND state = 'confirmed') OR (version = newest AND state = 'proposed')
   OR (is_former AND (decided_by IS DISTINCT FROM 'pack' OR version > official))
ORDER BY kind, key, version
"""  # noqa: S608 - made of constants

HISTORY_LENGTH = """
-- How long the history of all evidence is. What scores read follows from it, and steps are only
-- ever added, so that the evidence has not changed if it is as long as before.
SELECT count(*) FROM assessment.evidence_state WHERE region = :region
"""

_STATES = """
    (SELECT jsonb_agg(jsonb_build_object('state', h.state, 'by', h.changed_by,
                                         'at', h.changed_at, 'reason', h.reason) ORDER BY h.step)
     FROM assessment.evidence_state h
     WHERE h.region = e.region AND h.kind = e.kind AND h.id = e.id
       AND h.version = e.version
       AND (CAST(:as_of AS timestamptz) IS NULL OR h.changed_at <= :as_of)) AS states
"""

_WITH_SOURCES = f"""
SELECT e.id, e.key, e.version, e.recorded_at, e.recorded_by, e.origin, e.content,
       (SELECT coalesce(jsonb_agg(s.content ORDER BY s.id), '[]')
        FROM assessment.source s
        WHERE s.region = e.region
          AND s.id = ANY (ARRAY(SELECT jsonb_array_elements_text(e.content -> 'sources')))
       ) AS sources,
       {_STATES}
"""  # noqa: S608 - made of constants

PAGE = f"""
{_MARKED}
-- A page of a kind by key, now or as of a moment, each with its sources: the newest content of the
-- records in force, or the version of each that is in a state.
{_WITH_SOURCES}
FROM marked e
WHERE CASE CAST(:state AS text)
          WHEN 'confirmed' THEN e.version = e.official AND e.state = 'confirmed'
          ELSE CASE WHEN CAST(:state AS text) IS NULL
                    THEN e.version = e.standing AND e.ended IS DISTINCT FROM e.newest
                    ELSE e.version = e.newest AND e.state = :state
               END
      END
  AND (CAST(:cursor AS text) IS NULL OR (e.key, e.id) > (:cursor, CAST(:after AS uuid)))
ORDER BY e.key, e.id
LIMIT :limit
"""

PROPOSALS = f"""
{_MARKED}
-- How many records wait to be confirmed, by kind and who recorded the newest version.
SELECT kind, recorded_by, count(*) AS count FROM marked
WHERE version = newest AND state = 'proposed'
GROUP BY kind, recorded_by ORDER BY kind, recorded_by
"""  # noqa: S608 - made of constants

RECORD = f"""
-- A record in a version (null: the newest), with its sources and the history of its state.
{_WITH_SOURCES}
FROM assessment.evidence e
WHERE e.region = :region AND e.kind = :kind AND e.id = :id
  AND (CAST(:version AS int) IS NULL OR e.version = :version)
ORDER BY e.version DESC
LIMIT 1
"""

VERSIONS = f"""
-- The versions of a record, the newest first.
SELECT version, recorded_at, recorded_by, content IS NULL AS withdrawn,
       {_STATES}
FROM assessment.evidence e
WHERE region = :region AND kind = :kind AND id = :id
ORDER BY version DESC
"""  # noqa: S608 - made of constants

STANDING = f"""
{_MARKED}
-- A version with its state, the newest and the confirmed version of its record.
SELECT version, recorded_by, person, content, state, changed_by, newest, official
FROM marked WHERE id = :id AND version = :version
"""  # noqa: S608 - made of constants

WAS_CONFIRMED = f"""
{_MARKED}
-- Whether scores read a version of the record.
SELECT EXISTS (SELECT FROM marked WHERE id = :id AND version = official AND state = 'confirmed')
"""  # noqa: S608 - made of constants

HISTORY = """
-- The history of a version's state, the first step first.
SELECT state, changed_by AS by, changed_at AS at, reason
FROM assessment.evidence_state
WHERE region = :region AND kind = :kind AND id = :id AND version = :version
ORDER BY step
"""

AGENCIES_OF_STAKEHOLDERS = """
-- The agencies of these stakeholders.
SELECT key, content ->> 'agency' AS agency FROM assessment.evidence
WHERE region = :region AND kind = 'stakeholders' AND is_current
  AND key = ANY (CAST(:keys AS text[])) AND content ->> 'agency' IS NOT NULL
"""

EXISTING_KEYS = """
-- Those of these keys of a kind that are in force.
SELECT key FROM assessment.evidence
WHERE region = :region AND kind = :kind AND is_current AND key = ANY (CAST(:keys AS text[]))
"""

BY_KEY = """
-- The record in force under a key, if any.
SELECT id, recorded_by, content FROM assessment.evidence
WHERE region = :region AND kind = :kind AND is_current AND key = :key
"""

INDEX_VALUES = """
-- Records in force that hold the value of an index, a year and a role.
SELECT id, key FROM assessment.evidence
WHERE region = :region AND kind = 'index-values' AND is_current
  AND content @> CAST(:slot AS jsonb)
"""

LEVELS_OF_INDEX = f"""
{_MARKED}
-- The levels of an index that are declared or planned for a year: of each record in force the
-- newest content, and the confirmed version where that is another one.
{_WITH_SOURCES}
FROM marked e
WHERE e.content @> CAST(:slot AS jsonb) AND e.ended IS DISTINCT FROM e.newest
  AND (e.version = e.standing OR (e.version = e.official AND e.state = 'confirmed'))
ORDER BY e.key, e.id, e.version
"""

YEARS_OF_LEVELS = """
-- The years for which levels of an index are declared or planned, the newest first.
SELECT DISTINCT CAST(content ->> 'year' AS int) AS year
FROM assessment.evidence
WHERE region = :region AND kind = 'index-levels' AND is_current AND content ->> 'index' = :index
ORDER BY year DESC
"""

SOURCES = """
-- These sources.
SELECT id, content FROM assessment.source
WHERE region = :region AND id = ANY (CAST(:ids AS text[]))
ORDER BY id
"""

EXISTING_SOURCES = """
-- Those of these ids that belong to a source.
SELECT id FROM assessment.source
WHERE region = :region AND id = ANY (CAST(:keys AS text[]))
"""

COPY_SOURCE = """
-- Copies a source of the register.
INSERT INTO assessment.source (region, id, origin, content)
VALUES (:region, :id, 'api', CAST(:content AS jsonb))
ON CONFLICT (region, id) DO NOTHING
"""

SIZE_OF_AGENCY = """
-- Bytes of an agency's records in force, each with its sources, as readers get them.
SELECT coalesce(sum(octet_length(e.content::text)
       + (SELECT coalesce(sum(octet_length(s.content::text)), 0)
          FROM assessment.source s
          WHERE s.region = e.region
            AND s.id = ANY (ARRAY(SELECT jsonb_array_elements_text(e.content -> 'sources'))))), 0)
FROM assessment.evidence e
WHERE e.region = :region AND e.recorded_by = :recorded_by AND e.is_current
"""

LOCK = """
-- Serialises changes of one record, or of one key of a kind.
SELECT pg_advisory_xact_lock(hashtextextended(:region || ' ' || :kind || ' ' || :key, 0))
"""

END_CURRENT = """
-- Ends the version in force.
UPDATE assessment.evidence SET is_current = false
WHERE region = :region AND kind = :kind AND id = :id AND is_current
"""

ADD_VERSION = """
-- Adds the next version of a record; without content it withdraws the record.
INSERT INTO assessment.evidence
    (region, kind, id, version, key, recorded_at, recorded_by, person, origin, is_current, content)
SELECT :region, :kind, :id, coalesce(max(version), 0) + 1, :key, :now, :recorded_by, :person,
       :origin, CAST(:content AS jsonb) IS NOT NULL, CAST(:content AS jsonb)
FROM assessment.evidence WHERE region = :region AND kind = :kind AND id = :id
RETURNING version
"""

ADD_STATE = """
-- Adds the next step to the history of a version's state.
INSERT INTO assessment.evidence_state
    (region, kind, id, version, step, state, changed_by, changed_at, reason)
SELECT :region, :kind, :id, :version, coalesce(max(step), 0) + 1, :state, :by, :now, :reason
FROM assessment.evidence_state
WHERE region = :region AND kind = :kind AND id = :id AND version = :version
"""

REMOVE_UNCONFIRMED_FILES = """
-- Deletes the files of a record with which nobody has confirmed it.
UPDATE assessment.evidence_attachment a
SET content = NULL, name = NULL, removed_at = :now, removed_by = :by
WHERE region = :region AND kind = :kind AND record = :id AND removed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM assessment.evidence_state s
      WHERE s.region = a.region AND s.kind = a.kind AND s.id = a.record
        AND s.state = 'confirmed' AND s.changed_at >= a.added_at)
"""

Origin = Literal["pack", "api"]


async def add_version(
    session: WriteSession,
    region: str,
    kind: str,
    record_id: UUID,
    *,
    key: str,
    content: Mapping[str, Any] | None,
    state: EvidenceState,
    origin: Origin,
    recorded_by: str,
    person: str | None,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Append a version of a record; content of None withdraws it, earlier versions remain.

    A withdrawal that is only proposed leaves the version before it in force, and so its key taken.
    """
    record = {"region": region, "kind": kind, "id": record_id}
    if content is not None:
        await session.execute(text(END_CURRENT), record)
    stored = None if content is None else json.dumps(content)
    about = {"key": key, "now": now, "recorded_by": recorded_by, "person": person, "origin": origin}
    added = await session.execute(text(ADD_VERSION), record | about | {"content": stored})
    version: int = added.scalar_one()
    await add_state(
        session,
        region,
        kind,
        record_id,
        version,
        state=state,
        by=recorded_by,
        now=now,
        reason=reason,
    )


async def add_state(
    session: WriteSession,
    region: str,
    kind: str,
    record_id: UUID,
    version: int,
    *,
    state: EvidenceState,
    by: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Append a step to the history of a version.

    A withdrawal in effect ends the record, and deletes its files with which nobody confirmed it.
    """
    record = {"region": region, "kind": kind, "id": record_id}
    if state == "withdrawn":
        await session.execute(text(END_CURRENT), record)
        by_whom = {"now": now, "by": by}
        await session.execute(text(REMOVE_UNCONFIRMED_FILES), record | by_whom)
    step = {"version": version, "state": state, "by": by, "now": now, "reason": reason}
    await session.execute(text(ADD_STATE), record | step)
