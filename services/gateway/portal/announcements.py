"""The pages `/pengumuman` and `/pengumuman/{id}`: what the regency's websites announce."""

from collections.abc import Callable, Mapping
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
from services.gateway.connectors.announcements.store import get_by_id, list_newest
from services.gateway.connectors.source_leases import list_sources
from services.gateway.portal.page import Page, ThisPage
from services.gateway.portal.status import zone_of
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.local_time import MONTHS, format_time
from services.platform.paging import build_url
from services.platform.service import API, get_region
from services.platform.types import Slug

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

PAGE = 10

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Pengumuman", "Announcements"),
    "lead": (
        "Dari situs web pemerintah kabupaten.",
        "From the regency's websites, in Indonesian.",
    ),
    "none": ("Belum ada pengumuman.", "There are no announcements yet."),
    "original": ("Baca di situs web", "Read on the website"),
    "about": ("Menyebut layanan", "Mentions services"),
    "because": ("karena kata", "by the words"),
    "older": ("Sebelumnya", "Older"),
    "all": ("Semua pengumuman", "All announcements"),
    "stale": ("Situs web tidak dapat dibaca saat ini", "The website cannot be read now"),
    "as_of": ("isi menurut keadaan", "as it was"),
    "never": ("belum pernah terbaca", "it has not been read yet"),
}


def words_of(page: Page) -> dict[str, str]:
    """The words of these pages in the page's language."""
    return {name: texts[page.language == "en"] for name, texts in WORDS.items()}


@router.get("/pengumuman")
async def announcements(
    request: Request,
    session: ReadSessionDep,
    page: ThisPage,
    cursor: UUID | None = None,
    service: Slug | None = None,
) -> HTMLResponse:
    """The announcements, the newest first, and how old they are where a website is down."""
    region, now = get_region(request), datetime.now(UTC)
    rows = await list_newest(session, region, limit=PAGE + 1, service=service, after=cursor)
    sources = announcement_sources(await list_sources(session, region), now=now)
    more = None
    if len(rows) > PAGE:
        kept = {"service": service} if service else {}
        query = {"cursor": str(rows[PAGE - 1]["id"]), **kept, "lang": page.language}
        more = build_url("/pengumuman", query)
    return page.render(
        "announcements.html",
        s=words_of(page),
        items=[to_announcement(row) for row in rows[:PAGE]],
        stale=[source for source in sources if not source.fresh and source.reason],
        at=_clock(page, now),
        more=more,
        data=f"{API}/announcements",
    )


@router.get("/pengumuman/{announcement}")
async def announcement(
    request: Request, session: ReadSessionDep, page: ThisPage, announcement: UUID
) -> HTMLResponse:
    """One announcement as the website has it, made safe."""
    row = await get_by_id(session, get_region(request), announcement)
    if row is None:
        return page.not_found()
    item = to_announcement(row)
    return page.render(
        "announcement.html",
        s=words_of(page),
        item=item,
        # Cleaned when it was stored: a few elements, no script, style or picture.
        content=Markup(item.content),  # noqa: S704
        at=_clock(page, datetime.now(UTC)),
        data=item.href,
    )


async def latest_of(session: ReadSession, region: str) -> list[Announcement]:
    """The three newest, for the home page."""
    return [to_announcement(row) for row in await list_newest(session, region, limit=3)]


def _clock(page: Page, now: datetime) -> Callable[[datetime], str]:
    """Tells a time of today by the clock, another day by its date with the year."""
    zone = zone_of(page)

    def at(when: datetime) -> str:
        local = when.astimezone(zone)
        if local.date() == now.astimezone(zone).date():
            return format_time(when, now=now, zone=zone, language=page.language)
        return f"{local.day} {MONTHS[page.language].split()[local.month - 1]} {local.year}"

    return at
