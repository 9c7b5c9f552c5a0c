"""The pages `/`, the list `/layanan`, `/tempat`, and `/docs` for developers."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from sqlmodel import col, select

from services.gateway.api_docs.openapi import HubDocuments
from services.gateway.api_docs.reference import groups_of, models_of
from services.gateway.link_monitoring.health import read_link_health
from services.gateway.link_monitoring.records import LinkRecord
from services.gateway.portal.announcements import latest_announcements
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.page_links import next_page
from services.gateway.portal.popular import popular_services
from services.gateway.portal.portal_states import portal_states
from services.gateway.portal.scripts import allow_scripts
from services.gateway.portal.service_texts import ServiceTexts
from services.gateway.portal.templating import environment
from services.platform.database import ReadSessionDep
from services.platform.languages import Language
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Slug

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PAGE_SIZE = 40
"""Services on a page of the list: what a slow connection loads at once."""
ANY_HOST = "\ue000"
"""Stands for the hub's address in a reference, which is made once for all: a private character."""
MOST_EVENTS = 8
"""Life events on the front page; the others are one tap further."""


@router.get("/")
async def home(request: Request, session: ReadSessionDep, page: CurrentPage) -> HTMLResponse:
    """Show the search, the life events, the portals with their state, and who helps."""
    try:
        life_events = await page.catalog.list_life_events()
    except httpx.HTTPError:
        return page.unavailable()
    region, now = get_region(request), datetime.now(UTC)
    links = await session.execute(
        select(LinkRecord).where(LinkRecord.region == region).order_by(col(LinkRecord.slug))
    )
    health = await read_link_health(session, region, now=now)
    response = page.render(
        "home.html",
        portals=[row.content for row in links.scalars() if row.content["e_mall"]],
        states=portal_states(health, page.messages, now=now, zone=page.zone),
        life_events=[event for event in life_events if event.services],
        most_events=MOST_EVENTS,
        popular=await popular_services(page, now=now),
        announcements=await latest_announcements(session, region),
        day=page.local_date,
    )
    return allow_scripts(response)


@router.get("/layanan")
async def services(
    page: CurrentPage,
    agency: Slug | None = None,
    life_event: Slug | None = None,
    cursor: Slug | None = None,
) -> HTMLResponse:
    """List all services, or those of an agency or a life event."""
    filters = {"agency": agency, "life_event": life_event, "cursor": cursor}
    query = {name: value for name, value in filters.items() if value is not None}
    try:
        found = await page.catalog.list_services(
            agency=agency, life_event=life_event, cursor=cursor, limit=PAGE_SIZE
        )
        heading = await _heading(page, agency=agency, life_event=life_event)
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "services.html",
        heading=heading,
        services=found.items,
        more=next_page(page, found.next, query, path="/layanan"),
        data=str(httpx.URL(f"{API}/services", params=query)),
    )


@router.get("/tempat/{slug}")
async def place(page: CurrentPage, slug: SlugPath) -> HTMLResponse:
    """Show a place: whether it is open, how to reach it, and the services given there."""
    try:
        detail = await page.catalog.find_place(slug)
        opening = None if detail is None else await page.catalog.find_opening(slug)
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None or opening is None:
        return page.not_found()
    now = datetime.now(UTC)
    return page.render(
        "place.html",
        detail=detail,
        opening=opening,
        today=now.astimezone(page.zone).date(),
        texts=ServiceTexts(page.messages, now, page.zone),
        data=detail.href,
    )


@router.get("/docs")
async def docs(request: Request, page: CurrentPage) -> HTMLResponse:
    """Show the API reference: each operation with parameters, responses and a `curl` line."""
    documents: HubDocuments = request.app.state.documents
    document = await documents.read()

    async def make() -> str:
        # It takes most of a second, in which others are answered.
        return await asyncio.to_thread(_reference, document.content, page.language)

    reference = Markup(await document.references.get(page.language, make))  # noqa: S704 - escaped by its template
    host = str(request.base_url).rstrip("/")
    return page.render(
        "docs.html", reference=reference.replace(ANY_HOST, host), data="/openapi.json"
    )


def _reference(document: Mapping[str, Any], language: Language) -> str:
    """Return the reference as HTML, with `ANY_HOST` in the place of the hub's address."""
    models = models_of(document)
    return (
        environment(language)
        .get_template("api-reference.html")
        .render(
            document=document,
            groups=groups_of(document, host=ANY_HOST),
            models=models,
            model_names={model.name for model in models},
        )
    )


async def _heading(page: Page, *, agency: str | None, life_event: str | None) -> str | None:
    """Return the name of the agency or life event that filters the list."""
    if agency is not None:
        found = await page.catalog.find_agency(agency)
    elif life_event is not None:
        events = await page.catalog.list_life_events()
        found = next((event for event in events if event.slug == life_event), None)
    else:
        found = None
    return None if found is None else page.in_language(found, "name")
