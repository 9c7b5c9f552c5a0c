"""Section on the trend over the years, with changes of the method marked."""

from collections.abc import Iterator

from services.assessment.reports.charts import Line, Point, lines
from services.assessment.reports.document import (
    AnyBlock,
    Cell,
    Column,
    Figure,
    Paragraph,
    Row,
    Section,
    Table,
)
from services.assessment.reports.report import Report
from services.assessment.reports.wording import (
    join_words,
    number_or_dash,
)


def trend(report: Report) -> Section:
    title = "Perkembangan antartahun"
    if len(report.trend) < 2:
        text = (
            f"Hanya tahun {report.period} yang sudah dinilai dengan metode ini, sehingga "
            "perkembangan belum dapat ditunjukkan."
        )
        return Section(title=title, blocks=[Paragraph(text=text)])
    changed = [year.period for year in report.trend if year.method_changed]
    blocks: list[AnyBlock] = []
    if changed:
        years = join_words([str(year) for year in changed])
        text = (
            f"Sejak tahun {years} versi metode berganti; nilai sebelum dan sesudahnya tidak dapat "
            "dibandingkan."
        )
        blocks.append(Paragraph(text=text))
    names = [report.scores.index.name, *(one.name for one in report.scores.dimensions)]
    rows: list[Row] = []
    for year in report.trend:
        values = {node.code: node.value for node in (year.index, *year.dimensions)}
        codes = [report.scores.index.code, *(one.code for one in report.scores.dimensions)]
        head = f"{year.period}*" if year.method_changed else str(year.period)
        rows.append(
            Row(
                cells=[
                    Cell(text=head),
                    *(Cell(text=number_or_dash(values.get(code))) for code in codes),
                ]
            )
        )
    blocks.append(
        Table(
            caption="Indeks dan dimensi menurut tahun",
            columns=[
                Column(head="Tahun"),
                *(Column(head=name, width=2, align="right") for name in names),
            ],
            rows=rows,
            note="* Metode berganti sejak tahun ini." if changed else None,
        )
    )
    blocks += _trend_chart(report)
    return Section(title=title, blocks=blocks)


def _trend_chart(report: Report) -> Iterator[AnyBlock]:
    points: dict[str, list[Point]] = {}
    for year in report.trend:
        for node in (year.index, *year.dimensions):
            if node.value is not None:
                is_index = node.code == report.scores.index.code
                ends = node.interval if is_index else None
                at = Point(year.period, node.value, ends and (ends.low, ends.high))
                points.setdefault(node.name, []).append(at)
    if points:
        index = report.scores.index.name
        ordered = sorted(points, key=lambda name: name != index)
        yield Figure(
            caption=f"{index} (garis tebal, dengan rentangnya) dan dimensi menurut tahun; garis "
            "tegak putus-putus menandai pergantian metode.",
            alt="Diagram garis menurut tahun; angkanya ada pada tabel di atas.",
            svg=lines(
                [Line(name, points[name], figures=name == index) for name in ordered],
                alt="Perkembangan antartahun",
                low=0,
                high=100,
                step=25,
                digits=1,
                changes=[(y.period, "metode berganti") for y in report.trend if y.method_changed],
            ),
        )
