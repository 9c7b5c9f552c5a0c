"""`/dasbor/{year}/bagan/{name}`: a chart on a page of its own, and as SVG, PNG and CSV."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import httpx
from fastapi import Path
from fastapi.responses import HTMLResponse, Response

from services.gateway.portal.chart_answers import FileKind, Origin, chart_file, chart_page
from services.gateway.portal.charts.chart import Chart
from services.gateway.portal.dashboard.index_charts import index_chart
from services.gateway.portal.dashboard.reporting_chart import reporting_chart
from services.gateway.portal.dashboard.score_charts import score_chart
from services.gateway.portal.dashboard.use_charts import USE_CHARTS, UseChart
from services.gateway.portal.dashboard.year_scores import assessed_years
from services.gateway.portal.page import CurrentPage, Page
from services.platform.router import Router
from services.platform.types import Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

YEAR_CHARTS: Mapping[str, UseChart] = {**USE_CHARTS, "pelaporan": reporting_chart}
"""Charts of a year that need no scores, by their names in addresses."""

YearPath = Annotated[Year, Path(description="The year.")]
ChartName = Annotated[
    str, Path(description="`unsur`, `tahun`, `pelaporan`, a chart of use, an index, or a score.")
]


@router.get("/dasbor/{tahun}/bagan/{nama}.svg")
async def chart_as_svg(page: CurrentPage, tahun: YearPath, nama: ChartName) -> Response:
    """Return the chart with its title, its source and its period."""
    return await _file(page, tahun, nama, "svg")


@router.get("/dasbor/{tahun}/bagan/{nama}.png")
async def chart_as_png(page: CurrentPage, tahun: YearPath, nama: ChartName) -> Response:
    """Return the same as PNG."""
    return await _file(page, tahun, nama, "png")


@router.get("/dasbor/{tahun}/bagan/{nama}.csv")
async def chart_as_csv(page: CurrentPage, tahun: YearPath, nama: ChartName) -> Response:
    """Return the values of the chart, not rounded."""
    return await _file(page, tahun, nama, "csv")


@router.get("/dasbor/{tahun}/bagan/{nama}")
async def year_chart_page(page: CurrentPage, tahun: YearPath, nama: ChartName) -> HTMLResponse:
    """Show the chart with its table, and what can be taken away."""
    chart = await find_chart(page, tahun, nama)
    if not isinstance(chart, Chart):
        return chart
    title = page.messages.gettext("Dasbor kolaborasi")
    return chart_page(
        page,
        chart,
        origin=Origin(page.link(f"/dasbor?tahun={tahun}"), f"{title} {tahun}"),
        embedded=f"/embed/{tahun}/{nama}",
    )


async def find_chart(page: Page, year: int, name: str) -> Chart | HTMLResponse:
    """Return the chart of a year, or the page that says why there is none."""
    if year > datetime.now(page.zone).year:
        return page.not_found()
    try:
        if (draw := YEAR_CHARTS.get(name)) is not None:
            found = await draw(page, year)
        else:
            found = score_chart(page, await assessed_years(page, year), name)
        if found is None and name not in YEAR_CHARTS:
            indices = await page.assessment.list_indices()
            named = (index_chart(page, one, year) for one in indices if one.id == name)
            found = next(named, None)
    except httpx.HTTPError:
        return page.unavailable()
    return page.not_found() if found is None else found


async def _file(page: Page, year: int, name: str, kind: FileKind) -> Response:
    chart = await find_chart(page, year, name)
    if not isinstance(chart, Chart):
        return chart
    return await chart_file(page, chart, kind, name=f"{name}-{year}")
