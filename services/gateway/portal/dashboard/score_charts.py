"""The charts of the dashboard and of the pages below it, from scores."""

from collections.abc import Sequence

from services.assessment.client import Node, TrendPeriod
from services.gateway.portal.charts.chart import Cell, Chart, Column
from services.gateway.portal.charts.score_drawings import (
    ScoreBar,
    Series,
    YearMark,
    score_bars,
    year_lines,
)
from services.gateway.portal.dashboard.figures import figure, standing
from services.gateway.portal.dashboard.node_addresses import chart_address, node_address
from services.gateway.portal.dashboard.year_scores import AssessedYears, NodeYear, YearScores
from services.gateway.portal.page import Page
from services.platform.service import API

ELEMENTS, TREND = "unsur", "tahun"
"""Names of the charts in addresses; other names are codes of nodes."""


def score_chart(page: Page, years: AssessedYears, name: str) -> Chart | None:
    """Return the chart of a name; None if there is none of it."""
    shown = years.shown
    if name == ELEMENTS:
        return elements_chart(page, shown)
    if name == TREND:
        return trend_chart(page, years.stored, shown) if years.stored else None
    node = shown.scores.node(name)
    if node is None or node.code == shown.scores.index.code:
        return None
    return node_chart(page, node, years.history(node), shown)


def elements_chart(page: Page, shown: YearScores) -> Chart:
    """Return the chart of the dimensions with their elements, each leading to its page."""
    nodes: list[tuple[Node, bool]] = []
    for dimension in shown.scores.dimensions:
        nodes.append((dimension, True))
        nodes += [(element, False) for element in dimension.elements]
    said = "; ".join(
        f"{page.in_language(node, 'name')}: {standing(page.messages, node)}" for node, _ in nodes
    )
    drawing = score_bars(
        [_bar(page, shown, node, is_whole=is_whole) for node, is_whole in nodes],
        name="elements",
        title=page.messages.gettext(
            "Dimensi dan unsur %(year)s, nilai 0 sampai 100", year=shown.period
        ),
        description=f"{said}.",
    )
    return Chart(
        drawing=drawing,
        finding=_extremes(page, [node for node, is_whole in nodes if not is_whole]),
        measure=drawing.title,
        key=page.messages.gettext(
            "Tanda tegak: perkiraan; garis: rentangnya; bagian penuh: yang terbukti; bagian "
            "berarsir: sampai yang paling tinggi."
        ),
        source=_source(page, shown),
        columns=[
            Column(page.messages.gettext("Nama")),
            *_score_columns(page),
        ],
        rows=[[str(page.in_language(node, "name")), *_score_cells(node)] for node, _ in nodes],
        address=chart_address(shown.period, ELEMENTS),
        data=shown.address,
    )


def trend_chart(page: Page, trend: Sequence[TrendPeriod], shown: YearScores) -> Chart:
    """Return the chart of the index and the dimensions over the stored years."""
    rows = [
        (node, years)
        for node in (shown.scores.index, *shown.scores.dimensions)
        if (years := _years_of(trend, node))
    ]
    return _years_chart(
        page,
        rows,
        shown,
        name="trend",
        finding=_standing_of(page, shown.scores.index, shown.period),
        measure=page.messages.gettext("Indeks dan dimensi dari tahun ke tahun, nilai 0 sampai 100"),
        address=chart_address(shown.period, TREND),
        data=f"{API}/metrics/trend",
    )


def node_chart(page: Page, node: Node, history: Sequence[NodeYear], shown: YearScores) -> Chart:
    """Return the chart of a node over the years."""
    return _years_chart(
        page,
        [(node, history)],
        shown,
        name="years",
        finding=_standing_of(page, node, shown.period),
        measure=page.messages.gettext(
            "%(name)s dari tahun ke tahun, nilai 0 sampai 100",
            name=page.in_language(node, "name"),
        ),
        address=chart_address(shown.period, node.code),
        data=shown.address_of(node.code),
    )


