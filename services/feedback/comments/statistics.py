"""What is published of comments: how many there were, how many were answered in time, how soon.

A comment counts once it is settled: answered, ended, or so long past its promise that no answer
is waited for. Settled comments are sealed in bundles of five or more, as responses to surveys are
(docs/decisions/0009), and every published figure is a sum over whole bundles: no difference of two
figures concerns fewer than five people.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.feedback.comments.working_days import working_days_between
from services.feedback.surveys.k_anonymity import Bundle, Cell, seal
from services.feedback.surveys.periods import MONTHS_IN, Period, Span, period_around

GIVEN_UP = timedelta(days=30)
"""After the end of its promise a comment without an answer counts as one."""

Dimension = Literal["agency", "service", "kind", "category", "month", "quarter", "semester"]


@dataclass(frozen=True)
class Outcome:
    """A settled comment."""

    in_time: bool
    days: int | None
    """Working days to the answer; None where there was none."""


def outcome_of(
    *, received: date, answer_by: date, settled: date | None, today: date
) -> Outcome | None:
    """How a comment came out that was answered, forwarded or closed first on a day; None while
    that is open."""
    if settled is not None:
        return Outcome(settled <= answer_by, working_days_between(received, settled))
    return Outcome(in_time=False, days=None) if answer_by + GIVEN_UP < today else None


class Tally(BaseModel):
    """The sums of a bundle, or of several."""

    model_config = ConfigDict(frozen=True)

    n: int = 0
    in_time: int = 0
    days: dict[int, int] = Field(
        default_factory=dict[int, int], description="How many were answered after how many days."
    )

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            n=self.n + other.n,
            in_time=self.in_time + other.in_time,
            days=dict(Counter(self.days) + Counter(other.days)),
        )

    @property
    def answered(self) -> int:
        return sum(self.days.values())

    def median_days(self) -> float | None:
        """Of the answered ones."""
        ordered = sorted(Counter(self.days).elements())
        if not ordered:
            return None
        middle = len(ordered) // 2
        if len(ordered) % 2:
            return float(ordered[middle])
        return (ordered[middle - 1] + ordered[middle]) / 2


def tally_of(outcomes: Iterable[Outcome]) -> Tally:
    known = list(outcomes)
    return Tally(
        n=len(known),
        in_time=sum(outcome.in_time for outcome in known),
        days=dict(Counter(outcome.days for outcome in known if outcome.days is not None)),
    )


def cell_of(*, received: date, service: str, agency: str, kind: str, category: str) -> Cell:
    """Where a comment counts. The two finest labels of a bundle, of surveys the channel and the
    district, are of comments the category and the kind."""
    return Cell(received.replace(day=1), service, agency, channel=category, district=kind)


def bundles_of(waiting: Mapping[Cell, int], *, today: date) -> list[Bundle]:
    """What can be sealed. Comments of a month settle late: a period is over a good while after."""
    return seal(waiting, today=today - timedelta(days=120))


@dataclass(frozen=True)
class Sealed:
    """A bundle as it is stored; a label is None where its comments differ in it."""

    period: Period
    service: str | None
    agency: str | None
    kind: str | None
    category: str | None
    tally: Tally

    def value(self, by: Dimension) -> str | None:
        """What the bundle counts under."""
        if by in ("agency", "service", "kind", "category"):
            return getattr(self, by)
        span: Span = by
        if MONTHS_IN[self.period.span] > MONTHS_IN[span]:
            return None
        return str(period_around(self.period.first, span))
