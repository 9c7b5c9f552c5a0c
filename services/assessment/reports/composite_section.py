"""Sections on the scores of a composite index: its parts at every level of the tree."""

from services.assessment.reports.cells import (
    BOUNDS_HEAD,
    INTERVAL_HEAD,
    coverage_cell,
    score_cells,
)
from services.assessment.reports.document import (
    Cell,
    Column,
    Paragraph,
    Row,
    Section,
    Table,
)
from services.assessment.reports.report import Report
from services.assessment.reports.scores_section import (
    bar_of,
    chart,
    headline,
    key_figures,
    missing_first,
    spread_of,
)
from services.assessment.scoring.scores import IndicatorScore, Node

INDENT = "\u2003"
"""An em space for each level, which every renderer keeps."""


def composite_summary(report: Report) -> Section:
    """Return the estimate with its range, what is proven and possible, and the parts as bars."""
    index, parts = report.scores.index, report.scores.parts
    spread = spread_of(report)
    return Section(
        title="Ringkasan",
        blocks=[
            Paragraph(text=" ".join(headline(report)), lead=True),
            *missing_first(report),
            key_figures(index, parts, spread),
            chart(
                [index, *parts],
                [bar_of(index, spread=spread), *(bar_of(one) for one in parts)],
                caption="Nilai indeks dan bagian-bagiannya",
                alt=f"Nilai {index.name} {report.regency.name} {report.period}",
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
                    Column(head="Perkiraan", width=1.2, align="right"),
                    Column(head=INTERVAL_HEAD, width=1.6, align="right"),
                    Column(head=BOUNDS_HEAD, width=1.6, align="right"),
                    Column(head="Cakupan bukti", width=1.3, align="right"),
                ],
                rows=rows,
                note="Terbukti: nilai apabila semua yang belum diketahui ternyata terburuk; paling "
                "tinggi: apabila ternyata terbaik.",
            )
        ],
    )


def _row(node: Node, depth: int) -> Row:
    return Row(
        cells=[
            Cell(text=INDENT * depth + node.name),
            *score_cells(node),
            coverage_cell(node),
        ],
        strong=not isinstance(node, IndicatorScore),
    )
