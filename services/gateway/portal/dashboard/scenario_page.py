"""`/dasbor/skenario`: what would change if indicators had other scores, in a form for anybody."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

import httpx
from fastapi import Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from services.assessment.client import (
    MAX_SCENARIO_CHANGES,
    IndicatorScore,
    Node,
    NodeChange,
    ScoreEffect,
    Scores,
)
from services.gateway.portal.charts.score_drawings import ScoreBar, score_bars
from services.gateway.portal.dashboard.figures import compact, figure, signed
from services.gateway.portal.dashboard.node_addresses import node_address
from services.gateway.portal.dashboard.year_scores import METHOD, YearScores, current_scores
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.scripts import allow_scripts
from services.platform.router import Router
from services.platform.service import API
from services.platform.types import Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

MAX_SCORE = 100
MAX_CODE = 80
"""Characters of an indicator's code."""
MAX_TYPED = 20
"""Characters of a field that are shown again."""
ADDRESS = "/dasbor/skenario"


@dataclass(frozen=True)
class Field:
    """A field of the form: an indicator with what was typed, and what is wrong with that."""

    node: IndicatorScore
    typed: str
    error: str | None

    @property
    def worst(self) -> float:
        """The figure that makes a score of 0."""
        posts = self.node.goalposts
        return posts.max if posts.direction == "lower" else posts.min

    @property
    def best(self) -> float:
        """The figure that makes a score of 100."""
        posts = self.node.goalposts
        return posts.min if posts.direction == "lower" else posts.max


@dataclass(frozen=True)
class Group:
    """The fields of an element or a driver."""

    node: Node
    fields: Sequence[Field]

    @property
    def is_open(self) -> bool:
        """Whether something is typed in it."""
        return any(field.typed for field in self.fields)


@router.get(ADDRESS)
async def scenario(
    page: CurrentPage,
    tahun: Annotated[Year | None, Query(description="The year.")] = None,
    bagian: Annotated[str | None, Query(description="`hasil`: only the result.")] = None,
) -> Response:
    """Show the form with the scores of a year, and what those that were typed would change."""
    if tahun is not None and tahun > datetime.now(page.zone).year:
        return page.not_found()
    typed = {
        code: text.strip()
        for code, text in page.request.query_params.items()
        if "." in code and len(code) <= MAX_CODE
    }
    if bagian is None and not all(typed.values()):
        return _without_empty_fields(page)
    try:
        shown = await current_scores(page, tahun)
        groups = _groups(page, shown.scores, typed)
        fields = [field for group in groups for field in group.fields]
        wanted = {
            field.node.code: float(field.typed.replace(",", "."))
            for field in fields
            if field.typed and not field.error
        }
        unknown = sorted(typed.keys() - {field.node.code for field in fields})
        faulty = [field for field in fields if field.error]
        too_many = len(wanted) > MAX_SCENARIO_CHANGES
        is_valid = not faulty and not unknown and not too_many
        effect = None
        if wanted and is_valid:
            effect = await page.assessment.get_scenario_effect(
                wanted, method=METHOD, period=shown.period
            )
    except httpx.HTTPError:
        return page.unavailable()
    names = {node.code: node for node in shown.scores.nodes()}
    return allow_scripts(
        page.render(
            "scenario-result.html" if bagian == "hasil" else "dashboard-scenario.html",
            status=200 if is_valid else 422,
            year=shown.period,
            index=shown.scores.index,
            groups=groups,
            names=names,
            faulty=faulty,
            unknown=[code[:MAX_TYPED] for code in unknown[:3]],
            most=MAX_SCENARIO_CHANGES if too_many else None,
            wanted=[(names[code], score) for code, score in wanted.items()],
            effect=effect,
            assumed=[] if effect is None else [names[code] for code in effect.assumed],
            picture=None if effect is None else _picture(page, effect, shown),
            figure=partial(figure, page.messages),
            compact=partial(compact, page.messages),
            signed=partial(signed, page.messages),
            address=partial(node_address, shown.period),
            data=_twin(shown.period, wanted),
        )
    )


def _without_empty_fields(page: Page) -> RedirectResponse:
    """Redirect to the address of the same scenario without fields that were left empty."""
    kept = [(name, text) for name, text in page.request.query_params.multi_items() if text.strip()]
    query = urlencode(kept)
    return RedirectResponse(f"{ADDRESS}?{query}#hasil" if kept else ADDRESS, status_code=303)


def _groups(page: Page, scores: Scores, typed: Mapping[str, str]) -> list[Group]:
    elements = [element for one in scores.dimensions for element in one.elements]
    return [
        Group(
            element,
            [
                Field(
                    one,
                    typed.get(one.code, "")[:MAX_TYPED],
                    _fault(page, typed.get(one.code, "")),
                )
                for one in element.indicators
            ],
        )
        for element in (*elements, *scores.drivers)
    ]


def _fault(page: Page, text: str) -> str | None:
    """Return what is wrong with the text of a field; None if it is a score or empty."""
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if 0 <= value <= MAX_SCORE:
        return None
    return page.messages.gettext("isi dengan angka dari 0 sampai 100, misalnya 75")


def _picture(page: Page, effect: ScoreEffect, shown: YearScores) -> Markup:
    """Return the drawing of what changes: from the score as it is, to that of the scenario."""
    rows: list[ScoreBar] = []
    index = shown.scores.index.code
    names = {node.code: node for node in shown.scores.nodes()}
    said: list[str] = []
    for change in effect.result.nodes:
        node = names.get(change.code)
        if node is None or isinstance(node, IndicatorScore):
            continue
        is_index = node.code == index
        label = str(page.in_language(node, "name"))
        before, after = figure(page.messages, change.before), figure(page.messages, change.after)
        words = f"{before} → {after}"
        said.append(f"{label}: {words}")
        rows.append(
            ScoreBar(
                label=label,
                figure=words,
                value=change.after,
                interval=_ends(change),
                bounds=None if change.before is None else (change.before, change.before),
                href=page.link(
                    f"/dasbor?tahun={shown.period}"
                    if is_index
                    else node_address(shown.period, node)
                ),
                is_whole=is_index,
            )
        )
    title = page.messages.gettext("Nilai sebelum dan sesudah, 0 sampai 100")
    drawing = score_bars(rows, name="scenario", title=title, description="; ".join(said))
    return drawing.inline()


def _ends(change: NodeChange) -> tuple[float, float] | None:
    if change.before is None or change.after is None:
        return None
    return min(change.before, change.after), max(change.before, change.after)


def _twin(period: int, wanted: Mapping[str, float]) -> str:
    """Return the address of the same as JSON."""
    scores = [("score", f"{code}:{score:g}") for code, score in wanted.items()]
    query = urlencode([("period", str(period)), ("method", METHOD), *scores])
    return f"{API}/metrics/scenario?{query}"
