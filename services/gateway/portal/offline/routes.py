"""The catalogue as one document that a device stores."""

import asyncio
from datetime import UTC, datetime

import httpx
from fastapi import APIRouter, Request

from services.catalog.client import CatalogClient, ServiceDetail
from services.gateway.portal.offline.catalogue import CatalogueRecords, offline_catalog
from services.gateway.portal.offline.schemas import OfflineCatalog
from services.gateway.portal.posters.codes import Poster, list_posters
from services.gateway.portal.posters.routes import poster_target
from services.gateway.portal.service_clients import catalog_client
from services.gateway.portal.service_texts import ServiceTexts
from services.platform.database import ReadSessionDep
from services.platform.languages import SOURCE_LANGUAGE
from services.platform.local_time import get_zone
from services.platform.parameters import LanguageQuery
from services.platform.problems import Conflict, Unavailable, problem_responses
from services.platform.service import API, get_region
from services.platform.translation import translator

router = APIRouter(tags=["catalog"], responses=problem_responses(401, 422))

AT_ONCE = 8
"""Services that are asked for at a time."""


@router.get(
    f"{API}/offline-catalog",
    operation_id="get_offline_catalog",
    responses=problem_responses(409, 503),
    response_model_exclude_defaults=True,
)
async def get_offline_catalog(
    request: Request, session: ReadSessionDep, lang: LanguageQuery = SOURCE_LANGUAGE
) -> OfflineCatalog:
    """Return the whole catalogue in words, for devices that work without a network.

    What to bring, cost, time, places and steps of each service, the codes of posters, and what each
    word scores in a search. Nothing in it is of a moment, so that its entity tag changes with the
    catalogue only. A catalogue with more services than a device stores is answered 409.
    """
    try:
        records = await _read(catalog_client(request))
    except httpx.HTTPError:
        raise Unavailable("The catalogue does not answer; try again shortly.") from None
    if records is None:
        detail = f"The catalogue is too large for a device; use GET {API}/services?query="
        raise Conflict(detail)
    posters = await list_posters(session, get_region(request))
    texts = ServiceTexts(translator(lang), datetime.now(UTC), get_zone(request))
    return await asyncio.to_thread(offline_catalog, records, _leading_to(posters), texts)


async def _read(catalog: CatalogClient) -> CatalogueRecords | None:
    """Return what the catalogue publishes; None if it is too large for a device."""
    search = await catalog.get_search_terms()
    if search is None:
        return None
    limit = asyncio.Semaphore(AT_ONCE)

    async def find(slug: str) -> ServiceDetail | None:
        async with limit:
            return await catalog.find_service(slug)

    found = await asyncio.gather(*(find(slug) for slug in search.services))
    return CatalogueRecords(
        services=[detail for detail in found if detail is not None],
        places=await catalog.list_all_places(),
        life_events=await catalog.list_life_events(),
        search=search,
    )


def _leading_to(posters: list[Poster]) -> dict[str, str]:
    return {poster.code: str(poster_target(poster)) for poster in posters}
