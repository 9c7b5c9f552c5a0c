"""Arithmetic of calendar months, each given by its first day."""

from collections.abc import Sequence
from datetime import date


def add_months(month: date, by: int) -> date:
    """Return the first day of the month that lies `by` months later (earlier if negative)."""
    years, index = divmod(month.year * 12 + month.month - 1 + by, 12)
    return date(years, index + 1, 1)


def months_between(first: date, last: date) -> Sequence[date]:
    """Return the months from `first` to `last`, both included."""
    months = [first]
    while months[-1] < last:
        months.append(add_months(months[-1], 1))
    return months


def parse_period(period: str) -> date:
    """Return the first day of a month written as `YYYY-MM`."""
    return date.fromisoformat(f"{period}-01")
