"""Webhooks as they are stored."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.gateway.webhooks.delivery import DISABLE_WEBHOOK
from services.platform.database import ReadSession, WriteSession

MAX_WEBHOOKS = 50

LIST_WEBHOOKS = """
-- Active webhooks with the number of pending deliveries and the last error.
SELECT id, url, created_by, created_at,
    (SELECT count(*) FROM gateway.webhook_delivery d
     WHERE d.region = webhook.region AND d.webhook = webhook.id AND due_at IS NOT NULL) AS pending,
    (SELECT last_error FROM gateway.webhook_delivery d
     WHERE d.region = webhook.region AND d.webhook = webhook.id AND last_error IS NOT NULL
     ORDER BY event DESC LIMIT 1) AS last_error
FROM gateway.webhook WHERE region = :region AND disabled_at IS NULL ORDER BY id
"""

INSERT_WEBHOOK = """
-- Insert a webhook.
INSERT INTO gateway.webhook (region, id, url, created_by, created_at)
VALUES (:region, :id, :url, :created_by, :created_at)
"""


async def list_webhooks(session: ReadSession | WriteSession, region: str) -> list[dict[str, Any]]:
    """Return the active webhooks with their pending deliveries and last error."""
    rows = await session.execute(text(LIST_WEBHOOKS), {"region": region})
    return [dict(row) for row in rows.mappings()]


async def insert_webhook(
    session: WriteSession, region: str, webhook: UUID, url: str, *, by: str, now: datetime
) -> None:
    """Store a webhook, which gets the events from now on."""
    parameters = {
        "region": region,
        "id": webhook,
        "url": url,
        "created_by": by,
        "created_at": now,
    }
    await session.execute(text(INSERT_WEBHOOK), parameters)


async def delete_webhook(session: WriteSession, region: str, webhook: UUID) -> bool:
    """Disable a webhook and give up its pending deliveries; return whether there was one."""
    parameters = {"region": region, "webhook": webhook}
    return await session.scalar(text(DISABLE_WEBHOOK), parameters) is not None
