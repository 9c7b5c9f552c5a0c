"""`/dasbor/pelaporan`: which agency reported which month, as a coloured table."""

from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.gateway.portal.page import CurrentPage
from services.gateway.portal.upload.labels import LABELS
from services.platform.service import API
from services.platform.settings import Service
from services.platform.types import Year

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/dasbor/pelaporan")
async def reporting(
    page: CurrentPage, tahun: Annotated[Year | None, Query(description="The year.")] = None
) -> HTMLResponse:
    """Show a year of each agency that must report."""
    year = tahun or datetime.now(UTC).year
    path = f"{API}/usage/completeness?from={year}-01&to={year}-12"
    clients: dict[Service, httpx.AsyncClient] = page.request.app.state.clients
    try:
        answer = await clients[Service.feedback].get(path)
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        found = await page.from_catalog("/agencies", {"limit": "100"})
    except httpx.HTTPError:
        return page.unavailable()
    names = {item["slug"]: item["short_name"] for item in (found or {"items": []})["items"]}
    agencies: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        agencies.setdefault(item["agency"], []).append(item)
    return page.render(
        "reporting.html",
        labels=page.messages.labels(LABELS),
        year=year,
        months=[page.messages.month_abbreviation(n) for n in range(1, 13)],
        agencies=[(names.get(slug, slug), months) for slug, months in agencies.items()],
        data=path,
    )
