"""Sections on scores: summary, elements, drivers, strengths and weaknesses."""

from collections.abc import Iterator, Sequence

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.reports.cells import (
    BOUNDS_HEAD,
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
    NOT_ESTIMATED,
    band,
    band_of,
    bounds_in_words,
    interval_text,
    join_words,
    lower_first,
    number,
    percent,
    range_text,
    whole,
)
from services.assessment.scoring.scores import DimensionScore, ElementScore, Node
from services.assessment.scoring.tree import coverage_of, index_of

MAX_NAMED_MISSING = 5


def summary(report: Report) -> Section:
    index = report.scores.index
    dimensions = report.scores.dimensions
    nodes = [index, *dimensions, *report.elements]
    spread = spread_of(report)
    return Section(
        title="Ringkasan",
        blocks=[
            Paragraph(text=" ".join(headline(report)), lead=True),
            *missing_first(report),
            key_figures(index, dimensions, spread),
            Bullets(items=[*_verdicts(report), *_findings(report)]),
            chart(
                nodes,
                [
                    bar_of(index, group="Indeks", spread=spread),
                    *(bar for dimension in dimensions for bar in _bars(dimension)),
                ],
                caption="Nilai indeks dan unsur",
                alt=f"Nilai indeks dan unsur {report.regency.name} {report.period}",
            ),
        ],
    )


def key_figures(
    index: Node, parts: Sequence[Node], spread: tuple[float, float] | None
) -> KeyFigures:
    """Return the values of the index and its parts, the index with its range."""
    return KeyFigures(
        items=[
            (
                Cell(text=whole(node.value), code=node.code, field="value"),
                node.name,
                beside(node, spread if node is index else None),
            )
            for node in (index, *parts)
        ]
    )


def chart(nodes: Sequence[Node], drawn: Sequence[Bar], *, caption: str, alt: str) -> Figure:
    """Return bars of scores with their key; `nodes` are read out in their place."""
    return Figure(
        caption=f"{caption}. {CHART_KEY}",
        alt="Diagram nilai dari 0 sampai 100: "
        + "; ".join(f"{one.name} {in_words(one)}" for one in nodes),
        svg=bars(drawn, alt=alt, marks=[low for low, _ in BANDS if low > 0]),
    )


CHART_KEY = (
    "Titik: perkiraan; garis tebal: rentang menurut bukti; garis tipis: rentang menurut bukti dan "
    "metode; bagian berarsir: dari yang terbukti sampai yang paling tinggi. Garis putus-putus pada "
    "50 dan 75 adalah batas golongan."
)


def headline(report: Report) -> Iterator[str]:
    """Yield the sentences that come first: estimate with its range, bounds, coverage."""
    index = report.scores.index
    start = f"{index.name} {report.regency.name} tahun {report.period}"
    known, total = known_indicators(report)
    if index.value is None:
        yield (
            f"{start} belum dapat diperkirakan: bukti baru ada untuk {known} dari {total} "
            f"indikator ({percent(index.coverage)})."
        )
        if bounds := bounds_in_words(index):
            yield f"Menurut bukti yang ada, nilainya {bounds} dari 100."
        yield (
            "Ini bukan penurunan: yang belum tercatat tidak dianggap nol; apa yang terjadi pada "
            "tahun itu belum diketahui."
        )
    else:
        spread = spread_of(report)
        ends = NOT_ESTIMATED if spread is None else range_text(*spread)
        yield (
            f"{start} diperkirakan {whole(index.value)} dari 100 (rentang menurut bukti dan "
            f"metode: {ends}), tergolong {lower_first(band(index, spread))}."
        )
        if bounds := bounds_in_words(index):
            yield f"{bounds[:1].upper()}{bounds[1:]}."
        yield f"Bukti ada untuk {known} dari {total} indikator ({percent(index.coverage)})."
    if report.provisional:
        yield f"Angka tahun {report.period} sementara karena tahunnya belum berakhir."


def known_indicators(report: Report) -> tuple[int, int]:
    """Return how many of the indicators of the index have evidence, and how many there are."""
    known = {node.code for node in report.scores.nodes() if node.value is not None}
    coverage = coverage_of(index_of(report.method), known)
    return coverage.known, coverage.indicators


def missing_first(report: Report) -> Iterator[AnyBlock]:
    """Yield the indicators whose evidence would first give the index a value."""
    names = {one.code: one.name for one in report.method.indicators()}
    missing = [lower_first(names.get(code, code)) for code in report.scores.index.missing_first]
    if not missing:
        return
    named = missing[:MAX_NAMED_MISSING]
    if len(missing) > len(named):
        named.append(f"{len(missing) - len(named)} indikator lain")
    yield Paragraph(
        text=f"Yang pertama-tama diperlukan ialah bukti tentang {join_words(named)} (lihat "
        "Kesenjangan bukti)."
    )


