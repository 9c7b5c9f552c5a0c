"""Table cells shared by several sections of a report."""

from collections.abc import Iterable, Sequence

from services.assessment.reports.document import Cell, Row
from services.assessment.reports.wording import bounds_text, interval_text, percent, whole
from services.assessment.scoring.scores import Node

INTERVAL_HEAD = "Rentang 95%"
"""Column heading; the interval of an indicator may have another origin."""

BOUNDS_HEAD = "Terbukti–paling tinggi"


def score_cells(node: Node) -> list[Cell]:
    """Return cells with the estimate of a node, its interval and its bounds."""
    return [
        Cell(text=whole(node.value), code=node.code, field="value"),
        Cell(text=interval_text(node), code=node.code, field="interval"),
        Cell(text=bounds_text(node), code=node.code, field="bounds"),
    ]


def coverage_cell(node: Node) -> Cell:
    return Cell(text=percent(node.coverage), code=node.code, field="coverage")


def text_cells(rows: Iterable[Sequence[str]]) -> list[Row]:
    """Return rows of plain cells."""
    return [Row(cells=[Cell(text=text) for text in row]) for row in rows]
