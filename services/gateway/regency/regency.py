"""Name and codes of the regency, for pages and documents."""

from typing import Any

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.packs import Change, Pack, changes_between

FIND = """
-- The regency as its pack describes it.
SELECT content FROM gateway.regency WHERE region = :region
"""

STORE = """
-- The regency as the pack describes it now.
INSERT INTO gateway.regency (region, content) VALUES (:region, CAST(:content AS jsonb))
ON CONFLICT (region) DO UPDATE SET content = excluded.content
"""


async def find_regency(session: ReadSession | WriteSession, region: str) -> Pack | None:
    """Return the regency; None before a pack is loaded."""
    content = await session.scalar(text(FIND), {"region": region})
    return None if content is None else Pack.model_validate(content)


async def load_regency(session: WriteSession, region: str, pack: Pack) -> list[Change]:
    """Store the regency of a pack; return the changes."""
    before = await find_regency(session, region)
    stored: dict[str, dict[str, Any]] = (
        {} if before is None else {region: before.model_dump(mode="json")}
    )
    changes = changes_between("regency", stored, {region: pack.model_dump(mode="json")})
    if changes:
        content = pack.model_dump_json()
        await session.execute(text(STORE), {"region": region, "content": content})
    return changes
