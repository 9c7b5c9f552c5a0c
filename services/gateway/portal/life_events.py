"""Life events: `/peristiwa` lists them, `/peristiwa/{slug}` leads to the cases of services."""

import httpx
from fastapi.responses import HTMLResponse

from services.gateway.portal.page import CurrentPage
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service import API

router = Router(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/peristiwa")
async def life_events(page: CurrentPage) -> HTMLResponse:
    """List the life events that have services, those of people before those of businesses."""
    try:
        found = await page.catalog.list_life_events()
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "life-events.html",
        life_events=sorted(
            (event for event in found if event.services), key=lambda event: event.kind == "business"
        ),
        data=f"{API}/life-events",
    )


@router.get("/peristiwa/{slug}")
async def life_event(page: CurrentPage, slug: SlugPath) -> HTMLResponse:
    """Show the services for a life event, each with its cases."""
    try:
        detail = await page.catalog.find_life_event(slug)
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None:
        return page.not_found()
    return page.render("life-event.html", detail=detail, data=detail.href)
