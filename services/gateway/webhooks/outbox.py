"""Outbox of events: stored with the change that they report, delivered to webhooks later.

Events of links are also the entries of the Atom feed.
"""

import json
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from services.platform.database import WriteSession
from services.platform.ids import new_id

LinkEventType = Literal[
    "link.state",
    "incident.opened",
    "incident.updated",
    "incident.closed",
    "maintenance.planned",
    "maintenance.cancelled",
]
EventType = LinkEventType | Literal["statistics.due"]

STORE_EVENT = """
-- Store an event with one delivery for each active webhook.
WITH stored AS (
    INSERT INTO gateway.webhook_event (region, id, occurred_at, subject, event_type, data)
    VALUES (:region, :id, :occurred_at, :subject, :event_type, CAST(:data AS jsonb))
    RETURNING region, id, occurred_at
)
INSERT INTO gateway.webhook_delivery (region, webhook, event, due_at)
SELECT stored.region, webhook.id, stored.id, stored.occurred_at
FROM stored
JOIN gateway.webhook ON webhook.region = stored.region AND webhook.disabled_at IS NULL
"""


async def record_link_event(
    session: WriteSession,
    region: str,
    *,
    event_type: LinkEventType,
    slug: str,
    data: dict[str, Any],
    now: datetime,
) -> UUID:
    """Store an event of a link in the transaction of the change that it reports."""
    data = {"link": slug} | data
    return await record_event(
        session, region, event_type=event_type, subject=slug, data=data, now=now
    )


async def record_event(
    session: WriteSession,
    region: str,
    *,
    event_type: EventType,
    subject: str,
    data: dict[str, Any],
    now: datetime,
) -> UUID:
    """Store an event in the transaction of the change that it reports, and return its id."""
    event = new_id()
    await session.execute(
        text(STORE_EVENT),
        {
            "region": region,
            "id": event,
            "occurred_at": now,
            "subject": subject,
            "event_type": event_type,
            "data": json.dumps(data, default=str),
        },
    )
    return event
