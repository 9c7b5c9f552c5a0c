"""The page `/cari`: what a search found, what it perhaps meant, and how to narrow it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import httpx
from fastapi import Query, Request
from fastapi.responses import HTMLResponse
from pydantic import StringConstraints

from services.catalog.client import ChannelKind, SearchFacets
from services.gateway.portal.announcements import announcements_with
from services.gateway.portal.labels import CHANNELS, FACETS
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.page_links import next_page, page_address
from services.gateway.portal.scripts import allow_scripts
from services.gateway.regency.districts import list_districts
from services.platform.database import ReadSessionDep
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import TEXT_PATTERN, DistrictCode, Slug

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PAGE_SIZE = 40
"""Services on a page: what a slow connection loads at once."""
MOST_FACET_LINKS = 6
"""Values of a facet that a page offers."""

Search = Annotated[
    str | None,
    StringConstraints(pattern=TEXT_PATTERN, max_length=200),
    Query(alias="q", description="Search text."),
]


@router.get("/cari")
async def search(
    request: Request,
    session: ReadSessionDep,
    page: CurrentPage,
    *,
    q: Search = None,
    agency: Slug | None = None,
    life_event: Slug | None = None,
    channel: ChannelKind | None = None,
    place: Slug | None = None,
    district: DistrictCode | None = None,
    open_now: Literal["true"] | None = None,
    cursor: Slug | None = None,
) -> HTMLResponse:
    """List the services that a query asks for, best first, and what it perhaps meant."""
    text, region = (q or "").strip(), get_region(request)
    if not text:
        empty = page.render("search.html", query="", services=[], search=None, announcements=[])
        return allow_scripts(empty)
    chosen = {
        "agency": agency,
        "life_event": life_event,
        "channel": channel,
        "place": place,
        "district": district,
        "open_now": open_now,
    }
    filters = {name: value for name, value in chosen.items() if value is not None}
    try:
        found = await page.catalog.search_services(
            text,
            agency=agency,
            life_event=life_event,
            channel=channel,
            place=place,
            district=district,
            open_now=open_now,
            cursor=cursor,
            limit=PAGE_SIZE,
        )
    except httpx.HTTPError:
        return page.unavailable()
    query = {"q": text, **filters}
    response = page.render(
        "search.html",
        query=text,
        services=found.items,
        announcements=[] if cursor else await announcements_with(session, region, text),
        day=page.local_date,
        total=found.total,
        search=found.search,
        facets=[]
        if found.search is None
        else _facets(
            page,
            found.search.facets,
            query,
            districts=dict(await list_districts(session, region)),
        ),
        chosen=filters,
        all_results=page_address(page, "/cari", {"q": text}),
        corrected=None
        if found.search is None or found.search.corrected is None
        else page_address(page, "/cari", {"q": found.search.corrected}),
        more=next_page(page, found.next, query, path="/cari"),
        data=str(httpx.URL(f"{API}/services", params={"query": text, **filters})),
    )
    return allow_scripts(response)


@dataclass(frozen=True)
class FacetLink:
    """A link that narrows a search to the services with a value."""

    name: str
    count: int
    address: str


def _facets(
    page: Page, facets: SearchFacets, query: Mapping[str, str], *, districts: Mapping[str, str]
) -> list[tuple[str, list[FacetLink]]]:
    """Return the facets that narrow a search, each with its heading and its links.

    One value alone narrows nothing, unless it is that a place is open now.
    """
    channels = page.messages.labels(CHANNELS)
    headings = page.messages.labels(FACETS)
    values: dict[str, list[tuple[str, str, int]]] = {
        "agency": [(one.value, page.in_language(one, "name"), one.count) for one in facets.agency],
        "life_event": [
            (one.value, page.in_language(one, "name"), one.count) for one in facets.life_event
        ],
        "channel": [(one.value, channels[one.value], one.count) for one in facets.channel],
        "place": [(one.value, page.in_language(one, "name"), one.count) for one in facets.place],
        "district": [
            (one.value, districts.get(one.value, one.value), one.count) for one in facets.district
        ],
        "open_now": [("true", page.messages.gettext("Buka sekarang"), facets.open_now)]
        if facets.open_now and "open_now" not in query
        else [],
    }
    return [
        (
            headings[parameter],
            [
                FacetLink(name, count, page_address(page, "/cari", {**query, parameter: value}))
                for value, name, count in some[:MOST_FACET_LINKS]
            ],
        )
        for parameter, some in values.items()
        if len(some) > (parameter != "open_now")
    ]
