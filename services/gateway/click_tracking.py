"""Click statistics of redirects: an outbox table holds events until feedback has stored them."""

import asyncio
import json
import logging
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import text

from services.platform.database import DATABASE_ERRORS, Database
from services.platform.ids import new_id
from services.platform.jobs import BackgroundJob
from services.platform.service import API

log = logging.getLogger(__name__)

BATCH_SIZE = 500
DELIVERY_INTERVAL_SECONDS = 5.0

INSERT_EVENT = """
-- Insert an event that feedback has not stored yet.
INSERT INTO gateway.click_outbox (region, id, event)
VALUES (:region, :id, CAST(:event AS jsonb))
"""

TAKE_BATCH = """
-- Take the oldest events; the rows are locked and gone once the transaction commits. MATERIALIZED,
-- because a plan may run the subquery twice and lock other rows the second time.
WITH oldest AS MATERIALIZED (
    SELECT id FROM gateway.click_outbox
    WHERE region = :region ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
)
DELETE FROM gateway.click_outbox
WHERE region = :region AND id IN (SELECT id FROM oldest)
RETURNING event
"""


class ClickOutbox(BackgroundJob):
    """Outbox that records clicks and delivers them to feedback; ids make deliveries idempotent."""

    name = "click delivery"

    def __init__(self, database: Database, region: str, feedback: httpx.AsyncClient) -> None:
        self._database = database
        self._region = region
        self._feedback = feedback
        self._stored = asyncio.Event()

    async def record_click(self, *, link: str, service: str | None, at: datetime) -> None:
        """Record a click on a portal's link."""
        await self._store(
            kind="click_out", source="gateway", link=link, service=service, channel="online", at=at
        )

    async def record_poster_arrival(
        self, *, poster: str, service: str | None, agency: str | None, at: datetime
    ) -> None:
        """Record a visit that came from the poster with this code."""
        await self._store(
            kind="page_view",
            source="poster",
            link=f"poster-{poster}",
            service=service,
            agency=agency,
            at=at,
        )

    async def _store(self, *, at: datetime, **fields: str | None) -> None:
        """Store an event; if the database fails, the event is lost but the redirect works."""
        event_id = new_id()
        event: dict[str, Any] = {"id": str(event_id), "occurred_at": at.isoformat(), **fields}
        try:
            async with self._database.write_session() as session:
                await session.execute(
                    text(INSERT_EVENT),
                    {
                        "region": self._region,
                        "id": event_id,
                        "event": json.dumps(event),
                    },
                )
        except DATABASE_ERRORS:
            log.exception("click on %s not recorded: the database does not answer", fields["link"])
            return
        self._stored.set()

    async def stop(self) -> None:
        """Stop after one more delivery; undelivered events stay in the table."""
        await super().stop()
        await self._deliver_batch()

    async def run(self) -> None:
        """Deliver events when they are stored, and periodically."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(DELIVERY_INTERVAL_SECONDS):
                    await self._stored.wait()
            self._stored.clear()
            while await self._deliver_batch() == BATCH_SIZE:
                pass

    async def _deliver_batch(self) -> int:
        """Deliver one batch, delete it from the outbox and return its size."""
        try:
            async with self._database.write_session() as session:
                rows = await session.scalars(
                    text(TAKE_BATCH), {"region": self._region, "batch": BATCH_SIZE}
                )
                events = list(rows)
                if events:
                    response = await self._feedback.post(
                        f"{API}/usage/events", json={"events": events}
                    )
                    response.raise_for_status()
                return len(events)
        except (*DATABASE_ERRORS, httpx.HTTPError) as error:
            log.warning("click delivery failed, retrying: %s", error)
            return 0
