"""Working days: no weekend, no national holiday, no joint leave of the civil service.

Holidays are those of the package `holidays` (Indonesia: public holidays, and as `government` the
joint leave, cuti bersama, of the yearly decree SKB 3 Menteri). For years that are not decreed yet
it estimates the days that hang on the moon: a promise is computed once, when a comment comes, and
not moved by a later decree.
"""

from datetime import date, timedelta
from functools import cache

from holidays import country_holidays

DAY = timedelta(days=1)
FRIDAY = 4
LONGEST = timedelta(days=3660)


@cache
def holidays_of(year: int) -> frozenset[date]:
    """The days of a year on which offices are closed besides weekends."""
    return frozenset(country_holidays("ID", years=year, categories=("public", "government")))


def is_working_day(day: date) -> bool:
    return day.weekday() <= FRIDAY and day not in holidays_of(day.year)


def after_working_days(start: date, days: int) -> date:
    """The last day of a period of working days that begins on the day after `start`."""
    day = start
    while days > 0:
        day += DAY
        days -= is_working_day(day)
    return day


def working_days_between(start: date, end: date) -> int:
    """Working days after `start` up to and with `end`; 0 where the end is not later."""
    if end - start > LONGEST:
        end = start + LONGEST
    return sum(is_working_day(start + n * DAY) for n in range(1, (end - start).days + 1))
