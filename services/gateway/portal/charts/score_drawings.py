"""Drawings of scores: bars below each other, and lines over the years.

What is not known is hatched, from what is proven to what is possible; a tall mark is the estimate,
a thin line its interval.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from markupsafe import escape

from services.gateway.portal.charts.drawing import (
    LARGE,
    LINE_HEIGHT,
    NORMAL,
    SMALL,
    WIDTH,
    Drawing,
    clean,
    text_at,
    text_lines,
)
from services.gateway.portal.charts.text_measure import text_width, wrap

BAR_HEIGHT = 10
MAX_SCORE = 100

Ends = tuple[float, float]
ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class ScoreBar:
    """A score of 0-100 by name; `figure` is its estimate in words."""

    label: str
    figure: str
    value: float | None
    interval: Ends | None
    bounds: Ends | None
    href: str
    is_whole: bool = False
    """Whether it is the mean of those that follow."""


@dataclass(frozen=True)
class YearMark:
    """A score in a year; `figure` is its estimate in words."""

    year: int
    figure: str
    value: float | None
    bounds: Ends | None


@dataclass(frozen=True)
class Series:
    """A score over the years, the earliest first."""

    label: str
    marks: Sequence[YearMark]


def score_bars(rows: Sequence[ScoreBar], *, name: str, title: str, description: str) -> Drawing:
    """Return a drawing of scores below each other, each leading to its page."""
    parts: list[str] = [
        text_at(0, SMALL, "0", SMALL, soft=True),
        text_at(WIDTH / 2, SMALL, "50", SMALL, anchor="middle", soft=True),
        text_at(WIDTH, SMALL, "100", SMALL, anchor="end", soft=True),
    ]
    room = max((text_width(row.figure, LARGE, bold=True) for row in rows), default=0) + 10
    y = SMALL + 8.0
    for row in rows:
        size = LARGE if row.is_whole else NORMAL
        y += 10 if row.is_whole else 0
        lines = wrap(clean(row.label), size, WIDTH - room, bold=row.is_whole)
        top = y
        drawn = [
            *text_lines(lines, 0, y, size, bold=row.is_whole),
            text_at(WIDTH, y + size, row.figure, size, anchor="end", bold=True),
        ]
        y += len(lines) * size * LINE_HEIGHT + 3
        drawn += _bar(row, y, name)
        y += BAR_HEIGHT + 10
        # The link is what is drawn in it: the room between name and bar too.
        target = f'<rect class="target" y="{top:.1f}" width="{WIDTH}" height="{y - top:.1f}"/>'
        parts.append(f'<a href="{escape(row.href)}">{target}{"".join(drawn)}</a>')
    return Drawing(name, title, description, parts, y, has_links=True)


def _bar(row: ScoreBar, y: float, name: str) -> Iterator[str]:
    yield f'<rect class="ground" x="0" y="{y:.1f}" width="{WIDTH}" height="{BAR_HEIGHT}"/>'
    if row.bounds is not None:
        low, high = (_x(end) for end in row.bounds)
        yield f'<rect class="proven" x="0" y="{y:.1f}" width="{low:.1f}" height="{BAR_HEIGHT}"/>'
        yield (
            f'<rect class="possible" fill="url(#{name}-hatch)" x="{low:.1f}" y="{y:.1f}" '
            f'width="{high - low:.1f}" height="{BAR_HEIGHT}"/>'
        )
    if row.value is None:
        return
    if row.interval is not None:
        low, high = (_x(end) for end in row.interval)
        yield (
            f'<rect class="mark" x="{low:.1f}" y="{y + BAR_HEIGHT / 2 - 1:.1f}" '
            f'width="{max(high - low, 1):.1f}" height="2"/>'
        )
    at = min(max(_x(row.value) - 2, 0), WIDTH - 4)
    yield (f'<rect class="mark" x="{at:.1f}" y="{y - 2:.1f}" width="4" height="{BAR_HEIGHT + 4}"/>')


def _x(score: float) -> float:
    return max(0.0, min(MAX_SCORE, score)) / MAX_SCORE * WIDTH


LEFT, RIGHT, PLOT, ABOVE = 52, 18, 96, 20
"""Edges of the plot of a series: left and right of its first and last year, its height, and the
room above it for a figure."""
COLUMN = 14


def year_lines(series: Sequence[Series], *, name: str, title: str, description: str) -> Drawing:
    """Return a drawing of scores over the years, one below the other.

    A line joins what is proven, which alone is compared between years; the estimates are of what
    was known in each.
    """
    parts: list[str] = []
    y = 0.0
    for one in series:
        lines = wrap(clean(one.label), NORMAL, WIDTH, bold=True)
        parts += text_lines(lines, 0, y, NORMAL, bold=True)
        y += len(lines) * NORMAL * LINE_HEIGHT + ABOVE
        parts += _plot(one.marks, y, name)
        y += PLOT + SMALL + 20
    return Drawing(name, title, description, parts, y)


def _plot(marks: Sequence[YearMark], top: float, name: str) -> Iterator[str]:
    places = places_of([mark.year for mark in marks])
    step = min((b - a for a, b in pairwise(places)), default=float(WIDTH - LEFT))

    def height(score: float) -> float:
        return top + PLOT - max(0.0, min(MAX_SCORE, score)) / MAX_SCORE * PLOT

    for tick in (0, 50, 100):
        at = height(tick)
        yield f'<line class="grid" x1="{LEFT - 20}" y1="{at:.1f}" x2="{WIDTH}" y2="{at:.1f}"/>'
        yield text_at(LEFT - 24, at + 4, str(tick), SMALL, anchor="end", soft=True)
    wide = min(COLUMN, step * 0.7)
    for mark, x in zip(marks, places, strict=True):
        if mark.bounds is not None:
            low, high = (height(end) for end in mark.bounds)
            yield (
                f'<rect class="possible" fill="url(#{name}-hatch)" x="{x - wide / 2:.1f}" '
                f'y="{high:.1f}" width="{wide:.1f}" height="{low - high:.1f}"/>'
            )
    proven = [
        f"{x:.1f} {height(mark.bounds[0]):.1f}"
        for mark, x in zip(marks, places, strict=True)
        if mark.bounds is not None
    ]
    if len(proven) > 1:
        yield f'<path class="line" d="M{"L".join(proven)}"/>'
    known = [
        (mark, x, mark.value)
        for mark, x in zip(marks, places, strict=True)
        if mark.value is not None
    ]
    for _, x, value in known:
        yield f'<circle class="mark" cx="{x:.1f}" cy="{height(value):.1f}" r="4"/>'
    figures = ((x, text_width(mark.figure, NORMAL, bold=True)) for mark, x, _ in known)
    for mark, x, value in spaced(known, figures):
        yield text_at(
            x, height(value) - 8, mark.figure, NORMAL, anchor="middle", bold=True, figure=True
        )
    years = ((x, text_width(str(mark.year), SMALL)) for mark, x in zip(marks, places, strict=True))
    for mark, x in spaced(list(zip(marks, places, strict=True)), years):
        yield text_at(x, top + PLOT + SMALL + 5, str(mark.year), SMALL, anchor="middle", soft=True)


def places_of(years: Sequence[int]) -> list[float]:
    """Return where the years stand, in proportion to the time between them."""
    first, last = years[0], years[-1]
    if first == last:
        return [(LEFT + WIDTH - RIGHT) / 2]
    return [LEFT + (year - first) / (last - first) * (WIDTH - LEFT - RIGHT) for year in years]


def spaced(items: Sequence[ItemT], places: Iterable[tuple[float, float]]) -> list[ItemT]:
    """Return those whose texts, each in the middle of its place, do not overlap: the last first."""
    found: list[ItemT] = []
    end = math.inf
    for item, (x, width) in reversed(list(zip(items, places, strict=True))):
        if x + width / 2 + 4 <= end:
            found.append(item)
            end = x - width / 2
    return found[::-1]


@dataclass(frozen=True)
class YearValue:
    """A value of a year on any scale from zero; `figure` is it in words."""

    year: int
    value: float
    figure: str
    is_target: bool = False


def value_line(
    marks: Sequence[YearValue], *, level: float | None, name: str, title: str, description: str
) -> Drawing:
    """Return a drawing of values over the years with the way to a target, and a level to reach."""
    most = math.ceil(max([mark.value for mark in marks] + ([] if level is None else [level])))
    top = float(ABOVE)
    places = places_of([mark.year for mark in marks])

    def height(value: float) -> float:
        return top + PLOT - max(0.0, value) / most * PLOT

    parts: list[str] = []
    for tick in (0.0, most / 2, float(most)):
        at = height(tick)
        parts.append(
            f'<line class="grid" x1="{LEFT - 20}" y1="{at:.1f}" x2="{WIDTH}" y2="{at:.1f}"/>'
        )
        parts.append(text_at(LEFT - 24, at + 4, f"{tick:g}", SMALL, anchor="end", soft=True))
    if level is not None:
        at = height(level)
        parts.append(
            f'<line class="level" x1="{LEFT - 20}" y1="{at:.1f}" x2="{WIDTH}" y2="{at:.1f}"/>'
        )
    points = list(zip(marks, places, strict=True))
    for way, look in ((False, "line"), (True, "level")):
        drawn = [
            f"{x:.1f} {height(mark.value):.1f}"
            for mark, x in points
            if mark.is_target is way or (way and mark is _last_published(marks))
        ]
        if len(drawn) > 1:
            parts.append(f'<path class="{look}" fill="none" d="M{"L".join(drawn)}"/>')
    for mark, x in points:
        parts.append(f'<circle class="mark" cx="{x:.1f}" cy="{height(mark.value):.1f}" r="4"/>')
    figures = ((x, text_width(mark.figure, NORMAL, bold=True)) for mark, x in points)
    for mark, x in spaced(points, figures):
        parts.append(
            text_at(
                x,
                height(mark.value) - 8,
                mark.figure,
                NORMAL,
                anchor="middle",
                bold=True,
                figure=True,
            )
        )
    years = ((x, text_width(str(mark.year), SMALL)) for mark, x in points)
    for mark, x in spaced(points, years):
        parts.append(
            text_at(x, top + PLOT + SMALL + 5, str(mark.year), SMALL, anchor="middle", soft=True)
        )
    return Drawing(name, title, description, parts, top + PLOT + SMALL + 20)


def _last_published(marks: Sequence[YearValue]) -> YearValue | None:
    return next((mark for mark in reversed(marks) if not mark.is_target), None)
