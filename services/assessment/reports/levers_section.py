"""Section on what can be done: the method's actions with their gain, effort and who can do them."""

from services.assessment.reports.cells import text_cells
from services.assessment.reports.document import Column, Paragraph, Section, Table
from services.assessment.reports.report import Report
from services.assessment.reports.wording import NO_VALUE, signed
from services.assessment.scoring.results import Gain


def what_to_do(report: Report) -> Section:
    """Return the section, with a statement if nothing is left to do."""
    title = "Yang dapat dilakukan"
    if not report.levers:
        text = "Tidak ada tindakan dalam metode yang akan mengubah skor."
        return Section(title=title, blocks=[Paragraph(text=text)])
    return Section(
        title=title,
        blocks=[
            Paragraph(
                text="Setiap tindakan dihitung sebagai perubahan bukti. Hasil sebagian tindakan, "
                "misalnya survei, belum diketahui: bagi yang itu ditulis kenaikan pada hasil "
                "terburuk dan pada hasil terbaik."
            ),
            Table(
                caption="Tindakan menurut kenaikan skor yang terbukti",
                columns=[
                    Column(head="Tindakan", width=3.6),
                    Column(head="Oleh", width=1.8),
                    Column(head="Upaya (1-5)", width=0.8, align="right"),
                    Column(head="Terbukti naik", width=1.2, align="right"),
                    Column(head="Perkiraan berubah", width=1.3, align="right"),
                ],
                rows=text_cells(
                    (
                        lever.name,
                        lever.who,
                        str(lever.effort),
                        _gain(lever.index.proven),
                        _gain(lever.index.value),
                    )
                    for lever in report.levers
                ),
                note="Kenaikan pada indeks, dalam poin. Tindakan bagi pendorong saja tidak "
                "mengubah indeks.",
            ),
        ],
    )


def _gain(gain: Gain | None) -> str:
    if gain is None:
        return NO_VALUE
    if gain.worst == gain.best:
        return signed(gain.best, 1)
    return f"{signed(gain.worst, 1)} sampai {signed(gain.best, 1)}"
