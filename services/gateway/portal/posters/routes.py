"""Posters over HTTP: `/poster/{kind}/{slug}.pdf` and `.svg` to print, `/s/{code}` to arrive."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.gateway.click_tracking import Clicks
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.posters.codes import (
    SHORTEST,
    Poster,
    PosterKind,
    find_poster,
    list_posters,
    poster_about,
)
from services.gateway.portal.posters.drawing import pdf_of, svg_of
from services.gateway.portal.posters.layout import Layout, layout_of
from services.gateway.portal.posters.wording import wording_of_office, wording_of_service
from services.gateway.regency.regency import find_regency
from services.platform.database import Database, ReadSession, ReadSessionDep
from services.platform.parameters import SlugPath
from services.platform.problems import NotFound, Unavailable, problem_responses
from services.platform.service import API, get_region
from services.platform.settings import Service, Settings

router = APIRouter(tags=["links"], responses=problem_responses(401, 404, 422))

SATISFACTION = "skm"
"""The survey to which posters lead."""

PDF, SVG = "application/pdf", "image/svg+xml"

Code = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9]+$", min_length=SHORTEST, max_length=60),
    Path(description="What stands in the poster's short address; capitals do not matter."),
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
        200: {"description": "A page of A4.", "content": {media_type: {"schema": schema}}}
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
    """A poster to print, with a code for the camera and a short address to type."""
    layout = await _layout(request, session, kind, slug)
    content = await asyncio.to_thread(pdf_of, layout)
    name = f'inline; filename="poster-{kind}-{slug}.pdf"'
    return Response(content, media_type=PDF, headers={"Content-Disposition": name})


@router.get(
    "/poster/{kind}/{slug}.svg",
    operation_id="get_poster_svg",
    response_class=Response,
    responses=_file(SVG, {"type": "string"}),
)
async def get_poster_svg(
    request: Request, session: ReadSessionDep, kind: Kind, slug: SlugPath
) -> Response:
    """The same poster as a drawing, to be changed or printed larger."""
    layout = await _layout(request, session, kind, slug)
    return Response(
        svg_of(layout),
        media_type=SVG,
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )


@router.get(
    "/s/{code}",
    operation_id="arrive_by_poster",
    status_code=302,
    response_class=RedirectResponse,
    responses={
        302: {
            "description": "To the service or the survey.",
            "headers": {"Location": {"schema": {"type": "string", "format": "uri-reference"}}},
        }
    },
)
async def arrive_by_poster(request: Request, code: Code) -> RedirectResponse:
    """Counts the arrival (source `poster`, link `poster-{code}`) and leads on."""
    database: Database = request.app.state.database
    async with database.read_session() as session:
        poster = await _poster(session, get_region(request), code)
    clicks: Clicks = request.app.state.clicks
    subject = poster.subject
    await clicks.arrived(
        poster=poster.code,
        service=None if subject.kind == "kantor" else subject.slug,
        agency=subject.slug if subject.kind == "kantor" else None,
        at=datetime.now(UTC),
    )
    return _way_on(poster)


@router.head("/s/{code}", include_in_schema=False)
async def look_at_poster(request: Request, session: ReadSessionDep, code: Code) -> RedirectResponse:
    """Where the poster leads. A program that only looks is no arrival."""
    return _way_on(await _poster(session, get_region(request), code))


@router.get("/poster", include_in_schema=False, response_class=HTMLResponse)
async def posters(request: Request, session: ReadSessionDep, page: CurrentPage) -> HTMLResponse:
    """All posters to print, by office."""
    try:
        agencies = await _all_of(page.request, "/agencies")
        services = await _all_of(page.request, "/services")
    except httpx.HTTPError:
        return page.unavailable()
    by_agency: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for service in services:
        by_agency[service["agency"]["slug"]].append(service)
    return page.render(
        "posters.html",
        agencies=agencies,
        by_agency=by_agency,
        codes={
            (poster.subject.kind, poster.subject.slug): poster.code
            for poster in await list_posters(session, get_region(request))
        },
    )


async def _all_of(request: Request, path: str) -> list[dict[str, Any]]:
    """Every item of a list of the catalogue's."""
    items: list[dict[str, Any]] = []
    following: str | None = f"{API}{path}?limit=100"
    while following is not None:
        answer = await _catalog(request).get(following)
        document = answer.raise_for_status().json()
        items += document["items"]
        following = document["next"]
    return items


async def _poster(session: ReadSession, region: str, code: str) -> Poster:
    poster = await find_poster(session, region, code)
    if poster is None:
        raise NotFound(f"No poster has the code {code!r}; look at the address once more.")
    return poster


def _way_on(poster: Poster) -> RedirectResponse:
    subject = poster.subject
    target = httpx.URL(f"/layanan/{subject.slug}")
    if subject.kind == "survei":
        target = _survey({"service": subject.slug})
    elif subject.kind == "kantor":
        target = _survey({"agency": subject.slug, "channel": "counter"})
    return RedirectResponse(str(target), status_code=302, headers={"Cache-Control": "no-store"})


def _survey(about: dict[str, str]) -> httpx.URL:
    return httpx.URL(f"/survei/{SATISFACTION}", params=about | {"mode": "qr"})


async def _layout(request: Request, session: ReadSession, kind: PosterKind, slug: str) -> Layout:
    region = get_region(request)
    poster = await poster_about(session, region, kind, slug)
    if poster is None:
        raise NotFound(f"There is no poster {kind}/{slug}; /poster lists all of them.")
    regency = await find_regency(session, region)
    place = regency.name if regency is not None else ""
    try:
        if kind == "kantor":
            offices = await _all_of(request, "/agencies")
            office = next((each for each in offices if each["slug"] == slug), None)
            wording = wording_of_office(office, place=place) if office is not None else None
        else:
            answer = await _catalog(request).get(f"{API}/services/{slug}")
            found = None if answer.status_code == 404 else answer.raise_for_status().json()
            wording = wording_of_service(kind, found, place=place) if found is not None else None
    except httpx.HTTPError:
        raise Unavailable("The catalogue does not answer; try again shortly.") from None
    if wording is None:
        raise NotFound(f"{slug} is not in the catalogue any more; nothing is to be printed.")
    return layout_of(wording, _public_address(request) + poster.path)


def _public_address(request: Request) -> str:
    """The address under which citizens reach the hub, without a slash at its end."""
    settings: Settings = request.app.state.settings
    return str(settings.public_url or request.base_url).rstrip("/")


def _catalog(request: Request) -> httpx.AsyncClient:
    clients: dict[Service, httpx.AsyncClient] = request.app.state.clients
    return clients[Service.catalog]
