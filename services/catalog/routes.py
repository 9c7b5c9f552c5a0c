"""The catalogue over HTTP: `/api/v1/services`, `agencies`, `life-events`, `catalog/summary`."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, cast
from zoneinfo import ZoneInfo

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import text

from services.catalog import queries
from services.catalog.changes import ServiceCursor, change_cursor, parse_change_cursor
from services.catalog.place_routes import OpenNow, is_open, places_wanted, read_zone
from services.catalog.records import (
    COMPONENTS,
    ChannelKind,
    Place,
)
from services.catalog.schemas import (
    AgencyCompleteness,
    AgencyFound,
    CatalogSummary,
    ChannelCount,
    DistrictCount,
    FacetCount,
    NearestService,
    PlaceFound,
    SearchFacets,
    SearchFindings,
    ServiceDetail,
    ServiceFreshness,
    ServicePage,
    ServiceSummary,
    service_summary,
)
from services.catalog.search.demand import SearchDemand, absent_words
from services.catalog.search.index import Choice, Found
from services.catalog.search.store import CatalogIndex, Indexed
from services.catalog.service_detail import get_service_detail
from services.platform.conditional_writes import version_tag
from services.platform.database import (
    Database,
    ReadSessionDep,
)
from services.platform.local_time import day_of, get_zone
from services.platform.paging import Page, next_page_url, paginate
from services.platform.parameters import AgencyQuery, Limit, SlugCursor, SlugPath
from services.platform.prepared_reads import PreparedReads
from services.platform.problems import (
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import TEXT_PATTERN, DistrictCode, Slug, UtcDatetime

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))

SearchText = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=200)]

MOST_AGENCIES = 3
"""Agencies that a search names besides services."""
MOST_PLACES = 3
MOST_PLACES_COUNTED = 50
OPEN_NOW = "open"
"""The group of the places that are open; the others have the codes of districts."""


class ServiceQuery(BaseModel):
    """Parameters of the list of services.

    A model, because FastAPI spends some 40 us of each request on every parameter of a function.
    """

    query: SearchText | None = Field(
        None, description="Search words of the citizen.", examples=["izin bangunan"]
    )
    agency: Slug | None = Field(None, description="Only services of this agency.")
    life_event: Slug | None = Field(None, description="Only services for this life event.")
    channel: ChannelKind | None = Field(None, description="Only services with this channel.")
    modified_after: UtcDatetime | None = Field(
        None, description="Only services modified after this moment."
    )
    place: Slug | None = Field(None, description="Only services given at this place.")
    district: DistrictCode | None = Field(None, description="Only services given in this district.")
    open_now: OpenNow = None
    cursor: ServiceCursor = None
    limit: Limit = 20


@router.get("/services", operation_id="list_services", response_model=ServicePage)
async def list_services(
    request: Request, wanted: Annotated[ServiceQuery, Query()]
) -> Response | ServicePage:
    """List public services by name, or those that match `query`, best first.

    With `modified_after` and no `query` they come in the order of their last change, withdrawn ones
    too: a client that goes on after the last `modified_at` it has seen misses none. `open_now`
    leaves out services of whose places none publishes its hours.
    """
    region = get_region(request)
    places = await _places_wanted(request, region, wanted)
    if wanted.query is None:
        if wanted.modified_after is None:
            return await _list_page(request, region, wanted, places)
        return await _list_changes(request, region, wanted, wanted.modified_after, places)
    choice = Choice(
        agency=wanted.agency,
        life_event=wanted.life_event,
        channel=wanted.channel,
        modified_after=wanted.modified_after,
        places=places,
    )
    search: CatalogIndex = request.app.state.search
    indexed = await search.current()
    groups = _groups_of_places(indexed.known_places, get_zone(request))
    found = indexed.services.search(
        wanted.query, choice, limit=wanted.limit, after=wanted.cursor, groups=groups
    )
    if wanted.cursor is None and choice == Choice():
        demand: SearchDemand = request.app.state.search_demand
        demand.add(absent_words(found))
    items, nearest = await _read_hits(request, found)
    return ServicePage(
        items=items,
        next=next_page_url(request, found.slugs[-1] if found.is_more else None),
        total=found.total,
        search=SearchFindings(
            corrected=found.corrected,
            nearest=nearest,
            complaint=found.is_complaint,
            agencies=[
                _agency_found(slug, indexed)
                for slug in indexed.agencies.find_named(wanted.query, most=MOST_AGENCIES)
            ],
            places=[
                _place_found(indexed.known_places[slug])
                for slug in indexed.places.find_named(wanted.query, most=MOST_PLACES)
            ],
            facets=SearchFacets(
                agency=_facet(found.facets.agencies, "agency", indexed),
                life_event=_facet(found.facets.life_events, "life event", indexed),
                channel=[
                    ChannelCount(value=cast("ChannelKind", kind), count=count)
                    for kind, count in found.facets.channels
                ],
                place=[
                    FacetCount(
                        value=slug,
                        name=indexed.known_places[slug].name,
                        name_en=indexed.known_places[slug].name_en,
                        count=count,
                    )
                    for slug, count in found.facets.places[:MOST_PLACES_COUNTED]
                    if slug in indexed.known_places
                ],
                district=[
                    DistrictCount(value=code, count=count)
                    for code, count in found.facets.groups
                    if code != OPEN_NOW
                ],
                open_now=dict(found.facets.groups).get(OPEN_NOW, 0),
            ),
        ),
    )


async def _read_hits(
    request: Request, found: Found
) -> tuple[list[ServiceSummary], NearestService | None]:
    """Return the services of a search as they are now, and the nearest one."""
    slugs = list(dict.fromkeys([*found.slugs, *([found.nearest] if found.nearest else [])]))
    if not slugs:
        return [], None
    database: Database = request.app.state.database
    async with database.read_session() as session:
        parameters = {"region": get_region(request), "slugs": slugs}
        rows = (await session.execute(text(queries.HITS), parameters)).all()
    services = {row.slug: service_summary(row, href=f"{API}/services/{row.slug}") for row in rows}
    nearest = services.get(found.nearest or "")
    return (
        [services[slug] for slug in found.slugs if slug in services],
        None
        if nearest is None
        else NearestService(
            slug=nearest.slug, name=nearest.name, name_en=nearest.name_en, href=nearest.href
        ),
    )


def _agency_found(slug: str, indexed: Indexed) -> AgencyFound:
    name, name_en = indexed.names["agency", slug]
    return AgencyFound(slug=slug, name=name, name_en=name_en, href=f"{API}/services?agency={slug}")


def _place_found(place: Place) -> PlaceFound:
    return PlaceFound(
        slug=place.slug,
        name=place.name,
        name_en=place.name_en,
        href=f"{API}/places/{place.slug}",
    )


def _facet(counts: Sequence[tuple[str, int]], kind: str, indexed: Indexed) -> list[FacetCount]:
    found: list[FacetCount] = []
    for value, count in counts:
        name, name_en = indexed.names.get((kind, value), (value, value))
        found.append(FacetCount(value=value, name=name, name_en=name_en, count=count))
    return found


async def _list_changes(
    request: Request,
    region: str,
    wanted: ServiceQuery,
    modified_after: datetime,
    places: list[str] | None,
) -> ServicePage:
    """Return a page of the services by the moment of their last change, withdrawn ones too."""
    after = None if wanted.cursor is None else parse_change_cursor(wanted.cursor)
    parameters = {
        "agency": wanted.agency,
        "life_event": wanted.life_event,
        "channel": wanted.channel,
        "places": places,
        "region": region,
        "modified_after": modified_after,
        "after_at": None if after is None else after.at,
        "after_slug": None if after is None else after.slug,
        "limit": wanted.limit + 1,
    }
    database: Database = request.app.state.database
    async with database.read_session() as session:
        rows = (await session.execute(text(queries.CHANGES), parameters)).all()
    items = [service_summary(row, href=f"{API}/services/{row.slug}") for row in rows]
    page = paginate(request, items, limit=wanted.limit, cursor_of=change_cursor)
    total: int = rows[0].total if rows else 0
    return ServicePage(items=page.items, next=page.next, total=total)


async def _places_wanted(request: Request, region: str, wanted: ServiceQuery) -> list[str] | None:
    if wanted.place is None and wanted.district is None and wanted.open_now is None:
        return None
    database: Database = request.app.state.database
    async with database.read_session() as session:
        return await places_wanted(
            session,
            region,
            datetime.now(UTC),
            place=wanted.place,
            district=wanted.district,
            open_now=wanted.open_now,
        )


def _groups_of_places(places: Mapping[str, Place], zone: ZoneInfo) -> dict[str, list[str]]:
    """Return the places of each district, and those that are open now."""
    now = datetime.now(UTC)
    groups: dict[str, list[str]] = {OPEN_NOW: []}
    for place in places.values():
        if place.district is not None:
            groups.setdefault(place.district, []).append(place.slug)
        if (place.hours or place.exceptions) and is_open(place, now, zone):
            groups[OPEN_NOW].append(place.slug)
    return groups


async def _list_page(
    request: Request, region: str, wanted: ServiceQuery, places: list[str] | None
) -> Response:
    """Return a page of all services from the JSON that PostgreSQL assembled."""
    reads: PreparedReads = request.app.state.reads
    row = await reads.fetch_row(
        queries.PAGE,
        region,
        wanted.agency,
        wanted.life_event,
        wanted.channel,
        wanted.cursor,
        wanted.limit,
        places,
    )
    more = json.dumps(next_page_url(request, row["last"] if row["is_more"] else None))
    body = f'{{"items":[{row["items"]}],"next":{more},"total":{row["total"]}}}'
    return Response(body, media_type="application/json")


@router.get("/services/{slug}", operation_id="get_service", responses=problem_responses(404, 410))
async def get_service(
    request: Request, response: Response, session: ReadSessionDep, slug: SlugPath
) -> ServiceDetail:
    """Return one service: requirements, cost, duration, channels, and sources.

    410 names the last version of a service that was withdrawn.
    """
    detail = await get_service_detail(session, get_region(request), slug)
    response.headers["ETag"] = version_tag(detail.version, detail)
    return detail


@router.get("/catalog/summary", operation_id="get_catalog_summary")
async def get_catalog_summary(
    request: Request,
    session: ReadSessionDep,
    as_of: Annotated[
        UtcDatetime | None, Query(description="As published at this moment; default: now.")
    ] = None,
) -> CatalogSummary:
    """Return the published share of service standards, in total and per agency.

    With `as_of`, by the versions of that time. Before `first_published_at` there are none: it is
    not known what the agencies then published.
    """
    region = {"region": get_region(request)}
    if as_of is None:
        found = await session.execute(text(queries.SUMMARY), region)
    else:
        found = await session.execute(text(queries.SUMMARY_AS_OF), region | {"as_of": as_of})
    rows = found.all()
    services = sum(row.services for row in rows)
    published = sum(row.components for row in rows)
    return CatalogSummary(
        as_of=as_of,
        first_published_at=await session.scalar(text(queries.FIRST_PUBLICATION), region),
        services=services,
        digital_services=sum(row.digital_services for row in rows),
        digital_in_operation=sum(row.digital_in_operation for row in rows),
        own_digital_services=sum(row.own_digital_services for row in rows),
        own_digital_in_operation=sum(row.own_digital_in_operation for row in rows),
        standard_share=float(published) / (COMPONENTS * services) if services else None,
        agencies=[
            AgencyCompleteness(
                agency=row.agency,
                services=row.services,
                digital_services=row.digital_services,
                digital_in_operation=row.digital_in_operation,
                standard_share=float(row.components) / (COMPONENTS * row.services),
            )
            for row in rows
        ],
    )


@router.get("/catalog/freshness", operation_id="list_services_to_check")
async def list_services_to_check(
    request: Request,
    session: ReadSessionDep,
    *,
    agency: AgencyQuery = None,
    is_due: Annotated[
        bool | None, Query(description="Only what is due (true), or what is assured (false).")
    ] = None,
    cursor: SlugCursor = None,
    limit: Limit = 50,
) -> Page[ServiceFreshness]:
    """List the services by the end of their assurance, those without one first.

    An agency works through its own: it checks each component, and sets `checked_on` and
    `assured_until`.
    """
    region = get_region(request)
    zone = await read_zone(session, region)
    parameters = {
        "region": region,
        "agency": agency,
        "is_due": is_due,
        "today": day_of(datetime.now(UTC), zone),
        "cursor": cursor,
        "limit": limit + 1,
    }
    rows = (await session.execute(text(queries.FRESHNESS), parameters)).mappings().all()
    items = [
        ServiceFreshness(
            **{name: row[name] for name in ServiceFreshness.model_fields if name != "href"},
            href=f"{API}/services/{row['slug']}",
        )
        for row in rows
    ]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.slug)
