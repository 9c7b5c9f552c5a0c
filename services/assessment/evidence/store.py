"""Versioned storage of evidence: a correction adds a version, nothing is overwritten."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from services.platform.database import WriteSession

CURRENT_OF_KIND = """
-- Records in force of one kind.
SELECT id, key, version, recorded_at, origin, content
FROM assessment.evidence
WHERE region = :region AND kind = :kind AND is_current
ORDER BY key
"""

CURRENT = """
-- Records in force of every kind.
SELECT kind, id, key, version, content
FROM assessment.evidence
WHERE region = :region AND is_current
ORDER BY kind, key
"""

CURRENT_AS_OF = """
-- Records of every kind that were in force as of a moment.
SELECT kind, id, key, version, content
FROM (SELECT DISTINCT ON (kind, id) kind, id, key, version, content
      FROM assessment.evidence
      WHERE region = :region AND recorded_at <= :as_of
      ORDER BY kind, id, version DESC) AS known
WHERE content IS NOT NULL
ORDER BY kind, key
"""

_WITH_SOURCES = """
SELECT e.id, e.key, e.version, e.recorded_at, e.recorded_by, e.origin, e.content,
       (SELECT coalesce(jsonb_agg(s.content ORDER BY s.id), '[]')
        FROM assessment.source s
        WHERE s.region = e.region
          AND s.id = ANY (ARRAY(SELECT jsonb_array_elements_text(e.content -> 'sources')))
       ) AS sources
FROM assessment.evidence e
WHERE e.region = :region AND e.kind = :kind
"""

PAGE = f"""
-- A page of a kind by key, in force now or as of a moment, each with its sources.
{_WITH_SOURCES}
  AND e.content IS NOT NULL
  AND CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN e.is_current
           ELSE e.recorded_at <= :as_of AND NOT EXISTS (
               SELECT FROM assessment.evidence later
               WHERE later.region = e.region AND later.kind = e.kind AND later.id = e.id
                 AND later.version > e.version AND later.recorded_at <= :as_of)
      END
  AND (CAST(:cursor AS text) IS NULL OR e.key > :cursor)
ORDER BY e.key
LIMIT :limit
"""

RECORD = f"""
-- A record in a version (null: the newest), with its sources.
{_WITH_SOURCES}
  AND e.id = :id
  AND (CAST(:version AS int) IS NULL OR e.version = :version)
ORDER BY e.version DESC
LIMIT 1
"""

VERSIONS = """
-- The versions of a record, the newest first.
SELECT version, recorded_at, recorded_by, content IS NULL AS withdrawn
FROM assessment.evidence
WHERE region = :region AND kind = :kind AND id = :id
ORDER BY version DESC
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

EXISTING_SOURCES = """
-- Those of these ids that belong to a source.
SELECT id FROM assessment.source
WHERE region = :region AND id = ANY (CAST(:keys AS text[]))
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
    (region, kind, id, version, key, recorded_at, recorded_by, origin, is_current, content)
SELECT :region, :kind, :id, coalesce(max(version), 0) + 1, :key, :now, :recorded_by, :origin,
       CAST(:content AS jsonb) IS NOT NULL, CAST(:content AS jsonb)
FROM assessment.evidence WHERE region = :region AND kind = :kind AND id = :id
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
    origin: Origin,
    recorded_by: str,
    now: datetime,
) -> None:
    """Append a version of a record; content of None withdraws it, earlier versions remain."""
    record = {"region": region, "kind": kind, "id": record_id}
    await session.execute(text(END_CURRENT), record)
    stored = None if content is None else json.dumps(content)
    about = {"key": key, "now": now, "recorded_by": recorded_by, "origin": origin}
    await session.execute(text(ADD_VERSION), record | about | {"content": stored})
