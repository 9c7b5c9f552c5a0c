"""A chart on a page of its own with its table, and as a file: SVG, PNG or CSV."""

from dataclasses import dataclass
from typing import Literal

from fastapi.responses import HTMLResponse, Response

from services.gateway.portal.charts.chart import Chart
from services.gateway.portal.charts.raster import RasterImages
from services.gateway.portal.page import Page
from services.platform.spreadsheets.csv_export import CSV_MEDIA_TYPE

FileKind = Literal["svg", "png", "csv"]

EMBED_SCALE, EMBED_WORDS = 1.7, 260
"""Height of a frame: of the drawing at its largest width, and of the words around it in pixels."""


@dataclass(frozen=True)
class Origin:
    """The page that a chart is of."""

    href: str
    title: str


def chart_page(
    page: Page, chart: Chart, *, origin: Origin, embedded: str | None = None
) -> HTMLResponse:
    """Return the page of a chart; `embedded` is the path at which other websites may frame it."""
    return page.render(
        "chart.html",
        chart=chart,
        origin=origin,
        embedded=embedded,
        site=page.site_address,
        embed_height=round(chart.drawing.height * EMBED_SCALE) + EMBED_WORDS,
        data=chart.data,
    )


async def chart_file(page: Page, chart: Chart, kind: FileKind, *, name: str) -> Response:
    """Return a chart as a file; the values of a CSV are not rounded."""
    content: str | bytes
    if kind == "csv":
        content, media_type = chart.csv(), CSV_MEDIA_TYPE
    else:
        content, media_type = chart.svg(page.site_address), "image/svg+xml; charset=utf-8"
        if kind == "png":
            images: RasterImages = page.request.app.state.raster_images
            content, media_type = await images.png(content), "image/png"
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'inline; filename="{name}.{kind}"'},
    )
