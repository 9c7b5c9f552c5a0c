"""`/dasbor/{year}/bagan/{name}`: a chart on a page of its own, and as SVG, PNG and CSV."""

from datetime import datetime
from typing import Annotated

import httpx
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.portal.charts.chart import Chart
from services.gateway.portal.charts.raster import RasterImages
from services.gateway.portal.dashboard.index_charts import index_chart
from services.gateway.portal.dashboard.score_charts import score_chart
from services.gateway.portal.dashboard.use_charts import USE_CHARTS
from services.gateway.portal.dashboard.year_scores import assessed_years
from services.gateway.portal.page import CurrentPage, Page
from services.platform.spreadsheets.csv_export import CSV_MEDIA_TYPE
from services.platform.types import Year

EMBED_SCALE, EMBED_WORDS = 1.7, 260
"""Height of a frame: of the drawing at its largest width, and of the words around it in pixels."""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

YearPath = Annotated[Year, Path(description="The year.")]
ChartName = Annotated[
    str, Path(description="`unsur`, `tahun`, a chart of use, an index, or the code of a score.")
]


@router.get("/dasbor/{tahun}/bagan/{nama}.svg")
async def chart_as_svg(page: CurrentPage, tahun: YearPath, nama: ChartName) -> Response:
    """Return the chart with its title, its source and its period."""
    chart = await find_chart(page, tahun, nama)
    if not isinstance(chart, Chart):
        return chart
    return _file(chart.svg(page.site_address), "image/svg+xml; charset=utf-8", tahun, nama, "svg")


@router.get("/dasbor/{tahun}/bagan/{nama}.png")
async def chart_as_png(
    request: Request, page: CurrentPage, tahun: YearPath, nama: ChartName
) -> Response:
    """Return the same as PNG."""
    chart = await find_chart(page, tahun, nama)
    if not isinstance(chart, Chart):
        return chart
    images: RasterImages = request.app.state.raster_images
    return _file(await images.png(chart.svg(page.site_address)), "image/png", tahun, nama, "png")


@router.get("/dasbor/{tahun}/bagan/{nama}.csv")
async def chart_as_csv(page: CurrentPage, tahun: YearPath, nama: ChartName) -> Response:
    """Return the values of the chart, not rounded."""
    chart = await find_chart(page, tahun, nama)
    if not isinstance(chart, Chart):
        return chart
    return _file(chart.csv(), CSV_MEDIA_TYPE, tahun, nama, "csv")


@router.get("/dasbor/{tahun}/bagan/{nama}")
async def chart_page(page: CurrentPage, tahun: YearPath, nama: ChartName) -> HTMLResponse:
    """Show the chart with its table, and what can be taken away."""
    chart = await find_chart(page, tahun, nama)
    if not isinstance(chart, Chart):
        return chart
    return page.render(
        "dashboard-chart.html",
        year=tahun,
        name=nama,
        chart=chart,
        site=page.site_address,
        embed_height=round(chart.drawing.height * EMBED_SCALE) + EMBED_WORDS,
    )


async def find_chart(page: Page, year: int, name: str) -> Chart | HTMLResponse:
    """Return the chart of a year, or the page that says why there is none."""
    if year > datetime.now(page.zone).year:
        return page.not_found()
    try:
        if (draw := USE_CHARTS.get(name)) is not None:
            found = await draw(page, year)
        else:
            found = score_chart(page, await assessed_years(page, year), name)
        if found is None and name not in USE_CHARTS:
            indices = await page.assessment.list_indices()
            named = (index_chart(page, one, year) for one in indices if one.id == name)
            found = next(named, None)
    except httpx.HTTPError:
        return page.unavailable()
    return page.not_found() if found is None else found


def _file(content: str | bytes, media_type: str, year: int, name: str, ending: str) -> Response:
    disposition = f'inline; filename="{name}-{year}.{ending}"'
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})
