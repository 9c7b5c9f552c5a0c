"""The catalogue over HTTP: `/api/v1/services`, `agencies`, `life-events`, `catalog/summary`."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import StringConstraints
from sqlalchemy import text

from services.catalog import queries
from services.catalog.editing import publish_edit
from services.catalog.records import COMPONENTS, ChannelKind, LifeEvent, Service
from services.catalog.schemas import (
    AgencyCompleteness,
    AgencyItem,
    CatalogSummary,
    LifeEventItem,
    ServiceAtVersion,
    ServiceDetail,
    ServiceSummary,
    ServiceVersion,
    ServiceVersions,
    completeness,
    service_summary,
)
from services.catalog.search import all_in_names, all_words, any_word, common_name_key, query_words
from services.platform.concurrency_control import IfMatch, check_if_match, resource_tag
from services.platform.database import (
    Database,
    ReadSession,
    ReadSessionDep,
    WriteSession,
    WriteSessionDep,
)
from services.platform.identity import CatalogWriter
from services.platform.paging import Page, next_page_url, paginate
from services.platform.parameters import Limit, SlugCursor, SlugPath
from services.platform.prepared_reads import PreparedReads
from services.platform.problems import NotAllowed, NotFound, problem_responses
from services.platform.service import API, get_region
from services.platform.stored import parse_stored
from services.platform.types import TEXT_PATTERN, Slug, UtcDatetime

router = APIRouter(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))

SearchText = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=200)]


@router.get("/services", operation_id="list_services", response_model=Page[ServiceSummary])
async def list_services(
    request: Request,
    *,
    query: Annotated[
        SearchText | None,
        Query(description="Search words of the citizen.", examples=["izin bangunan"]),
    ] = None,
    agency: Annotated[Slug | None, Query(description="Only services of this agency.")] = None,
    life_event: Annotated[Slug | None, Query(description="Only services for this life event.")] = (
        None
    ),
    channel: Annotated[
        ChannelKind | None, Query(description="Only services with this channel.")
    ] = None,
    modified_after: Annotated[
        UtcDatetime | None, Query(description="Only services modified after this moment.")
    ] = None,
    cursor: SlugCursor = None,
    limit: Limit = 20,
) -> Response | Page[ServiceSummary]:
    """List public services by name, or those that match `query`, best first."""
    region = get_region(request)
    if query is None:
        return await _list_page(
            request, region, agency, life_event, channel, modified_after, cursor, limit
        )
    words = query_words(query)
    if not words:
        return Page(items=[], next=None)
    parameters: dict[str, Any] = {
        "region": region,
        "agency": agency,
        "life_event": life_event,
        "channel": channel,
        "modified_after": modified_after,
        "cursor": cursor,
        "limit": limit + 1,
        "any_word": any_word(words),
        "all_words": all_words(words),
        "all_in_names": all_in_names(words),
        "name": common_name_key(query),
    }
    database: Database = request.app.state.database
    async with database.read_session() as session:
        rows = (await session.execute(text(queries.SEARCH), parameters)).all()
    items = [service_summary(row, href=f"{API}/services/{row.slug}") for row in rows]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.slug)


async def _list_page(request: Request, region: str, *choice: Any) -> Response:
    """Return a page of all services from the JSON that PostgreSQL assembled."""
    reads: PreparedReads = request.app.state.reads
    row = await reads.fetch_row(queries.PAGE, region, *choice)
    more = json.dumps(next_page_url(request, row["last"] if row["is_more"] else None))
    return Response(f'{{"items":[{row["items"]}],"next":{more}}}', media_type="application/json")


@router.get("/services/{slug}", operation_id="get_service", responses=problem_responses(404))
async def get_service(
    request: Request, response: Response, session: ReadSessionDep, slug: SlugPath
) -> ServiceDetail:
    """Return one service: requirements, cost, duration, channels, and sources."""
    detail = await _find(session, get_region(request), slug)
    response.headers["ETag"] = resource_tag(detail)
    return detail


@router.put(
    "/services/{slug}",
    operation_id="put_service",
    responses=problem_responses(403, 404, 409, 412, 413, 428),
)
async def put_service(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    *,
    caller: CatalogWriter,
    slug: SlugPath,
    service: Service,
    if_match: IfMatch = None,
) -> ServiceDetail:
    """Publish a new version of a service of the key's agency; earlier versions remain.

    New services come with the regency's pack.
    """
    region = get_region(request)
    await session.execute(text(queries.LOCK_SERVICE), {"region": region, "slug": slug})
    before = await _find(session, region, slug)
    if not caller.can_write_for(before.service.agency):
        raise NotAllowed(f"{slug} is a service of {before.service.agency}, not of this key.")
    check_if_match(if_match, before)
    if service != before.service:
        await publish_edit(
            session,
            region,
            before.service,
            service,
            by=caller.agency or caller.subject,
            now=datetime.now(UTC),
        )
    detail = await _find(session, region, slug)
    response.headers["ETag"] = resource_tag(detail)
    return detail


async def _find(session: ReadSession | WriteSession, region: str, slug: str) -> ServiceDetail:
    row = (
        await session.execute(text(queries.DETAIL), {"region": region, "slug": slug})
    ).one_or_none()
    if row is None:
        raise _no_service(slug)
    return ServiceDetail(
        service=parse_stored(Service, row.content),
        agency=row.agency,
        life_events=[parse_stored(LifeEvent, event) for event in row.life_events],
        sources=row.sources,
        completeness=completeness(row.content),
        version=row.version,
        modified_at=row.modified_at,
        href=f"{API}/services/{slug}",
    )


@router.get(
    "/services/{slug}/versions",
    operation_id="list_service_versions",
    responses=problem_responses(404),
)
async def list_service_versions(
    request: Request, session: ReadSessionDep, slug: SlugPath
) -> ServiceVersions:
    """List the versions of a service, the newest first."""
    parameters = {"region": get_region(request), "slug": slug}
    rows = (await session.execute(text(queries.VERSIONS), parameters)).all()
    if not rows:
        raise _no_service(slug)
    return ServiceVersions(
        items=[
            ServiceVersion(
                number=row.number,
                recorded_at=row.recorded_at,
                recorded_by=row.recorded_by,
                withdrawn=row.withdrawn,
                href=f"{API}/services/{slug}/versions/{row.number}",
            )
            for row in rows
        ]
    )


@router.get(
    "/services/{slug}/versions/{number}",
    operation_id="get_service_version",
    responses=problem_responses(404),
)
async def get_service_version(
    request: Request,
    session: ReadSessionDep,
    slug: SlugPath,
    number: Annotated[int, Path(ge=1, le=1_000_000, description="Number of the version.")],
) -> ServiceAtVersion:
    """Return a service as it was published in one version."""
    parameters = {"region": get_region(request), "slug": slug, "number": number}
    row = (await session.execute(text(queries.VERSION), parameters)).one_or_none()
    if row is None:
        raise NotFound(f"The service {slug} has no version {number}.")
    return ServiceAtVersion(number=row.number, recorded_at=row.recorded_at, service=row.content)


@router.get("/agencies", operation_id="list_agencies")
async def list_agencies(
    request: Request, session: ReadSessionDep, cursor: SlugCursor = None, limit: Limit = 50
) -> Page[AgencyItem]:
    """List the agencies (OPD), each with its number of services."""
    parameters = {"region": get_region(request), "cursor": cursor, "limit": limit + 1}
    rows = (await session.execute(text(queries.AGENCIES), parameters)).all()
    items = [
        AgencyItem(
            **row.content,
            services=row.services,
            href=f"{API}/services?agency={row.content['slug']}",
        )
        for row in rows
    ]
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.slug)


@router.get("/life-events", operation_id="list_life_events")
async def list_life_events(request: Request, session: ReadSessionDep) -> Page[LifeEventItem]:
    """List the life events in their order, each with its number of services."""
    rows = (await session.execute(text(queries.LIFE_EVENTS), {"region": get_region(request)})).all()
    items = [
        LifeEventItem(
            **row.content,
            services=row.services,
            href=f"{API}/services?life_event={row.content['slug']}",
        )
        for row in rows
    ]
    return Page(items=items, next=None)


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


def _no_service(slug: str) -> NotFound:
    return NotFound(f"There is no service {slug!r}; /api/v1/services lists all of them.")
