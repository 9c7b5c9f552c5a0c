"""Sections on scores: summary, elements, drivers, strengths and weaknesses."""

from collections.abc import Iterator

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.reports.cells import (
    INTERVAL_HEAD,
    coverage_cell,
    score_cells,
)
from services.assessment.reports.charts import Bar, bars
from services.assessment.reports.document import (
    AnyBlock,
    Bullets,
    Cell,
    Column,
    Figure,
    KeyFigures,
    Paragraph,
    Row,
    Section,
    Table,
)
from services.assessment.reports.report import STEP, Report
from services.assessment.reports.wording import (
    BANDS,
    INSUFFICIENT,
    band,
    band_of,
    interval_text,
    join_words,
    lower_first,
    number,
    number_or_dash,
    percent,
)
from services.assessment.scoring.scores import DimensionScore, ElementScore, Node


def summary(report: Report) -> Section:
    index = report.scores.index
    dimensions = report.scores.dimensions
    if index.value is None:
        headline = (
            f"{index.name} {report.regency.name} tahun {report.period} belum dapat dihitung karena "
            "bukti belum cukup. Yang belum tercatat tidak dianggap nol."
        )
    else:
        headline = (
            f"{index.name} {report.regency.name} tahun {report.period} bernilai "
            f"{number(index.value)} dari 100{_between(index)}, tergolong "
            f"{lower_first(band(index))}."
        )
    return Section(
        title="Ringkasan",
        blocks=[
            Paragraph(text=headline, lead=True),
            KeyFigures(
                items=[
                    (
                        Cell(text=number_or_dash(node.value), code=node.code, field="value"),
                        node.name,
                        _beside(node),
                    )
                    for node in (index, *dimensions)
                ]
            ),
            Bullets(items=[*_verdicts(report), *_findings(report)]),
            Figure(
                caption="Nilai unsur dengan rentang ketidakpastiannya; garis putus-putus pada 50 "
                "dan 75 adalah batas golongan.",
                alt="Diagram batang nilai setiap unsur dari 0 sampai 100. "
                + "; ".join(f"{one.name} {number_or_dash(one.value)}" for one in report.elements),
                svg=bars(
                    [bar for dimension in dimensions for bar in _bars(dimension)],
                    alt=f"Nilai unsur {report.regency.name} {report.period}",
                    marks=[low for low, _ in BANDS if low > 0],
                ),
            ),
        ],
    )


def _beside(node: Node) -> str:
    """Return the remark below a key figure."""
    if node.value is None:
        return INSUFFICIENT
    ends = "tanpa rentang" if node.interval is None else interval_text(node.interval)
    return f"{ends} · {band(node)}"


def _between(node: Node) -> str:
    """Return the interval in parentheses, for use inside a sentence."""
    if node.interval is None:
        return ""
    return f" (rentang 95%: {interval_text(node.interval)})"


def _verdicts(report: Report) -> Iterator[str]:
    """Yield a sentence for each band with the elements in it."""
    by_word: dict[str, list[str]] = {}
    for element in report.elements:
        word = INSUFFICIENT if element.value is None else band_of(element.value)
        by_word.setdefault(word, []).append(lower_first(element.name))
    words = [word for _, word in reversed(BANDS)] + [INSUFFICIENT]
    total = len(report.elements)
    for word in words:
        if named := by_word.get(word):
            yield f"{word} ({len(named)} dari {total} unsur): {join_words(named)}."


def _findings(report: Report) -> Iterator[str]:
    index = report.scores.index
    drivers = [(one.value, one) for one in report.scores.drivers if one.value is not None]
    if len(drivers) > 1:
        ordered = [one for _, one in sorted(drivers, key=lambda pair: -pair[0])]
        yield (
            f"Pendorong terkuat ialah {lower_first(driver_name(ordered[0]))} "
            f"({number_or_dash(ordered[0].value)}); yang terlemah "
            f"{lower_first(driver_name(ordered[-1]))} "
            f"({number_or_dash(ordered[-1].value)})."
        )
    if report.changes:
        first = report.changes[0]
        yield (
            f"Satu langkah ({STEP} poin) pada indikator "
            f"“{lower_first(first.change.name or first.change.code)}” menaikkan indeks paling "
            f"banyak, yaitu {number(first.gain, 2)} poin."
        )
    yield (
        f"Bukti tersedia untuk {percent(index.coverage)} indikator yang membentuk indeks; "
        f"{len(report.gaps)} indikator, termasuk pada pendorong, belum memiliki bukti (lihat "
        "Kesenjangan bukti)."
    )


def _bars(dimension: DimensionScore) -> Iterator[Bar]:
    for at, element in enumerate(dimension.elements):
        yield _bar(element, group=dimension.name if at == 0 else None)


def driver_name(driver: Node) -> str:
    """Return a driver's name without its prefix."""
    name = driver.name.removeprefix("Pendorong: ")
    return name[:1].upper() + name[1:]


