"""A chart: a drawing with what it says, its source and the table of its values."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import escape

from services.gateway.portal.charts.drawing import (
    LARGE,
    LINE_HEIGHT,
    NORMAL,
    SMALL,
    WIDTH,
    Drawing,
    clean,
    text_lines,
)
from services.gateway.portal.charts.text_measure import wrap
from services.platform.spreadsheets.csv_export import write_csv
from services.platform.standalone_svg import AS_WIDE_AS_A_PHONE
from services.platform.translation import Translator

NONE = "–"
"""In the place of a figure that there is not."""

MARGIN = 12
SCALE = 2
"""How many pixels of a screen a unit of a drawing in a file of its own is wide."""

STYLE = (
    "text{fill:#17221f}.soft{fill:#51605b}.bold{font-weight:700}"
    ".figure{paint-order:stroke;stroke:#fff;stroke-width:3px}.target{fill:none}"
    ".ground{fill:#d5dedb}.proven,.count{fill:#0b5d4e}.possible,.hatching{stroke:#51605b;"
    "stroke-width:1}.mark{fill:#17221f;stroke:#fff;stroke-width:1}.grid{stroke:#d5dedb;"
    "stroke-width:1}.line{fill:none;stroke:#0b5d4e;stroke-width:2}.level{stroke:#8a4b00;"
    "stroke-width:1.5;stroke-dasharray:5 3}.frame{fill:none;stroke:#51605b}"
    ".sign{fill:none;stroke:#17221f;stroke-width:2}.bars{fill:none;stroke:#0b5d4e}"
    ".empty{stroke:#d5dedb}.fault{fill:#8a4b00}"
)
"""The light colours of the pages (`emall.css`, `dashboard.css`), which a file cannot refer to."""

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """A column of the table; figures are rounded to these decimals in this direction."""

    label: str
    digits: int = 0
    rounded: Literal["nearest", "down", "up"] = "nearest"

    def text(self, cell: Cell, messages: Translator) -> str:
        """Return a value as it is written."""
        if cell is None:
            return NONE
        if isinstance(cell, str):
            return cell
        value, unit = float(cell), float(10**-self.digits)
        if self.rounded == "down":
            value = math.floor(value / unit) * unit
        elif self.rounded == "up":
            value = math.ceil(value / unit) * unit
        return messages.number(value, self.digits)


@dataclass(frozen=True)
class Chart:
    """A drawing with its words and its values.

    `finding` is what it says, `measure` what is measured, in which unit and when; `key` tells how
    to read it, `address` is the path of its page, without the `query` that its files have too;
    `data` is the address of its values with what they rest on, as JSON.
    """

    drawing: Drawing
    finding: str
    measure: str
    key: str
    source: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    address: str
    data: str
    query: str = ""

    def texts(self, messages: Translator) -> list[list[str]]:
        """Return the values as the table shows them."""
        return [
            [column.text(cell, messages) for column, cell in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]

    def csv(self) -> bytes:
        """Return the values, not rounded, as CSV for spreadsheets."""
        return write_csv([column.label for column in self.columns], self.rows)

    def svg(self, site: str) -> str:
        """Return the drawing with its words as a file of its own, whose links lead to this site."""
        above, top = _stacked((self.finding, LARGE, True), (self.measure, NORMAL, False), top=0)
        top += NORMAL
        address = f"{self.address}?{self.query}" if self.query else self.address
        source = f"{self.source} {site}{address}"
        end = top + self.drawing.height + SMALL
        below, end = _stacked((self.key, SMALL, False), (source, SMALL, False), top=end)
        height = end + 2 * MARGIN
        width = WIDTH + 2 * MARGIN
        drawn = self.drawing.content().replace('<a href="/', f'<a href="{escape(site)}/')
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * SCALE}" '
            f'height="{height * SCALE:.0f}" viewBox="{-MARGIN} {-MARGIN} {width} {height:.0f}" '
            'font-family="system-ui, Noto Sans, sans-serif">'
            f"<style>{STYLE}{AS_WIDE_AS_A_PHONE}</style>"
            f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{width}" height="{height:.0f}" '
            f'fill="#fff"/>{"".join(above)}<g transform="translate(0 {top:.1f})">{drawn}</g>'
            f"{''.join(below)}</svg>"
        )


def _stacked(*texts: tuple[str, float, bool], top: float) -> tuple[list[str], float]:
    """Return texts of a size below each other, each wrapped, and where they end."""
    parts: list[str] = []
    for words, size, bold in texts:
        lines = wrap(clean(words), size, WIDTH, bold=bold)
        parts += _block(lines, top, size, bold=bold)
        top += len(lines) * size * LINE_HEIGHT + 4
    return parts, top


def _block(lines: Sequence[str], top: float, size: float, *, bold: bool) -> Iterator[str]:
    return text_lines(lines, 0, top, size, bold=bold, soft=not bold)
