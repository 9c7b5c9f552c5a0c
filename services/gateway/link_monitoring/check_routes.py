"""The health of links over HTTP: checks, uptime, badge, report, feed."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response

from services.gateway.api_keys.keys import Administrator
from services.gateway.link_monitoring.atom_feed import changes_feed
from services.gateway.link_monitoring.badge import badge
from services.gateway.link_monitoring.checks import Check, list_checks
from services.gateway.link_monitoring.health import health_of_links
from services.gateway.link_monitoring.leases import claim_link, enrol
from services.gateway.link_monitoring.reason_texts import STATES, short_title
from services.gateway.link_monitoring.routes import find_link
from services.gateway.link_monitoring.scheduler import Watch
from services.gateway.link_monitoring.sla import read_year
from services.gateway.link_monitoring.sla_pdf import to_pdf
from services.gateway.link_monitoring.uptime import DAYS_AT_MOST, By, Uptime, sla_report, uptime_of
from services.gateway.regency.regency import find_regency
from services.platform.database import Database, ReadSessionDep
from services.platform.entity_tags import tag_matches
from services.platform.local_time import JAKARTA
from services.platform.paging import Page, next_page_url
from services.platform.parameters import LanguageQuery, Limit, SlugPath, YearQuery
from services.platform.problems import Conflict, FieldError, Invalid, problem_responses
from services.platform.service import API, get_region
from services.platform.settings import Settings
from services.platform.translation import translator

router = APIRouter(tags=["links"], responses=problem_responses(401, 422))

UuidCursor = Annotated[
    UUID | None, Query(description="Where the page starts; taken from `next` of the page before.")
]
PDF = "application/pdf"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


@router.get(
    f"{API}/links/sla.csv",
    operation_id="get_links_sla",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def get_links_sla(request: Request, session: ReadSessionDep, year: YearQuery) -> Response:
    """A year of all links as CSV: uptime, downtime, response times and incidents by month."""
    today = datetime.now(JAKARTA).date()
    report = await sla_report(session, get_region(request), year=year, today=today)
    name = f"sla-{get_region(request)}-{year}.csv"
    return Response(
        report,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get(
    f"{API}/links/sla.pdf",
    operation_id="get_links_sla_pdf",
    response_class=Response,
    responses={
        200: {
            "description": "Pages of A4.",
            "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def get_links_sla_pdf(request: Request, year: YearQuery) -> Response:
    """The same year as PDF, in Indonesian: how it was counted, and every incident.

    Its `ETag` is that of the figures: it stays while only the moment of writing differs.
    """
    region, now = get_region(request), datetime.now(UTC)
    settings: Settings = request.app.state.settings
    database: Database = request.app.state.database
    async with database.read_session() as session:  # given back before pages are set
        regency = await find_regency(session, region)
        report = await read_year(
            session,
            region,
            year=year,
            now=now,
            place=regency.name if regency is not None else region,
            check_seconds=settings.link_check_seconds,
        )
    headers = {"ETag": report.tag, "Content-Language": "id"}
    if tag_matches(request.headers.get("If-None-Match", ""), report.tag):
        return Response(status_code=304, headers=headers)
    limiter: CapacityLimiter = request.app.state.typesetting
    pages = await to_thread.run_sync(partial(to_pdf, report, now=now), limiter=limiter)
    headers["Content-Disposition"] = f'inline; filename="sla-{region}-{year}.pdf"'
    return Response(pages, media_type=PDF, headers=headers)


@router.get(
    "/status.atom",
    operation_id="get_status_feed",
    response_class=Response,
    responses={200: {"content": {"application/atom+xml": {"schema": {"type": "string"}}}}},
)
async def get_status_feed(request: Request, session: ReadSessionDep) -> Response:
    """What happened to links, newest first, as an Atom feed."""
    address = str(request.app.state.settings.public_url or request.base_url).rstrip("/")
    feed = await changes_feed(session, get_region(request), address=address)
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
    """The checks of a link, newest first: what each saw, and how fast the answer came.

    Single checks go after some months; what they say of each day stays in `uptime`.
    """
    await find_link(session, get_region(request), slug)
    checks = await list_checks(session, get_region(request), slug, cursor=cursor, limit=limit + 1)
    more = str(checks[limit - 1].id) if len(checks) > limit else None
    return Page(items=checks[:limit], next=next_page_url(request, more))


@router.get(
    f"{API}/links/{{slug}}/uptime",
    operation_id="get_link_uptime",
    responses=problem_responses(404),
)
async def get_link_uptime(
    request: Request,
    session: ReadSessionDep,
    slug: SlugPath,
    *,
    by: Annotated[By, Query(description="What the span is divided into.")] = "day",
    begin: Annotated[
        date | None, Query(alias="from", description="First day; default: 30 days before `to`.")
    ] = None,
    end: Annotated[date | None, Query(alias="to", description="Last day; default: today.")] = None,
) -> Uptime:
    """How long a link was up and how fast, by day, month or year of Asia/Jakarta."""
    await find_link(session, get_region(request), slug)
    last = end or datetime.now(JAKARTA).date()
    if not all(FIRST_DAY <= day <= LAST_DAY for day in (last, begin or last)):
        raise Invalid(f"Days lie between {FIRST_DAY} and {LAST_DAY}.")
    first = begin or last - timedelta(days=30)
    if first > last or (by == "day" and (last - first).days > DAYS_AT_MOST):
        detail = f"must not lie after `to`, and by day at most {DAYS_AT_MOST} days before it"
        raise Invalid(
            "There is no such span.",
            errors=[FieldError(pointer=None, parameter="from", detail=detail)],
        )
    found = await uptime_of(
        session,
        get_region(request),
        slug=slug,
        by=by,
        begin=first,
        end=last + timedelta(days=1),
    )
    return Uptime(link=slug, by=by, items=found.get(slug, []))


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
    """A picture of a link's state, to be embedded elsewhere."""
    link = await find_link(session, get_region(request), slug)
    known = await health_of_links(session, get_region(request), now=datetime.now(UTC), slug=slug)
    messages, state = translator(language), known[slug].state
    title = short_title(messages.field(link.content, "title"))
    picture = badge(title, messages.translate(STATES[state]), state)
    return Response(
        picture,
        media_type="image/svg+xml",
        headers={
            "Cache-Control": "public, max-age=60",
            "Content-Security-Policy": "default-src 'none'",
        },
    )


@router.post(
    f"{API}/links/{{slug}}/check",
    operation_id="check_link",
    responses=problem_responses(403, 404, 409),
)
async def check_link(request: Request, caller: Administrator, slug: SlugPath) -> Check:
    """Checks a link now. Its host is asked by one check at a time, with a rest between them."""
    database: Database = request.app.state.database
    watch: Watch = request.app.state.watch
    region = get_region(request)
    async with database.write_session() as session:
        await enrol(session, region, spread=timedelta())
        claim = await claim_link(session, region, slug)
    if claim is None:
        async with database.read_session() as session:
            await find_link(session, region, slug)
        raise _being_checked()
    check = await watch.check(claim)
    if check is None:
        raise _being_checked()
    return check


def _being_checked() -> Conflict:
    return Conflict(
        "Its host is being checked, or was a moment ago; try again shortly.",
        headers={"Retry-After": "10"},
    )
