"""Drawings of counts and means: bars from zero below each other, with their figures.

A thin line across the end of a bar is the interval of its figure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.gateway.portal.charts.drawing import (
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
LABEL_WIDTH = 112
"""Of the names beside the bars of a group, which are wrapped in it."""

Ends = tuple[float, float]


@dataclass(frozen=True)
class CountBar:
    """An amount by name; `figure` is it in words."""

    label: str
    figure: str
    value: float
    interval: Ends | None = None


@dataclass(frozen=True)
class BarGroup:
    """Bars under a heading."""

    label: str
    bars: Sequence[CountBar]


def count_bars(
    rows: Sequence[CountBar], *, name: str, title: str, most: float | None = None
) -> Drawing:
    """Return a drawing of amounts below each other.

    `most` is the amount of a full bar; without it, the largest.
    """
    full = most or max((row.value for row in rows), default=0) or 1
    room = max((text_width(row.figure, NORMAL, bold=True) for row in rows), default=0) + 10
    parts: list[str] = []
    y = 1.0
    for row in rows:
        lines = wrap(clean(row.label), NORMAL, WIDTH - room)
        parts += text_lines(lines, 0, y, NORMAL)
        parts.append(text_at(WIDTH, y + NORMAL, row.figure, NORMAL, anchor="end", bold=True))
        y += len(lines) * NORMAL * LINE_HEIGHT + 3
        parts += _bar(row, 0, y, WIDTH, full)
        y += BAR_HEIGHT + 10
    said = "; ".join(f"{row.label}: {row.figure}" for row in rows)
    return Drawing(name, title, f"{said}.", parts, y)


def grouped_bars(
    groups: Sequence[BarGroup], *, name: str, title: str, most: float | None = None
) -> Drawing:
    """Return a drawing of groups below each other, each with short bars beside their names.

    `most` is the amount of a full bar; without it, the largest.
    """
    rows = [row for group in groups for row in group.bars]
    full = most or max((row.value for row in rows), default=0) or 1
    room = max((text_width(row.figure, SMALL, bold=True) for row in rows), default=0) + 6
    left = LABEL_WIDTH + 6
    parts: list[str] = []
    y = 1.0
    for group in groups:
        lines = wrap(clean(group.label), NORMAL, WIDTH, bold=True)
        parts += text_lines(lines, 0, y, NORMAL, bold=True)
        y += len(lines) * NORMAL * LINE_HEIGHT + 3
        for row in group.bars:
            lines = wrap(clean(row.label), SMALL, LABEL_WIDTH)
            parts += text_lines(lines, 0, y, SMALL)
            parts += _bar(row, left, y + 3, WIDTH - left - room, full)
            parts.append(text_at(WIDTH, y + SMALL, row.figure, SMALL, anchor="end", bold=True))
            y += max(len(lines) * SMALL * LINE_HEIGHT, BAR_HEIGHT + 4) + 5
        y += 8
    said = "; ".join(
        f"{group.label}: {', '.join(f'{row.label} {row.figure}' for row in group.bars)}"
        for group in groups
    )
    return Drawing(name, title, f"{said}.", parts, y)


def _bar(row: CountBar, x: float, y: float, width: float, full: float) -> Iterator[str]:
    def length(value: float) -> float:
        return max(0.0, min(1.0, value / full)) * width

    for look, wide in (("ground", width), ("count", length(row.value))):
        yield (
            f'<rect class="{look}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
            f'height="{BAR_HEIGHT}"/>'
        )
    if row.interval is not None:
        low, high = (length(end) for end in row.interval)
        yield (
            f'<rect class="mark" x="{x + low:.1f}" y="{y + BAR_HEIGHT / 2 - 1.5:.1f}" '
            f'width="{max(high - low, 1):.1f}" height="3"/>'
        )
