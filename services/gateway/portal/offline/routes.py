"""`/sw.js`, the page `/luring`, and the catalogue that a phone stores."""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.catalog.client import CatalogClient, ServiceDetail
from services.gateway.portal.assets import STATIC
from services.gateway.portal.offline.catalogue import CatalogueRecords, offline_catalog
from services.gateway.portal.offline.schemas import OfflineCatalog
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.posters.codes import Poster, list_posters
from services.gateway.portal.posters.routes import poster_target
from services.gateway.portal.scripts import script_response
from services.gateway.portal.service_clients import catalog_client
from services.gateway.portal.service_texts import ServiceTexts
from services.gateway.portal.templating import TEMPLATES
from services.platform.database import ReadSessionDep
from services.platform.languages import SOURCE_LANGUAGE
from services.platform.local_time import get_zone
from services.platform.parameters import LanguageQuery
from services.platform.problems import Conflict, Unavailable, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.translation import N_, Message, translator

router = Router(tags=["catalog"], responses=problem_responses(401, 422))

AT_ONCE = 8
"""Services that are asked for at a time."""
WORKER_PARTS = ("offline-search.js", "offline-pages.js", "offline-worker.js")
STORED_FILES = (*(STATIC / name for name in (*WORKER_PARTS, "offline.js", "emall.css")),
    TEMPLATES / "base.html", TEMPLATES / "offline.html")  # fmt: skip
WORDS: Mapping[str, Message] = {
    "home": N_("Apa yang Anda perlukan?"),
    "search": N_("Cari"),
    "stored": N_("Tanpa sinyal. Tersimpan {ago}; harga dan jam dapat berubah."),
    "none": N_("Tidak ada layanan yang cocok. Coba kata lain, atau lihat semua layanan."),
    "all": N_("Semua layanan"),
    "events": N_("Apa yang Anda alami?"),
    "case": N_("Mana yang Anda alami?"),
    "bring": N_("Bawa"),
    "cost": N_("Biaya"),
    "time": N_("Waktu"),
    "where": N_("Di mana"),
    "steps": N_("Langkah"),
    "how": N_("Cara mengurus"),
    "inactive": N_("Tidak beroperasi"),
    "complain": N_("Sampaikan pengaduan, pertanyaan, atau saran tentang layanan ini"),
    "rate": N_("Bagaimana layanan ini? Beri tahu kami"),
    "phone": N_("Telepon"),
    "form": N_("Tanpa sinyal. Isi saja: akan dikirim saat ada sinyal, satu kali."),
    "absent": N_("Halaman ini memerlukan sinyal."),
}
"""What the service worker says on the pages that it makes."""
STATES: Mapping[str, Message] = {
    "comment": N_("Pengaduan"),
    "survey": N_("Penilaian"),
    "waiting": N_("akan dikirim saat ada sinyal"),
    "sent": N_("terkirim"),
    "refused": N_("tidak diterima; isi formulirnya lagi saat ada sinyal"),
    "ticket": N_("Nomor tiket:"),
    "forget": N_("Hapus"),
}
"""What `/luring` says of a form that waits."""


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


@router.get("/sw.js", include_in_schema=False)
async def service_worker() -> Response:
    """Return the portal's service worker. It names the version of what it stores."""
    return script_response(_worker())


@router.get("/luring", include_in_schema=False, response_class=HTMLResponse)
async def offline_page(page: CurrentPage) -> HTMLResponse:
    """Show what this phone stores and what waits to be sent; the frame of pages without a network.

    The service worker puts its pages into this one.
    """
    return page.render(
        "offline.html",
        words=page.messages.labels(WORDS),
        states=page.messages.labels(STATES),
        data=f"{API}/offline-catalog?lang={page.language}",
    )


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


@cache
def _worker() -> bytes:
    version = hashlib.blake2b(
        b"".join(file.read_bytes() for file in STORED_FILES), digest_size=6
    ).hexdigest()
    parts = [(STATIC / name).read_bytes() for name in WORKER_PARTS]
    return b"".join([f'const VERSION = "{version}";\n'.encode(), *parts])
