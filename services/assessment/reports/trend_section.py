"""Section on the years: estimates with their bounds, and what changed by what is known in both."""

from collections.abc import Iterator

from services.assessment.reports.cells import BOUNDS_HEAD, INTERVAL_HEAD, coverage_cell, score_cells
from services.assessment.reports.charts import Year, years
from services.assessment.reports.document import (
    AnyBlock,
    Bullets,
    Cell,
    Column,
    Figure,
    Paragraph,
    Row,
    Section,
    Table,
)
from services.assessment.reports.report import Report, TrendYear
from services.assessment.reports.wording import join_words, lower_first, signed, whole
from services.assessment.scoring.results import YearComparison
from services.assessment.scoring.scores import Node


def trend(report: Report) -> Section:
    title = "Perkembangan antartahun"
    if len(report.trend) < 2:
        text = (
            f"Hanya tahun {report.period} yang sudah dinilai dengan metode ini, sehingga "
            "perkembangan belum dapat ditunjukkan."
        )
        return Section(title=title, blocks=[Paragraph(text=text)])
    blocks: list[AnyBlock] = [
        Paragraph(
            text="Perkiraan dua tahun tidak dibandingkan begitu saja, karena yang diketahui tidak "
            "sama. Perubahan dihitung dari indikator yang diketahui pada kedua tahun; tahun tanpa "
            "perkiraan bukan tahun yang menurun."
        )
    ]
    changed = [year.period for year in report.trend if year.method_changed]
    if changed:
        text = (
            f"Sejak tahun {join_words([str(year) for year in changed])} versi metode berganti; "
            "nilai sebelum dan sesudahnya tidak dapat dibandingkan."
        )
        blocks.append(Paragraph(text=text))
    blocks.append(_table(report))
    blocks += _comparisons(report)
    blocks.append(
        Figure(
            caption=f"{report.scores.index.name} menurut tahun. Titik: perkiraan; garis tebal: "
            "rentangnya; bagian berarsir: dari yang terbukti sampai yang paling tinggi.",
            alt="Diagram menurut tahun; angkanya ada pada tabel di atas.",
            svg=years(
                [_year(one.period, one.index) for one in report.trend],
                alt="Perkembangan antartahun",
                changes=[(y.period, "metode berganti") for y in report.trend if y.method_changed],
            ),
        )
    )
    return Section(title=title, blocks=blocks)


def _table(report: Report) -> Table:
    dimensions = report.scores.dimensions
    rows: list[Row] = []
    for year in report.trend:
        values = {node.code: node.value for node in year.dimensions}
        rows.append(
            Row(
                cells=[
                    Cell(text=_head(year)),
                    *(Cell(text=cell.text) for cell in score_cells(year.index)),
                    Cell(text=coverage_cell(year.index).text),
                    *(Cell(text=whole(values.get(one.code))) for one in dimensions),
                ]
            )
        )
    notes: list[str] = []
    if any(year.method_changed for year in report.trend):
        notes.append("* Metode berganti sejak tahun ini.")
    if any(year.provisional for year in report.trend):
        notes.append("** Sementara: tahunnya belum berakhir.")
    return Table(
        caption="Indeks dan perkiraan dimensi menurut tahun",
        columns=[
            Column(head="Tahun"),
            Column(head="Perkiraan", width=1.2, align="right"),
            Column(head=INTERVAL_HEAD, width=1.6, align="right"),
            Column(head=BOUNDS_HEAD, width=1.6, align="right"),
            Column(head="Cakupan bukti", width=1.3, align="right"),
            *(Column(head=one.name, width=1.8, align="right") for one in dimensions),
        ],
        rows=rows,
        note=" ".join(notes) or None,
    )


def _head(year: TrendYear) -> str:
    return f"{year.period}{'*' if year.method_changed else ''}{'**' if year.provisional else ''}"


def _comparisons(report: Report) -> Iterator[AnyBlock]:
    names = {node.code: node.name for node in report.scores.nodes()}
    items: list[str] = []
    before: TrendYear | None = None
    for year in report.trend:
        if before is not None and year.comparison is not None:
            text = _compared(year.comparison, names, index=report.scores.index.code)
            items.append(f"{before.period} ke {year.period}: {text}")
        before = year
    if items:
        yield Bullets(items=items)


def _compared(found: YearComparison, names: dict[str, str], *, index: str) -> str:
    """Describe what changed between two years, and what came to be known or is no longer known."""
    parts: list[str] = []
    changes = {change.code: change.difference for change in found.changes}
    if index in changes:
        parts.append(
            f"menurut {len(found.compared)} indikator yang diketahui pada kedua tahun, indeks "
            f"berubah {signed(changes[index])} poin"
        )
    else:
        parts.append(
            f"hanya {len(found.compared)} indikator diketahui pada kedua tahun, terlalu sedikit "
            "untuk mengatakan apakah indeks berubah"
        )
    for codes, words in (
        (found.came_to_be_known, "baru diketahui"),
        (found.no_longer_known, "tidak lagi diketahui"),
        (found.incomplete, "catatannya belum tentu lengkap sehingga perubahannya tidak diketahui"),
    ):
        if codes:
            listed = join_words([lower_first(names.get(code, code)) for code in codes])
            parts.append(f"{words} ({len(codes)}): {listed}")
    moved = "; ".join(parts)
    rest = " Semua itu tidak menggerakkan apa pun."
    return f"{moved}.{rest if len(parts) > 1 else ''}"


def _year(period: int, node: Node) -> Year:
    return Year(
        period,
        node.value,
        None if node.interval is None else (node.interval.low, node.interval.high),
        node.bounds,
        words="belum ada",
    )
