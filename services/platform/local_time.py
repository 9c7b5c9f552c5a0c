"""Local time: the region's time zone, its days and months, moments as people write them.

The pack names the zone (`timezone`: Asia/Jakarta, Asia/Makassar or Asia/Jayapura). Days and months
begin at its midnight, in Python and in SQL, where it is a parameter (`AT TIME ZONE :zone`).
"""

from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from services.platform.database import DATABASE_ERRORS, Database
from services.platform.jobs import PeriodicJob
from services.platform.languages import Language
from services.platform.regency import find_regency
from services.platform.settings import Service
from services.platform.translation import translator

DEFAULT_ZONE = ZoneInfo("Asia/Jakarta")
"""Used until a pack is loaded."""
REFRESH_INTERVAL = timedelta(minutes=1)
"""The longest time for which a service uses the old zone after `emall load` stored another."""


class LocalTime:
    """The region's time zone as the loaded pack states it; refreshed while the service runs."""

    def __init__(self, database: Database, service: Service, region: str) -> None:
        self._database = database
        self._service = service
        self._region = region
        self.zone = DEFAULT_ZONE
        self._is_loaded = False

    async def refresh(self) -> None:
        """Read the zone from the stored pack; keep the last one if there is no pack."""
        async with self._database.read_session() as session:
            pack = await find_regency(session, self._service, self._region)
        if pack is not None:
            self.zone = ZoneInfo(pack.timezone)
        self._is_loaded = True

    async def load(self) -> None:
        """Read the zone unless it was read; an unavailable database leaves the default."""
        if not self._is_loaded:
            with suppress(*DATABASE_ERRORS):
                await self.refresh()

    def refresh_job(self) -> PeriodicJob:
        """Return the job that refreshes the zone while the service runs."""
        return PeriodicJob(
            "refresh-time-zone",
            self.refresh,
            database=self._database,
            region=self._region,
            every=REFRESH_INTERVAL,
        )

    def now(self) -> datetime:
        """Return the current time in the region's zone."""
        return datetime.now(self.zone)


def get_zone(request: Request) -> ZoneInfo:
    """Return the time zone of the region that this application serves."""
    local_time: LocalTime = request.app.state.local_time
    return local_time.zone


async def _zone(request: Request) -> ZoneInfo:
    # FastAPI calls a dependency that is no coroutine in a thread, which takes longer than this.
    return get_zone(request)


ZoneDep = Annotated[ZoneInfo, Depends(_zone)]
"""The region's time zone."""


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Return local midnight at the start of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """Return the local day that contains a moment."""
    return moment.astimezone(zone).date()


def month_of(moment: datetime, zone: tzinfo) -> date:
    """Return the first day of the local month that contains a moment."""
    return day_of(moment, zone).replace(day=1)


def start_of_month(moment: datetime, zone: tzinfo) -> datetime:
    """Return local midnight at the start of the month that contains a moment."""
    return start_of_day(month_of(moment, zone), zone)


def format_time(at: datetime, *, now: datetime, zone: tzinfo, language: Language) -> str:
    """Return `09.40` for a moment of today, `23 November 09.40` for one of another day."""
    formats, local = translator(language), at.astimezone(zone)
    clock = formats.clock(local)
    if local.date() == now.astimezone(zone).date():
        return clock
    return f"{formats.day_of_year(local.date())} {clock}"
