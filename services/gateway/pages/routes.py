"""The citizens' pages: `/`, `/layanan`, `/layanan/{slug}`, `/cari`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import StringConstraints
from sqlmodel import col, select

from services.gateway.links.records import LinkRecord
from services.gateway.pages.words import Language, component_names, words_in
from services.platform.database import Reading
from services.platform.fields import TEXT_PATTERN, Slug
from services.platform.parameters import SlugPath
from services.platform.service import API, VERSION, region_of
from services.platform.settings import Service

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

LanguageQuery = Annotated[Literal["id", "en"], Query(alias="lang")]
Search = Annotated[
    str | None,
    StringConstraints(pattern=TEXT_PATTERN, max_length=200),
    Query(alias="q", description="What is looked for."),
]


def render(
    request: Request,
    template: str,
    language: Language,
    *,
    status: int = 200,
    data: str | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page; `data` is the address of its JSON twin."""
    html = templates.get_template(template).render(
        w=words_in(language),
        language=language,
        other=request.url.include_query_params(lang="en" if language == "id" else "id"),
        in_language=lambda item, name: item.get(f"{name}_en") if language == "en" else item[name],
        suffix="?lang=en" if language == "en" else "",
        joined="&lang=en" if language == "en" else "",
        version=VERSION,
        data=data,
        **values,
    )
    return HTMLResponse(
        html,
        status_code=status,
        headers={
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Content-Language": language,
        },
    )


async def from_catalog(
    request: Request, path: str, query: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """The catalogue's answer; None where it has nothing under this address."""
    clients: dict[Service, httpx.AsyncClient] = request.app.state.clients
    answer = await clients[Service.catalog].get(f"{API}{path}", params=dict(query or {}))
    if answer.status_code == 404:
        return None
    document: dict[str, Any] = answer.raise_for_status().json()
    return document


@router.get("/")
async def home(
    request: Request, session: Reading, language: LanguageQuery = "id"
) -> HTMLResponse:
    """The search, the portals, and the ways in by life event and agency."""
    try:
        life_events = await from_catalog(request, "/life-events")
        agencies = await from_catalog(request, "/agencies", {"limit": "100"})
    except httpx.HTTPError:
        return unavailable(request, language)
    assert life_events is not None
    assert agencies is not None
    links = await session.execute(
        select(LinkRecord)
        .where(LinkRecord.region == region_of(request))
        .order_by(col(LinkRecord.slug))
    )
    portals = [row.content for row in links.scalars() if row.content["e_mall"]]
    return render(
        request,
        "home.html",
        language,
        portals=portals,
        life_events=life_events["items"],
        agencies=[agency for agency in agencies["items"] if agency["services"]],
    )


@router.get("/layanan")
async def services(
    request: Request,
    language: LanguageQuery = "id",
    agency: Slug | None = None,
    life_event: Slug | None = None,
    cursor: Slug | None = None,
) -> HTMLResponse:
    """All services, or those of an agency or a life event."""
    query = {
        name: value
        for name, value in (("agency", agency), ("life_event", life_event), ("cursor", cursor))
        if value is not None
    }
    try:
        page = await from_catalog(request, "/services", query | {"limit": "100"})
    except httpx.HTTPError:
        return unavailable(request, language)
    assert page is not None
    return render(
        request,
        "services.html",
        language,
        services=page["items"],
        more=_next_page(page, query, language),
        data=str(httpx.URL(f"{API}/services", params=query)),
    )


@router.get("/cari")
async def search(
    request: Request, q: Search = None, language: LanguageQuery = "id"
) -> HTMLResponse:
    """The services that fit a query, best first."""
    text = (q or "").strip()
    if not text:
        return render(request, "search.html", language, query="", services=[])
    try:
        page = await from_catalog(request, "/services", {"query": text, "limit": "50"})
    except httpx.HTTPError:
        return unavailable(request, language)
    assert page is not None
    return render(
        request,
        "search.html",
        language,
        query=text,
        services=page["items"],
        data=str(httpx.URL(f"{API}/services", params={"query": text})),
    )


@router.get("/layanan/{slug}")
async def service(
    request: Request, session: Reading, slug: SlugPath, language: LanguageQuery = "id"
) -> HTMLResponse:
    """One service: the way to it first, then its standard, then its sources."""
    try:
        detail = await from_catalog(request, f"/services/{slug}")
    except httpx.HTTPError:
        return unavailable(request, language)
    if detail is None:
        return not_found(request, language)
    links = await session.execute(
        select(LinkRecord).where(LinkRecord.region == region_of(request))
    )
    return render(
        request,
        "service.html",
        language,
        detail=detail,
        service=detail["service"],
        links={row.slug: row.content for row in links.scalars()},
        names=component_names(language),
        source_titles={source["id"]: source["title"] for source in detail["sources"]},
        data=detail["href"],
    )


def not_found(request: Request, language: Language) -> HTMLResponse:
    """What a citizen sees at an address that is none."""
    return render(request, "not-found.html", language, status=404)


def unavailable(request: Request, language: Language) -> HTMLResponse:
    """What a citizen sees while the catalogue does not answer."""
    return render(request, "unavailable.html", language, status=503)


def _next_page(page: Mapping[str, Any], query: Mapping[str, str], language: Language) -> str | None:
    if page["next"] is None:
        return None
    cursor = httpx.URL(page["next"]).params["cursor"]
    return str(
        httpx.URL("/layanan", params={**query, "cursor": cursor, "lang": language})
    )
