"""What the hub stored: read from the database, and from its public API."""

from collections import Counter
from collections.abc import Mapping

import asyncpg

from tests.faults.ledger import Item, Kind

STORED: Mapping[Kind, str] = {
    Kind.event: """
        SELECT e.id::text AS key, count(*) AS times FROM feedback.event e
        JOIN feedback.event_dimensions d ON d.region = e.region AND d.id = e.dimensions
        WHERE d.kind = 'form_end' GROUP BY 1
    """,
    Kind.statistic: """
        SELECT value::text AS key, count(*) AS times FROM feedback.statistic GROUP BY value
    """,
    Kind.complaint: """
        SELECT split_part(content, ' ', 4) AS key, count(*) AS times FROM feedback.comment
        GROUP BY 1
    """,
    Kind.response: "SELECT id::text AS key, count(*) AS times FROM feedback.response GROUP BY id",
    Kind.click: """
        SELECT link || ' ' || service AS key, sum(events)::bigint AS times
        FROM feedback.hourly_usage u
        JOIN feedback.event_dimensions d ON d.region = u.region AND d.id = u.dimensions
        WHERE d.kind = 'click_out' GROUP BY 1
    """,
    Kind.risk: """
        SELECT key, count(*) AS times FROM assessment.evidence WHERE origin <> 'pack' GROUP BY 1
    """,
    Kind.incident: """
        SELECT split_part(title, ' ', 2) AS key, count(*) AS times FROM gateway.incident GROUP BY 1
    """,
    Kind.audit: """
        SELECT request_id AS key, count(*) AS times FROM (
            SELECT request_id, key_id FROM gateway.audit_line
            UNION ALL SELECT request_id, key_id FROM gateway.audit_pending
        ) AS line WHERE key_id ~ '^[0-9a-f]{12}$' GROUP BY 1
    """,
}
"""How often each item is stored, by kind; webhooks are counted where they arrive."""

WAITING = """
SELECT (SELECT count(*) FROM gateway.click_outbox WHERE refused_at IS NULL)
    + (SELECT count(*) FROM gateway.webhook_delivery WHERE due_at IS NOT NULL)
"""
REFUSED = """
SELECT id::text FROM gateway.click_outbox WHERE refused_at IS NOT NULL
"""
SUMS = """
-- The stored events by kind, one by one and as the hub counts them by the hour.
SELECT d.kind, count(*) AS stored, (
    SELECT sum(events)::bigint FROM feedback.hourly_usage u
    JOIN feedback.event_dimensions o ON o.region = u.region AND o.id = u.dimensions
    WHERE o.kind = d.kind
) AS counted
FROM feedback.event e
JOIN feedback.event_dimensions d ON d.region = e.region AND d.id = e.dimensions
GROUP BY d.kind
"""


async def count_stored(connection: asyncpg.Connection) -> Counter[Item]:
    """Return how often each item is stored."""
    found = Counter[Item]()
    for kind, statement in STORED.items():
        for row in await connection.fetch(statement):
            found[Item(kind, row["key"])] = row["times"]
    return found


async def count_waiting(connection: asyncpg.Connection) -> int:
    """Return how many click-outs and webhooks the hub has still to deliver."""
    return int(await connection.fetchval(WAITING) or 0)


async def list_refused(connection: asyncpg.Connection) -> list[str]:
    """Return the ids of click-outs that were set aside."""
    return [row["id"] for row in await connection.fetch(REFUSED)]


async def sum_events(connection: asyncpg.Connection) -> dict[str, tuple[int, int]]:
    """Return by kind how many events are stored, and how many the hub counts by the hour."""
    rows = await connection.fetch(SUMS)
    return {row["kind"]: (row["stored"], row["counted"]) for row in rows}
