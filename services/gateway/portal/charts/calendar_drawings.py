"""Drawings of what was each month or day: cells by month, and bars by day."""

from collections.abc import Iterator, Mapping, Sequence
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

CELL_HEIGHT = 14
GAP = 3
ROWS_UNDER_A_HEAD = 6
"""Rows after which the names of the months are repeated, so that they are on a phone's screen."""
MONTHS_PER_NAME = 3
"""A cell is narrower than the name of its month with room around it, so the quarters are named."""
PLOT = 40
"""Height of a day's full bar."""


@dataclass(frozen=True)
class CellLook:
    """How a cell looks: filled, hatched or neither, over its whole width or the left half."""

    fill: str = ""
    """`count`, `hatch` or nothing."""
    is_half: bool = False
    sign: str = ""
    """`cross` or `dash` in the cell, or nothing."""
    has_frame: bool = True


@dataclass(frozen=True)
class MonthRow:
    """Months of a name, each with the code of its look; `summary` is them in words."""

    label: str
    summary: str
    cells: Sequence[str]


@dataclass(frozen=True)
class DayBar:
    """The share of a day, from 0 to 1, in which something worked; None if it is not known."""

    share: float | None


def month_cells(
    rows: Sequence[MonthRow],
    *,
    looks: Mapping[str, CellLook],
    labels: Mapping[str, str],
    months: Sequence[str],
    name: str,
    title: str,
) -> Drawing:
    """Return a drawing of rows of months; below it, what each look that occurs means."""
    parts: list[str] = []
    wide = WIDTH / len(months)
    y = 1.0
    for number, row in enumerate(rows):
        if number % ROWS_UNDER_A_HEAD == 0:
            parts += [
                text_at((at + 0.5) * wide, y + SMALL, month, SMALL, anchor="middle", soft=True)
                for at, month in enumerate(months)
                if at % MONTHS_PER_NAME == 0
            ]
            y += SMALL * LINE_HEIGHT + 6
        for words, size, soft in ((row.label, NORMAL, False), (row.summary, SMALL, True)):
            lines = wrap(clean(words), size, WIDTH)
            parts += text_lines(lines, 0, y, size, soft=soft)
            y += len(lines) * size * LINE_HEIGHT
        y += 3
        for at, code in enumerate(row.cells):
            parts += _cell(looks[code], at * wide + GAP / 2, y, wide - GAP, name)
        y += CELL_HEIGHT + 12
    for code, words in labels.items():
        if not any(code in row.cells for row in rows):
            continue
        parts += _cell(looks[code], 0, y, wide - GAP, name)
        lines = wrap(clean(words), SMALL, WIDTH - wide - 4)
        parts += text_lines(lines, wide + 4, y, SMALL)
        y += max(CELL_HEIGHT, len(lines) * SMALL * LINE_HEIGHT) + 5
    said = "; ".join(f"{row.label}: {row.summary}" for row in rows)
    return Drawing(name, title, f"{said}.", parts, y)


def _cell(look: CellLook, x: float, y: float, width: float, name: str) -> Iterator[str]:
    if look.fill:
        drawn = width / 2 if look.is_half else width
        paint = 'class="count"' if look.fill == "count" else f'fill="url(#{name}-hatch)"'
        yield (
            f'<rect {paint} x="{x:.1f}" y="{y:.1f}" width="{drawn:.1f}" height="{CELL_HEIGHT}"/>'
        )
    if look.has_frame:
        yield (
            f'<rect class="frame" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{CELL_HEIGHT}"/>'
        )
    middle, centre = y + CELL_HEIGHT / 2, x + width / 2
    if look.sign == "cross":
        yield (
            f'<path class="sign" d="M{centre - 4:.1f} {middle - 4:.1f}l8 8'
            f'M{centre - 4:.1f} {middle + 4:.1f}l8 -8"/>'
        )
    elif look.sign == "dash":
        yield f'<path class="sign" d="M{centre - 4:.1f} {middle:.1f}h8"/>'


def day_bars(
    days: Sequence[DayBar], *, first: str, last: str, name: str, title: str, description: str
) -> Drawing:
    """Return a drawing of days beside each other: a full bar is a whole day.

    A mark below a bar tells that a part of the day is missing, however small; a day that is not
    known is hatched.
    """
    wide = WIDTH / max(len(days), 1)
    bar = wide * 0.75
    known: list[str] = []
    faults: list[str] = []
    unknown: list[str] = []
    for at, day in enumerate(days):
        x = (at + 0.5) * wide
        if day.share is None:
            unknown.append(
                f'<rect fill="url(#{name}-hatch)" x="{x - bar / 2:.1f}" y="0" width="{bar:.1f}" '
                f'height="{PLOT}"/>'
            )
            continue
        if day.share > 0:
            known.append(f"M{x:.1f} {PLOT}v{-day.share * PLOT:.1f}")
        if day.share < 1:
            faults.append(f"M{x:.1f} {PLOT + 8}l{bar / 2:.1f} -5h{-bar:.1f}z")
    ground = "".join(f"M{(at + 0.5) * wide:.1f} {PLOT}v-{PLOT}" for at in range(len(days)))
    parts = [
        f'<path class="bars empty" stroke-width="{bar:.1f}" d="{ground}"/>',
        *unknown,
        f'<path class="bars" stroke-width="{bar:.1f}" d="{"".join(known)}"/>' if known else "",
        f'<path class="fault" d="{"".join(faults)}"/>' if faults else "",
        text_at(0, PLOT + 9 + SMALL, first, SMALL, soft=True),
    ]
    if text_width(first, SMALL) + text_width(last, SMALL) + 8 < WIDTH:
        parts.append(text_at(WIDTH, PLOT + 9 + SMALL, last, SMALL, anchor="end", soft=True))
    return Drawing(name, title, description, [part for part in parts if part], PLOT + 14 + SMALL)
