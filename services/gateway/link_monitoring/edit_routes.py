"""Links that people create, change and withdraw over HTTP: `/api/v1/links/{slug}`."""

from datetime import UTC, datetime

import httpx
from fastapi import Request
from pydantic import JsonValue

from services.catalog.client import CatalogClient
from services.gateway.link_monitoring.link_versions import (
    find_version,
    store_link,
    withdraw_link,
)
from services.gateway.link_monitoring.records import Link, LinkRecord
from services.gateway.link_monitoring.routes import LinkItem, find_link, read_link
from services.gateway.outbound.ssrf_guard import PrivateAddressError, SsrfGuard
from services.gateway.regency.link_names import find_link_names, lock_links
from services.gateway.regency.published_names import to_link_names
from services.platform.conditional_writes import (
    CatalogPut,
    CatalogWrite,
    ConditionalWrite,
    check_version,
    normalised,
    version_tag,
)
from services.platform.identity import GATEWAY_CALLER
from services.platform.parameters import SlugPath
from services.platform.problems import (
    Conflict,
    FieldError,
    NotAllowed,
    Unavailable,
    json_pointer,
    problem_responses,
)
from services.platform.regency import find_lead_agency
from services.platform.router import Router
from services.platform.service import API
from services.platform.settings import Service
from services.platform.translation import N_, localized

CATALOGUE_AWAY = N_("Katalog sedang tidak menjawab; coba lagi sebentar.")

router = Router(prefix=API, tags=["links"], responses=problem_responses(401, 422))


@router.put(
    "/links/{slug}",
    operation_id="put_link",
    responses={201: {"model": LinkItem}} | problem_responses(403, 409, 412, 413, 428, 503),
)
async def put_link(request: Request, write: CatalogPut, slug: SlugPath, link: Link) -> LinkItem:
    """Create a link, or publish a change of one; earlier versions remain.

    Only for keys of the lead agency that the pack names, and of an administrator. Loading the pack
    does not overwrite it. Channels of services may name it at once, and it is checked like those
    of the pack.
    """
    session, region = write.session, write.region
    await _check_lead_agency(write)
    await lock_links(session, region)
    stored = await session.get(LinkRecord, (region, slug))
    before = None if stored is None else _content(stored)
    if before is None:
        write.check_creation(f"link {slug!r}")
    else:
        await _check_version(write, slug, before)
    if link != before:
        errors = _field_errors(request, slug, before, link)
        errors += await _unknown_sources(request, link)
        if errors:
            raise Conflict(
                localized(N_("Tautan ini tidak diterbitkan; lihat errors[].")), errors=errors
            )
        await store_link(
            session, region, link, origin="api", by=write.caller.actor, now=datetime.now(UTC)
        )
        session.expire_all()
        await _pass_on(request, write, withdrawn=None)
    item = await read_link(session, region, slug)
    write.response.status_code = 201 if before is None else 200
    write.response.headers["ETag"] = version_tag(item.version, item)
    return item


@router.delete(
    "/links/{slug}",
    operation_id="delete_link",
    status_code=204,
    responses=problem_responses(403, 404, 409, 412, 428, 503),
)
async def delete_link(request: Request, write: CatalogWrite, slug: SlugPath) -> None:
    """Withdraw a link to which no service leads any more; its versions remain.

    Loading the pack again does not bring it back.
    """
    session, region = write.session, write.region
    await _check_lead_agency(write)
    await lock_links(session, region)
    await _check_version(write, slug, _content(await find_link(session, region, slug)))
    await withdraw_link(session, region, slug, by=write.caller.actor, now=datetime.now(UTC))
    await _pass_on(request, write, withdrawn=slug)


def _content(stored: LinkRecord) -> Link:
    return Link.model_validate(stored.content)


async def _check_lead_agency(write: ConditionalWrite) -> None:
    lead = await find_lead_agency(write.session, Service.gateway, write.region)
    if not write.caller.can_write_for(lead or ""):
        name = lead or "the pack names none"
        raise NotAllowed(f"The lead agency ({name}) or an administrator keeps the links.")


async def _check_version(write: ConditionalWrite, slug: str, before: Link) -> None:
    async def content_of(number: int) -> JsonValue:
        return normalised(Link, await find_version(write.session, write.region, slug, number))

    item = await read_link(write.session, write.region, slug)
    await check_version(
        write,
        version=item.version,
        tag=version_tag(item.version, item),
        current=before.model_dump(mode="json"),
        content_of=content_of,
    )


def _field_errors(request: Request, slug: str, before: Link | None, link: Link) -> list[FieldError]:
    errors: list[FieldError] = []
    if link.slug != slug:
        errors.append(FieldError.at("#/slug", localized(N_("harus tetap '%(key)s'"), key=slug)))
    if before is not None and link.url == before.url:
        return errors
    if not link.url.startswith("https://"):
        errors.append(FieldError.at("#/url", localized(N_("alamatnya harus diawali https://"))))
    guard: SsrfGuard = request.app.state.ssrf_guard
    try:
        guard.check(httpx.URL(link.url))
    except PrivateAddressError:
        public = N_("harus alamat umum di internet, bukan yang ada di jaringan dalam")
        errors.append(FieldError.at("#/url", localized(public)))
    except httpx.InvalidURL:
        errors.append(FieldError.at("#/url", localized(N_("bukan alamat web yang lengkap"))))
    return errors


async def _unknown_sources(request: Request, link: Link) -> list[FieldError]:
    try:
        catalog = _catalog(request)
        return [
            FieldError.at(
                json_pointer(("sources", n)),
                localized(
                    N_("tidak ada sumber '%(source)s'; PUT %(address)s menambahkannya"),
                    source=source,
                    address=f"{API}/sources/{{id}}",
                ),
            )
            for n, source in enumerate(link.sources)
            if not await catalog.has_source(source)
        ]
    except httpx.HTTPError:
        raise Unavailable(localized(CATALOGUE_AWAY)) from None


async def _pass_on(request: Request, write: ConditionalWrite, *, withdrawn: str | None) -> None:
    """Let the catalogue's copy follow; raise `Conflict` if services lead to what is withdrawn.

    If this transaction fails afterwards, the job `distribute-names` passes on what is stored.
    """
    links = await find_link_names(write.session, write.region)
    try:
        in_use = await _catalog(request).put_links(to_link_names(links))
    except httpx.HTTPError:
        raise Unavailable(localized(CATALOGUE_AWAY)) from None
    for link in in_use.links:
        if link.slug == withdrawn:
            named = ", ".join(link.services)
            in_use_by = N_("Layanan masih menuju %(link)s: %(services)s. Ubah itu dulu.")
            raise Conflict(localized(in_use_by, link=withdrawn, services=named))


def _catalog(request: Request) -> CatalogClient:
    state = request.app.state
    return CatalogClient(state.clients[Service.catalog], auth=state.auth_for(GATEWAY_CALLER))
