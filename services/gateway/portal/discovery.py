"""What search engines read: `/sitemap.xml`, `/robots.txt`, and services as structured data."""

from datetime import datetime
from typing import TypeAlias
from xml.etree import ElementTree

import httpx
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from services.catalog.client import ServiceDetail
from services.gateway.portal.service_clients import catalog_client
from services.platform.problems import NotFound, Unavailable
from services.platform.settings import Settings

router = APIRouter(include_in_schema=False)

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
PAGES = (
    "/",
    "/layanan",
    "/peristiwa",
    "/pengumuman",
    "/status",
    "/survei",
    "/aduan",
    "/dasbor",
    "/privasi",
)
NOT_FOR_ROBOTS = ("/go/", "/s/", "/cari", "/unggah", "/aduan/", "/api/")
MAX_SERVICES = 49_000
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
    """List the pages and the page of each service, with the day of its last change."""
    settings: Settings = request.app.state.settings
    url = settings.public_address
    if url is None:
        raise NotFound("The operator of this hub has set no EMALL_PUBLIC_URL.")
    try:
        services = await catalog_client(request).list_all_services(most=MAX_SERVICES)
    except httpx.HTTPError:
        raise Unavailable("The catalogue cannot be read at the moment.") from None
    ElementTree.register_namespace("", SITEMAP)
    root = ElementTree.Element(f"{{{SITEMAP}}}urlset")
    for path in PAGES:
        _add(root, f"{url}{path}")
    for service in services:
        _add(root, f"{url}/layanan/{service.slug}", service.modified_at)
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(content, media_type="application/xml")


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
