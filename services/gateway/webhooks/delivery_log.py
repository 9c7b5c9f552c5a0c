"""Log of what was delivered to a webhook, and sending one message again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession

DeliveryState = Literal["pending", "delivered", "given_up"]

SELECT_DELIVERIES = """
-- Select what was or will be delivered to a webhook, newest event first.
SELECT delivery.event, event.event_type, event.subject, event.occurred_at, delivery.attempts,
    delivery.due_at, delivery.delivered_at, delivery.last_error,
    CASE WHEN delivery.delivered_at IS NOT NULL THEN 'delivered'
        WHEN delivery.due_at IS NOT NULL THEN 'pending' ELSE 'given_up' END AS state
FROM gateway.webhook_delivery delivery
JOIN gateway.webhook_event event
    ON event.region = delivery.region AND event.id = delivery.event
WHERE delivery.region = :region AND delivery.webhook = :webhook
    AND (CAST(:cursor AS uuid) IS NULL OR delivery.event < :cursor)
ORDER BY delivery.event DESC
LIMIT :limit
"""

SEND_AGAIN = """
-- Make a delivery to an active webhook due again, also one that was delivered.
UPDATE gateway.webhook_delivery AS delivery
SET due_at = now(), attempts = 0, delivered_at = NULL, given_up_at = NULL, last_error = NULL
FROM gateway.webhook
WHERE delivery.region = :region AND delivery.webhook = :webhook AND delivery.event = :event
    AND webhook.region = delivery.region AND webhook.id = delivery.webhook
    AND webhook.disabled_at IS NULL
RETURNING delivery.event
"""


@dataclass(frozen=True)
class LoggedDelivery:
    """An event and how its delivery to a webhook went."""

    event: UUID
    event_type: str
    subject: str
    occurred_at: datetime
    attempts: int
    """Since it was last made due."""
    due_at: datetime | None
    """Of the next attempt; None once it was delivered or given up."""
    delivered_at: datetime | None
    last_error: str | None
    state: DeliveryState


async def list_deliveries(
    session: ReadSession | WriteSession,
    region: str,
    webhook: UUID,
    *,
    cursor: UUID | None = None,
    limit: int,
) -> Sequence[LoggedDelivery]:
    """Return what was or will be delivered to a webhook, newest event first."""
    parameters = {"region": region, "webhook": webhook, "cursor": cursor, "limit": limit}
    rows = (await session.execute(text(SELECT_DELIVERIES), parameters)).mappings()
    return [LoggedDelivery(**row) for row in rows]


async def send_again(session: WriteSession, region: str, webhook: UUID, event: UUID) -> bool:
    """Make a delivery due again; return False if there is none or the webhook was deleted."""
    parameters = {"region": region, "webhook": webhook, "event": event}
    return await session.scalar(text(SEND_AGAIN), parameters) is not None
