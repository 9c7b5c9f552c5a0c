"""Drawings of counts and means: bars from zero below each other, with their figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.portal.charts.drawing import (
    LINE_HEIGHT,
    NORMAL,
    WIDTH,
    Drawing,
    clean,
    text_at,
    text_lines,
)
from services.gateway.portal.charts.text_measure import text_width, wrap

BAR_HEIGHT = 10


@dataclass(frozen=True)
class CountBar:
    """An amount by name; `figure` is it in words."""

    label: str
    figure: str
    value: float


def count_bars(
    rows: Sequence[CountBar], *, name: str, title: str, most: float | None = None
) -> Drawing:
    """Return a drawing of amounts below each other.

    `most` is the amount of a full bar; without it, the largest.
    """
    full = most or max((row.value for row in rows), default=0) or 1
    room = max((text_width(row.figure, NORMAL, bold=True) for row in rows), default=0) + 10
    parts: list[str] = []
    y = 0.0
    for row in rows:
        lines = wrap(clean(row.label), NORMAL, WIDTH - room)
        parts += text_lines(lines, 0, y, NORMAL)
        parts.append(text_at(WIDTH, y + NORMAL, row.figure, NORMAL, anchor="end", bold=True))
        y += len(lines) * NORMAL * LINE_HEIGHT + 3
        wide = max(0.0, min(1.0, row.value / full)) * WIDTH
        for look, width in (("ground", float(WIDTH)), ("count", wide)):
            parts.append(
                f'<rect class="{look}" x="0" y="{y:.1f}" width="{width:.1f}" '
                f'height="{BAR_HEIGHT}"/>'
            )
        y += BAR_HEIGHT + 10
    said = "; ".join(f"{row.label}: {row.figure}" for row in rows)
    return Drawing(name, title, f"{said}.", parts, y)
