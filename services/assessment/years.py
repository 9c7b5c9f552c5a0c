"""The years that can be assessed, in the regency's time: none that has not begun."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.local_time import DEFAULT_ZONE, day_of, start_of_day
from services.platform.problems import FieldError, Invalid

FIRST_YEAR = 2000

ZONE = text("""
-- The time zone in the regency's record.
SELECT content->>'timezone' FROM assessment.regency WHERE region = :region
""")


async def read_zone(session: ReadSession | WriteSession, region: str) -> ZoneInfo:
    """Return the regency's time zone; the default before a pack is loaded."""
    zone = await session.scalar(ZONE, {"region": region})
    return DEFAULT_ZONE if zone is None else ZoneInfo(zone)


def end_of_year(year: int, zone: ZoneInfo) -> datetime:
    """Return the moment at which a year ends: midnight after its last day."""
    return start_of_day(date(year + 1, 1, 1), zone)


def is_provisional(year: int, *, at: datetime, zone: ZoneInfo) -> bool:
    """Return whether an assessment of that moment is of a year that had not ended."""
    return at < end_of_year(year, zone)


def check_begun(year: int, *, now: datetime, zone: ZoneInfo, parameter: bool) -> None:
    """Raise `Invalid` if a year has not begun: nothing has happened in it."""
    current = day_of(now, zone).year
    if year <= current:
        return
    detail = (
        f"{year} has not begun; a year from {FIRST_YEAR} to {current} can be assessed, "
        f"{current} provisionally"
    )
    error = FieldError(
        pointer=None if parameter else "#/period",
        parameter="period" if parameter else None,
        detail=detail,
    )
    raise Invalid(f"{detail}.", errors=[error])
