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


async def find_services(request: Request, written: WrittenAnnouncement) -> list[ServiceNames]:
    """Return the services that an announcement concerns.

    Raise `Conflict` with what the catalogue does not have, `Unavailable` if it does not answer.
    """
    catalog = CatalogClient(request.app.state.clients[Service.catalog])
    try:
        agency = await catalog.find_agency(written.agency)
        details = await asyncio.gather(*map(catalog.find_service, written.services))
    except httpx.HTTPError:
        raise Unavailable("The catalogue is unavailable; try again shortly.") from None
    errors = [
        FieldError(
            pointer=json_pointer(("services", n)),
            parameter=None,
            detail=f"there is no service {slug!r}; {API}/services lists all of them",
        )
        for n, (slug, detail) in enumerate(zip(written.services, details, strict=True))
        if detail is None
    ]
    if agency is None:
        detail = f"there is no agency {written.agency!r}; {API}/agencies lists all of them"
        errors.append(FieldError(pointer="#/agency", parameter=None, detail=detail))
    if errors:
        raise Conflict("The announcement names what does not exist; see errors[].", errors=errors)
    return [
        ServiceNames(one.service.slug, one.service.name, one.service.name_en, ())
        for one in details
        if one is not None
    ]
