"""Reminds agencies, through webhooks, of monthly statistics that are due."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from services.gateway.webhooks.outbox import record_event
from services.platform.database import Database
from services.platform.local_time import JAKARTA
from services.platform.service import API

LEAD_TIME = timedelta(days=3)
"""How long before the due date a reminder is sent."""

EVENT_FIELDS = ("agency", "period", "due_on", "services_expected", "services_reported")

CLAIM_REMINDER = """
-- Claim the reminder of an agency and month; no row if it was sent before.
INSERT INTO gateway.reporting_reminder (region, agency, period, reminded_at)
VALUES (:region, :agency, :period, :now)
ON CONFLICT DO NOTHING
RETURNING agency
"""


class ReportingReminders:
    """Sends one `statistics.due` event per agency and month with incomplete statistics."""

    def __init__(self, database: Database, region: str, feedback: httpx.AsyncClient) -> None:
        self._database = database
        self._region = region
        self._feedback = feedback

    async def send_now(self) -> None:
        """Send the reminders that are due now."""
        await self.send_due(now=datetime.now(UTC))

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
