"""Services of the regency, which click-outs may name."""

from collections.abc import Sequence

from sqlalchemy import text

from services.platform.database import WriteSession

REPLACE = """
-- Replaces the services of a region.
WITH incoming AS (SELECT slug FROM unnest(CAST(:slugs AS text[])) AS r (slug)),
removed AS (
    DELETE FROM gateway.service s
    WHERE s.region = :region AND NOT EXISTS (SELECT FROM incoming i WHERE i.slug = s.slug)
)
INSERT INTO gateway.service (region, slug)
SELECT :region, slug FROM incoming
ON CONFLICT DO NOTHING
"""


async def store_services(session: WriteSession, region: str, slugs: Sequence[str]) -> None:
    """Replace the stored services by those of a pack."""
    await session.execute(text(REPLACE), {"region": region, "slugs": slugs})
