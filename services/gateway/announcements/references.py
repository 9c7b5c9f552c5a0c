"""What announcements name of the catalogue: their agency and the services that they concern."""

import asyncio

import httpx
from fastapi import Request

from services.catalog.client import CatalogClient
from services.gateway.announcements.records import WrittenAnnouncement
from services.gateway.connectors.announcements.service_matching import ServiceNames
from services.platform.problems import Conflict, FieldError, Unavailable, json_pointer
from services.platform.service import API
from services.platform.settings import Service
from services.platform.translation import N_, localized


async def find_services(request: Request, written: WrittenAnnouncement) -> list[ServiceNames]:
    """Return the services that an announcement concerns.

    Raise `Conflict` with what the catalogue does not have, `Unavailable` if it does not answer.
    """
    catalog = CatalogClient(request.app.state.clients[Service.catalog])
    try:
        agency = await catalog.find_agency(written.agency)
        details = await asyncio.gather(*map(catalog.find_service, written.services))
    except httpx.HTTPError:
        away = N_("Katalog sedang tidak menjawab; coba lagi sebentar.")
        raise Unavailable(localized(away)) from None
    errors = [
        FieldError.at(
            json_pointer(("services", n)),
            localized(
                N_("tidak ada layanan '%(key)s'; %(list)s memuat semuanya"),
                key=slug,
                list=f"{API}/services",
            ),
        )
        for n, (slug, detail) in enumerate(zip(written.services, details, strict=True))
        if detail is None
    ]
    if agency is None:
        no_agency = N_("tidak ada instansi '%(key)s'; %(list)s memuat semuanya")
        detail = localized(no_agency, key=written.agency, list=f"{API}/agencies")
        errors.append(FieldError.at("#/agency", detail))
    if errors:
        raise Conflict(
            localized(N_("Pengumuman ini menyebut yang tidak ada; lihat errors[].")), errors=errors
        )
    return [
        ServiceNames(one.service.slug, one.service.name, one.service.name_en, ())
        for one in details
        if one is not None
    ]
