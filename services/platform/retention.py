"""Hourly deletion of rows past their retention."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.local_time import LocalTime, day_of, start_of_day
from services.platform.logging import get_logger, summarise
from services.platform.months import add_months

log = get_logger(__name__)


def first_retained_month(now: datetime, zone: ZoneInfo, months: int) -> datetime:
    """Return the start of the first month to retain: `months` whole months before this one."""
    return start_of_day(add_months(day_of(now, zone), -months), zone)


class Prune(Protocol):
    """Deletes rows past their retention and returns their number."""

    async def __call__(self, session: WriteSession, *, now: datetime, zone: ZoneInfo) -> int: ...


class Retention:
    """Runs prune functions, by the plural name of what they delete, each in its own transaction."""

    def __init__(
        self, database: Database, local_time: LocalTime, prunes: Mapping[str, Prune]
    ) -> None:
        self._database = database
        self._local_time = local_time
        self._prunes = prunes

    async def prune(self, *, now: datetime) -> None:
        """Run every function once; one that fails on the database is retried in the next round."""
        for name, prune in self._prunes.items():
            try:
                async with self._database.write_session() as session:
                    deleted = await prune(session, now=now, zone=self._local_time.zone)
            except DATABASE_ERRORS as error:
                log.warning(
                    "pruning failed, retrying in an hour", rows=name, error=summarise(error)
                )
            else:
                if deleted:
                    log.info("rows pruned", rows=name, count=deleted)

    async def prune_now(self) -> None:
        """Run every function for the present time, by the zone that is stored now."""
        await self._local_time.refresh()
        await self.prune(now=datetime.now(UTC))
