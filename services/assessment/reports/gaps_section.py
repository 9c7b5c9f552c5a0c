"""Section on missing evidence and who can provide it."""

from services.assessment.reports.cells import (
    text_cells,
)
from services.assessment.reports.document import (
    Column,
    Paragraph,
    Section,
    Table,
)
from services.assessment.reports.report import Report


def missing_evidence(report: Report) -> Section:
    title = "Kesenjangan bukti"
    if not report.gaps:
        text = "Semua indikator memiliki bukti."
        return Section(title=title, blocks=[Paragraph(text=text)])
    return Section(
        title=title,
        blocks=[
            Paragraph(
                text=f"Sebanyak {len(report.gaps)} indikator belum memiliki bukti. Tabel berikut "
                "menyebut bukti yang diperlukan dan pihak yang dapat memberikannya; indikator dari "
                "unsur yang karenanya belum bernilai disebut lebih dahulu."
            ),
            Table(
                caption="Bukti yang belum ada dan pihak yang dapat memberikannya",
                columns=[
                    Column(head="Indikator", width=2.4),
                    Column(head="Unsur atau pendorong", width=1.5),
                    Column(head="Bukti yang diperlukan", width=3),
                    Column(head="Dapat diberikan oleh", width=2),
                ],
                rows=text_cells(
                    (
                        gap.name,
                        f"{gap.element} (belum bernilai)" if gap.element_is_null else gap.element,
                        gap.needed,
                        gap.source,
                    )
                    for gap in report.gaps
                ),
            ),
        ],
    )
