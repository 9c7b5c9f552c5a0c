"""Working days: without weekends, national holidays and joint leave of the civil service.

Holidays are those of the package `holidays` (Indonesia: public holidays, and as `government` the
joint leave, cuti bersama, of the yearly decree SKB 3 Menteri), in the table `holidays.json`, which
`make holidays` writes: the package itself would take a fifth of a second of each start and 8 MiB.
For years without a decree it estimates the holidays of lunar calendars: the last day for an answer
is computed once, when a comment is received, and not changed by a later decree.
"""

import json
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path

HOLIDAYS = Path(__file__).with_name("holidays.json")
DAY = timedelta(days=1)
FRIDAY = 4
MAX_RANGE = timedelta(days=3660)


@cache
def holidays_of(year: int) -> frozenset[date]:
    """Return the days of a year on which offices are closed, besides weekends.

    There are none in years before 2000 and after 2100.
    """
    return frozenset(date.fromisoformat(f"{year}-{day}") for day in _table().get(str(year), ()))


@cache
def _table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = json.loads(HOLIDAYS.read_text())
    return table


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
