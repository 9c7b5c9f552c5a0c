"""Visits counted at the door: kept in the gateway's own table until feedback has them."""

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

BATCH = 500
PAUSE_SECONDS = 5.0

KEEP = """
-- A visit that feedback does not know yet.
INSERT INTO gateway.pending_event (region, id, event)
VALUES (:region, :id, CAST(:event AS jsonb))
"""

TAKE = """
-- The oldest waiting visits, for this process alone until its transaction ends. Materialized, for
-- a plan may ask a subquery twice, and each time other rows are the first that are not locked.
WITH oldest AS MATERIALIZED (
    SELECT id FROM gateway.pending_event
    WHERE region = :region ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
)
DELETE FROM gateway.pending_event
WHERE region = :region AND id IN (SELECT id FROM oldest)
RETURNING event
"""


class Clicks(BackgroundJob):
    """Records visits and delivers them, each once: their ids make a repeated delivery harmless."""

    name = "deliver clicks"

    def __init__(self, database: Database, region: str, feedback: httpx.AsyncClient) -> None:
        self._database = database
        self._region = region
        self._feedback = feedback
        self._waiting = asyncio.Event()

    async def record(self, *, link: str, service: str | None, at: datetime) -> None:
        """Keeps a visit to a portal."""
        await self._keep(
            kind="click_out", source="gateway", link=link, service=service, channel="online", at=at
        )

    async def arrived(
        self, *, poster: str, service: str | None, agency: str | None, at: datetime
    ) -> None:
        """Keeps an arrival by the poster with this code."""
        await self._keep(
            kind="page_view",
            source="poster",
            link=f"poster-{poster}",
            service=service,
            agency=agency,
            at=at,
        )

    async def _keep(self, *, at: datetime, **said: str | None) -> None:
        """A database that is down costs the count, never the citizen's way."""
        event_id = new_id()
        event: dict[str, Any] = {"id": str(event_id), "occurred_at": at.isoformat(), **said}
        try:
            async with self._database.write_session() as session:
                await session.execute(
                    text(KEEP),
                    {
                        "region": self._region,
                        "id": event_id,
                        "event": json.dumps(event),
                    },
                )
        except DATABASE_ERRORS:
            log.exception("%s was not counted: the database does not answer", said["link"])
            return
        self._waiting.set()

    async def stop(self) -> None:
        """Ends the delivery after one more attempt; what is left waits in the table."""
        await super().stop()
        await self._deliver()

    async def run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await self._waiting.wait()
            self._waiting.clear()
            while await self._deliver() == BATCH:
                pass

    async def _deliver(self) -> int:
        """Delivers one batch; its rows go when feedback has stored them."""
        try:
            async with self._database.write_session() as session:
                rows = await session.scalars(text(TAKE), {"region": self._region, "batch": BATCH})
                events = list(rows)
                if events:
                    answer = await self._feedback.post(
                        f"{API}/usage/events", json={"events": events}
                    )
                    answer.raise_for_status()
                return len(events)
        except (*DATABASE_ERRORS, httpx.HTTPError) as error:
            log.warning("visits wait for delivery: %s", error)
            return 0
