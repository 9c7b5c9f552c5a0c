"""`/dasbor/pelaporan`: which agency reported which month, as a coloured table."""

from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import Query
from fastapi.responses import HTMLResponse

from services.gateway.portal.dashboard.reporting_chart import (
    calendar_chart,
    is_asked,
    reporting_months,
)
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.upload.labels import LABELS
from services.platform.router import Router
from services.platform.service import API
from services.platform.types import Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/dasbor/pelaporan")
async def reporting(
    page: CurrentPage, tahun: Annotated[Year | None, Query(description="The year.")] = None
) -> HTMLResponse:
    """Show a year of each agency that must report, and name those that need not."""
    year = tahun or datetime.now(UTC).year
    try:
        agencies = await reporting_months(page, year)
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "reporting.html",
        labels=page.messages.labels(LABELS),
        year=year,
        months=[page.messages.month_abbreviation(n) for n in range(1, 13)],
        agencies=[(name, months) for name, months in agencies.items() if is_asked(months)],
        not_asked=[name for name, months in agencies.items() if not is_asked(months)],
        chart=calendar_chart(page, year, agencies),
        data=f"{API}/usage/completeness?from={year}-01&to={year}-12",
    )
