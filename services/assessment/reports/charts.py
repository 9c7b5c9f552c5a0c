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
HATCH = 6
"""Distance of the lines of a hatched box."""

TOP, BOTTOM = 24, 10
INK, SOFT, LINE, FILL = "#1a1a1a", "#595959", "#c4c4c4", "#9db4c0"
FONT = "Libertinus Serif, Georgia, serif"
MAX_LABEL_LENGTH = 38

INVALID_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that are invalid in XML 1.0."""


Ends = tuple[float, float]


@dataclass(frozen=True)
class Bar:
    """A named estimate of 0-100 with its ranges; `words` explain a missing one."""

    label: str
    value: float | None
    interval: Ends | None = None
    """By sampling."""
    bounds: Ends | None = None
    """From what is proven to what is possible."""
    spread: Ends | None = None
    """By the evidence and the choices of the method together."""
    words: str = ""
    group: str | None = None
    """Heading above the first bar of a group."""


@dataclass(frozen=True)
class Year:
    """A year's estimate with its ranges; `words` explain a missing one."""

    year: int
    value: float | None
    interval: Ends | None = None
    bounds: Ends | None = None
    words: str = ""


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
    """Return a row for each estimate from 0 to 100; `marks` are highlighted grid values.

    What is not known is hatched, from proven to possible; a thick line is the interval by sampling,
    a thin one also by the choices of the method, and a dot the estimate.
    """
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
    if row.bounds is not None:
        low, high = (_bar_x(end) for end in row.bounds)
        found += _hatched(low, middle - BAR / 2, high - low, BAR)
    if row.value is None:
        at = _bar_x(0) + 6
        found.append(_text(at, middle + 4, row.words, size=12, slanted=True, outlined=True))
        return found
    for ends, weight in ((row.spread, 1.4), (row.interval, 5.0)):
        if ends is not None:
            low, high = (_bar_x(end) for end in ends)
            found.append(
                f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="{INK}" '
                f'stroke-width="{weight}" fill="none"/>'
            )
    found.append(_dot(_bar_x(row.value), middle))
    found.append(_text(WIDTH - 4, middle + 4, number(row.value, 0), anchor="end", weight="bold"))
    return found


def _hatched(x: float, y: float, width: float, height: float) -> list[str]:
    """Return a box of slanted lines, drawn one by one: print and PDF show patterns unreliably."""
    drawn: list[str] = []
    start = x - height
    while start < x + width:
        left, right = max(start, x), min(start + height, x + width)
        if right > left:
            drawn.append(
                f"M{left:.1f} {y + height - (left - start):.1f}"
                f"L{right:.1f} {y + height - (right - start):.1f}"
            )
        start += HATCH
    box = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="#ffffff" stroke="{SOFT}" stroke-width="0.8"/>'
    )
    lines = f'<path d="{"".join(drawn)}" stroke="{FILL}" stroke-width="1" fill="none"/>'
    return [box, lines] if drawn else [box]


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{INK}" stroke="#ffffff"/>'


def _bar_x(value: float) -> float:
    return LABEL + max(0.0, min(100.0, value)) / 100 * (WIDTH - LABEL - VALUE)


YEARS_LEFT, YEARS_HEIGHT, COLUMN = 40, 270, 46


def years(rows: Sequence[Year], *, alt: str, changes: Iterable[tuple[int, str]] = ()) -> str:
    """Return a column for each year from 0 to 100; `changes` are vertical lines before a year.

    No line joins the estimates: what is known differs from year to year. Hatched is what is not
    known, a thick line the interval, a dot the estimate.
    """
    first, last = rows[0].year, rows[-1].year
    step = min(110.0, (WIDTH - YEARS_LEFT - 20) / (last - first + 1))

    def x(year: float) -> float:
        return YEARS_LEFT + (year - first + 0.5) * step

    def y(value: float) -> float:
        return YEARS_HEIGHT - BELOW - value / 100 * (YEARS_HEIGHT - ABOVE - BELOW)

    right = x(last) + step / 2
    parts: list[str] = []
    for tick in (0, 25, 50, 75, 100):
        parts.append(
            f'<line x1="{YEARS_LEFT}" y1="{y(tick):.1f}" x2="{right:.1f}" y2="{y(tick):.1f}" '
            f'stroke="{LINE}" stroke-width="0.6"/>'
        )
        shown = number(tick, 0)
        parts.append(_text(YEARS_LEFT - 6, y(tick) + 4, shown, anchor="end", size=11, colour=SOFT))
    for year, words in changes:
        at = x(year - 0.5)
        parts.append(
            f'<line x1="{at:.1f}" y1="{ABOVE}" x2="{at:.1f}" y2="{YEARS_HEIGHT - BELOW}" '
            f'stroke="{INK}" stroke-width="1" stroke-dasharray="5 3"/>'
        )
        parts.append(_text(at + 4, ABOVE - 8, words, size=11, slanted=True))
    width = min(COLUMN, step * 0.6)
    for row in rows:
        parts.append(_text(x(row.year), YEARS_HEIGHT - 12, str(row.year), anchor="middle", size=12))
        parts += _year(row, x(row.year), y, width)
    return _document(parts, height=YEARS_HEIGHT, alt=alt)


def _year(row: Year, x: float, y: Callable[[float], float], width: float) -> list[str]:
    found: list[str] = []
    if row.bounds is not None:
        low, high = (y(end) for end in row.bounds)
        found += _hatched(x - width / 2, high, width, low - high)
    if row.value is None:
        at = y(50) if row.bounds is None else (y(row.bounds[0]) + y(row.bounds[1])) / 2
        words = _text(x, at + 4, row.words, anchor="middle", size=11, slanted=True, outlined=True)
        return [*found, words]
    if row.interval is not None:
        low, high = (y(end) for end in row.interval)
        found.append(
            f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{INK}" stroke-width="5" fill="none"/>'
        )
    found.append(_dot(x, y(row.value)))
    shown = number(row.value, 0)
    beside = _text(x + 9, y(row.value) + 4, shown, weight="bold", outlined=True)
    return [*found, beside]


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
    outlined: bool = False,
) -> str:
    style = ' font-style="italic"' if slanted else ""
    if outlined:  # legible on hatching
        style += ' stroke="#ffffff" stroke-width="3" paint-order="stroke"'
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
