"""What the hub is, who keeps it, and how it is used: `/tentang`, `/kontak`, `/bantuan` and
`/aksesibilitas`.

Names, addresses and numbers come from the pack, the catalogue and the settings; what is not
known is left out.
"""

from datetime import UTC, datetime

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlmodel import select

from services.gateway.link_monitoring.records import LinkRecord
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.service_texts import ServiceTexts
from services.platform.database import ReadSessionDep
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Settings

router = Router(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/tentang")
async def about(page: CurrentPage) -> HTMLResponse:
    """Say what the hub does and does not do, who keeps it, and where its facts come from."""
    try:
        agencies = await page.catalog.list_agencies()
    except httpx.HTTPError:
        return page.unavailable()
    giving = [agency for agency in agencies if agency.services]
    leading = None if page.regency is None else page.regency.lead_agency
    return page.render(
        "about.html",
        keeper=next((agency for agency in agencies if agency.slug == leading), None),
        services=sum(agency.services for agency in giving),
        agencies=len(giving),
    )


@router.get("/kontak")
async def contact(request: Request, session: ReadSessionDep, page: CurrentPage) -> HTMLResponse:
    """Show how to reach the hub, the agency that keeps it, and the national complaint portals."""
    leading = None if page.regency is None else page.regency.lead_agency
    try:
        keeper = None if leading is None else await page.catalog.find_agency_detail(leading)
        places = [] if keeper is None else await page.catalog.list_places(agency=keeper.agency.slug)
    except httpx.HTTPError:
        return page.unavailable()
    rows = await session.execute(select(LinkRecord).where(LinkRecord.region == get_region(request)))
    settings: Settings = request.app.state.settings
    return page.render(
        "contact.html",
        keeper=None if keeper is None else keeper.agency,
        places=places,
        complaint_portals=[
            row.content for row in rows.scalars() if row.content["kind"] == "complaint"
        ],
        security_contacts=(settings.security_contact or "").split(),
        texts=ServiceTexts(page.messages, datetime.now(UTC), page.zone),
    )


@router.get("/bantuan")
async def help_(page: CurrentPage) -> HTMLResponse:
    """Explain how a service is found, requested, rated and complained about."""
    return page.render("help.html")


@router.get("/aksesibilitas")
async def accessibility(page: CurrentPage) -> HTMLResponse:
    """Say what the pages hold to, how that is tested, and where a barrier is reported."""
    return page.render("accessibility.html")
