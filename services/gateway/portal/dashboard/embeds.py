"""`/embed/...`: a chart and a badge that other websites show; nothing else may be framed."""

from typing import Annotated

import httpx
from fastapi import Path
from fastapi.responses import HTMLResponse, Response
from markupsafe import escape

from services.gateway.portal.charts.chart import Chart
from services.gateway.portal.charts.text_measure import text_width
from services.gateway.portal.dashboard.chart_routes import ChartName, YearPath, find_chart
from services.gateway.portal.dashboard.figures import figure
from services.gateway.portal.dashboard.year_scores import assessed_years
from services.gateway.portal.page import CurrentPage
from services.platform.router import Router

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

FRAMED_BY_ANYONE = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
)
CACHE = "public, max-age=3600"
"""What other websites show may be an hour old."""

SIZE, HEIGHT, PADDING = 11, 20, 6


@router.get("/embed/lencana.svg")
async def badge(page: CurrentPage) -> Response:
    """Return the newest index as a badge of one line."""
    try:
        shown = (await assessed_years(page, None)).shown
    except httpx.HTTPError:
        return page.unavailable()
    index = shown.scores.index
    name = page.messages.gettext("Kolaborasi %(year)s", year=shown.period)
    if index.value is None:
        words = page.messages.gettext("belum dapat diperkirakan")
    else:
        words = page.messages.gettext(
            "%(value)s dari 100", value=figure(page.messages, index.value)
        )
    return Response(
        _badge(name, words),
        media_type="image/svg+xml; charset=utf-8",
        headers={"Cache-Control": CACHE},
    )


@router.get("/embed/{tahun}/{nama}")
async def embedded_chart(
    page: CurrentPage,
    tahun: YearPath,
    nama: Annotated[ChartName, Path(description="As of the chart's own page.")],
) -> HTMLResponse:
    """Return a chart with its words on a page that any website may frame."""
    chart = await find_chart(page, tahun, nama)
    if not isinstance(chart, Chart):
        return chart
    response = page.render("embed-chart.html", chart=chart)
    response.headers["Content-Security-Policy"] = FRAMED_BY_ANYONE
    response.headers["Cache-Control"] = CACHE
    return response


def _badge(name: str, words: str) -> str:
    left = text_width(name, SIZE) + 2 * PADDING
    right = text_width(words, SIZE, bold=True) + 2 * PADDING
    said = escape(f"{name}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:.0f}" height="{HEIGHT}" '
        f'role="img" aria-label="{said}" font-family="system-ui, Noto Sans, sans-serif" '
        f'font-size="{SIZE}" fill="#fff"><title>{said}</title>'
        f'<rect width="{left:.1f}" height="{HEIGHT}" fill="#51605b"/>'
        f'<rect x="{left:.1f}" width="{right:.1f}" height="{HEIGHT}" fill="#0b5d4e"/>'
        f'<text x="{PADDING}" y="14">{escape(name)}</text>'
        f'<text x="{left + PADDING:.1f}" y="14" font-weight="700">{escape(words)}</text></svg>'
    )
