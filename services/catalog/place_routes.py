"""Places over HTTP: `/api/v1/places`."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query, Request, Response
from sqlalchemy import text

from services.catalog import reference_queries as queries
from services.catalog.conditional_writes import Representation, delete_record, put_record
from services.catalog.opening_hours import DAY, WEEK, OpenState, opening_intervals, state_at
from services.catalog.records import Place
from services.catalog.reference_records import PLACES, get_record
from services.catalog.references import references_of_place
from services.catalog.schemas import (
    OpeningDay,
    OpeningInterval,
    PlaceDetail,
    PlaceItem,
    PlaceOpening,
    opening_of,
)
from services.platform.conditional_writes import CatalogPut, CatalogWrite, version_tag
from services.platform.database import ReadSession, ReadSessionDep, WriteSession
from services.platform.local_time import DEFAULT_ZONE
from services.platform.paging import Page, paginate
from services.platform.parameters import AgencyQuery, Limit, ServiceQuery, SlugCursor, SlugPath
from services.platform.problems import (
    FieldError,
    Invalid,
    problem_responses,
)
from services.platform.regency import find_regency
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service as ServiceName
from services.platform.stored import parse_stored
from services.platform.translation import N_, localized
from services.platform.types import DistrictCode
from services.platform.working_days import holidays_of

router = Router(prefix=API, tags=["catalog"], responses=problem_responses(401, 422))

OpenNow = Annotated[
    bool | None,
    Query(description="Only what is open at this moment (true), or closed (false)."),
]


@router.get("/places", operation_id="list_places")
async def list_places(
    request: Request,
    session: ReadSessionDep,
    *,
    service: ServiceQuery = None,
    agency: AgencyQuery = None,
    district: Annotated[DistrictCode | None, Query(description="Only in this district.")] = None,
    open_now: OpenNow = None,
    cursor: SlugCursor = None,
    limit: Limit = 50,
) -> Page[PlaceItem]:
    """List the offices and counters at which services are given, each with whether it is open.

    `open_now` leaves out places whose hours are not published.
    """
    region = get_region(request)
    now = datetime.now(UTC)
    zone = await read_zone(session, region)
    among = None if open_now is None else await places_open(session, region, now, is_open=open_now)
    parameters = {
        "region": region,
        "service": service,
        "agency": agency,
        "district": district,
        "among": among,
        "cursor": cursor,
        "limit": limit + 1,
    }
    rows = (await session.execute(text(queries.PLACES), parameters)).all()
    items: list[PlaceItem] = []
    for row in rows:
        place = parse_stored(Place, row.content)
        items.append(
            PlaceItem(
                **place.model_dump(),
                opening=opening_of(place, _state(place, now, zone)),
                services=row.services,
                href=f"{API}/places/{place.slug}",
            )
        )
    return paginate(request, items, limit=limit, cursor_of=lambda item: item.slug)


@router.get("/places/{slug}", operation_id="get_place", responses=problem_responses(404))
async def get_place(
    request: Request, response: Response, session: ReadSessionDep, slug: SlugPath
) -> PlaceDetail:
    """Return one place: address, hours, contacts, accessibility, and the services given there."""
    shown = await _show(session, get_region(request), slug)
    response.headers["ETag"] = shown.tag
    return shown.detail


@router.get(
    "/places/{slug}/opening", operation_id="get_place_opening", responses=problem_responses(404)
)
async def get_place_opening(
    request: Request, session: ReadSessionDep, slug: SlugPath
) -> PlaceOpening:
    """Return whether a place is open now, and its opening on this day and the six that follow."""
    region = get_region(request)
    stored = await get_record(session, region, PLACES, slug)
    place, zone, now = stored.record, await read_zone(session, region), datetime.now(UTC)
    today = now.astimezone(zone).date()
    opening = opening_of(place, _state(place, now, zone))
    return PlaceOpening(
        open=opening.open,
        changes_at=opening.changes_at,
        as_of=now.astimezone(zone),
        days=[
            OpeningDay(
                date=day,
                holiday=day in holidays_of(day.year),
                intervals=[
                    OpeningInterval(opens_at=one.start, closes_at=one.end)
                    for one in opening_intervals(place.hours, place.exceptions, day, zone)
                ],
            )
            for day in (today + n * DAY for n in range(WEEK))
        ],
    )


@router.put(
    "/places/{slug}",
    operation_id="put_place",
    responses={201: {"model": PlaceDetail}} | problem_responses(403, 409, 412, 413, 428),
)
async def put_place(write: CatalogPut, slug: SlugPath, place: Place) -> PlaceDetail:
    """Create a place of the key's agency, or publish a change of one; earlier versions remain.

    Whether it is open at a moment follows from its hours, the public holidays and joint leave.
    """
    if not place.is_in(write.region):
        district = N_("harus kecamatan di kabupaten ini, %(region)s")
        error = FieldError.at("#/district", localized(district, region=write.region))
        raise Invalid(
            localized(N_("Tempat ini tidak diterbitkan; lihat errors[].")), errors=[error]
        )
    return await put_record(
        write,
        PLACES,
        place,
        slug,
        agency=place.agency,
        references=references_of_place(place),
        show=lambda: _show(write.session, write.region, slug),
    )


@router.delete(
    "/places/{slug}",
    operation_id="delete_place",
    status_code=204,
    responses=problem_responses(403, 404, 409, 412, 428),
)
async def delete_place(write: CatalogWrite, slug: SlugPath) -> None:
    """Withdraw a place at which no service is given any more; its versions remain."""
    await delete_record(write, PLACES, slug, show=lambda: _show(write.session, write.region, slug))


async def places_open(
    session: ReadSession, region: str, now: datetime, *, is_open: bool
) -> list[str]:
    """Return the slugs of the places that publish their hours and are open now, or closed."""
    rows = (await session.execute(text(queries.OPENING_HOURS), {"region": region})).all()
    zone = await read_zone(session, region)
    return [
        row.slug
        for row in rows
        if _state(parse_stored(Place, row.content), now, zone).is_open == is_open
    ]


async def places_wanted(
    session: ReadSession,
    region: str,
    now: datetime,
    *,
    place: str | None,
    district: str | None,
    open_now: bool | None,
) -> list[str] | None:
    """Return the slugs of the places that these parameters allow; None without any."""
    if place is None and district is None and open_now is None:
        return None
    wanted = {"region": region, "place": place, "district": district}
    rows = (await session.execute(text(queries.PLACES_WANTED), wanted)).all()
    if open_now is None:
        return [row.slug for row in rows]
    zone = await read_zone(session, region)
    places = [parse_stored(Place, row.content) for row in rows]
    return [
        one.slug
        for one in places
        if (one.hours or one.exceptions) and is_open(one, now, zone) == open_now
    ]


def is_open(place: Place, now: datetime, zone: ZoneInfo) -> bool:
    """Return whether a place is open at a moment, by the hours that it publishes."""
    return _state(place, now, zone).is_open


async def read_zone(session: ReadSession, region: str) -> ZoneInfo:
    """Return the regency's time zone; a default before a pack is loaded."""
    regency = await find_regency(session, ServiceName.catalog, region)
    return DEFAULT_ZONE if regency is None else ZoneInfo(regency.timezone)


def _state(place: Place, now: datetime, zone: ZoneInfo) -> OpenState:
    return state_at(place.hours, place.exceptions, now, zone)


async def _show(
    session: ReadSession | WriteSession, region: str, slug: str
) -> Representation[PlaceDetail]:
    stored = await get_record(session, region, PLACES, slug)
    parameters = {"region": region, "slug": slug}
    row = (await session.execute(text(queries.PLACE_DETAIL), parameters)).one()
    detail = PlaceDetail(
        place=stored.record,
        agency=row.agency,
        services=row.services,
        sources=row.sources,
        version=stored.version,
        modified_at=stored.modified_at,
        href=f"{API}/places/{slug}",
    )
    return Representation(detail, version_tag(stored.version, detail))
