"""`/dasbor/{year}/tayangan`: the charts of a year one at a time, in large type, for a meeting."""

from datetime import datetime

import httpx
from fastapi.responses import HTMLResponse

from services.gateway.portal.dashboard.chart_routes import YearPath
from services.gateway.portal.dashboard.figures import figure, range_text
from services.gateway.portal.dashboard.score_charts import elements_chart, trend_chart
from services.gateway.portal.dashboard.year_scores import assessed_years
from services.gateway.portal.page import CurrentPage
from services.platform.router import Router

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

SHOWN_LEVERS = 5


@router.get("/dasbor/{tahun}/tayangan")
async def presentation(page: CurrentPage, tahun: YearPath) -> HTMLResponse:
    """Show the index, the years, the elements and what can be done, each filling the screen."""
    if tahun > datetime.now(page.zone).year:
        return page.not_found()
    try:
        years = await assessed_years(page, tahun)
        shown = years.shown
        levers = (
            [] if shown.stored is None else await page.assessment.list_levers(shown.stored.href)
        )
    except httpx.HTTPError:
        return page.unavailable()
    charts = [] if not years.stored else [trend_chart(page, years.stored, shown)]
    index = shown.scores.index
    return page.render(
        "dashboard-presentation.html",
        year=shown.period,
        index=index,
        value=figure(page.messages, index.value),
        bounds=range_text(page.messages, index.proven, index.possible),
        known=shown.known_indicators(),
        charts=[*charts, elements_chart(page, shown)],
        levers=levers[:SHOWN_LEVERS],
    )
