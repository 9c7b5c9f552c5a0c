"""k-anonymous bundles: groups of at least five records, the only source of published figures.

Every published figure is a sum over whole bundles, and a bundle never changes once it is formed.
Therefore no combination of queries, in any order and at any time, can be subtracted to a figure
about fewer than five people (docs/decisions/0009). Surveys and comments share this module.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from services.feedback.periods import MONTHS_IN, SPANS, Period, Span, period_around

MIN_GROUP_SIZE = 5
"""Figures about fewer records are not published."""

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


def plan_bundles(pending: Mapping[Group, int], *, today: date) -> list[BundlePlan]:
    """Return the bundles that can be formed of pending records (group -> count).

    Records that fit no bundle of at least `MIN_GROUP_SIZE` stay pending.
    """
    remaining = {group: count for group, count in pending.items() if count > 0}
    plans: list[BundlePlan] = []
    for level in AGGREGATION_LEVELS:
        candidates: defaultdict[tuple[Period, tuple[str, ...]], list[Group]] = defaultdict(list)
        for group in sorted(remaining):
            period = period_around(group.month, level.span)
            if not level.closed_only or period.is_over(today):
                shared = tuple(getattr(group, name) for name in level.dimensions)
                candidates[period, shared].append(group)
        for groups in candidates.values():
            if sum(remaining[group] for group in groups) >= MIN_GROUP_SIZE:
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
