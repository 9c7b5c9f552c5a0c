"""How many requests were made with each key."""

from datetime import datetime

from sqlalchemy import text

from services.platform.database import ReadSession

COUNT_REQUESTS = """
-- Count the requests of each key since an hour.
SELECT key_id, CAST(sum(requests) AS bigint) AS requests FROM gateway.consumption
WHERE region = :region AND hour >= :since GROUP BY key_id
"""


async def count_requests(session: ReadSession, region: str, *, since: datetime) -> dict[str, int]:
    """Return the number of requests of each key since a moment, precise to an hour."""
    rows = await session.execute(text(COUNT_REQUESTS), {"region": region, "since": since})
    return {row.key_id: row.requests for row in rows}
