"""Section on the network of stakeholders, in counts and without names."""

from services.assessment.network.ties import MAX_STAKEHOLDERS, MAX_TIES
from services.assessment.reports.cells import (
    text_cells,
)
from services.assessment.reports.document import (
    Column,
    Figure,
    Paragraph,
    Section,
    Table,
)
from services.assessment.reports.report import Report
from services.assessment.reports.wording import (
    NO_VALUE,
    number,
    number_or_dash,
    percent,
)


def network(report: Report) -> Section:
    title = "Jejaring pemangku kepentingan"
    found = report.network.measures
    if report.network.too_large:
        text = (
            f"Jejaring tahun ini lebih besar daripada yang dihitung: {MAX_STAKEHOLDERS} pemangku "
            f"kepentingan dan {number(MAX_TIES, 0)} ikatan."
        )
        return Section(title=title, blocks=[Paragraph(text=text)])
    if found is None or report.network.picture is None:
        text = (
            "Tidak ada bukti tahun ini yang menyebut siapa saja yang terlibat, sehingga jejaring "
            "belum dapat diukur. Yang diperlukan ialah daftar hadir rapat per nama dan para pihak "
            "dalam perjanjian."
        )
        return Section(title=title, blocks=[Paragraph(text=text)])
    return Section(
        title=title,
        blocks=[
            Paragraph(
                text="Dua pemangku kepentingan terikat apabila bertemu sedikitnya dua kali dalam "
                "tahun itu, atau menjadi pihak dalam perjanjian yang sama dan masih berlaku. Nama "
                "tidak ditampilkan dalam laporan ini."
            ),
            Table(
                caption="Ukuran jejaring",
                columns=[
                    Column(head="Ukuran", width=4),
                    Column(head="Nilai", width=1, align="right"),
                ],
                rows=text_cells(
                    [
                        ("Pemangku kepentingan yang aktif", number(found.stakeholders, 0)),
                        ("Ikatan", number(found.ties, 0)),
                        (
                            "Kepadatan (ikatan dari semua pasangan)",
                            _share(found.density),
                        ),
                        ("Tanpa ikatan", number(found.isolates, 0)),
                        ("Penghubung", number(found.brokers, 0)),
                        ("Ikatan lintas sektor", _share(found.cross_sector_share)),
                        (
                            "Pemusatan menurut derajat",
                            number_or_dash(found.degree_centralisation, 2),
                        ),
                    ]
                ),
            ),
            Figure(
                caption="Jejaring pemangku kepentingan; bentuk dan warna menurut sektor.",
                alt=f"Gambar jejaring: {found.stakeholders} pemangku kepentingan, {found.ties} "
                f"ikatan, {found.isolates} tanpa ikatan.",
                svg=report.network.picture,
                width=0.85,
            ),
        ],
    )


def _share(value: float | None) -> str:
    return NO_VALUE if value is None else percent(value, 1)
