"""The Human Services Data Specification 3.0 over HTTP: `/hsds`."""

import asyncio
import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import StringConstraints
from sqlalchemy import text

from services.catalog import queries
from services.catalog.exports.catalogue import (
    PublishedService,
    published_service,
    read_name,
)
from services.catalog.exports.hsds import (
    MAX_ON_PAGE,
    OPENAPI_URL,
    PROFILE,
    VERSION,
    HsdsBase,
    HsdsListedService,
    HsdsPage,
    HsdsReference,
    HsdsService,
    to_listed_service,
    to_reference,
    to_service,
)
from services.catalog.exports.identifiers import Addresses, uuid_of
from services.catalog.exports.routes import AddressesDep, export_slot
from services.catalog.search.store import CatalogIndex
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.types import TEXT_PATTERN, UtcDatetime

router = Router(prefix="/hsds", tags=["catalog"], responses=problem_responses(401, 422))

NDJSON = "application/x-ndjson"
Item = HsdsService | HsdsListedService | HsdsReference


class Format(StrEnum):
    """How a list is sent."""

    json = "json"
    ndjson = "ndjson"


SearchText = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=200)]


@router.get("", operation_id="get_hsds")
@router.get("/", include_in_schema=False)
async def get_hsds() -> HsdsBase:
    """Return the version of HSDS that this interface speaks.

    `/hsds/`, the root `/` of HSDS below the address of this interface, answers the same.
    """
    return HsdsBase(version=VERSION, profile=PROFILE, openapi_url=OPENAPI_URL)


@router.get(
    "/services",
    operation_id="list_hsds_services",
    response_model=HsdsPage,
    response_model_exclude_none=True,
    responses={
        200: {"content": {NDJSON: {"schema": {"type": "string"}}}},
        **problem_responses(503),
    },
)
async def list_hsds_services(
    request: Request,
    session: ReadSessionDep,
    addresses: AddressesDep,
    *,
    search: Annotated[
        SearchText | None, Query(description="Only services that these words ask for.")
    ] = None,
    page: Annotated[int, Query(ge=1, le=1_000_000, description="Number of the page.")] = 1,
    per_page: Annotated[int, Query(ge=1, le=MAX_ON_PAGE, description="Services on a page.")] = 50,
    format: Annotated[
        Format, Query(description="`ndjson` sends all services, a line each, without pages.")
    ] = Format.json,
    organization_id: Annotated[
        UUID | None, Query(description="Only services of this agency.")
    ] = None,
    modified_after: Annotated[
        UtcDatetime | None, Query(description="Only services modified at this moment or later.")
    ] = None,
    minimal: Annotated[
        bool, Query(description="Only identifier, name, status and last change of each service.")
    ] = False,
    full: Annotated[bool, Query(description="Everything that belongs to each service.")] = False,
) -> Response | HsdsPage:
    """List the services by HSDS 3.0, in the order of their first publication.

    A withdrawn service stays in its place with the status `defunct`, so that none is missed or
    read twice while the catalogue changes.
    """
    wanted: dict[str, Any] = {
        "region": addresses.region,
        "modified_after": modified_after,
        "agency": None if organization_id is None else "",
        "slugs": None,
    }
    if search is not None:
        # Before the session takes a connection, which it would hold while the index is computed.
        index: CatalogIndex = request.app.state.search
        wanted["slugs"] = (await index.current()).services.find_all(search)
    if organization_id is not None:
        wanted["agency"] = await _find_agency(session, addresses.region, organization_id) or ""
    convert = await _converter(session, addresses, minimal=minimal, full=full)
    if format is Format.ndjson:
        async with export_slot():
            rows = (await session.execute(text(queries.PUBLISHED), wanted)).all()
            lines = await asyncio.to_thread(_lines, rows, convert)
        return Response(lines, media_type=NDJSON)
    total: int = await session.scalar(text(queries.COUNT_PUBLISHED), wanted) or 0
    slice_ = {"limit": per_page, "offset": (page - 1) * per_page}
    rows = (await session.execute(text(queries.PUBLISHED_PAGE), wanted | slice_)).all()
    pages = math.ceil(total / per_page)
    return HsdsPage(
        total_items=total,
        total_pages=pages,
        page_number=page,
        size=len(rows),
        first_page=page == 1,
        last_page=page >= pages,
        empty=not rows,
        contents=await asyncio.to_thread(_items, rows, convert),
    )


@router.get(
    "/services/{id}",
    operation_id="get_hsds_service",
    response_model_exclude_none=True,
    responses=problem_responses(404),
)
async def get_hsds_service(
    session: ReadSessionDep,
    addresses: AddressesDep,
    service_id: Annotated[UUID, Path(alias="id", description="Identifier of the service.")],
) -> HsdsService:
    """Return one service by HSDS 3.0 with everything that belongs to it."""
    wanted = {"region": addresses.region, "id": service_id}
    row = (await session.execute(text(queries.PUBLISHED_SERVICE), wanted)).one_or_none()
    if row is None:
        raise NotFound(f"There is no service {service_id}; /hsds/services lists all of them.")
    return to_service(
        published_service(row), addresses, area=await read_name(session, addresses.region)
    )


async def _converter(
    session: ReadSession, addresses: Addresses, *, minimal: bool, full: bool
) -> Callable[[PublishedService], Item]:
    """Return the function that makes an item of a list."""
    if minimal:
        return lambda found: to_reference(found, addresses.region)
    if full:
        area = await read_name(session, addresses.region)
        return lambda found: to_service(found, addresses, area=area)
    return lambda found: to_listed_service(found, addresses)


def _items(rows: Sequence[Any], convert: Callable[[PublishedService], Item]) -> list[Item]:
    """Return the items of a list; for a thread, since a page takes as long as the loop may."""
    return [convert(published_service(row)) for row in rows]


def _lines(rows: Sequence[Any], convert: Callable[[PublishedService], Item]) -> str:
    items = _items(rows, convert)
    return "".join(f"{item.model_dump_json(exclude_none=True)}\n" for item in items)


async def _find_agency(session: ReadSession, region: str, agency_id: UUID) -> str | None:
    """Return the slug of the agency with this identifier."""
    rows = await session.execute(text(queries.ALL_AGENCIES), {"region": region})
    slugs: list[str] = [row.content["slug"] for row in rows]
    return next((slug for slug in slugs if uuid_of(region, "agency", slug) == agency_id), None)