def _years_chart(
    page: Page,
    rows: Sequence[tuple[Node, Sequence[NodeYear]]],
    shown: YearScores,
    *,
    name: str,
    finding: str,
    measure: str,
    address: str,
    data: str,
) -> Chart:
    said = "; ".join(
        f"{page.in_language(node, 'name')} {one.period}: {standing(page.messages, one.node)}"
        for node, years in rows
        for one in years
    )
    series = [
        Series(str(page.in_language(node, "name")), [_mark(page, one) for one in years])
        for node, years in rows
    ]
    cells: list[list[Cell]] = [
        [str(page.in_language(node, "name")), str(one.period), *_score_cells(one.node)]
        for node, years in rows
        for one in years
    ]
    return Chart(
        drawing=year_lines(series, name=name, title=measure, description=f"{said}."),
        finding=finding,
        measure=measure,
        key=page.messages.gettext(
            "Titik: perkiraan; garis: yang terbukti; bagian berarsir: dari yang terbukti sampai "
            "yang paling tinggi."
        ),
        source=_source(page, shown),
        columns=[
            Column(page.messages.gettext("Nama")),
            Column(page.messages.gettext("Tahun")),
            *_score_columns(page),
        ],
        rows=cells,
        address=address,
        data=data,
    )


def _years_of(trend: Sequence[TrendPeriod], node: Node) -> list[NodeYear]:
    return [
        NodeYear(one.period, one.provisional, other)
        for one in trend
        for other in one.nodes
        if other.code == node.code
    ]


def _mark(page: Page, one: NodeYear) -> YearMark:
    value = one.node.value
    return YearMark(one.period, figure(page.messages, value), value, one.node.bounds)


def _score_columns(page: Page) -> list[Column]:
    return [
        Column(page.messages.gettext("Perkiraan")),
        Column(page.messages.gettext("Rentang dari"), rounded="down"),
        Column(page.messages.gettext("Rentang sampai"), rounded="up"),
        Column(page.messages.gettext("Terbukti"), rounded="down"),
        Column(page.messages.gettext("Paling tinggi"), rounded="up"),
    ]


def _score_cells(node: Node) -> list[Cell]:
    interval = node.interval
    return [
        node.value,
        None if interval is None else interval.low,
        None if interval is None else interval.high,
        node.proven,
        node.possible,
    ]


def _extremes(page: Page, nodes: Sequence[Node]) -> str:
    """Return the highest and the lowest of the nodes that can be estimated."""
    known = [(node.value, node) for node in nodes if node.value is not None]
    if not known:
        return page.messages.gettext("Belum ada unsur yang dapat diperkirakan")
    (low, lowest), (high, highest) = (
        choose(known, key=lambda one: one[0]) for choose in (min, max)
    )
    return page.messages.gettext(
        "Tertinggi: %(highest)s (%(high)s); terendah: %(lowest)s (%(low)s)",
        highest=page.in_language(highest, "name"),
        high=figure(page.messages, high),
        lowest=page.in_language(lowest, "name"),
        low=figure(page.messages, low),
    )


def _standing_of(page: Page, node: Node, period: int) -> str:
    return f"{page.in_language(node, 'name')} {period}: {standing(page.messages, node)}"


def _source(page: Page, shown: YearScores) -> str:
    """Return who computed the scores, by what and when; the address follows."""
    place = page.place or ""
    if shown.stored is None:
        basis = page.messages.gettext("dihitung dari bukti saat ini")
    else:
        basis = page.messages.gettext(
            "penilaian %(day)s menurut %(method)s versi %(version)s",
            day=page.local_date(shown.stored.recorded_at),
            method=shown.stored.method.id,
            version=shown.stored.method.version,
        )
    return page.messages.gettext("Sumber: e-Mall %(place)s, %(basis)s.", place=place, basis=basis)


def _bar(page: Page, shown: YearScores, node: Node, *, is_whole: bool) -> ScoreBar:
    interval = node.interval
    return ScoreBar(
        label=str(page.in_language(node, "name")),
        figure=figure(page.messages, node.value),
        value=node.value,
        interval=None if interval is None else (interval.low, interval.high),
        bounds=node.bounds,
        href=page.link(node_address(shown.period, node)),
        is_whole=is_whole,
    )
