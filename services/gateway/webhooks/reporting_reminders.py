"""Tells webhooks, once for each agency and month, that statistics are owed and not complete."""

import asyncio
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from services.gateway.webhooks.outbox import keep_message
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.jobs import BackgroundJob
from services.platform.local_time import JAKARTA
from services.platform.service import API

log = logging.getLogger(__name__)

BEFORE = timedelta(days=3)
"""How long before the due day a reminder goes out."""
FIRST_SECONDS, PAUSE_SECONDS = 60.0, 3600.0

CLAIM = """
-- Notes that an agency is reminded of a month; nothing comes back where it was before.
INSERT INTO gateway.reporting_reminder (region, agency, period, reminded_at)
VALUES (:region, :agency, :period, :now)
ON CONFLICT DO NOTHING
RETURNING agency
"""


class Reminders(BackgroundJob):
    """One of the replicas that remind; the database lets each reminder go out once."""

    name = "remind agencies"

    def __init__(self, database: Database, region: str, feedback: httpx.AsyncClient) -> None:
        self._database = database
        self._region = region
        self._feedback = feedback

    async def run(self) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                await self.remind(now=datetime.now(UTC))
            except (*DATABASE_ERRORS, httpx.HTTPError, ValueError) as error:
                log.warning("agencies are reminded later: %s", error)
            await asyncio.sleep(PAUSE_SECONDS)

    async def remind(self, *, now: datetime) -> int:
        """Reminds of the newest month that is over, where it is due soon; how many agencies."""
        today = now.astimezone(JAKARTA).date()
        month = (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
        answer = await self._feedback.get(
            f"{API}/usage/completeness", params={"from": month, "to": month}
        )
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        reminded = 0
        for item in items:
            due = date.fromisoformat(item["due_on"])
            if not item["complete"] and today >= due - BEFORE:
                reminded += await self._remind_of(item, now=now)
        return reminded

    async def _remind_of(self, item: dict[str, Any], *, now: datetime) -> bool:
        async with self._database.write_session() as session:
            claimed = await session.scalar(
                text(CLAIM),
                {
                    "region": self._region,
                    "agency": item["agency"],
                    "period": date.fromisoformat(f"{item['period']}-01"),
                    "now": now,
                },
            )
            if claimed is None:
                return False
            said = ("agency", "period", "due_on", "services_expected", "services_reported")
            await keep_message(
                session,
                self._region,
                kind="statistics.due",
                about=item["agency"],
                content={name: item[name] for name in said}
                | {"calendar": f"{API}/usage/reminders.ics?agency={item['agency']}"},
                now=now,
            )
            return True
