"""BackgroundJob job that reminds agencies, through webhooks, of monthly statistics that are due."""

import asyncio
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from services.gateway.webhooks.outbox import record_event
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.jobs import BackgroundJob
from services.platform.local_time import JAKARTA
from services.platform.service import API

log = logging.getLogger(__name__)

LEAD_TIME = timedelta(days=3)
"""How long before the due date a reminder is sent."""
INITIAL_DELAY_SECONDS, POLL_SECONDS = 60.0, 3600.0

EVENT_FIELDS = ("agency", "period", "due_on", "services_expected", "services_reported")

CLAIM_REMINDER = """
-- Claim the reminder of an agency and month; no row if it was sent before.
INSERT INTO gateway.reporting_reminder (region, agency, period, reminded_at)
VALUES (:region, :agency, :period, :now)
ON CONFLICT DO NOTHING
RETURNING agency
"""


class ReportingReminderJob(BackgroundJob):
    """Sends one `statistics.due` event per agency and month with incomplete statistics."""

    name = "reporting reminders"

    def __init__(self, database: Database, region: str, feedback: httpx.AsyncClient) -> None:
        self._database = database
        self._region = region
        self._feedback = feedback

    async def run(self) -> None:
        """Send due reminders every hour until cancelled."""
        await asyncio.sleep(INITIAL_DELAY_SECONDS)
        while True:
            try:
                await self.send_due(now=datetime.now(UTC))
            except (*DATABASE_ERRORS, httpx.HTTPError, ValueError) as error:
                log.warning("reporting reminders postponed: %s", error)
            await asyncio.sleep(POLL_SECONDS)

    async def send_due(self, *, now: datetime) -> int:
        """Send reminders of last month's statistics and return the number of agencies reminded."""
        today = now.astimezone(JAKARTA).date()
        month = (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
        response = await self._feedback.get(
            f"{API}/usage/completeness", params={"from": month, "to": month}
        )
        items: list[dict[str, Any]] = response.raise_for_status().json()["items"]
        reminded = 0
        for item in items:
            due_on = date.fromisoformat(item["due_on"])
            if not item["complete"] and today >= due_on - LEAD_TIME:
                reminded += await self._send_once(item, now=now)
        return reminded

    async def _send_once(self, item: dict[str, Any], *, now: datetime) -> bool:
        async with self._database.write_session() as session:
            claimed = await session.scalar(
                text(CLAIM_REMINDER),
                {
                    "region": self._region,
                    "agency": item["agency"],
                    "period": date.fromisoformat(f"{item['period']}-01"),
                    "now": now,
                },
            )
            if claimed is None:
                return False
            calendar = f"{API}/usage/reminders.ics?agency={item['agency']}"
            await record_event(
                session,
                self._region,
                event_type="statistics.due",
                subject=item["agency"],
                data={name: item[name] for name in EVENT_FIELDS} | {"calendar": calendar},
                now=now,
            )
            return True
