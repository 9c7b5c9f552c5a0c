"""`/dasbor/{year}/unsur/{code}` and `/indikator/{code}`: what a score means and rests on."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

import httpx
from fastapi import Path
from fastapi.responses import HTMLResponse

from services.assessment.client import (
    DefinedNode,
    IndicatorScore,
    Node,
    Scores,
)
from services.gateway.portal.dashboard.evidence_lines import evidence_lines, input_lines
from services.gateway.portal.dashboard.figures import compact, figure, range_text, standing
from services.gateway.portal.dashboard.method_reasons import REASONS
from services.gateway.portal.dashboard.node_addresses import node_address
from services.gateway.portal.dashboard.score_charts import node_chart
from services.gateway.portal.dashboard.year_scores import assessed_years
from services.gateway.portal.page import CurrentPage, Page
from services.platform.languages import SOURCE_LANGUAGE, Language
from services.platform.router import Router
from services.platform.types import Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

FIRST_EVIDENCE = 10
"""How many pieces of evidence are shown before the others are opened."""

METHOD_LANGUAGE: Language = "en"
"""In which methods give their reasons."""

YearPath = Annotated[Year, Path(description="The year.")]


@dataclass(frozen=True)
class Meaning:
    """What the method says of a node; `language` is that of the words."""

    words: str
    language: Language


@router.get("/dasbor/{tahun}/unsur/{kode}")
async def element_page(page: CurrentPage, tahun: YearPath, kode: str) -> HTMLResponse:
    """Show a dimension, an element or a driver with what it is made of."""
    return await _node_page(page, tahun, kode, is_indicator=False)


@router.get("/dasbor/{tahun}/indikator/{kode}")
async def indicator_page(page: CurrentPage, tahun: YearPath, kode: str) -> HTMLResponse:
    """Show an indicator with its evidence, and the sources of that."""
    return await _node_page(page, tahun, kode, is_indicator=True)


async def _node_page(page: Page, year: int, code: str, *, is_indicator: bool) -> HTMLResponse:
    if year > datetime.now(page.zone).year:
        return page.not_found()
    try:
        years = await assessed_years(page, year)
        shown = years.shown
        node = shown.scores.node(code)
        if (
            node is None
            or node.code == shown.scores.index.code
            or isinstance(node, IndicatorScore) is not is_indicator
        ):
            return page.not_found()
        detail = await shown.detail(page, code) if is_indicator else None
    except httpx.HTTPError:
        return page.unavailable()
    history, defined = years.history(node), years.method.definition.node(code)
    return page.render(
        "dashboard-node.html",
        shown=shown,
        node=node,
        raw=node.raw if isinstance(node, IndicatorScore) else None,
        goalposts=node.goalposts if isinstance(node, IndicatorScore) else None,
        notices=node.notices if isinstance(node, IndicatorScore) else [],
        above=_above(shown.scores, code),
        parts=_parts(shown.scores, code),
        meaning=_meaning(page, defined),
        basis=_basis(defined),
        inputs=[] if detail is None else input_lines(detail, page.messages),
        evidence=[] if detail is None else evidence_lines(detail, page.messages),
        first_evidence=FIRST_EVIDENCE,
        history=history,
        chart=node_chart(page, node, history, shown),
        standing=standing(page.messages, node),
        figure=partial(figure, page.messages),
        compact=partial(compact, page.messages),
        ends=partial(range_text, page.messages),
        address=partial(node_address, shown.period),
        own_address=lambda period: node_address(period, node),
        data=shown.address_of(code),
    )


def _above(scores: Scores, code: str) -> list[Node]:
    """Return the nodes above a node except the index, the highest first."""
    found: list[Node] = []
    parent, _ = scores.neighbours(code)
    while parent is not None and parent != scores.index.code:
        node = scores.node(parent)
        if node is not None:
            found.append(node)
        parent, _ = scores.neighbours(parent)
    return found[::-1]


def _parts(scores: Scores, code: str) -> list[Node]:
    """Return the nodes whose mean a node is."""
    _, children = scores.neighbours(code)
    found = (scores.node(child) for child in children)
    return [node for node in found if node is not None]


def _meaning(page: Page, defined: DefinedNode | None) -> Meaning | None:
    """Return what the method says in the page's language, else in its own, English."""
    if defined is None or defined.reason is None:
        return None
    said = defined.reason
    words = page.messages.choose(REASONS.get(said, said), en=said)
    return Meaning(words, METHOD_LANGUAGE if words == said else SOURCE_LANGUAGE)


def _basis(defined: DefinedNode | None) -> str | None:
    return None if defined is None else defined.source
