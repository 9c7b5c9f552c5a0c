"""Statistics of comments: how many there were, how many were answered in time, and how soon.

A comment counts once it is settled: answered, ended, or so long overdue that no answer is expected.
Settled comments are published in bundles of five or more, as responses to surveys are
(docs/decisions/0009). Every published figure is a sum over whole bundles, so no difference of two
figures is about fewer than five people.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field

from services.feedback.small_groups import BundlePlan, Group, Person, plan_bundles
from services.platform.working_days import working_days_between

UNANSWERED_AFTER = timedelta(days=30)
"""Time after the last day for the answer from which a comment counts as unanswered."""
SETTLING_TIME = timedelta(days=120)
"""Most comments of a period are settled this long after its end; then the rest is pooled."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a settled comment."""

    in_time: bool
    days: int | None
    """Working days to the answer; None without an answer."""


def outcome_of(
    *, received: date, answer_by: date, settled: date | None, today: date
) -> Outcome | None:
    """Return the outcome of a comment; None while it is open.

    `settled` is the day on which it was first answered, forwarded or closed.
    """
    if settled is not None:
        return Outcome(settled <= answer_by, working_days_between(received, settled))
    return Outcome(in_time=False, days=None) if answer_by + UNANSWERED_AFTER < today else None


class Tally(BaseModel):
    """The sums of one bundle or of several."""

    model_config = ConfigDict(frozen=True)

    n: int = 0
    in_time: int = 0
    days: dict[int, int] = Field(
        default_factory=dict[int, int], description="Number of comments by days to the answer."
    )

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            n=self.n + other.n,
            in_time=self.in_time + other.in_time,
            days=dict(Counter(self.days) + Counter(other.days)),
        )

    @property
    def answered(self) -> int:
        """The number of comments that were answered."""
        return sum(self.days.values())

    def median_days(self) -> float | None:
        """Return the median of the days to the answer; None if no comment was answered."""
        ordered = sorted(Counter(self.days).elements())
        if not ordered:
            return None
        middle = len(ordered) // 2
        if len(ordered) % 2:
            return float(ordered[middle])
        return (ordered[middle - 1] + ordered[middle]) / 2


def tally_of(outcomes: Iterable[Outcome]) -> Tally:
    """Return the tally of settled comments."""
    settled = list(outcomes)
    return Tally(
        n=len(settled),
        in_time=sum(outcome.in_time for outcome in settled),
        days=dict(Counter(outcome.days for outcome in settled if outcome.days is not None)),
    )


def group_of(*, received: date, service: str, agency: str, kind: str, category: str) -> Group:
    """Return the group that a comment counts in."""
    return Group(received.replace(day=1), service, agency, detail=category, fine_detail=kind)


def plan_comment_bundles(
    pending: Mapping[Group, Collection[Person]], *, today: date
) -> list[BundlePlan]:
    """Return the bundles that can be formed of settled comments."""
    return plan_bundles(pending, today=today - SETTLING_TIME)
