"""What happened: one line each, of links for the feed, and of all things for webhooks."""

import json
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from services.platform.database import WriteSession
from services.platform.ids import new_id

ChangeKind = Literal[
    "link.state",
    "incident.opened",
    "incident.updated",
    "incident.closed",
    "maintenance.planned",
    "maintenance.cancelled",
]
MessageKind = ChangeKind | Literal["statistics.due"]
"""All that webhooks are told of; the feed tells of links alone."""

KEEP = """
-- A change, and a delivery of it to every webhook in force: both or neither.
WITH kept AS (
    INSERT INTO gateway.link_change (region, id, at, slug, kind, content)
    VALUES (:region, :id, :at, :slug, :kind, CAST(:content AS jsonb))
    RETURNING region, id, at
)
INSERT INTO gateway.webhook_delivery (region, webhook, change, due_at)
SELECT kept.region, webhook.id, kept.id, kept.at
FROM kept JOIN gateway.webhook ON webhook.region = kept.region AND webhook.ended_at IS NULL
"""


async def keep_change(
    session: WriteSession,
    region: str,
    *,
    kind: ChangeKind,
    slug: str,
    content: dict[str, Any],
    now: datetime,
) -> UUID:
    """Notes a change of a link in the transaction that makes it."""
    return await keep_message(
        session, region, kind=kind, about=slug, content={"link": slug} | content, now=now
    )


async def keep_message(
    session: WriteSession,
    region: str,
    *,
    kind: MessageKind,
    about: str,
    content: dict[str, Any],
    now: datetime,
) -> UUID:
    """Notes what webhooks are told, in the transaction that makes it so."""
    change = new_id()
    await session.execute(
        text(KEEP),
        {
            "region": region,
            "id": change,
            "at": now,
            "slug": about,
            "kind": kind,
            "content": json.dumps(content, default=str),
        },
    )
    return change
