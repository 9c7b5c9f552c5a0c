"""Exports of the whole catalogue over HTTP: `/api/v1/exports`."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from anyio.lowlevel import RunVar
from fastapi import Depends, Request, Response
from sqlalchemy import text

from services.catalog import queries
from services.catalog.exports.atom import to_atom
from services.catalog.exports.catalogue import (
    Catalogue,
    published_service,
    read_catalogue,
    read_name,
)
from services.catalog.exports.cpsv_ap import Node, to_cpsv_ap
from services.catalog.exports.dcat import to_dcat
from services.catalog.exports.identifiers import Addresses
from services.catalog.exports.table import COLUMNS, to_rows
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.lazy_module import LazyModule
from services.platform.parameters import DelimiterQuery
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Settings
from services.platform.slots import Limiter, slot
from services.platform.spreadsheets.csv_export import CSV_MEDIA_TYPE, write_csv

if TYPE_CHECKING:
    import rdflib
else:
    rdflib = LazyModule("rdflib")

router = Router(tags=["catalog"], responses=problem_responses(401, 422))

LD_JSON, TURTLE = "application/ld+json", "text/turtle"
CHANGES_IN_FEED = 50

MAX_CONCURRENT, MAX_WAITING = 2, 16
_limiter: Limiter = RunVar("catalogue_exports")


async def get_addresses(request: Request) -> Addresses:
    """Return the addresses of this hub's records."""
    settings: Settings = request.app.state.settings
    return Addresses(get_region(request), settings.public_address)


AddressesDep = Annotated[Addresses, Depends(get_addresses)]


@asynccontextmanager
async def export_slot() -> AsyncGenerator[None]:
    """Wait for a slot for one whole catalogue in memory; raise `Unavailable` if too many wait."""
    refusal = "Too many exports are being made; try again shortly."
    async with slot(_limiter, concurrent=MAX_CONCURRENT, waiting=MAX_WAITING, refusal=refusal):
        yield


def _file(media_type: str, kind: str = "string") -> dict[int | str, dict[str, Any]]:
    described = {
        "description": "The catalogue, or its changes, in the format of the path.",
        "content": {media_type: {"schema": {"type": kind}}},
    }
    return {200: described, **problem_responses(503)}


@router.get(
    f"{API}/exports/cpsv-ap.jsonld",
    operation_id="export_cpsv_ap_json",
    response_class=Response,
    responses=_file(LD_JSON, "object"),
)
async def export_cpsv_ap_json(session: ReadSessionDep, addresses: AddressesDep) -> Response:
    """Return all services by CPSV-AP 3.2, as JSON-LD."""
    content = await _convert(session, addresses, lambda found: _json(to_cpsv_ap(found, addresses)))
    return Response(content, media_type=LD_JSON)


@router.get(
    f"{API}/exports/cpsv-ap.ttl",
    operation_id="export_cpsv_ap_turtle",
    response_class=Response,
    responses=_file(TURTLE),
)
async def export_cpsv_ap_turtle(session: ReadSessionDep, addresses: AddressesDep) -> Response:
    """Return all services by CPSV-AP 3.2, as Turtle."""
    content = await _convert(
        session, addresses, lambda found: _turtle(to_cpsv_ap(found, addresses), addresses)
    )
    return Response(content, media_type=f"{TURTLE}; charset=utf-8")


@router.get(
    f"{API}/exports/dcat.jsonld",
    operation_id="export_dcat",
    response_class=Response,
    responses=_file(LD_JSON, "object"),
)
async def export_dcat(session: ReadSessionDep, addresses: AddressesDep) -> Response:
    """Return the hub's open data by DCAT 3, as JSON-LD."""
    content = await _convert(session, addresses, lambda found: _json(to_dcat(found, addresses)))
    return Response(content, media_type=LD_JSON)


@router.get(
    f"{API}/exports/services.csv",
    operation_id="export_services_csv",
    response_class=Response,
    responses=_file("text/csv"),
)
async def export_services_csv(
    session: ReadSessionDep, addresses: AddressesDep, delimiter: DelimiterQuery = "semicolon"
) -> Response:
    """Return all services as a table."""
    content = await _convert(
        session, addresses, lambda found: write_csv(COLUMNS, to_rows(found), delimiter=delimiter)
    )
    return Response(
        content,
        media_type=CSV_MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="services-{addresses.region}.csv"'},
    )


@router.get(
    f"{API}/exports/changes.atom",
    operation_id="export_changes",
    response_class=Response,
    responses=_file("application/atom+xml"),
)
async def export_changes(session: ReadSessionDep, addresses: AddressesDep) -> Response:
    """Return the latest changes of services as an Atom feed, the newest first.

    A withdrawn service is a deleted entry. For all changes page through
    `GET services?modified_after=`.
    """
    rows = await session.execute(
        text(queries.LATEST_CHANGES),
        {"region": addresses.region, "limit": CHANGES_IN_FEED},
    )
    name = await read_name(session, addresses.region)
    feed = to_atom([published_service(row) for row in rows], addresses, name=name)
    return Response(feed, media_type="application/atom+xml; charset=utf-8")


Converted = TypeVar("Converted", bytes, str)


async def _convert(
    session: ReadSession, addresses: Addresses, convert: Callable[[Catalogue], Converted]
) -> Converted:
    """Return what becomes of the whole catalogue, made in a thread."""
    async with export_slot():
        catalogue = await read_catalogue(session, addresses.region)
        return await asyncio.to_thread(convert, catalogue)


def _json(document: Node) -> str:
    return json.dumps(document, ensure_ascii=False)


def _turtle(document: Node, addresses: Addresses) -> str:
    """Return a JSON-LD document as Turtle; relative addresses become those of an unknown host."""
    graph = rdflib.Graph()
    graph.parse(data=_json(document), format="json-ld", publicID=addresses.public_url)
    return graph.serialize(format="turtle")
