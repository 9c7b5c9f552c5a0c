"""Agencies: `/instansi` lists them, `/instansi/{slug}` shows where one is and what it gives."""

from datetime import UTC, datetime

import httpx
from fastapi.responses import HTMLResponse

from services.gateway.portal.page import CurrentPage
from services.gateway.portal.service_texts import ServiceTexts
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service import API

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PAGE_SIZE = 40
"""Services on the page of an agency; the others are in its list."""


@router.get("/instansi")
async def agencies(page: CurrentPage) -> HTMLResponse:
    """List the agencies that give services."""
    try:
        found = await page.catalog.list_agencies()
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "agencies.html",
        agencies=[agency for agency in found if agency.services],
        data=f"{API}/agencies",
    )


@router.get("/instansi/{slug}")
async def agency(page: CurrentPage, slug: SlugPath) -> HTMLResponse:
    """Show the places of an agency, how to reach it, and its services."""
    try:
        detail = await page.catalog.find_agency_detail(slug)
        if detail is None:
            return page.not_found()
        places = await page.catalog.list_places(agency=slug)
        services = await page.catalog.list_services(agency=slug, limit=PAGE_SIZE)
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "agency.html",
        detail=detail,
        places=places,
        services=services.items,
        has_more=services.next is not None,
        texts=ServiceTexts(page.messages, datetime.now(UTC), page.zone),
        data=detail.href,
    )
