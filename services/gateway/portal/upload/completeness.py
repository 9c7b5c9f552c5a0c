"""`/dasbor/pelaporan`: which agency reported which month, as a coloured table."""

from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.feedback.client import ReportingMonth
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.upload.labels import LABELS
from services.platform.service import API
from services.platform.types import Year

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/dasbor/pelaporan")
async def reporting(
    page: CurrentPage, tahun: Annotated[Year | None, Query(description="The year.")] = None
) -> HTMLResponse:
    """Show a year of each agency that must report, and name those that need not."""
    year = tahun or datetime.now(UTC).year
    try:
        items = await page.feedback.list_reporting_months(first=f"{year}-01", last=f"{year}-12")
        found = await page.catalog.list_agencies()
    except httpx.HTTPError:
        return page.unavailable()
    names = {item.slug: item.short_name for item in found}
    agencies: dict[str, list[ReportingMonth | None]] = {}
    for item in items:
        months = agencies.setdefault(item.agency, [None] * 12)
        months[int(item.period[-2:]) - 1] = item
    asked = {item.agency for item in items if item.state != "not_asked"}
    return page.render(
        "reporting.html",
        labels=page.messages.labels(LABELS),
        year=year,
        months=[page.messages.month_abbreviation(n) for n in range(1, 13)],
        agencies=[
            (names.get(slug, slug), each) for slug, each in agencies.items() if slug in asked
        ],
        not_asked=[names.get(slug, slug) for slug in agencies if slug not in asked],
        data=f"{API}/usage/completeness?from={year}-01&to={year}-12",
    )
