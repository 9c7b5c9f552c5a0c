"""Working days: without weekends, national holidays and joint leave of the civil service.

Holidays are those of the package `holidays` (Indonesia: public holidays, and as `government` the
joint leave, cuti bersama, of the yearly decree SKB 3 Menteri). For years without a decree it
estimates the holidays of lunar calendars: the last day for an answer is computed once, when a
comment is received, and not changed by a later decree.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache

DAY = timedelta(days=1)
FRIDAY = 4
MAX_RANGE = timedelta(days=3660)


@cache
def holidays_of(year: int) -> frozenset[date]:
    """Return the days of a year on which offices are closed, besides weekends.

    The first call imports the calendars, a fifth of a second (`load_holidays`).
    """
    from holidays import country_holidays  # noqa: PLC0415 - large

    return frozenset(country_holidays("ID", years=year, categories=("public", "government")))


async def load_holidays() -> None:
    """Import the calendars before a process serves, off its event loop."""
    await asyncio.to_thread(holidays_of, datetime.now(UTC).year)


def is_working_day(day: date) -> bool:
    """Return whether a day is a working day."""
    return day.weekday() <= FRIDAY and day not in holidays_of(day.year)


def after_working_days(start: date, days: int) -> date:
    """Return the last day of a period of working days that begins on the day after `start`."""
    day = start
    while days > 0:
        day += DAY
        days -= is_working_day(day)
    return day


@lru_cache(maxsize=1024)
def working_days_between(start: date, end: date) -> int:
    """Return the number of working days after `start`, up to and including `end`; not negative."""
    if end - start > MAX_RANGE:
        end = start + MAX_RANGE
    return sum(is_working_day(start + n * DAY) for n in range(1, (end - start).days + 1))
