"""The names of the regency's links, which other services keep copies of."""

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession

LOCK = """
-- Lets no other transaction write links of the region until this one ends.
SELECT pg_advisory_xact_lock(hashtextextended('links of ' || CAST(:region AS text), 0))
"""

LINK_NAMES = """
-- The links of a region, and whether a national body operates each.
SELECT slug, coalesce(CAST(content ->> 'national' AS boolean), false) AS national
FROM gateway.link WHERE region = :region ORDER BY slug
"""


async def lock_links(session: WriteSession, region: str) -> None:
    """Let no other transaction write links until this one ends."""
    await session.execute(text(LOCK), {"region": region})


async def find_link_names(session: ReadSession | WriteSession, region: str) -> dict[str, bool]:
    """Return all links; the value says whether a national body operates one."""
    rows = await session.execute(text(LINK_NAMES), {"region": region})
    return dict(rows.tuples().all())
