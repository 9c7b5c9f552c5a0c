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
        SELECT request_id AS key, count(*) AS times FROM gateway.audit_line
        WHERE key_id <> 'anonymous' GROUP BY 1
    """,
}
"""How often each item is stored, by kind; webhooks are counted where they arrive."""

WAITING = """
SELECT (SELECT count(*) FROM gateway.click_outbox WHERE refused_at IS NULL)
    + (SELECT count(*) FROM gateway.webhook_delivery WHERE due_at IS NOT NULL)
"""
EVENTS_COUNTED = """
SELECT (SELECT count(*) FROM feedback.event) - (SELECT coalesce(sum(events), 0)::bigint
    FROM feedback.hourly_usage)
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


async def uncounted_events(connection: asyncpg.Connection) -> int:
    """Return by how many the stored events differ from the hourly counts of them."""
    return int(await connection.fetchval(EVENTS_COUNTED) or 0)
