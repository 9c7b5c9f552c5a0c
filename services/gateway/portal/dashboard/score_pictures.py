"""The pictures of the dashboard and of the pages below it, from scores."""

from collections.abc import Sequence

from markupsafe import Markup

from services.assessment.client import Node, TrendPeriod
from services.gateway.portal.dashboard.figures import figure, standing
from services.gateway.portal.dashboard.node_addresses import node_address
from services.gateway.portal.dashboard.pictures import (
    ScoreBar,
    Series,
    YearMark,
    score_bars,
    year_lines,
)
from services.gateway.portal.dashboard.year_scores import NodeYear, YearScores
from services.gateway.portal.page import Page


def elements_picture(page: Page, shown: YearScores) -> Markup:
    """Return the picture of the dimensions with their elements, each leading to its page."""
    rows: list[ScoreBar] = []
    for dimension in shown.scores.dimensions:
        rows.append(_bar(page, shown, dimension, is_whole=True))
        rows += [_bar(page, shown, element, is_whole=False) for element in dimension.elements]
    nodes = (node for one in shown.scores.dimensions for node in (one, *one.elements))
    said = "; ".join(
        f"{page.in_language(node, 'name')}: {standing(page.messages, node)}" for node in nodes
    )
    return score_bars(
        rows,
        name="elements",
        title=page.messages.gettext(
            "Dimensi dan unsur %(year)s, nilai 0 sampai 100", year=shown.period
        ),
        description=f"{said}.",
    )


def trend_picture(page: Page, trend: Sequence[TrendPeriod], shown: YearScores) -> Markup:
    """Return the picture of the index and the dimensions over the stored years."""
    wanted = [shown.scores.index, *shown.scores.dimensions]
    rows = {
        node.code: [
            NodeYear(one.period, one.provisional, other)
            for one in trend
            for other in one.nodes
            if other.code == node.code
        ]
        for node in wanted
    }
    title = page.messages.gettext("Indeks dan dimensi dari tahun ke tahun, nilai 0 sampai 100")
    known = [(node, rows[node.code]) for node in wanted if rows[node.code]]
    return years_picture(page, known, name="trend", title=title)


def years_picture(
    page: Page, rows: Sequence[tuple[Node, Sequence[NodeYear]]], *, name: str, title: str
) -> Markup:
    """Return the picture of nodes over the years."""
    said = "; ".join(
        f"{page.in_language(node, 'name')} {one.period}: {standing(page.messages, one.node)}"
        for node, years in rows
        for one in years
    )
    series = [
        Series(
            str(page.in_language(node, "name")),
            [
                YearMark(
                    one.period,
                    figure(page.messages, one.node.value),
                    one.node.value,
                    one.node.bounds,
                )
                for one in years
            ],
        )
        for node, years in rows
    ]
    return year_lines(series, name=name, title=title, description=f"{said}.")


def _bar(page: Page, shown: YearScores, node: Node, *, is_whole: bool) -> ScoreBar:
    query = "&".join(f"{name}={value}" for name, value in page.language_query.items())
    address = node_address(shown.period, node)
    interval = node.interval
    return ScoreBar(
        label=str(page.in_language(node, "name")),
        figure=figure(page.messages, node.value),
        value=node.value,
        interval=None if interval is None else (interval.low, interval.high),
        bounds=node.bounds,
        href=f"{address}?{query}" if query else address,
        is_whole=is_whole,
    )
