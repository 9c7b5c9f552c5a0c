"""The regency that reports name: kept beside the assessments, for no service reads another's."""

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.packs import Change, Pack

FIND = """
-- The regency as its pack describes it.
SELECT content FROM assessment.regency WHERE region = :region
"""

STORE = """
-- The regency as the pack describes it now.
INSERT INTO assessment.regency (region, content) VALUES (:region, CAST(:content AS jsonb))
ON CONFLICT (region) DO UPDATE SET content = excluded.content
"""


async def find_regency(session: ReadSession, region: str) -> Pack | None:
    """The regency; None before a pack is loaded."""
    content = await session.scalar(text(FIND), {"region": region})
    return None if content is None else Pack.model_validate(content)


async def store_regency(session: WriteSession, region: str, pack: Pack) -> list[Change]:
    """Makes the stored regency the pack's; what changes is told where the gateway keeps it."""
    await session.execute(text(STORE), {"region": region, "content": pack.model_dump_json()})
    return []
