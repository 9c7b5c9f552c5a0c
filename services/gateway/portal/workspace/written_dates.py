"""Days, months and years as people write them in a form (pure)."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from services.assessment.client import Precision
from services.platform.languages import COMPLETE_LANGUAGES
from services.platform.translation import Translator, translator

EARLIEST_YEAR = 1945
LATEST_YEAR = 2099

_OLD_SPELLINGS = {"pebruari": 2, "peb": 2, "agt": 8, "ags": 8, "sept": 9, "nopember": 11, "nop": 11}
_ISO = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?", re.ASCII)
_DAY_FIRST = re.compile(
    r"(?:(?P<day>\d{1,2})[ ./-]+)?(?P<month>\d{1,2}|[a-z]{3,10})\.?[ ./-]+(?P<year>\d{4})", re.ASCII
)


@dataclass(frozen=True)
class WrittenDate:
    """What was written, from its first to its last day, and how exact it is."""

    first: date
    last: date
    precision: Precision


def read_date(typed: str) -> WrittenDate | None:
    """Return a date: `17 Desember 2026`, `17-12-2026`, `2026-12-17`, `Desember 2026` or `2026`.

    None if it is in none of these forms, or no day of the calendar from 1945 to 2099.
    """
    text = " ".join(typed.lower().split())
    found = _ISO.fullmatch(text) or _DAY_FIRST.fullmatch(text)
    if found is None or not EARLIEST_YEAR <= int(found["year"]) <= LATEST_YEAR:
        return None
    try:
        return _with_precision(int(found["year"]), found["month"], found["day"])
    except ValueError:
        return None


def _with_precision(year: int, named_month: str | None, day: str | None) -> WrittenDate:
    if named_month is None:
        return WrittenDate(date(year, 1, 1), date(year, 12, 31), "year")
    month = int(named_month) if named_month.isdigit() else _months().get(named_month, 0)
    if day is None:
        first = date(year, month, 1)
        last = first.replace(day=calendar.monthrange(year, month)[1])
        return WrittenDate(first, last, "month")
    exact = date(year, month, int(day))
    return WrittenDate(exact, exact, "day")


def write_date(day: date | None, messages: Translator, precision: Precision = "day") -> str:
    """Return a date as a person would write it; an empty text for none.

    One that is the first or last day of what its precision names is that month or year; of two
    dates with one precision the other may be a day.
    """
    if day is None:
        return ""
    if precision == "year" and (day.month, day.day) in {(1, 1), (12, 31)}:
        return str(day.year)
    if precision != "day" and day.day in {1, calendar.monthrange(day.year, day.month)[1]}:
        return messages.month(day)
    return messages.long_date(day)


@cache
def _months() -> Mapping[str, int]:
    names = [
        (translator(language).month_name(number).lower(), number)
        for language in COMPLETE_LANGUAGES
        for number in range(1, 13)
    ]
    shortened = {name[:3]: number for name, number in names}
    return shortened | dict(names) | _OLD_SPELLINGS
