"""SVG charts: pure functions of figures, byte-identical for identical figures.

Greys, shapes and dashes distinguish series, so that charts are legible in grey print. Every text is
escaped, and styling uses attributes only, which a strict content security policy allows.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from services.assessment.reports.wording import number

WIDTH = 680
LABEL = 236
"""Left edge of bars, right of their labels."""

VALUE = 66
"""Width of the figure at the right."""

ROW, BAR = 26, 14
TOP, BOTTOM = 24, 10
INK, SOFT, LINE, FILL = "#1a1a1a", "#595959", "#c4c4c4", "#9db4c0"
FONT = "Libertinus Serif, Georgia, serif"
MAX_LABEL_LENGTH = 38

INVALID_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that are invalid in XML 1.0."""


@dataclass(frozen=True)
class Bar:
    """A named value of 0-100 with its interval; `words` explain a missing value."""

    label: str
    value: float | None
    interval: tuple[float, float] | None = None
    words: str = ""
    group: str | None = None
    """Heading above the first bar of a group."""


@dataclass(frozen=True)
class Point:
    """A value in a year."""

    year: int
    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Line:
    """A series of points; a dashed one is a projection."""

    name: str
    points: Sequence[Point]
    dashed: bool = False
    figures: bool = True


def bars(rows: Sequence[Bar], *, alt: str, marks: Sequence[float] = ()) -> str:
    """Return horizontal bars from 0 to 100 with whiskers; `marks` are highlighted grid values."""
    parts: list[str] = []
    y = float(TOP)
    begun: list[str] = []
    for row in rows:
        if row.group is not None:
            begun.append(_text(0, y + 15, row.group, weight="bold"))
            y += 22
        begun += _bar(row, y)
        y += ROW
    for tick in (0, 25, 50, 75, 100):
        x = _bar_x(tick)
        strong = tick in marks
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{y:.1f}" '
            f'stroke="{SOFT if strong else LINE}" stroke-width="{1 if strong else 0.6}"'
            f"{_dashes(strong)}/>"
        )
        parts.append(_text(x, TOP - 9, number(tick, 0), anchor="middle", size=11, colour=SOFT))
    return _document([*parts, *begun], height=y + BOTTOM, alt=alt)


def _bar(row: Bar, y: float) -> list[str]:
    middle = y + ROW / 2
    found = [_text(LABEL - 8, middle + 4, _shorten(row.label), anchor="end")]
    if row.value is None:
        words = _text(_bar_x(0) + 6, middle + 4, row.words, size=12, colour=SOFT, slanted=True)
        return [*found, words]
    width = _bar_x(row.value) - _bar_x(0)
    found.append(
        f'<rect x="{_bar_x(0):.1f}" y="{middle - BAR / 2:.1f}" width="{width:.1f}" '
        f'height="{BAR}" fill="{FILL}" stroke="{INK}" stroke-width="0.7"/>'
    )
    if row.interval is not None:
        low, high = (_bar_x(end) for end in row.interval)
        found.append(
            f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {middle - 5:.1f}v10'
            f'M{high:.1f} {middle - 5:.1f}v10" stroke="{INK}" stroke-width="1.4" fill="none"/>'
        )
    found.append(_text(WIDTH - 4, middle + 4, number(row.value), anchor="end", weight="bold"))
    return found


def _bar_x(value: float) -> float:
    return LABEL + max(0.0, min(100.0, value)) / 100 * (WIDTH - LABEL - VALUE)


HEIGHT = 270
LEFT, RIGHT, ABOVE, BELOW = 40, 150, 24, 34


