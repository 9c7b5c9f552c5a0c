"""The page `/status`: how the portals are, what is being done, what is planned."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlmodel import col, select

from services.gateway.link_monitoring.health import LinkHealth, health_of_links
from services.gateway.link_monitoring.incidents import list_incidents
from services.gateway.link_monitoring.maintenance import list_maintenance
from services.gateway.link_monitoring.reason_texts import in_words, short_title
from services.gateway.link_monitoring.records import LinkRecord
from services.gateway.link_monitoring.uptime import days_of
from services.gateway.portal.page import Page, ThisPage
from services.platform.database import ReadSessionDep
from services.platform.local_time import JAKARTA, format_time
from services.platform.service import API, get_region

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

DAYS = 30

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Status portal", "Status of the portals"),
    "all_well": ("Semua portal yang diperiksa berfungsi.", "All portals that are checked work."),
    "some_trouble": ("Ada portal yang terganggu.", "Some portals have trouble."),
    "not_known": (
        "Keadaan portal belum diketahui.",
        "How the portals are is not known yet.",
    ),
    "now": ("Gangguan saat ini", "Trouble now"),
    "planned": ("Pemeliharaan", "Maintenance"),
    "past": ("Gangguan yang sudah selesai", "Trouble that is over"),
    "portal": ("Portal", "Portal"),
    "state": ("Keadaan", "State"),
    "checked": ("Diperiksa", "Checked"),
    "uptime": (f"{DAYS} hari terakhir", f"Last {DAYS} days"),
    "ok": ("Berfungsi", "Works"),
    "caution": ("Perlu perhatian", "Caution"),
    "broken": ("Terganggu", "Broken"),
    "pending": ("Belum diketahui", "Not known"),
    "maintenance": ("Pemeliharaan", "Maintenance"),
    "since": ("sejak", "since"),
    "until": ("sampai", "until"),
    "yearly": ("Laporan tahun ini", "Report of this year, in Indonesian"),
    "feed": ("Ikuti perubahan (Atom)", "Follow changes (Atom)"),
}


@router.get("/status")
async def status(request: Request, session: ReadSessionDep, page: ThisPage) -> HTMLResponse:
    """How each portal is, in words."""
    region, now = get_region(request), datetime.now(UTC)
    links = await session.execute(
        select(LinkRecord).where(LinkRecord.region == region).order_by(col(LinkRecord.slug))
    )
    health = await health_of_links(session, region, now=now)
    zone = zone_of(page)
    first_day = (now.astimezone(zone) - timedelta(days=DAYS)).date()
    days = await days_of(session, region, begin=first_day)
    english = page.language == "en"

    def at(when: datetime) -> str:
        return format_time(when, now=now, zone=zone, language=page.language)

    return page.render(
        "status.html",
        s={name: texts[english] for name, texts in WORDS.items()},
        overall=overall_of(health),
        links=[
            (row.content, health[row.slug], _percent(days.get(row.slug, {}), english=english))
            for row in links.scalars()
        ],
        open_incidents=await list_incidents(session, region, is_open=True, limit=50),
        past_incidents=await list_incidents(session, region, is_open=False, limit=10),
        maintenance=await list_maintenance(session, region, now=now, ahead=True, limit=50),
        at=at,
        in_words=lambda reason: in_words(reason, page.language),
        short_title=short_title,
        data=f"{API}/links",
        sla=f"{API}/links/sla",
        year=now.astimezone(JAKARTA).year,
    )


def zone_of(page: Page) -> ZoneInfo:
    """The time zone of the regency."""
    return ZoneInfo(page.regency.timezone if page.regency is not None else "Asia/Jakarta")


def overall_of(health: Mapping[str, LinkHealth]) -> str:
    """One word for all portals together."""
    if any(known.trouble is not None for known in health.values()):
        return "some_trouble"
    if all(known.state == "pending" for known in health.values()):
        return "not_known"
    return (
        "all_well" if all(known.state != "broken" for known in health.values()) else "some_trouble"
    )


def _percent(days: Mapping[date, float | None], *, english: bool) -> str:
    """The mean of the days that are known, rounded down: 99,99 % is not 100 %."""
    known = [share for share in days.values() if share is not None]
    if not known:
        return "–"
    tenths = int(sum(known) / len(known) * 1000)
    shown = f"{tenths // 10}.{tenths % 10}%"
    return shown if english else shown.replace(".", ",")
