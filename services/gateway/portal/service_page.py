"""The page of a service, `/layanan/{slug}`, in the order of a citizen's questions.

`/layanan/{slug}/membantu` takes whether it helped and thanks for the answer.
"""

from datetime import UTC, datetime

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import select

from services.gateway.link_monitoring.health import read_link_health
from services.gateway.link_monitoring.records import LinkRecord
from services.gateway.portal.announcements import announcements_about
from services.gateway.portal.discovery import structured_data
from services.gateway.portal.labels import STANDARD_COMPONENTS
from services.gateway.portal.link_notices import link_notices
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.page_links import page_address
from services.gateway.portal.portal_states import portal_states
from services.gateway.portal.service_texts import ServiceTexts
from services.platform.database import ReadSessionDep
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.service_client import RequestRejectedError
from services.platform.types import Slug

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

ANSWERS = {"ya": True, "tidak": False}


@router.get("/layanan/{slug}")
async def service(
    request: Request,
    session: ReadSessionDep,
    page: CurrentPage,
    slug: SlugPath,
    case: Slug | None = None,
) -> HTMLResponse:
    """Show what to bring, cost, time, place and steps of a service, then its whole standard.

    `case` is the case that is open, such as `hilang`; one that the service does not have is
    ignored.
    """
    try:
        detail = await page.catalog.find_service(slug)
        places = (
            await page.catalog.list_places(service=slug)
            if detail is not None and detail.service.places
            else []
        )
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None:
        return page.not_found()
    region, now = get_region(request), datetime.now(UTC)
    rows = await session.execute(select(LinkRecord).where(LinkRecord.region == region))
    links = {row.slug: row.content for row in rows.scalars()}
    health = await read_link_health(session, region, now=now)
    return page.render(
        "service.html",
        detail=detail,
        service=detail.service,
        chosen=case,
        places=places,
        documents={document.slug: document for document in detail.document_types},
        services={other.slug: other for other in detail.services},
        texts=ServiceTexts(page.messages, now, page.zone),
        links=links,
        states=portal_states(health, page.messages, now=now, zone=page.zone),
        announcements=await announcements_about(session, region, slug),
        day=page.local_date,
        notices=link_notices(
            detail,
            health,
            {slug: page.in_language(link, "title") for slug, link in links.items()},
            now=now,
            zone=page.zone,
            language=page.language,
        ),
        names=page.messages.labels(STANDARD_COMPONENTS),
        numbers={source.id: number for number, source in enumerate(detail.sources, 1)},
        amendments={source.id: source for source in detail.amendments},
        own_address=page.site_address + page_address(page, f"/layanan/{slug}", {}),
        data=detail.href,
        structured_data=structured_data(
            detail, region_name=page.regency.name if page.regency else region
        ),
    )


@router.post("/layanan/{slug}/membantu")
async def say_whether_helpful(request: Request, page: CurrentPage, slug: SlugPath) -> Response:
    """Count whether the page of a service helped: `jawaban` is `ya` or `tidak`."""
    helpful = ANSWERS.get(str((await request.form()).get("jawaban")))
    if helpful is None:
        return RedirectResponse(page_address(page, f"/layanan/{slug}", {}), status_code=303)
    try:
        await page.feedback.say_whether_helpful(slug, helpful=helpful, headers=page.sender_headers)
    except RequestRejectedError:
        return page.not_found()
    except httpx.HTTPError:
        return page.unavailable()
    return RedirectResponse(page_address(page, f"/layanan/{slug}/membantu", {}), status_code=303)


@router.get("/layanan/{slug}/membantu")
async def thank_for_answer(page: CurrentPage, slug: SlugPath) -> HTMLResponse:
    """Thank for the answer, and lead on to telling more."""
    try:
        detail = await page.catalog.find_service(slug)
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None:
        return page.not_found()
    return page.render("helpfulness.html", service=detail.service)
