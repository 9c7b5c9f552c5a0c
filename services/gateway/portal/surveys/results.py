"""`/survei/{slug}/hasil`: the results of a survey with their charts, and its follow-up plan."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Path, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import StringConstraints

from services.gateway.portal.chart_answers import FileKind, Origin, chart_file, chart_page
from services.gateway.portal.charts.chart import Chart
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.surveys.periods import period_words
from services.gateway.portal.surveys.result_charts import RESULT_CHARTS, ShownResults
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service import API
from services.platform.translation import N_, NC_, Message
from services.platform.types import Slug

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

ACTION_STATES: Mapping[str, Message] = {
    "planned": N_("Direncanakan"),
    "under_way": N_("Berjalan"),
    "done": NC_("follow-up", "Selesai"),
    "dropped": N_("Dibatalkan"),
}

MODES: Mapping[str, Message] = {
    "page": N_("di halaman survei"),
    "qr": N_("lewat kode QR"),
    "kiosk": N_("di kios"),
    "enumerator": N_("ditanya petugas"),
    "api": N_("lewat aplikasi lain"),
    "invitation": N_("lewat undangan"),
    "mixed": N_("dengan berbagai cara"),
}

SAMPLES: Mapping[str, Message] = {
    "self_selected": N_("menjawab sendiri"),
    "enumerated": N_("ditanya petugas tanpa rancangan sampel"),
    "drawn": N_("sampel acak"),
    "quota": N_("sampel kuota"),
    "invited": N_("diundang"),
    "unknown": N_("tidak diketahui"),
}

Period = Annotated[
    str | None, StringConstraints(pattern=r"^20\d{2}(-(0[1-9]|1[0-2]|Q[1-4]|S[12]))?$"), Query()
]
ChartName = Annotated[str, Path(description="`unsur`, `jawaban` or `putaran`.")]


@dataclass(frozen=True)
class Wanted:
    """The results that are asked for."""

    slug: SlugPath
    period: Period = None
    agency: Slug | None = None

    async def read(self, page: Page) -> ShownResults | None:
        """Return the results; None if there is no such survey or agency."""
        detail, found = await asyncio.gather(
            page.feedback.find_survey(self.slug),
            page.feedback.find_results(self.slug, period=self.period, agency=self.agency),
        )
        return None if detail is None or found is None else ShownResults(detail, found, self.agency)


WantedResults = Annotated[Wanted, Depends()]


@router.get("/survei/{slug}/hasil")
async def results(page: CurrentPage, wanted: WantedResults) -> HTMLResponse:
    """Show the published figures of a period with their charts, and the follow-up plan."""
    filters = {"period": wanted.period, "agency": wanted.agency}
    query = {name: value for name, value in filters.items() if value is not None}
    try:
        shown, plan = await asyncio.gather(
            wanted.read(page), page.feedback.find_follow_up(wanted.slug, **filters)
        )
        if shown is None or plan is None:
            return page.not_found()
        charts = [await draw(page, shown) for draw in RESULT_CHARTS.values()]
        agencies = await _agency_names(page) if wanted.agency or plan.items else {}
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "survey-results.html",
        states=page.messages.labels(ACTION_STATES),
        modes=page.messages.labels(MODES),
        samples=page.messages.labels(SAMPLES),
        survey=shown.detail.survey,
        results=shown.results,
        plan=plan,
        period=period_words(page.messages, shown.results.period),
        agency=agencies.get(wanted.agency, wanted.agency) if wanted.agency else None,
        agencies=agencies,
        elements={
            question.code: str(page.in_language(question, "text"))
            for question in shown.detail.survey.questions
        },
        charts=[chart for chart in charts if chart is not None],
        day=page.messages.long_date,
        data=str(httpx.URL(f"{API}/surveys/{wanted.slug}/results", params=query)),
    )


@router.get("/survei/{slug}/hasil/bagan/{nama}.svg")
async def results_as_svg(page: CurrentPage, wanted: WantedResults, nama: ChartName) -> Response:
    """Return a chart with its title, its source and its period."""
    return await _file(page, wanted, nama, "svg")


@router.get("/survei/{slug}/hasil/bagan/{nama}.png")
async def results_as_png(page: CurrentPage, wanted: WantedResults, nama: ChartName) -> Response:
    """Return the same as PNG."""
    return await _file(page, wanted, nama, "png")


@router.get("/survei/{slug}/hasil/bagan/{nama}.csv")
async def results_as_csv(page: CurrentPage, wanted: WantedResults, nama: ChartName) -> Response:
    """Return the values of a chart, not rounded."""
    return await _file(page, wanted, nama, "csv")


@router.get("/survei/{slug}/hasil/bagan/{nama}")
async def results_chart(page: CurrentPage, wanted: WantedResults, nama: ChartName) -> HTMLResponse:
    """Show a chart with its table, and what can be taken away."""
    chart = await _find_chart(page, wanted, nama)
    if not isinstance(chart, Chart):
        return chart
    href = f"/survei/{wanted.slug}/hasil?{chart.query}"
    return chart_page(page, chart, origin=Origin(page.link(href), page.messages.gettext("Hasil")))


async def _agency_names(page: Page) -> Mapping[str, str]:
    """Return the short names of the agencies by their slugs."""
    return {agency.slug: agency.short_name for agency in await page.catalog.list_agencies()}


async def _file(page: Page, wanted: Wanted, name: str, kind: FileKind) -> Response:
    chart = await _find_chart(page, wanted, name)
    if not isinstance(chart, Chart):
        return chart
    return await chart_file(page, chart, kind, name=f"{wanted.slug}-{name}")


async def _find_chart(page: Page, wanted: Wanted, name: str) -> Chart | HTMLResponse:
    """Return a chart of the results, or the page that says why there is none."""
    draw = RESULT_CHARTS.get(name)
    if draw is None:
        return page.not_found()
    try:
        shown = await wanted.read(page)
        found = None if shown is None else await draw(page, shown)
    except httpx.HTTPError:
        return page.unavailable()
    return page.not_found() if found is None else found
