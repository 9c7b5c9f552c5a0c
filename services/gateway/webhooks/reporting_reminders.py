"""Reminds agencies, through webhooks, of monthly statistics that are due."""

from datetime import UTC, date, datetime, timedelta

import httpx
from sqlalchemy import text

from services.feedback.client import FeedbackClient, ReportingMonth
from services.gateway.webhooks.outbox import record_event
from services.platform.database import Database
from services.platform.local_time import LocalTime, day_of
from services.platform.service import API

LEAD_TIME = timedelta(days=3)
"""How long before the due date a reminder is sent."""

EVENT_FIELDS = {"agency", "period", "due_on", "services_expected", "services_reported"}

CLAIM_REMINDER = """
-- Claim the reminder of an agency and month; no row if it was sent before.
INSERT INTO gateway.reporting_reminder (region, agency, period, reminded_at)
VALUES (:region, :agency, :period, :now)
ON CONFLICT DO NOTHING
RETURNING agency
"""


class ReportingReminders:
    """Sends one `statistics.due` event per agency and month with incomplete statistics."""

    def __init__(
        self,
        database: Database,
        region: str,
        feedback: httpx.AsyncClient,
        local_time: LocalTime,
    ) -> None:
        self._database = database
        self._region = region
        self._feedback = FeedbackClient(feedback)
        self._local_time = local_time

    async def send_now(self) -> None:
        """Send the reminders that are due now."""
        await self.send_due(now=datetime.now(UTC))

    async def send_due(self, *, now: datetime) -> int:
        """Send reminders of last month's statistics and return the number of agencies reminded."""
        today = day_of(now, self._local_time.zone)
        month = (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
        reminded = 0
        for item in await self._feedback.list_reporting_months(first=month, last=month):
            if item.due_on is None:  # nobody asks for this month
                continue
            if not item.complete and today >= item.due_on - LEAD_TIME:
                reminded += await self._send_once(item, now=now)
        return reminded

    async def _send_once(self, item: ReportingMonth, *, now: datetime) -> bool:
        async with self._database.write_session() as session:
            claimed = await session.scalar(
                text(CLAIM_REMINDER),
                {
                    "region": self._region,
                    "agency": item.agency,
                    "period": date.fromisoformat(f"{item.period}-01"),
                    "now": now,
                },
            )
            if claimed is None:
                return False
            calendar = f"{API}/usage/reminders.ics?agency={item.agency}"
            await record_event(
                session,
                self._region,
                event_type="statistics.due",
                subject=item.agency,
                data=item.model_dump(mode="json", include=EVENT_FIELDS) | {"calendar": calendar},
                now=now,
            )
            return True