def lines(
    rows: Sequence[Line],
    *,
    alt: str,
    low: float,
    high: float,
    step: float,
    digits: int,
    level: tuple[float, str] | None = None,
    changes: Iterable[tuple[int, str]] = (),
) -> str:
    """Return a line chart by year; `level` is a horizontal line, `changes` are vertical ones."""
    years = sorted({point.year for row in rows for point in row.points})
    first, last = years[0], max(years[-1], years[0] + 1)

    def x(year: float) -> float:
        return LEFT + (year - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BELOW - (value - low) / (high - low) * (HEIGHT - ABOVE - BELOW)

    parts: list[str] = []
    for n in range(round((high - low) / step) + 1):
        value = low + n * step
        parts.append(
            f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}" '
            f'stroke="{LINE}" stroke-width="0.6"/>'
        )
        shown = number(value, 0 if float(step).is_integer() else 1)
        parts.append(_text(LEFT - 6, y(value) + 4, shown, anchor="end", size=11, colour=SOFT))
    parts += [
        _text(x(year), HEIGHT - 12, str(year), anchor="middle", size=12)
        for year in range(first, last + 1)
    ]
    if level is not None:
        parts.append(
            f'<line x1="{LEFT}" y1="{y(level[0]):.1f}" x2="{WIDTH - RIGHT}" '
            f'y2="{y(level[0]):.1f}" stroke="{SOFT}" stroke-width="1" stroke-dasharray="2 3"/>'
        )
        parts.append(
            _text(WIDTH - RIGHT + 8, y(level[0]) + 4, level[1], size=11, colour=SOFT, slanted=True)
        )
    for year, words in changes:
        at = x(year - 0.5)
        parts.append(
            f'<line x1="{at:.1f}" y1="{ABOVE}" x2="{at:.1f}" y2="{HEIGHT - BELOW}" '
            f'stroke="{INK}" stroke-width="1" stroke-dasharray="5 3"/>'
        )
        parts.append(_text(at + 4, ABOVE + 2, words, size=11, slanted=True))
    for at, row in enumerate(rows):
        parts += _line(row, [(x(p.year), y(p.value)) for p in row.points], y, at, digits)
    at_end = [row for row in rows if row.points[-1].year == last]
    ends = _spread([y(row.points[-1].value) for row in at_end], least=15)
    parts += [
        _text(WIDTH - RIGHT + 8, end + 4, row.name, size=12)
        for row, end in zip(at_end, ends, strict=True)
    ]
    parts += [  # a line that ends earlier is named below its last point
        _text(x(row.points[-1].year) + 6, y(row.points[-1].value) + 18, row.name, size=12)
        for row in rows
        if row.points[-1].year < last
    ]
    return _document(parts, height=HEIGHT, alt=alt)


def _line(
    row: Line,
    places: Sequence[tuple[float, float]],
    y: Callable[[float], float],
    at: int,
    digits: int,
) -> list[str]:
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
    found = [
        f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="{2.2 if at == 0 else 1.2}"'
        f"{_dashes(row.dashed)}/>"
    ]
    for point, (a, b) in zip(row.points, places, strict=True):
        if point.interval is not None:
            low, high = (y(end) for end in point.interval)
            found.append(
                f'<path d="M{a:.1f} {low:.1f}V{high:.1f}" stroke="{INK}" stroke-width="1"/>'
            )
        found.append(_mark(a, b, at, hollow=row.dashed))
        if row.figures:
            found.append(
                _text(a, b - 9, number(point.value, digits), size=12,
                      anchor="start" if point is row.points[0] else "middle",
                      weight="bold" if at == 0 else "normal")
            )  # fmt: skip
    return found


def _spread(heights: Sequence[float], *, least: float) -> list[float]:
    """Return label heights moved down as little as needed to be `least` apart."""
    moved = list(heights)
    before = -least
    for at in sorted(range(len(moved)), key=lambda place: moved[place]):
        moved[at] = before = max(moved[at], before + least)
    return moved


def _mark(x: float, y: float, at: int, *, hollow: bool) -> str:
    """Return the marker of a point; each line has a shape of its own."""
    look = f'fill="{"#ffffff" if hollow else INK}" stroke="{INK}" stroke-width="1.2"'
    if at % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" {look}/>'
    if at % 3 == 1:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" {look}/>'
    return f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z" {look}/>'


def _dashes(dashed: bool) -> str:
    return ' stroke-dasharray="4 3"' if dashed else ""


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    size: int = 13,
    weight: str = "normal",
    colour: str = INK,
    slanted: bool = False,
) -> str:
    style = ' font-style="italic"' if slanted else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{colour}"{style}>{escape(INVALID_XML.sub("", words))}</text>'
    )


def _shorten(label: str) -> str:
    return label if len(label) <= MAX_LABEL_LENGTH else f"{label[: MAX_LABEL_LENGTH - 1]}…"


def _document(parts: Sequence[str], *, height: float, alt: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-label={quoteattr(INVALID_XML.sub("", alt))} font-family="{FONT}">'
        + "".join(parts)
        + "</svg>"
    )
