"""The page `/komponen`: the design system, each component by the macro that pages use."""

from datetime import UTC, datetime

import httpx
from fastapi.responses import HTMLResponse

from services.gateway.link_monitoring.reason_texts import STATE_NAMES
from services.gateway.portal.icons import FILES
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.portal_states import PortalState
from services.gateway.portal.service_texts import ServiceTexts
from services.platform.router import Router

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

SIZES = ("title", "heading", "lead", "body", "small")
"""The type scale of the style sheet, largest first."""
COLOURS = ("main", "accent", "ink", "soft", "line", "wash", "warm", "warm-wash")
SHOWN = 2
"""Entries of the catalogue that a list shows as an example."""


@router.get("/komponen")
async def components(page: CurrentPage) -> HTMLResponse:
    """Show type, colours, icons and components, with entries of the catalogue as examples."""
    messages = page.messages
    try:
        services = (await page.catalog.list_services(limit=SHOWN)).items
        details = [await page.catalog.find_service(each.slug) for each in services[:1]]
        places = (await page.catalog.list_places())[:SHOWN]
        life_events = (await page.catalog.list_life_events())[:SHOWN]
    except httpx.HTTPError:
        return page.unavailable()
    appearance = None if page.regency is None else page.regency.appearance
    return page.render(
        "components.html",
        sizes=SIZES,
        colours=COLOURS,
        icons=list(FILES),
        services=services,
        sources=[source for detail in details if detail for source in detail.sources[:SHOWN]],
        places=places,
        life_events=life_events,
        states=[
            PortalState("ok", messages.translate(STATE_NAMES["ok"])),
            PortalState("caution", messages.translate(STATE_NAMES["caution"])),
            PortalState("broken", messages.gettext("terganggu sejak %(since)s", since="09.40")),
            PortalState("pending", messages.gettext("keadaannya belum diketahui")),
        ],
        texts=ServiceTexts(messages, datetime.now(UTC), page.zone),
        motif=None if appearance is None else appearance.motif,
    )
