"""Hourly deletion of the gateway's rows past their retention."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from services.platform.database import DATABASE_ERRORS, Database, WriteSession
from services.platform.local_time import JAKARTA
from services.platform.logging import get_logger, summarise

log = get_logger(__name__)


def first_retained_month(now: datetime, months: int) -> datetime:
    """Return the start of the first month to retain: `months` whole months before this one."""
    local = now.astimezone(JAKARTA)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    return datetime(year, month + 1, 1, tzinfo=JAKARTA)


class Prune(Protocol):
    """Deletes rows past their retention and returns their number."""

    async def __call__(self, session: WriteSession, *, now: datetime) -> int: ...


class Retention:
    """Runs prune functions, by the plural name of what they delete, each in its own transaction."""

    def __init__(self, database: Database, prunes: Mapping[str, Prune]) -> None:
        self._database = database
        self._prunes = prunes

    async def prune(self, *, now: datetime) -> None:
        """Run every function once; one that fails on the database is retried in the next round."""
        for name, prune in self._prunes.items():
            try:
                async with self._database.write_session() as session:
                    deleted = await prune(session, now=now)
            except DATABASE_ERRORS as error:
                log.warning(
                    "pruning failed, retrying in an hour", rows=name, error=summarise(error)
                )
            else:
                if deleted:
                    log.info("rows pruned", rows=name, count=deleted)

    async def prune_now(self) -> None:
        """Run every function for the present time."""
        await self.prune(now=datetime.now(UTC))
