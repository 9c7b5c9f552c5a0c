"""The regency as reports name it, stored here because services do not read each other's tables."""

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.packs import Change, Pack

FIND = """
-- The regency, from its pack.
SELECT content FROM assessment.regency WHERE region = :region
"""

STORE = """
-- Stores the pack's regency.
INSERT INTO assessment.regency (region, content) VALUES (:region, CAST(:content AS jsonb))
ON CONFLICT (region) DO UPDATE SET content = excluded.content
"""


async def find_regency(session: ReadSession, region: str) -> Pack | None:
    """Return the regency; None before a pack is loaded."""
    content = await session.scalar(text(FIND), {"region": region})
    return None if content is None else Pack.model_validate(content)


async def store_regency(session: WriteSession, region: str, pack: Pack) -> list[Change]:
    """Store the pack's regency; the gateway reports what changed."""
    await session.execute(text(STORE), {"region": region, "content": pack.model_dump_json()})
    return []
