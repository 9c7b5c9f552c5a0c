"""`/pengumuman`, its feed, and `/pengumuman/{id}`: announcements of websites and agencies."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import httpx
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from services.gateway.connectors.announcements.atom_feed import MAX_ENTRIES, render_feed
from services.gateway.connectors.announcements.routes import (
    Announcement,
    announcement_sources,
    to_announcement,
)
from services.gateway.connectors.announcements.store import (
    find_among_newest,
    get_by_id,
    list_newest,
)
from services.gateway.connectors.source_leases import list_sources
from services.gateway.portal.page import CurrentPage, Page
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.local_time import format_time
from services.platform.paging import build_url
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Settings
from services.platform.types import Slug

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PAGE_SIZE = 10
MOST_TITLES = 3
"""Announcements on pages that are about something else."""


@router.get("/pengumuman")
async def announcements(
    request: Request,
    session: ReadSessionDep,
    page: CurrentPage,
    cursor: UUID | None = None,
    service: Slug | None = None,
) -> HTMLResponse:
    """List the announcements, newest first, with the age of those whose website is down."""
    region, now = get_region(request), datetime.now(UTC)
    rows = await list_newest(
        session, region, limit=PAGE_SIZE + 1, now=now, service=service, after=cursor
    )
    sources = announcement_sources(await list_sources(session, region), now=now)
    more = None
    if len(rows) > PAGE_SIZE:
        narrowed = {"service": service} if service else {}
        query = {"cursor": str(rows[PAGE_SIZE - 1]["id"]), **narrowed, "lang": page.language}
        more = build_url("/pengumuman", query)
    items = [to_announcement(row) for row in rows[:PAGE_SIZE]]
    return page.render(
        "announcements.html",
        items=items,
        agencies=await _agency_names(page, items),
        stale=[source for source in sources if not source.fresh and source.reason],
        at=_moments(page, now),
        more=more,
        data=f"{API}/announcements",
    )


@router.get("/pengumuman.atom")
async def announcement_feed(
    request: Request, session: ReadSessionDep, page: CurrentPage
) -> Response:
    """Return the newest announcements as an Atom feed."""
    region, now = get_region(request), datetime.now(UTC)
    rows = await list_newest(session, region, limit=MAX_ENTRIES, now=now)
    items = [to_announcement(row) for row in rows]
    settings: Settings = request.app.state.settings
    feed = render_feed(
        items,
        region=region,
        address=settings.public_address or str(request.base_url).rstrip("/"),
        agencies=await _agency_names(page, items),
    )
    return Response(feed, media_type="application/atom+xml; charset=utf-8")


@router.get("/pengumuman/{announcement}")
async def announcement(
    request: Request, session: ReadSessionDep, page: CurrentPage, announcement: UUID
) -> HTMLResponse:
    """Show one announcement as its website or its agency has it, sanitised."""
    now = datetime.now(UTC)
    row = await get_by_id(session, get_region(request), announcement, now=now)
    if row is None:
        return page.not_found()
    item = to_announcement(row)
    content = page.messages.choose(item.content, en=item.content_en)
    return page.render(
        "announcement.html",
        item=item,
        agencies=await _agency_names(page, [item]),
        # Sanitised when it was stored: a few elements, no script, style or image.
        content=Markup(content),  # noqa: S704
        at=_moments(page, now),
        data=item.href,
    )


async def latest_announcements(session: ReadSession, region: str) -> list[Announcement]:
    """Return the three newest announcements, for the home page."""
    rows = await list_newest(session, region, limit=MOST_TITLES, now=datetime.now(UTC))
    return [to_announcement(row) for row in rows]


async def announcements_about(
    session: ReadSession, region: str, service: str
) -> list[Announcement]:
    """Return the three newest announcements of agencies that concern a service, for its page.

    What websites wrote stays out: it mentions services for years, and nobody said until when.
    """
    rows = await list_newest(
        session,
        region,
        limit=MOST_TITLES,
        now=datetime.now(UTC),
        service=service,
        is_written=True,
    )
    return [to_announcement(row) for row in rows]


async def announcements_with(session: ReadSession, region: str, query: str) -> list[Announcement]:
    """Return the three newest announcements that have all words of a search."""
    rows = await find_among_newest(session, region, query, limit=MOST_TITLES, now=datetime.now(UTC))
    return [to_announcement(row) for row in rows]


async def _agency_names(page: Page, items: Sequence[Announcement]) -> dict[str, str]:
    """Return the names of the agencies that wrote some of these; none without the catalogue."""
    if all(item.agency is None for item in items):
        return {}
    try:
        agencies = await page.catalog.list_agencies()
    except httpx.HTTPError:
        return {}
    return {each.slug: page.in_language(each, "name") or each.name for each in agencies}


def _moments(page: Page, now: datetime) -> Callable[[datetime], str]:
    """Return a format for moments: of today the time, of another day the date with its year."""

    def at(when: datetime) -> str:
        local = when.astimezone(page.zone)
        if local.date() == now.astimezone(page.zone).date():
            return format_time(when, now=now, zone=page.zone, language=page.language)
        return page.messages.long_date(local.date())

    return at
