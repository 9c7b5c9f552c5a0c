"""What the gateway keeps for some months goes by the month, hourly, while the gateway runs."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.jobs import BackgroundJob
from services.platform.local_time import JAKARTA

log = logging.getLogger(__name__)

PAUSE_SECONDS = 3600.0
FIRST_PAUSE_SECONDS = 60.0


def first_month_kept(now: datetime, months: int) -> datetime:
    """The beginning of the first month that stays; `months` are whole ones before this one."""
    local = now.astimezone(JAKARTA)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    return datetime(year, month + 1, 1, tzinfo=JAKARTA)


class Keeping(Protocol):
    """Lets go of what is over; answers how much it was."""

    async def __call__(self, session: WriteSession, *, now: datetime) -> int: ...


class Retention(BackgroundJob):
    """Does each of these, told by what goes, each in a transaction of its own."""

    name = "retention"

    def __init__(self, database: Database, keepings: Mapping[str, Keeping]) -> None:
        self._database = database
        self._keepings = keepings

    async def keep(self, *, now: datetime) -> None:
        """One round; where the database fails, what is over goes in the next one."""
        for what, keeping in self._keepings.items():
            try:
                async with self._database.write_session() as session:
                    gone = await keeping(session, now=now)
            except DATABASE_ERRORS as error:
                log.warning("old %s stay for now: %s", what, error)
            else:
                if gone:
                    log.info("%d %s are over", gone, what)

    async def run(self) -> None:
        await asyncio.sleep(FIRST_PAUSE_SECONDS)
        while True:
            await self.keep(now=datetime.now(UTC))
            await asyncio.sleep(PAUSE_SECONDS)
