"""Table cells shared by several sections of a report."""

from collections.abc import Iterable, Sequence

from services.assessment.reports.document import Cell, Row
from services.assessment.reports.wording import interval_text, number_or_dash, percent
from services.assessment.scoring.scores import Node

INTERVAL_HEAD = "Rentang 95%"
"""Column heading; the interval of an indicator may have another origin."""


def score_cells(node: Node) -> list[Cell]:
    """Return cells with the value of a node and its interval."""
    return [
        Cell(text=number_or_dash(node.value), code=node.code, field="value"),
        Cell(text=interval_text(node.interval), code=node.code, field="interval"),
    ]


def coverage_cell(node: Node) -> Cell:
    return Cell(text=percent(node.coverage), code=node.code, field="coverage")


def text_cells(rows: Iterable[Sequence[str]]) -> list[Row]:
    """Return rows of plain cells."""
    return [Row(cells=[Cell(text=text) for text in row]) for row in rows]
