"""Opening hours of a place: weekly and monthly rules, exceptions, and whether it is open.

Rules name days as `BYDAY` of RFC 5545, 3.3.10, does: `MO` each Monday, `2TU` the second Tuesday of
a month, `-1FR` its last Friday. Unlike a recurrence rule they have an end of the day, and a holiday
closes the place unless a rule says otherwise. Computing is pure: the moment and the zone are given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, StrictBool, StringConstraints, model_validator

from services.platform.packs import PackModel, rule_error
from services.platform.translation import N_
from services.platform.types import IsoDate, Slug, Text
from services.platform.working_days import holidays_of

DAY = timedelta(days=1)
WEEK = 7
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LOOK_AHEAD_DAYS = 31
"""For how many days the next opening is searched, and the end of one that does not close."""

ByDay = Annotated[
    str,
    StringConstraints(pattern=r"^(-1|[1-5])?(MO|TU|WE|TH|FR|SA|SU)$"),
    Field(examples=["MO", "2TU"]),
]
ClockTime = Annotated[
    str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), Field(examples=["08:00"])
]


class OpeningRule(PackModel):
    """Hours of the named days. A pause, such as on Friday, lies between two rules."""

    byday: list[ByDay] = Field(
        min_length=1,
        max_length=WEEK * 6,
        description="Days as in RFC 5545: `MO`, or `2TU` for the second Tuesday of each month.",
    )
    opens: ClockTime = Field(description="Local time at which it opens.")
    closes: ClockTime = Field(
        description="On the next day if it is not later than `opens`; 00:00 to 00:00 is the whole "
        "day."
    )
    on_holidays: StrictBool = Field(
        False, description="Whether the rule holds on public holidays and joint leave too."
    )
    valid_from: IsoDate | None = None
    valid_until: IsoDate | None = Field(
        None, description="Last calendar day of the rule; null without one."
    )

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "OpeningRule":
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise rule_error(
                self,
                ("valid_until",),
                N_("tidak boleh sebelum valid_from, %(day)s"),
                day=self.valid_from,
            )
        return self

    def covers(self, day: date) -> bool:
        """Return whether the rule opens the place on a day."""
        if self.valid_from and day < self.valid_from:
            return False
        if self.valid_until and day > self.valid_until:
            return False
        if not self.on_holidays and day in holidays_of(day.year):
            return False
        return any(_is_day(byday, day) for byday in self.byday)


class OpeningException(PackModel):
    """A day with hours of its own, or none: it replaces every rule of that day."""

    on: IsoDate = Field(description="Calendar day of the exception.")
    opens: ClockTime | None = Field(None, description="Null if the place is closed all day.")
    closes: ClockTime | None = Field(
        None, description="Local time at which it closes; null if it stays closed."
    )
    reason: Text | None = None
    reason_en: Text | None = Field(None, description="Why the hours differ, in English.")
    sources: list[Slug] = Field(default_factory=list[Slug], max_length=100)

    @model_validator(mode="after")
    def _has_both_times_or_none(self) -> "OpeningException":
        if (self.opens is None) != (self.closes is None):
            missing = "closes" if self.closes is None else "opens"
            raise rule_error(self, (missing,), N_("isi juga, atau kosongkan keduanya"))
        return self


@dataclass(frozen=True)
class Interval:
    """An uninterrupted time of opening."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class OpenState:
    """Whether a place is open at a moment, and when that changes."""

    is_open: bool
    changes_at: datetime | None
    """When it closes or opens next; None if not within `LOOK_AHEAD_DAYS` days."""


def opening_intervals(
    rules: Sequence[OpeningRule],
    exceptions: Sequence[OpeningException],
    day: date,
    zone: ZoneInfo,
) -> list[Interval]:
    """Return when a place opens on a day, in order; the last interval may end on the next day."""
    special = [exception for exception in exceptions if exception.on == day]
    hours = (
        [(each.opens, each.closes) for each in special if each.opens and each.closes]
        if special
        else [(rule.opens, rule.closes) for rule in rules if rule.covers(day)]
    )
    return sorted(
        (_interval(day, opens, closes, zone) for opens, closes in hours),
        key=lambda interval: interval.start,
    )


def state_at(
    rules: Sequence[OpeningRule],
    exceptions: Sequence[OpeningException],
    moment: datetime,
    zone: ZoneInfo,
) -> OpenState:
    """Return whether a place is open at a moment: at the minute it opens, not that it closes."""
    first = moment.astimezone(zone).date() - DAY
    days = (first + n * DAY for n in range(LOOK_AHEAD_DAYS + 2))
    found = (one for day in days for one in opening_intervals(rules, exceptions, day, zone))
    horizon = moment + LOOK_AHEAD_DAYS * DAY
    for interval in _joined(found):
        if interval.end <= moment:
            continue
        if interval.start <= moment:
            return OpenState(True, interval.end if interval.end <= horizon else None)
        return OpenState(False, interval.start)
    return OpenState(False, None)


def _is_day(byday: str, day: date) -> bool:
    if WEEKDAYS[day.weekday()] != byday[-2:]:
        return False
    match byday[:-2]:
        case "":
            return True
        case "-1":
            return (day + WEEK * DAY).month != day.month
        case nth:
            return (day.day - 1) // WEEK + 1 == int(nth)


def _interval(day: date, opens: str, closes: str, zone: ZoneInfo) -> Interval:
    start, end = time.fromisoformat(opens), time.fromisoformat(closes)
    last = day if end > start else day + DAY
    return Interval(
        datetime.combine(day, start, tzinfo=zone), datetime.combine(last, end, tzinfo=zone)
    )


def _joined(intervals: Iterator[Interval]) -> Iterator[Interval]:
    """Yield intervals, joining those that touch or overlap; they come by day."""
    current: Interval | None = None
    for interval in intervals:
        if current is not None and interval.start <= current.end:
            current = Interval(current.start, max(current.end, interval.end))
            continue
        if current is not None:
            yield current
        current = interval
    if current is not None:
        yield current
