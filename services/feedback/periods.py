"""Calendar periods of published results: year, semester, quarter and month."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

PERIOD_PATTERN = r"^20\d{2}(-(0[1-9]|1[0-2]|Q[1-4]|S[12]))?$"
PeriodText = Annotated[
    str,
    StringConstraints(pattern=PERIOD_PATTERN),
    Field(examples=["2024", "2024-S1", "2024-Q3", "2024-07"]),
]
"""A year, or a semester, quarter or month of one."""

Span = Literal["month", "quarter", "semester", "year"]
SPANS: tuple[Span, ...] = ("month", "quarter", "semester", "year")
"""From short to long."""
MONTHS_IN: dict[Span, int] = {"month": 1, "quarter": 3, "semester": 6, "year": 12}

LATE_RESPONSE_GRACE = timedelta(days=14)
"""Enumerators without coverage may upload responses days after the end of a month."""


@dataclass(frozen=True, order=True)
class Period:
    """Whole months from a first to a last day, within one year."""

    first: date
    last: date

    def is_within(self, other: "Period") -> bool:
        """Return whether this period lies in the other one."""
        return other.first <= self.first and self.last <= other.last

    def is_over(self, today: date) -> bool:
        """Return whether the period has ended and late responses are no longer expected."""
        return self.last + LATE_RESPONSE_GRACE < today

    @property
    def span(self) -> Span:
        """The length of the period."""
        months = self.last.month - self.first.month + 1
        return next(span for span in SPANS if MONTHS_IN[span] == months)

    def __str__(self) -> str:
        """Return `2024`, `2024-S1`, `2024-Q3` or `2024-07`."""
        year, month = self.first.year, self.first.month
        part = {
            "month": f"-{month:02}",
            "quarter": f"-Q{(month + 2) // 3}",
            "semester": f"-S{1 if month < 7 else 2}",
            "year": "",
        }
        return f"{year}{part[self.span]}"


def period_around(day: date, span: Span) -> Period:
    """Return the month, quarter, semester or year that a day lies in."""
    months = MONTHS_IN[span]
    start = (day.month - 1) // months * months + 1
    end = start + months - 1
    return Period(date(day.year, start, 1), date(day.year, end, monthrange(day.year, end)[1]))


def parse_period(text: str) -> Period:
    """Parse a period such as `2024-Q3`; raise `ValueError` for any other text."""
    if not re.fullmatch(PERIOD_PATTERN, text):
        raise ValueError(f"{text!r} is not a period; expected 2024, 2024-S1, 2024-Q3 or 2024-07")
    year, part = int(text[:4]), text[5:]
    if not part:
        return period_around(date(year, 1, 1), "year")
    if part[0] == "Q":
        return period_around(date(year, int(part[1]) * 3, 1), "quarter")
    if part[0] == "S":
        return period_around(date(year, int(part[1]) * 6, 1), "semester")
    return period_around(date(year, int(part), 1), "month")
