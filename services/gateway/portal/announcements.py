"""The pages `/pengumuman` and `/pengumuman/{id}`: announcements of the regency's websites."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

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
from services.platform.service import API, get_region
from services.platform.types import Slug

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

PAGE_SIZE = 10


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
    rows = await list_newest(session, region, limit=PAGE_SIZE + 1, service=service, after=cursor)
    sources = announcement_sources(await list_sources(session, region), now=now)
    more = None
    if len(rows) > PAGE_SIZE:
        narrowed = {"service": service} if service else {}
        query = {"cursor": str(rows[PAGE_SIZE - 1]["id"]), **narrowed, "lang": page.language}
        more = build_url("/pengumuman", query)
    return page.render(
        "announcements.html",
        items=[to_announcement(row) for row in rows[:PAGE_SIZE]],
        stale=[source for source in sources if not source.fresh and source.reason],
        at=_moments(page, now),
        more=more,
        data=f"{API}/announcements",
    )


@router.get("/pengumuman/{announcement}")
async def announcement(
    request: Request, session: ReadSessionDep, page: CurrentPage, announcement: UUID
) -> HTMLResponse:
    """Show one announcement as its website has it, sanitised."""
    row = await get_by_id(session, get_region(request), announcement)
    if row is None:
        return page.not_found()
    item = to_announcement(row)
    return page.render(
        "announcement.html",
        item=item,
        # Sanitised when it was stored: a few elements, no script, style or image.
        content=Markup(item.content),  # noqa: S704
        at=_moments(page, datetime.now(UTC)),
        data=item.href,
    )


async def latest_announcements(session: ReadSession, region: str) -> list[Announcement]:
    """Return the three newest announcements, for the home page."""
    return [to_announcement(row) for row in await list_newest(session, region, limit=3)]


async def announcements_with(session: ReadSession, region: str, query: str) -> list[Announcement]:
    """Return the three newest announcements that have all words of a search."""
    return [
        to_announcement(row) for row in await find_among_newest(session, region, query, limit=3)
    ]


def _moments(page: Page, now: datetime) -> Callable[[datetime], str]:
    """Return a format for moments: of today the time, of another day the date with its year."""

    def at(when: datetime) -> str:
        local = when.astimezone(page.zone)
        if local.date() == now.astimezone(page.zone).date():
            return format_time(when, now=now, zone=page.zone, language=page.language)
        return page.messages.long_date(local.date())

    return at
