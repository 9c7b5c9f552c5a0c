"""Lets cached pages follow when announcements begin and end to show."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from services.platform.database import Database

CHECK_INTERVAL = timedelta(seconds=5)

BEGAN_OR_ENDED = """
-- Whether an announcement of an agency began or ended to show since the last look.
SELECT EXISTS (
    SELECT FROM gateway.announcement
    WHERE region = :region AND agency IS NOT NULL
      AND (dated_at > :last AND dated_at <= :now OR shown_until > :last AND shown_until <= :now)
)
"""


class DisplayTimes:
    """Invalidates the cached pages of this process when a time to show has come or is over.

    Pages that are made anew follow by themselves; the moment of a publication is told by the
    database.
    """

    def __init__(self, database: Database, region: str, invalidate: Callable[[str], None]) -> None:
        """`invalidate` takes the area whose cached answers are to be made anew."""
        self._database = database
        self._region = region
        self._invalidate = invalidate
        self._last = datetime.now(UTC)

    async def check(self) -> None:
        """Invalidate if an announcement began or ended to show since the last check."""
        now = datetime.now(UTC)
        parameters = {"region": self._region, "last": self._last, "now": now}
        async with self._database.read_session() as session:
            has_changed = await session.scalar(text(BEGAN_OR_ENDED), parameters)
        self._last = now
        if has_changed:
            self._invalidate("gateway")
