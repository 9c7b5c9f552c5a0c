"""k-anonymous bundles: records of at least five people, the only source of published figures.

Every published figure is a sum over whole bundles, and a bundle never changes once it is formed.
Therefore no combination of queries, in any order and at any time, can be subtracted to a figure
about fewer than five people (docs/decisions/0009). Surveys and comments share this module.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from services.feedback.periods import MONTHS_IN, SPANS, Period, Span, period_around

MIN_GROUP_SIZE = 5
"""Figures about fewer people are not published."""

DIMENSIONS = ("service", "agency", "detail", "fine_detail")


@dataclass(frozen=True, order=True)
class Group:
    """Attributes that records are grouped by; an empty text means `not given`."""

    month: date
    service: str
    agency: str
    detail: str
    """The channel of a survey response, the category of a comment."""
    fine_detail: str
    """The district of a survey response, the kind of a comment; generalised first."""
    round: str = ""
    """The round of a survey."""
    sample: str = ""
    """How the respondents were found: samples and rounds are bundled apart, to be told apart in
    results."""
    collector: str = ""
    """The agency whose enumerators asked, and therefore know the answers; their records are bundled
    apart, and no others with them."""


@dataclass(frozen=True)
class Person:
    """Whom a record is from, as far as records tell people apart."""

    id: str
    """The same for records of one sender."""
    issue: str = ""
    """What one party issued together, and may have used itself: tokens of an agency on a day."""


def are_enough(people: Iterable[Person]) -> bool:
    """Return whether figures about these people may be published.

    They are if five can be told apart, and five still without the people of any one issue: who
    knows all records of an issue but one cannot tell that one from five others.
    """
    everybody: set[str] = set()
    issues: defaultdict[str, set[str]] = defaultdict(set)
    for person in people:
        everybody.add(person.id)
        if person.issue:
            issues[person.issue].add(person.id)
    return all(
        len(everybody - of_issue) >= MIN_GROUP_SIZE for of_issue in (set(), *issues.values())
    )


@dataclass(frozen=True)
class BundleKey:
    """Attributes that all records of a bundle share; None where they differ."""

    period: Period
    service: str | None
    agency: str | None
    detail: str | None
    fine_detail: str | None


@dataclass(frozen=True)
class BundlePlan:
    """Groups whose pending records become one bundle."""

    key: BundleKey
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Level:
    """A level of generalisation: the attributes that the records of a bundle must share."""

    span: Span
    dimensions: tuple[str, ...]
    closed_only: bool = True
    """Whether only periods that are over are bundled at this level."""


AGGREGATION_LEVELS = (
    Level("month", ("service", "agency", "detail", "fine_detail"), closed_only=False),
    Level("month", ("service", "agency", "detail"), closed_only=False),
    Level("month", ("service", "agency")),
    Level("quarter", ("service", "agency")),
    Level("semester", ("service", "agency")),
    Level("year", ("service", "agency")),
    Level("year", ("agency",)),
    Level("year", ()),
)
"""From exact to general: records that are too few at one level are pooled at a later one."""


def plan_bundles(
    pending: Mapping[Group, Collection[Person]],
    *,
    today: date,
    closed_rounds: Collection[str] = (),
) -> list[BundlePlan]:
    """Return the bundles that can be formed of pending records, of which the people are given.

    Records of too few people for any bundle stay pending. Those of a closed round, to which no
    others come, need not wait until their period is over.
    """
    remaining = {group: people for group, people in pending.items() if people}
    plans: list[BundlePlan] = []
    for level in AGGREGATION_LEVELS:
        candidates: defaultdict[tuple[Period, tuple[str, ...]], list[Group]] = defaultdict(list)
        for group in sorted(remaining):
            period = period_around(group.month, level.span)
            is_over = period.is_over(today) or group.round in closed_rounds
            if not level.closed_only or is_over:
                apart = (group.collector, group.round, group.sample)
                shared = (*apart, *(getattr(group, name) for name in level.dimensions))
                candidates[period, shared].append(group)
        for groups in candidates.values():
            if are_enough(person for group in groups for person in remaining[group]):
                plans.append(BundlePlan(shared_dimensions(groups), tuple(groups)))
                for group in groups:
                    del remaining[group]
    return plans


def shared_dimensions(groups: Iterable[Group]) -> BundleKey:
    """Return the most exact key that holds for all of these groups."""
    members = list(groups)
    shared: dict[str, str | None] = {}
    for name in DIMENSIONS:
        values = {getattr(group, name) for group in members}
        shared[name] = values.pop() if len(values) == 1 else None
    first, last = min(g.month for g in members), max(g.month for g in members)
    span: Span = next(
        span for span in SPANS if period_around(first, span) == period_around(last, span)
    )
    return BundleKey(period=period_around(first, span), **shared)


def period_within(period: Period, span: Span) -> str | None:
    """Return the month, quarter or semester that a bundle's period lies in.

    None if the period is longer than the span: its records are not of one such part of the year.
    """
    if MONTHS_IN[period.span] > MONTHS_IN[span]:
        return None
    return str(period_around(period.first, span))
