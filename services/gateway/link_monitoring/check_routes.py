"""Checks of links over HTTP, with uptime, badge, yearly report and Atom feed."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from anyio import CapacityLimiter, to_thread
from fastapi import Query, Request, Response

from services.gateway.link_monitoring.atom_feed import read_feed
from services.gateway.link_monitoring.badge import render_badge
from services.gateway.link_monitoring.checks import Check, list_checks
from services.gateway.link_monitoring.health import read_link_health
from services.gateway.link_monitoring.leases import claim_link, register_links
from services.gateway.link_monitoring.reason_texts import STATE_NAMES, short_title
from services.gateway.link_monitoring.routes import find_link
from services.gateway.link_monitoring.scheduler import LinkCheckScheduler
from services.gateway.link_monitoring.sla import SlaReport, read_sla_report
from services.gateway.link_monitoring.sla_csv import render_csv
from services.gateway.link_monitoring.sla_pdf import render_sla_pdf
from services.gateway.link_monitoring.uptime import (
    MAX_DAYS,
    Granularity,
    Uptime,
    read_uptime,
)
from services.platform.database import Database, ReadSession, ReadSessionDep
from services.platform.entity_tags import tag_matches
from services.platform.identity import Administrator
from services.platform.local_time import ZoneDep, day_of
from services.platform.paging import Page, paginate
from services.platform.parameters import DelimiterQuery, LanguageQuery, Limit, SlugPath, YearQuery
from services.platform.problems import Conflict, FieldError, Invalid, problem_responses
from services.platform.regency import find_regency
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Service, Settings
from services.platform.spreadsheets.csv_export import CSV_MEDIA_TYPE
from services.platform.translation import translator

router = Router(tags=["links"], responses=problem_responses(401, 422))

UuidCursor = Annotated[
    UUID | None, Query(description="Start of the page, from `next` of the previous one.")
]
PDF = "application/pdf"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


@router.get(
    f"{API}/links/sla.csv",
    operation_id="get_links_sla",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def get_links_sla(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    year: YearQuery,
    delimiter: DelimiterQuery = "semicolon",
) -> Response:
    """Return a year of all links as CSV: uptime, downtime, response times, incidents by month."""
    now = datetime.now(UTC)
    report = await _read_report(request, session, year=year, now=now, zone=zone)
    name = f"sla-{get_region(request)}-{year}.csv"
    return Response(
        render_csv(report, today=day_of(now, zone), delimiter=delimiter),
        media_type=CSV_MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get(
    f"{API}/links/sla.pdf",
    operation_id="get_links_sla_pdf",
    response_class=Response,
    responses={
        200: {
            "description": "PDF with A4 pages.",
            "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def get_links_sla_pdf(request: Request, zone: ZoneDep, year: YearQuery) -> Response:
    """Return the same year as PDF, in Indonesian, with its method and every incident.

    The `ETag` depends on the figures only, not on the time of the request.
    """
    now = datetime.now(UTC)
    database: Database = request.app.state.database
    async with database.read_session() as session:  # released before the PDF is rendered
        report = await _read_report(request, session, year=year, now=now, zone=zone)
    headers = {"ETag": report.etag, "Content-Language": "id"}
    if tag_matches(request.headers.get("If-None-Match", ""), report.etag):
        return Response(status_code=304, headers=headers)
    limiter: CapacityLimiter = request.app.state.pdf_limiter
    pdf = await to_thread.run_sync(partial(render_sla_pdf, report, now=now), limiter=limiter)
    headers["Content-Disposition"] = f'inline; filename="sla-{get_region(request)}-{year}.pdf"'
    return Response(pdf, media_type=PDF, headers=headers)


async def _read_report(
    request: Request, session: ReadSession, *, year: int, now: datetime, zone: ZoneInfo
) -> SlaReport:
    region = get_region(request)
    settings: Settings = request.app.state.settings
    regency = await find_regency(session, Service.gateway, region)
    return await read_sla_report(
        session,
        region,
        year=year,
        now=now,
        zone=zone,
        region_name=regency.name if regency is not None else region,
        check_seconds=settings.link_check_seconds,
    )


@router.get(
    "/status.atom",
    operation_id="get_status_feed",
    response_class=Response,
    responses={200: {"content": {"application/atom+xml": {"schema": {"type": "string"}}}}},
)
async def get_status_feed(request: Request, session: ReadSessionDep) -> Response:
    """Return the latest events of links as an Atom feed, newest first."""
    settings: Settings = request.app.state.settings
    address = settings.public_address or str(request.base_url).rstrip("/")
    feed = await read_feed(session, get_region(request), address=address)
    return Response(feed, media_type="application/atom+xml; charset=utf-8")


@router.get(
    f"{API}/links/{{slug}}/checks",
    operation_id="list_link_checks",
    responses=problem_responses(404),
)
async def list_link_checks(
    request: Request,
    session: ReadSessionDep,
    slug: SlugPath,
    cursor: UuidCursor = None,
    limit: Limit = 50,
) -> Page[Check]:
    """List the checks of a link with result and response time, newest first.

    Checks are deleted after some months; their daily statistics stay in `uptime`.
    """
    await find_link(session, get_region(request), slug)
    checks = await list_checks(session, get_region(request), slug, cursor=cursor, limit=limit + 1)
    return paginate(request, checks, limit=limit, cursor_of=lambda check: str(check.id))


@router.get(
    f"{API}/links/{{slug}}/uptime",
    operation_id="get_link_uptime",
    responses=problem_responses(404),
)
async def get_link_uptime(
    request: Request,
    session: ReadSessionDep,
    zone: ZoneDep,
    slug: SlugPath,
    *,
    by: Annotated[Granularity, Query(description="Length of a period.")] = "day",
    begin: Annotated[
        date | None, Query(alias="from", description="First day; default: 30 days before `to`.")
    ] = None,
    end: Annotated[date | None, Query(alias="to", description="Last day; default: today.")] = None,
) -> Uptime:
    """Return the uptime and response times of a link by local day, month or year."""
    await find_link(session, get_region(request), slug)
    last = end or datetime.now(zone).date()
    if not all(FIRST_DAY <= day <= LAST_DAY for day in (last, begin or last)):
        raise Invalid(f"Dates must lie between {FIRST_DAY} and {LAST_DAY}.")
    first = begin or last - timedelta(days=30)
    if first > last or (by == "day" and (last - first).days > MAX_DAYS):
        detail = f"must not lie after `to`, and by day at most {MAX_DAYS} days before it"
        raise Invalid(
            "The time span is invalid.",
            errors=[FieldError(pointer=None, parameter="from", detail=detail)],
        )
    periods = await read_uptime(
        session,
        get_region(request),
        slug=slug,
        by=by,
        begin=first,
        end=last + timedelta(days=1),
        zone=zone,
    )
    return Uptime(link=slug, by=by, items=periods.get(slug, []))


@router.get(
    f"{API}/links/{{slug}}/badge.svg",
    operation_id="get_link_badge",
    response_class=Response,
    responses=problem_responses(404)
    | {200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def get_link_badge(
    request: Request,
    session: ReadSessionDep,
    slug: SlugPath,
    language: LanguageQuery = "id",
) -> Response:
    """Return an SVG badge with a link's state, for other sites to embed."""
    link = await find_link(session, get_region(request), slug)
    health = await read_link_health(session, get_region(request), now=datetime.now(UTC), slug=slug)
    messages, state = translator(language), health[slug].state
    title = short_title(messages.field(link.content, "title"))
    picture = render_badge(title, messages.translate(STATE_NAMES[state]), state)
    return Response(
        picture,
        media_type="image/svg+xml; charset=utf-8",
        headers={"Cache-Control": "public, max-age=60"},
    )


@router.post(
    f"{API}/links/{{slug}}/check",
    operation_id="check_link",
    responses=problem_responses(403, 404, 409),
)
async def check_link(request: Request, caller: Administrator, slug: SlugPath) -> Check:
    """Check a link now; 409 while its host is being checked, and for 5 s after a check."""
    database: Database = request.app.state.database
    scheduler: LinkCheckScheduler = request.app.state.link_check_scheduler
    region = get_region(request)
    async with database.write_session() as session:
        await register_links(session, region, spread=timedelta())
        claim = await claim_link(session, region, slug)
    if claim is None:
        async with database.read_session() as session:
            await find_link(session, region, slug)
        raise _host_busy()
    check = await scheduler.check(claim)
    if check is None:
        raise _host_busy()
    return check


def _host_busy() -> Conflict:
    return Conflict(
        "The link's host is being checked, or was checked just now; try again in 10 s.",
        headers={"Retry-After": "10"},
    )
