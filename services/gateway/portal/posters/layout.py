"""A poster's layout on a page of A4: texts and a code at their places, in millimetres.

Drawn once as SVG and once as PDF from the same layout, so that both look the same.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import segno
from fpdf import FPDF

WIDTH, HEIGHT = 210.0, 297.0
MARGIN = 18.0
CODE_SIZE = 104.0
QUIET = 4
"""Modules of white around the code, as ISO/IEC 18004 asks."""

MM_PER_POINT = 25.4 / 72
ENCODING = "windows-1252"
"""What the fonts that every PDF reader has can show."""

Colour = Literal["ink", "soft", "main", "white"]
Weight = Literal["regular", "bold"]


@dataclass(frozen=True)
class Wording:
    """What a poster says."""

    place: str
    about: str
    """What it is for, in one line over the name."""
    name: str
    name_en: str
    agency: str
    steps: tuple[str, str, str]
    typed: str
    """The line over the short address."""
    english: str
    """The same for those who read English, in one line."""


@dataclass(frozen=True)
class Line:
    """A line of text, its middle or left end at x and its base line at y."""

    text: str
    x: float
    y: float
    size: float
    """In points."""
    weight: Weight = "regular"
    colour: Colour = "ink"
    middle: bool = True


@dataclass(frozen=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: Colour


@dataclass(frozen=True)
class Layout:
    """All that stands on the page."""

    title: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    code: tuple[tuple[bool, ...], ...]
    """The modules of the QR code, without the quiet zone."""
    code_at: tuple[float, float]
    code_size: float


def modules_of(address: str) -> tuple[tuple[bool, ...], ...]:
    """The QR code of an address; a quarter of it may be dirty or torn (level Q)."""
    code = segno.make(address, error="q", micro=False)
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


def printable(text: str) -> str:
    """A text in the letters of the fonts: another letter loses its marks or stands as `?`."""
    shown = unicodedata.normalize("NFC", text)
    letters = (
        letter
        if letter.encode(ENCODING, errors="ignore")
        else unicodedata.normalize("NFKD", letter).encode("ascii", errors="ignore").decode() or "?"
        for letter in shown
    )
    return "".join(letters)


@cache
def _ruler() -> FPDF:
    ruler = FPDF(unit="mm", format="A4")
    ruler.core_fonts_encoding = ENCODING
    return ruler


def width_of(text: str, size: float, weight: Weight) -> float:
    """How wide a text is, in millimetres."""
    ruler = _ruler()
    ruler.set_font("helvetica", "B" if weight == "bold" else "", size)
    return ruler.get_string_width(text)


def fitted(
    text: str, *, width: float, sizes: tuple[float, ...], lines: int, weight: Weight
) -> tuple[float, list[str]]:
    """The largest of these sizes in which a text fits into so many lines, and its lines."""
    for size in sizes:
        wrapped = list(_wrapped(text, width=width, size=size, weight=weight))
        if len(wrapped) <= lines:
            return size, wrapped
    size = sizes[-1]
    *before, last = list(_wrapped(text, width=width, size=size, weight=weight))[:lines]
    while width_of(f"{last}...", size, weight) > width:
        last = last[:-1]
    return size, [*before, f"{last.rstrip(' .,')}..."]


def _wrapped(text: str, *, width: float, size: float, weight: Weight) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if width_of(longer, size, weight) <= width:
            line = longer
            continue
        if line:
            yield line
        line = word
        while width_of(line, size, weight) > width:  # a word that no line can hold
            part = next(
                n for n in range(len(line), 0, -1) if width_of(line[:n], size, weight) <= width
            )
            yield line[:part]
            line = line[part:]
    if line:
        yield line


def layout_of(wording: Wording, address: str) -> Layout:
    """The page of a poster whose code and short address lead to `address`."""
    inner = WIDTH - 2 * MARGIN
    middle = WIDTH / 2
    boxes = [Box(0, 0, WIDTH, 30, "main")]
    lines = [
        Line("e-Mall Pelayanan Publik", middle, 13.5, 22, "bold", "white"),
        Line(printable(wording.place), middle, 23.5, 17, "regular", "white"),
    ]
    y = 43.0
    lines.append(Line(printable(wording.about), middle, y, 18, "regular", "main"))
    size, names = fitted(
        printable(wording.name), width=inner, sizes=(38, 32, 27, 22), lines=2, weight="bold"
    )
    for name in names:
        y += size * MM_PER_POINT * 1.15
        lines.append(Line(name, middle, y, size, "bold"))
    y += 7.5
    small, under = fitted(
        printable(" · ".join(dict.fromkeys((wording.agency, wording.name_en)))),
        width=inner,
        sizes=(13, 11, 9.5),
        lines=1,
        weight="regular",
    )
    lines.append(Line(under[0], middle, y, small, "regular", "soft"))

    code_top = y + 4
    modules = modules_of(address)
    module = CODE_SIZE / (len(modules) + 2 * QUIET)
    edge = module * QUIET
    code_size = CODE_SIZE - 2 * edge
    y = code_top + CODE_SIZE + 7

    for number, step in enumerate(wording.steps, start=1):
        boxes.append(Box(MARGIN, y - 6.6, 9, 9, "main"))
        lines.append(Line(str(number), MARGIN + 4.5, y, 17, "bold", "white"))
        size, texts = fitted(
            printable(step), width=inner - 14, sizes=(18, 16, 14), lines=1, weight="regular"
        )
        lines.append(Line(texts[0], MARGIN + 14, y, size, "regular", "ink", middle=False))
        y += 13
    lines.append(Line(printable(wording.typed), middle, y + 2, 14, "regular", "soft"))
    shown = address.partition("://")[2]
    y += 16
    for size, most in ((36, 1), (32, 1), (28, 1), (24, 1), (20, 2), (14, 3), (9, 5)):
        parts = list(_wrapped(shown, width=inner, size=size, weight="bold"))
        if len(parts) <= most:
            break  # an address is never shortened
    for n, part in enumerate(parts):
        below = y + n * size * MM_PER_POINT * 1.2
        lines.append(Line(part, middle, below, size, "bold", "main"))
    size, texts = fitted(
        printable(wording.english), width=inner, sizes=(11, 9.5), lines=2, weight="regular"
    )
    for n, english in enumerate(texts):
        below = HEIGHT - 12 + (n - len(texts) + 1) * 5
        lines.append(Line(english, middle, below, size, "regular", "soft"))
    return Layout(
        title=printable(f"{wording.about} {wording.name}"),
        boxes=tuple(boxes),
        lines=tuple(lines),
        code=modules,
        code_at=((WIDTH - code_size) / 2, code_top + edge),
        code_size=code_size,
    )
