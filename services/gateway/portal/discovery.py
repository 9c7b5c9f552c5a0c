"""What search engines and browsers read: `/sitemap.xml`, `/robots.txt`, the web manifest, canonical
addresses, and services as structured data."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias
from xml.etree import ElementTree

import httpx
from fastapi import Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse

from services.catalog.client import ServiceDetail
from services.gateway.portal.appearance import OWN_COLOURS
from services.gateway.portal.assets import asset
from services.gateway.portal.service_clients import catalog_client
from services.platform.database import ReadSessionDep
from services.platform.problems import NotFound, Unavailable
from services.platform.regency import find_regency
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Service, Settings

router = Router(include_in_schema=False)

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
PAGES = (
    "/", "/layanan", "/peristiwa", "/instansi", "/pengumuman", "/status", "/survei", "/aduan",
    "/dasbor", "/tentang", "/kontak", "/bantuan", "/aksesibilitas", "/privasi",
)  # fmt: skip
NOT_FOR_ROBOTS = ("/go/", "/s/", "/cari", "/unggah", "/aduan/", "/api/")
NOT_CANONICAL = (*NOT_FOR_ROBOTS, "/kelola", "/komponen")
UNCHANGING = frozenset({"lang", "case"})
"""Query parameters beside which a page is the same: its language and the case that is open."""
MAX_SERVICES = 39_000
MAX_OTHERS = 10_000
"""A sitemap has 50,000 addresses at most."""

Value: TypeAlias = "str | int | list[Value] | dict[str, Value]"

AUDIENCES = {
    "citizen": "Warga",
    "business": "Pelaku usaha",
    "organisation": "Organisasi",
    "government": "Instansi pemerintah",
}


@router.get("/robots.txt", response_class=PlainTextResponse)
async def robots(request: Request) -> str:
    """Allow pages, and no addresses that count, search or belong to one person."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_ROBOTS)]
    settings: Settings = request.app.state.settings
    if settings.public_address is not None:
        lines.append(f"Sitemap: {settings.public_address}/sitemap.xml")
    return "".join(f"{line}\n" for line in lines)


@router.get("/sitemap.xml")
async def sitemap(request: Request) -> Response:
    """List the pages and those of life events, agencies, places, and services.

    Services have the moment of their last change.
    """
    settings: Settings = request.app.state.settings
    url = settings.public_address
    if url is None:
        raise NotFound("The operator of this hub has set no EMALL_PUBLIC_URL.")
    try:
        catalog = catalog_client(request)
        services = await catalog.list_all_services(most=MAX_SERVICES)
        others = [
            *(f"/peristiwa/{event.slug}" for event in await catalog.list_life_events()),
            *(f"/instansi/{agency.slug}" for agency in await catalog.list_agencies()),
            *(f"/tempat/{place.slug}" for place in await catalog.list_all_places()),
        ]
    except httpx.HTTPError:
        raise Unavailable("The catalogue cannot be read at the moment.") from None
    ElementTree.register_namespace("", SITEMAP)
    root = ElementTree.Element(f"{{{SITEMAP}}}urlset")
    for path in (*PAGES, *others[:MAX_OTHERS]):
        _add(root, f"{url}{path}")
    for service in services:
        _add(root, f"{url}/layanan/{service.slug}", service.modified_at)
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(content, media_type="application/xml")


@router.get("/manifest.webmanifest")
async def manifest(request: Request, session: ReadSessionDep) -> JSONResponse:
    """Return the name and icon with which a phone puts the hub on its home screen."""
    regency = await find_regency(session, Service.gateway, get_region(request))
    appearance = None if regency is None else regency.appearance
    colours = (None if appearance is None else appearance.colours) or OWN_COLOURS
    return JSONResponse(
        {
            "name": f"e-Mall {regency.name}" if regency else "e-Mall Pelayanan Publik",
            "short_name": "e-Mall",
            "lang": "id",
            "start_url": "/",
            "display": "minimal-ui",
            "background_color": "#ffffff",
            "theme_color": colours.primary,
            "icons": [{"src": asset("icon.svg"), "type": "image/svg+xml", "sizes": "any"}],
        },
        media_type="application/manifest+json",
    )


@router.get("/favicon.ico")
async def favicon() -> RedirectResponse:
    """Lead programs that ask for an icon without reading a page to it."""
    return RedirectResponse(asset("icon.svg"), status_code=302)


def canonical_address(request: Request, language_query: Mapping[str, str]) -> str | None:
    """Return the one public address of a page, for search engines and for sharing.

    None without a public address of the hub, for pages that are not for search engines, and for
    pages that a query filters.
    """
    settings: Settings = request.app.state.settings
    path = request.url.path
    if settings.public_address is None or path.startswith(NOT_CANONICAL):
        return None
    if not UNCHANGING.issuperset(request.query_params.keys()):
        return None
    return settings.public_address + str(httpx.URL(path, params=language_query))


def _add(root: ElementTree.Element, address: str, modified_at: datetime | None = None) -> None:
    entry = ElementTree.SubElement(root, f"{{{SITEMAP}}}url")
    ElementTree.SubElement(entry, f"{{{SITEMAP}}}loc").text = address
    if modified_at is not None:
        ElementTree.SubElement(entry, f"{{{SITEMAP}}}lastmod").text = modified_at.isoformat()


def structured_data(detail: ServiceDetail, *, region_name: str) -> dict[str, Value]:
    """Return a service as a `GovernmentService` of schema.org."""
    service, agency = detail.service, detail.agency
    found: dict[str, Value] = {
        "@context": "https://schema.org",
        "@type": "GovernmentService",
        "name": service.name,
        "description": service.summary,
        "inLanguage": "id",
        "areaServed": {"@type": "AdministrativeArea", "name": region_name},
        "audience": [
            {"@type": "Audience", "audienceType": AUDIENCES[code]} for code in service.audience
        ],
    }
    provider: dict[str, Value] = {"@type": "GovernmentOrganization", "name": agency.name}
    if agency.website is not None:
        provider["url"] = agency.website
    found["provider"] = provider
    if service.common_names:
        found["alternateName"] = list(service.common_names)
    fee = service.components.get("biaya_tarif")
    if fee is not None and fee.fee_idr is not None:
        found["offers"] = {"@type": "Offer", "price": fee.fee_idr, "priceCurrency": "IDR"}
    return found
