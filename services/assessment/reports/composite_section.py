"""Sections on the scores of a composite index: its parts at every level of the tree."""

from services.assessment.reports.cells import INTERVAL_HEAD, coverage_cell, score_cells
from services.assessment.reports.charts import Bar, bars
from services.assessment.reports.document import (
    Cell,
    Column,
    Figure,
    KeyFigures,
    Paragraph,
    Row,
    Section,
    Table,
)
from services.assessment.reports.report import Report
from services.assessment.reports.wording import INSUFFICIENT, lower_first, number, number_or_dash
from services.assessment.scoring.scores import IndicatorScore, Node

INDENT = "\u2003"
"""An em space for each level, which every renderer keeps."""


def composite_summary(report: Report) -> Section:
    """Return the value of the index, what is proven and possible, and its parts as bars."""
    index, parts = report.scores.index, report.scores.parts
    where = f"{index.name} {report.regency.name} tahun {report.period}"
    if index.value is None:
        headline = f"{where} belum dapat dihitung karena bukti belum cukup"
    else:
        headline = f"{where} bernilai {number(index.value)} dari 100"
    return Section(
        title="Ringkasan",
        blocks=[
            Paragraph(
                text=f"{headline}. Yang terbukti {number_or_dash(index.proven)}, yang mungkin "
                f"{number_or_dash(index.possible)}.",
                lead=True,
            ),
            KeyFigures(
                items=[
                    (
                        Cell(text=number_or_dash(node.value), code=node.code, field="value"),
                        node.name,
                        _bounds(node),
                    )
                    for node in (index, *parts)
                ]
            ),
            Figure(
                caption="Nilai bagian-bagian indeks.",
                alt="Diagram batang nilai setiap bagian dari 0 sampai 100. "
                + "; ".join(f"{one.name} {number_or_dash(one.value)}" for one in parts),
                svg=bars(
                    [
                        Bar(
                            label=one.name,
                            value=one.value,
                            interval=None
                            if one.interval is None
                            else (one.interval.low, one.interval.high),
                            words=lower_first(INSUFFICIENT),
                        )
                        for one in parts
                    ],
                    alt=f"Nilai bagian {where}",
                    marks=[],
                ),
            ),
        ],
    )


def composite_parts(report: Report) -> Section:
    """Return every node below the index, indented by its level."""
    depth = {report.scores.index.code: 0}
    rows = [_row(report.scores.index, 0)]
    for node, parent in report.scores.composite_nodes():
        depth[node.code] = depth[parent] + 1
        rows.append(_row(node, depth[node.code]))
    return Section(
        title="Nilai menurut bagian",
        blocks=[
            Table(
                caption="Setiap bagian indeks sampai indikatornya",
                columns=[
                    Column(head="Bagian", width=3.4),
                    Column(head="Nilai", width=1, align="right"),
                    Column(head=INTERVAL_HEAD, width=1.5, align="right"),
                    Column(head="Terbukti–mungkin", width=1.5, align="right"),
                    Column(head="Cakupan bukti", width=1.3, align="right"),
                ],
                rows=rows,
                note="Terbukti: nilai apabila semua yang belum diketahui ternyata terburuk; "
                "mungkin: apabila ternyata terbaik.",
            )
        ],
    )


def _row(node: Node, depth: int) -> Row:
    return Row(
        cells=[
            Cell(text=INDENT * depth + node.name),
            *score_cells(node),
            Cell(text=_bounds(node)),
            coverage_cell(node),
        ],
        strong=not isinstance(node, IndicatorScore),
    )


def _bounds(node: Node) -> str:
    return f"{number_or_dash(node.proven)}–{number_or_dash(node.possible)}"
