"""Section on sensitivity: single changes, and alternative modelling choices."""

from collections.abc import Iterator, Sequence

from services.assessment.reports.cells import (
    text_cells,
)
from services.assessment.reports.document import (
    AnyBlock,
    Column,
    Paragraph,
    Section,
    Table,
)
from services.assessment.reports.report import STEP, Report
from services.assessment.reports.wording import (
    number,
    percent,
    range_text,
    signed,
    whole,
)
from services.assessment.scoring.results import Sensitivity, Variant

FACTORS = {
    "evidence": "Bukti, di mana pun dalam ketidakpastiannya",
    "aggregation": "Rata-rata dimensi: hitung atau geometrik",
    "weights": "Bobot: menurut metode, atau bobot lain mana pun",
    "excluded_indicator": "Satu indikator ditinggalkan, atau tidak satu pun",
    "goalposts": "Tonggak nilai 100: sampai 20% lebih dekat atau lebih jauh",
}


CHOICES = {
    "arithmetic mean of the dimensions": "Rata-rata hitung dari dimensi",
    "geometric mean of the dimensions": "Rata-rata geometrik dari dimensi",
    "harmonic mean of the dimensions": "Rata-rata harmonik dari dimensi",
    "goalposts 20% nearer": "Tonggak nilai 100 lebih dekat 20%",
    "goalposts 20% farther": "Tonggak nilai 100 lebih jauh 20%",
}


MAX_EXCLUDED = 8


def movers(report: Report) -> Section:
    title = "Yang paling menggerakkan indeks"
    sensitivity = report.sensitivity
    if sensitivity.value is None or sensitivity.spread is None:
        text = "Indeks belum bernilai, sehingga belum ada yang dapat diuji."
        return Section(title=title, blocks=[Paragraph(text=text)])
    return Section(
        title=title,
        blocks=[
            *_steps(report),
            Paragraph(
                text="Indeks diuji dengan mengubah sekaligus segala pilihan yang dapat "
                f"dipersoalkan: dalam {number(sensitivity.spread.runs, 0)} percobaan indeks berada "
                f"di antara {range_text(sensitivity.spread.low, sensitivity.spread.high)} (95%), "
                f"dengan rata-rata {whole(sensitivity.spread.mean)} dan simpangan baku "
                f"{whole(sensitivity.spread.sd)}."
            ),
            Table(
                caption="Bagian setiap pilihan dari sebaran indeks (indeks Sobol)",
                columns=[
                    Column(head="Pilihan", width=4),
                    Column(head="Sendiri", width=1, align="right"),
                    Column(head="Bersama yang lain", width=1.5, align="right"),
                ],
                rows=text_cells(
                    (
                        FACTORS.get(factor.code, factor.name),
                        percent(max(0.0, factor.first)),
                        percent(max(0.0, factor.total)),
                    )
                    for factor in sorted(sensitivity.factors, key=lambda one: -one.total)
                ),
            ),
            _variants(
                "Indeks apabila satu pilihan dibuat lain",
                "Pilihan",
                [(CHOICES.get(one.choice, one.choice), one) for one in sensitivity.choices],
            ),
            _excluded(report, sensitivity),
        ],
    )


def _steps(report: Report) -> Iterator[AnyBlock]:
    if report.changes:
        yield Table(
            caption=f"Perubahan tunggal sebesar {STEP} poin yang paling menaikkan indeks",
            columns=[
                Column(head="Indikator", width=4),
                Column(head="Nilai kini", width=1, align="right"),
                Column(head="Menjadi", width=1, align="right"),
                Column(head="Indeks naik", width=1, align="right"),
            ],
            rows=text_cells(
                (
                    one.change.name or one.change.code,
                    whole(one.change.before),
                    whole(one.change.after),
                    signed(one.gain),
                )
                for one in report.changes
            ),
            note="Hanya indikator yang memiliki bukti; besarnya upaya tidak diperhitungkan.",
        )


def _variants(caption: str, head: str, rows: Sequence[tuple[str, Variant]]) -> Table:
    return Table(
        caption=caption,
        columns=[
            Column(head=head, width=4),
            Column(head="Indeks", width=1, align="right"),
            Column(head="Selisih", width=1, align="right"),
        ],
        rows=text_cells((name, whole(one.value), signed(one.difference)) for name, one in rows),
    )


def _excluded(report: Report, sensitivity: Sensitivity) -> Table:
    names = {one.code: one.name for one in report.method.indicators()}
    known = [one for one in sensitivity.excluded if one.difference is not None]
    largest = sorted(known, key=lambda one: (-abs(one.difference or 0), one.choice))[:MAX_EXCLUDED]
    return _variants(
        "Indeks apabila satu indikator ditinggalkan; pengaruh terbesar lebih dahulu",
        "Indikator yang ditinggalkan",
        [(names.get(one.choice, one.choice), one) for one in largest],
    )
