"""Draws a poster's layout as SVG and as PDF."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from fpdf import FPDF

from services.gateway.portal.posters.layout import (
    ENCODING,
    HEIGHT,
    MM_PER_POINT,
    WIDTH,
    Colour,
    Layout,
)

COLOURS: Mapping[Colour, tuple[int, int, int]] = {
    "ink": (23, 34, 31),
    "soft": (81, 96, 91),
    "main": (11, 93, 78),
    "white": (255, 255, 255),
}
BLACK = (0, 0, 0)
"""The code is black on white: what a scanner reads best, also from a poor printer."""

UNCHANGING = datetime(2020, 1, 1, tzinfo=UTC)
"""Stands as the day of making, so that the same poster is the same file."""


def runs(layout: Layout) -> Iterator[tuple[int, int, int]]:
    """The dark modules of the code as runs: row, first column, length."""
    for row, modules in enumerate(layout.code):
        column = 0
        while column < len(modules):
            length = 0
            while column + length < len(modules) and modules[column + length]:
                length += 1
            if length:
                yield row, column, length
            column += length or 1


def svg_of(layout: Layout) -> str:
    """The poster as SVG in its size on paper."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" '
        f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-labelledby="t" '
        'font-family="Helvetica,Arial,sans-serif">'
        f'<title id="t">{escape(layout.title)}</title>'
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#fff"/>'
    ]
    parts += [
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" '
        f'fill="{_hex(box.colour)}"/>'
        for box in layout.boxes
    ]
    x, y = layout.code_at
    scale = layout.code_size / len(layout.code)
    path = "".join(f"M{column} {row}h{length}v1h-{length}z" for row, column, length in runs(layout))
    parts.append(
        f'<path transform="translate({x:.3f} {y:.3f}) scale({scale:.5f})" d="{path}" '
        'shape-rendering="crispEdges"/>'
    )
    for line in layout.lines:
        anchor = ' text-anchor="middle"' if line.middle else ""
        weight = ' font-weight="bold"' if line.weight == "bold" else ""
        parts.append(
            f'<text x="{line.x:g}" y="{line.y:.2f}" font-size="{line.size * MM_PER_POINT:.3f}"'
            f'{weight}{anchor} fill="{_hex(line.colour)}">{escape(line.text)}</text>'
        )
    return "".join([*parts, "</svg>\n"])


def pdf_of(layout: Layout) -> bytes:
    """The poster as a page of A4."""
    pdf = FPDF(unit="mm", format="A4")
    pdf.core_fonts_encoding = ENCODING
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.set_title(layout.title)
    pdf.set_lang("id")
    pdf.set_creation_date(UNCHANGING)
    pdf.add_page()
    for box in layout.boxes:
        pdf.set_fill_color(*COLOURS[box.colour])
        pdf.rect(box.x, box.y, box.width, box.height, style="F")
    pdf.set_fill_color(*BLACK)
    x, y = layout.code_at
    scale = layout.code_size / len(layout.code)
    for row, column, length in runs(layout):
        pdf.rect(x + column * scale, y + row * scale, length * scale, scale, style="F")
    for line in layout.lines:
        pdf.set_font("helvetica", "B" if line.weight == "bold" else "", line.size)
        pdf.set_text_color(*COLOURS[line.colour])
        left = line.x - pdf.get_string_width(line.text) / 2 if line.middle else line.x
        pdf.text(left, line.y, line.text)
    return bytes(pdf.output())


def _hex(colour: Colour) -> str:
    return "#" + bytes(COLOURS[colour]).hex()
