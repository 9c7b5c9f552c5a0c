"""Bundles: the groups of five or more responses of which alone results are published.

Every published figure is a sum over whole bundles, and a bundle never changes once it is sealed.
So whatever is asked, in whatever order and however often, no difference of published figures can
concern a part of a bundle: never fewer than five people (docs/decisions/0009).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from services.feedback.surveys.periods import Period, Span, period_around

SMALLEST_GROUP = 5
"""Results of fewer respondents are not published."""


@dataclass(frozen=True, order=True)
class Cell:
    """What is known of a response besides its answers; an empty text is `not said`."""

    month: date
    service: str
    agency: str
    channel: str
    district: str


@dataclass(frozen=True)
class Label:
    """What all responses of a bundle have in common; None where they differ."""

    period: Period
    service: str | None
    agency: str | None
    channel: str | None
    district: str | None


@dataclass(frozen=True)
class Bundle:
    """Cells whose waiting responses are published together from now on."""

    label: Label
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Step:
    """A rung of the ladder: what the responses of a bundle must share."""

    span: Span
    keeps: tuple[str, ...]
    waits: bool = True
    """Whether only a period that is over is bundled so."""


LADDER = (
    Step("month", ("service", "agency", "channel", "district"), waits=False),
    Step("month", ("service", "agency", "channel"), waits=False),
    Step("month", ("service", "agency")),
    Step("quarter", ("service", "agency")),
    Step("semester", ("service", "agency")),
    Step("year", ("service", "agency")),
    Step("year", ("agency",)),
    Step("year", ()),
)
"""From exact to coarse: what cannot be told exactly of five people is told of more of them."""


def seal(waiting: Mapping[Cell, int], *, today: date) -> list[Bundle]:
    """The bundles that can be made of the waiting responses (cell -> how many); the rest waits."""
    left = {cell: count for cell, count in waiting.items() if count > 0}
    sealed: list[Bundle] = []
    for step in LADDER:
        groups: defaultdict[tuple[Period, tuple[str, ...]], list[Cell]] = defaultdict(list)
        for cell in sorted(left):
            period = period_around(cell.month, step.span)
            if not step.waits or period.is_over(today):
                groups[period, tuple(getattr(cell, name) for name in step.keeps)].append(cell)
        for cells in groups.values():
            if sum(left[cell] for cell in cells) >= SMALLEST_GROUP:
                sealed.append(Bundle(common(cells), tuple(cells)))
                for cell in cells:
                    del left[cell]
    return sealed


def common(cells: Iterable[Cell]) -> Label:
    """The most exact label that is true of all of these cells."""
    known = list(cells)
    shared: dict[str, str | None] = {}
    for name in ("service", "agency", "channel", "district"):
        values = {getattr(cell, name) for cell in known}
        shared[name] = values.pop() if len(values) == 1 else None
    first, last = min(c.month for c in known), max(c.month for c in known)
    span: Span = next(
        span
        for span in ("month", "quarter", "semester", "year")
        if period_around(first, span) == period_around(last, span)
    )
    return Label(period=period_around(first, span), **shared)
