"""Evidence as it is stored: every correction is a further version, nothing is overwritten."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.platform.database import WriteSession

STORED = """
-- What is in force of a kind.
SELECT id, key, version, recorded_at, content
FROM assessment.evidence
WHERE region = :region AND kind = :kind AND is_current
ORDER BY key
"""

ALL_STORED = """
-- What is in force of every kind.
SELECT kind, id, key, version, content
FROM assessment.evidence
WHERE region = :region AND is_current
ORDER BY kind, key
"""

PAGE = """
-- A page of a kind by key, each with its sources.
SELECT e.id, e.key, e.version, e.recorded_at, e.content,
       (SELECT coalesce(jsonb_agg(s.content ORDER BY s.id), '[]')
        FROM assessment.source s
        WHERE s.region = e.region AND e.content -> 'sources' ? s.id) AS sources
FROM assessment.evidence e
WHERE e.region = :region AND e.kind = :kind AND e.is_current
  AND (CAST(:cursor AS text) IS NULL OR e.key > :cursor)
ORDER BY e.key
LIMIT :limit
"""

ONE = """
-- A record in a version (null: the newest), with its sources.
SELECT e.id, e.key, e.version, e.recorded_at, e.content,
       (SELECT coalesce(jsonb_agg(s.content ORDER BY s.id), '[]')
        FROM assessment.source s
        WHERE s.region = e.region AND e.content -> 'sources' ? s.id) AS sources
FROM assessment.evidence e
WHERE e.region = :region AND e.kind = :kind AND e.id = :id
  AND (CAST(:version AS int) IS NULL OR e.version = :version)
ORDER BY e.version DESC
LIMIT 1
"""

SUPERSEDE = """
-- What was in force is so no longer.
UPDATE assessment.evidence SET is_current = false
WHERE region = :region AND kind = :kind AND id = :id AND is_current
"""

ADD_VERSION = """
-- The next version of a record; without content it withdraws the record.
INSERT INTO assessment.evidence
    (region, kind, id, version, key, recorded_at, is_current, content)
SELECT :region, :kind, :id, coalesce(max(version), 0) + 1, :key, :now,
       CAST(:content AS jsonb) IS NOT NULL, CAST(:content AS jsonb)
FROM assessment.evidence WHERE region = :region AND kind = :kind AND id = :id
"""


async def add_version(
    session: WriteSession,
    region: str,
    kind: str,
    record_id: UUID,
    *,
    key: str,
    content: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    """Supersedes a record; with None it is withdrawn, its versions stay."""
    record = {"region": region, "kind": kind, "id": record_id}
    await session.execute(text(SUPERSEDE), record)
    stored = None if content is None else json.dumps(content)
    await session.execute(text(ADD_VERSION), record | {"key": key, "now": now, "content": stored})