def spread_of(report: Report) -> tuple[float, float] | None:
    """Return the range of the index by the evidence and the choices of the method together."""
    index, spread = report.scores.index, report.sensitivity.spread
    if index.value is None or spread is None:
        return None
    ends = [index.value, spread.low, spread.high]
    if index.interval is not None:
        ends += [index.interval.low, index.interval.high]
    return min(ends), max(ends)


def beside(node: Node, spread: tuple[float, float] | None) -> str:
    """Return the remark below a key figure; `spread` is its range by evidence and method."""
    bounds = bounds_in_words(node)
    if node.value is None:
        return f"{INSUFFICIENT} · {bounds}" if bounds else INSUFFICIENT
    ends = interval_text(node) if spread is None else range_text(*spread)
    shown = [f"rentang {ends}", bounds, band(node, spread)]
    return " · ".join(part for part in shown if part)


def in_words(node: Node) -> str:
    """Return an estimate with its range and bounds, for the text alternative of a chart."""
    estimate = "belum diperkirakan" if node.value is None else whole(node.value)
    bounds = bounds_in_words(node)
    return f"{estimate} ({bounds})" if bounds else estimate


def _between(node: Node) -> str:
    """Return the interval in parentheses, for use inside a sentence."""
    if node.interval is None:
        return ""
    return f" (rentang 95%: {interval_text(node)})"


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
    drivers = [(one.value, one) for one in report.scores.drivers if one.value is not None]
    if len(drivers) > 1:
        ordered = [one for _, one in sorted(drivers, key=lambda pair: -pair[0])]
        yield (
            f"Pendorong terkuat ialah {lower_first(driver_name(ordered[0]))} "
            f"({whole(ordered[0].value)}); yang terlemah "
            f"{lower_first(driver_name(ordered[-1]))} "
            f"({whole(ordered[-1].value)})."
        )
    if report.changes:
        first = report.changes[0]
        yield (
            f"Satu langkah ({STEP} poin) pada indikator "
            f"“{lower_first(first.change.name or first.change.code)}” menaikkan indeks paling "
            f"banyak, yaitu {number(first.gain)} poin."
        )
    yield (
        f"Sebanyak {len(report.gaps)} indikator, termasuk pada pendorong, belum memiliki bukti "
        "(lihat Kesenjangan bukti)."
    )


def _bars(dimension: DimensionScore) -> Iterator[Bar]:
    for at, element in enumerate(dimension.elements):
        yield bar_of(element, group=dimension.name if at == 0 else None)


def driver_name(driver: Node) -> str:
    """Return a driver's name without its prefix."""
    name = driver.name.removeprefix("Pendorong: ")
    return name[:1].upper() + name[1:]


def bar_of(
    node: Node,
    *,
    name: str | None = None,
    group: str | None = None,
    spread: tuple[float, float] | None = None,
) -> Bar:
    ends = None if node.interval is None else (node.interval.low, node.interval.high)
    return Bar(
        label=name or node.name,
        value=node.value,
        interval=ends,
        bounds=node.bounds,
        spread=spread,
        words=f"{lower_first(INSUFFICIENT)} (cakupan {percent(node.coverage)})",
        group=group,
    )


NODE_COLUMNS = (
    Column(head="Unsur", width=3.2),
    Column(head="Perkiraan", width=1.2, align="right"),
    Column(head=INTERVAL_HEAD, width=1.8, align="right"),
    Column(head=BOUNDS_HEAD, width=1.6, align="right"),
    Column(head="Golongan", width=2.2),
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
            note="“Tidak diperkirakan” berarti angkanya bukan dari sampel, sehingga galatnya tidak "
            "diperkirakan; itu tidak berarti tanpa galat. Golongan dengan kata “hingga” berarti "
            "rentangnya mencakup lebih dari satu golongan.",
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
                caption=f"Nilai pendorong. {CHART_KEY}",
                alt="Diagram nilai pendorong dari 0 sampai 100: "
                + "; ".join(f"{driver_name(one)} {in_words(one)}" for one in drivers),
                svg=bars(
                    [bar_of(driver, name=driver_name(driver)) for driver in drivers],
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
    start = f"{element.name}, {whole(element.value)}{_between(element)}"
    if len(known) == 1:
        return f"{start}: satu-satunya indikator yang terbukti ialah {lower_first(most.name)}."
    end = "tertinggi" if highest else "terendah"
    return f"{start}: indikator {end} ialah {lower_first(most.name)} ({whole(value)})."