def _bar(node: Node, *, name: str | None = None, group: str | None = None) -> Bar:
    ends = None if node.interval is None else (node.interval.low, node.interval.high)
    return Bar(
        label=name or node.name,
        value=node.value,
        interval=ends,
        words=f"{lower_first(INSUFFICIENT)} (cakupan {percent(node.coverage)})",
        group=group,
    )


NODE_COLUMNS = (
    Column(head="Unsur", width=3.2),
    Column(head="Nilai", width=1, align="right"),
    Column(head=INTERVAL_HEAD, width=1.6, align="right"),
    Column(head="Golongan", width=2.6),
    Column(head="Cakupan bukti", width=1.4, align="right"),
)


def elements(report: Report) -> Section:
    rows: list[Row] = []
    for dimension in report.scores.dimensions:
        rows.append(_node_row(dimension, strong=True))
        rows += [_node_row(element) for element in dimension.elements]
    missing = [element for element in report.elements if element.value is None]
    blocks: list[AnyBlock] = [
        Paragraph(
            text="Indeks terdiri atas tiga dimensi dan dua belas unsur."
            if (len(report.scores.dimensions), len(report.elements)) == (3, 12)
            else f"Indeks terdiri atas {len(report.scores.dimensions)} dimensi dan "
            f"{len(report.elements)} unsur."
        ),
        Table(
            caption="Nilai menurut dimensi dan unsur",
            columns=list(NODE_COLUMNS),
            rows=rows,
            note="Rentang tanpa angka berarti penghitungan penuh tanpa ketidakpastian. Golongan "
            "dengan kata “hingga” berarti rentangnya mencakup lebih dari satu golongan.",
        ),
    ]
    if missing and isinstance(report.method, CollaborationMethod):
        blocks.append(Bullets(items=[_why_null(report.method, element) for element in missing]))
    return Section(title="Nilai menurut dimensi dan unsur", blocks=blocks)


def _why_null(method: CollaborationMethod, element: ElementScore) -> str:
    known = sum(one.value is not None for one in element.indicators)
    return (
        f"{element.name}: {lower_first(INSUFFICIENT)}. Bukti tersedia untuk {known} dari "
        f"{len(element.indicators)} indikator; sedikitnya "
        f"{percent(method.minimum_coverage)} diperlukan. Unsur ini tidak dianggap nol dan "
        "tidak ikut dihitung."
    )


def _node_row(node: Node, *, name: str | None = None, strong: bool = False) -> Row:
    return Row(
        cells=[
            Cell(text=name or node.name),
            *score_cells(node),
            Cell(text=band(node)),
            coverage_cell(node),
        ],
        strong=strong,
    )


def drivers(report: Report) -> Section:
    drivers = report.scores.drivers
    if not drivers:
        text = "Metode ini tidak mengenal pendorong."
        return Section(title="Pendorong kolaborasi", blocks=[Paragraph(text=text)])
    columns = [Column(head="Pendorong", width=3.2), *NODE_COLUMNS[1:]]
    return Section(
        title="Pendorong kolaborasi",
        blocks=[
            Paragraph(
                text="Pendorong adalah keadaan yang melahirkan dan menggerakkan kolaborasi. "
                "Nilainya berdiri di samping indeks dan tidak ikut membentuknya."
            ),
            Table(
                caption="Nilai pendorong",
                columns=columns,
                rows=[_node_row(driver, name=driver_name(driver)) for driver in drivers],
            ),
            Figure(
                caption="Nilai pendorong dengan rentang ketidakpastiannya.",
                alt="Diagram batang nilai pendorong dari 0 sampai 100. "
                + "; ".join(f"{driver_name(one)} {number_or_dash(one.value)}" for one in drivers),
                svg=bars(
                    [_bar(driver, name=driver_name(driver)) for driver in drivers],
                    alt=f"Nilai pendorong {report.regency.name} {report.period}",
                    marks=[low for low, _ in BANDS if low > 0],
                ),
            ),
        ],
    )


def extremes(report: Report) -> Section:
    if not report.strengths:
        text = "Unsur yang bernilai terlalu sedikit untuk dibandingkan."
        return Section(title="Kekuatan dan kelemahan", blocks=[Paragraph(text=text)])
    return Section(
        title="Kekuatan dan kelemahan",
        blocks=[
            Paragraph(text="Unsur dengan nilai tertinggi:"),
            Bullets(items=[_explained(element, highest=True) for element in report.strengths]),
            Paragraph(text="Unsur dengan nilai terendah:"),
            Bullets(items=[_explained(element, highest=False) for element in report.weaknesses]),
        ],
    )


def _explained(element: ElementScore, *, highest: bool) -> str:
    """Return an element with the indicator that contributes most to its extreme value."""
    known = [(one.value, one) for one in element.indicators if one.value is not None]
    value, most = (max if highest else min)(known, key=lambda pair: pair[0])
    start = f"{element.name}, {number_or_dash(element.value)}{_between(element)}"
    if len(known) == 1:
        return f"{start}: satu-satunya indikator yang terbukti ialah {lower_first(most.name)}."
    end = "tertinggi" if highest else "terendah"
    return f"{start}: indikator {end} ialah {lower_first(most.name)} ({number(value)})."
