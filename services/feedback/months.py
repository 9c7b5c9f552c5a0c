"""Calendar months and days in the region's local time."""

from collections.abc import Sequence
from datetime import date, datetime

from services.platform.local_time import JAKARTA


def month_of(moment: datetime) -> date:
    """Return the first day of the local month that contains a moment."""
    return moment.astimezone(JAKARTA).date().replace(day=1)


def start_of_day(day: date) -> datetime:
    """Return local midnight at the start of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=JAKARTA)


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
