"""Posters over HTTP: `/poster/{kind}/{slug}.pdf` and `.svg` to print, `/s/{code}` to arrive."""

import asyncio
from collections import defaultdict
from typing import Annotated, Any

import httpx
from fastapi import Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.catalog.client import ServiceName
from services.gateway.link_monitoring.clicks.outbox import ClickOutbox
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.posters.codes import (
    MIN_CODE_LENGTH,
    Poster,
    PosterKind,
    find_poster,
    list_posters,
    poster_about,
)
from services.gateway.portal.posters.content import PosterContent, office_poster, service_poster
from services.gateway.portal.posters.render import poster_pdf, poster_svg
from services.gateway.portal.service_clients import catalog_client
from services.platform.database import Database, ReadSession, ReadSessionDep
from services.platform.parameters import SlugPath
from services.platform.problems import NotFound, Unavailable, problem_responses
from services.platform.regency import find_regency
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Service, Settings

router = Router(tags=["links"], responses=problem_responses(401, 404, 422))

SATISFACTION = "skm"
"""The survey that posters lead to."""

PDF, SVG = "application/pdf", "image/svg+xml"
Code = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9]+$", min_length=MIN_CODE_LENGTH, max_length=60),
    Path(description="The code in the poster's short address; case does not matter."),
]
Kind = Annotated[
    PosterKind,
    Path(
        description="Where the poster leads: to a service (`layanan`), to the survey about it "
        "(`survei`), or to the survey about an office (`kantor`)."
    ),
]


def _file(media_type: str, schema: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    return problem_responses(503) | {
        200: {
            "description": "A poster of one page in A4, with a QR code.",
            "content": {media_type: {"schema": schema}},
        }
    }


@router.get(
    "/poster/{kind}/{slug}.pdf",
    operation_id="get_poster_pdf",
    response_class=Response,
    responses=_file(PDF, {"type": "string", "format": "binary"}),
)
async def get_poster_pdf(
    request: Request, session: ReadSessionDep, kind: Kind, slug: SlugPath
) -> Response:
    """Return a poster to print, with a QR code and a short address to type."""
    content, address = await _content(request, session, kind, slug)
    pdf = await asyncio.to_thread(poster_pdf, content, address)
    disposition = f'inline; filename="poster-{kind}-{slug}.pdf"'
    return Response(pdf, media_type=PDF, headers={"Content-Disposition": disposition})


@router.get(
    "/poster/{kind}/{slug}.svg",
    operation_id="get_poster_svg",
    response_class=Response,
    responses=_file(SVG, {"type": "string"}),
)
async def get_poster_svg(
    request: Request, session: ReadSessionDep, kind: Kind, slug: SlugPath
) -> Response:
    """Return the same poster as SVG, to edit or print larger."""
    content, address = await _content(request, session, kind, slug)
    drawing = await asyncio.to_thread(poster_svg, content, address)
    return Response(drawing, media_type=f"{SVG}; charset=utf-8")


@router.get(
    "/s/{code}",
    operation_id="arrive_by_poster",
    status_code=302,
    response_class=RedirectResponse,
    responses={
        302: {
            "description": "Redirect to the poster's service or survey; the visit is counted.",
            "headers": {"Location": {"schema": {"type": "string", "format": "uri-reference"}}},
        }
    },
)
async def arrive_by_poster(request: Request, code: Code) -> RedirectResponse:
    """Count the visit (source `poster`, link `poster-{code}`) and redirect."""
    database: Database = request.app.state.database
    async with database.read_session() as session:
        poster = await _find_poster(session, get_region(request), code)
    outbox: ClickOutbox = request.app.state.click_outbox
    subject = poster.subject
    await outbox.record_poster_arrival(
        poster=poster.code,
        service=None if subject.kind == "kantor" else subject.slug,
        agency=subject.slug if subject.kind == "kantor" else None,
        headers=request.headers,
    )
    return _redirect(poster)


@router.head("/s/{code}", include_in_schema=False)
async def look_up_poster(request: Request, session: ReadSessionDep, code: Code) -> RedirectResponse:
    """Redirect without counting: a HEAD request is no visit."""
    return _redirect(await _find_poster(session, get_region(request), code))


@router.get("/poster", include_in_schema=False, response_class=HTMLResponse)
async def posters(request: Request, session: ReadSessionDep, page: CurrentPage) -> HTMLResponse:
    """List all posters to print, by office."""
    try:
        agencies = await page.catalog.list_agencies()
        services = await page.catalog.list_service_names()
    except httpx.HTTPError:
        return page.unavailable()
    by_agency: defaultdict[str, list[ServiceName]] = defaultdict(list)
    for service in services:
        by_agency[service.agency.slug].append(service)
    return page.render(
        "posters.html",
        agencies=agencies,
        by_agency=by_agency,
        codes={
            (poster.subject.kind, poster.subject.slug): poster.code
            for poster in await list_posters(session, get_region(request))
        },
    )


async def _find_poster(session: ReadSession, region: str, code: str) -> Poster:
    poster = await find_poster(session, region, code)
    if poster is None:
        raise NotFound(f"No poster has the code {code!r}; check the address.")
    return poster


def poster_target(poster: Poster) -> httpx.URL:
    """Return where a poster leads."""
    subject = poster.subject
    if subject.kind == "survei":
        return _survey({"service": subject.slug})
    if subject.kind == "kantor":
        return _survey({"agency": subject.slug, "channel": "counter"})
    return httpx.URL(f"/layanan/{subject.slug}")


def _redirect(poster: Poster) -> RedirectResponse:
    target = str(poster_target(poster))
    return RedirectResponse(target, status_code=302, headers={"Cache-Control": "no-store"})


def _survey(about: dict[str, str]) -> httpx.URL:
    return httpx.URL(f"/survei/{SATISFACTION}", params=about | {"mode": "qr"})


async def _content(
    request: Request, session: ReadSession, kind: PosterKind, slug: str
) -> tuple[PosterContent, str]:
    """Return the texts of a poster, and the address that it leads to."""
    region = get_region(request)
    poster = await poster_about(session, region, kind, slug)
    if poster is None:
        raise NotFound(f"There is no poster {kind}/{slug}; /poster lists all of them.")
    regency = await find_regency(session, Service.gateway, region)
    place = regency.name if regency is not None else ""
    try:
        if kind == "kantor":
            office = await catalog_client(request).find_agency(slug)
            content = office_poster(office, place=place) if office is not None else None
        else:
            found = await catalog_client(request).find_service(slug)
            content = service_poster(kind, found, place=place) if found is not None else None
    except httpx.HTTPError:
        raise Unavailable("The catalogue does not answer; try again shortly.") from None
    if content is None:
        raise NotFound(f"{slug} is no longer in the catalogue; its poster cannot be printed.")
    return content, _public_url(request) + poster.path


def _public_url(request: Request) -> str:
    """Return the public address of the hub, without a slash at its end."""
    settings: Settings = request.app.state.settings
    return settings.public_address or str(request.base_url).rstrip("/")
