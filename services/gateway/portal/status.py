"""The page `/status`: how the portals are, open incidents and planned maintenance."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col, select

from services.gateway.link_monitoring.classify import HUB_REASONS
from services.gateway.link_monitoring.health import LinkHealth, read_link_health
from services.gateway.link_monitoring.incidents import list_incidents
from services.gateway.link_monitoring.maintenance import list_maintenance
from services.gateway.link_monitoring.reason_texts import reason_text, short_title
from services.gateway.link_monitoring.records import LinkRecord
from services.gateway.link_monitoring.uptime import Observed, read_observed
from services.gateway.portal.chart_answers import FileKind, Origin, chart_file, chart_page
from services.gateway.portal.charts.chart import Chart
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.uptime_charts import round_down, uptime_chart
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.local_time import day_of, format_time
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.translation import N_, Message, Translator

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

UPTIME_DAYS = 30

STATES: Mapping[str, Message] = {
    "ok": N_("Berfungsi"),
    "caution": N_("Perlu perhatian"),
    "broken": N_("Terganggu"),
    "pending": N_("Belum diketahui"),
    "maintenance": N_("Pemeliharaan"),
}

ALL_WELL = N_("Semua portal yang diperiksa berfungsi.")
SOME_TROUBLE = N_("Ada portal yang terganggu.")
NOT_KNOWN = N_("Keadaan portal belum diketahui.")
HUB_OFFLINE = N_(
    "Jaringan hub ini sedang terputus, jadi keadaan portal belum diketahui. "
    "Portal mungkin tetap berfungsi."
)

NONE_REACHED = N_(
    "Tidak ada portal yang dapat dihubungi dari hub ini. Hub mengenal terlalu sedikit situs untuk "
    "memastikan bahwa bukan jaringannya sendiri yang terputus; portal mungkin tetap berfungsi."
)


@router.get("/status")
async def status(request: Request, session: ReadSessionDep, page: CurrentPage) -> HTMLResponse:
    """Show the state of each portal with its uptime, the incidents and the maintenance."""
    region, now = get_region(request), datetime.now(UTC)
    found = await session.execute(
        select(LinkRecord).where(LinkRecord.region == region).order_by(col(LinkRecord.slug))
    )
    links = found.scalars().all()
    health = await read_link_health(session, region, now=now)
    today = day_of(now, page.zone)
    first_day = today - timedelta(days=UPTIME_DAYS)
    observed = await read_observed(session, region, begin=first_day)

    rows = [
        (
            row.content,
            health[row.slug],
            _uptime(sum(observed.get(row.slug, {}).values(), Observed()), page.messages),
        )
        for row in links
    ]
    charts = [
        (
            row.content,
            uptime_chart(page, row.content, observed[row.slug], first=first_day, last=today),
        )
        for row in links
        if row.slug in observed
    ]

    def at(when: datetime) -> str:
        return format_time(when, now=now, zone=page.zone, language=page.language)

    return page.render(
        "status.html",
        overall=page.messages.translate(overall_status(health)),
        states=page.messages.labels(STATES),
        days=UPTIME_DAYS,
        links=rows,
        observed=charts,
        unobserved=[row.content for row in links if row.slug not in observed],
        open_incidents=await list_incidents(session, region, is_open=True, limit=50),
        past_incidents=await list_incidents(session, region, is_open=False, limit=10),
        maintenance=await list_maintenance(session, region, now=now, upcoming=True, limit=50),
        at=at,
        in_words=lambda reason: reason_text(reason, page.language),
        short_title=short_title,
        data=f"{API}/links",
        sla=f"{API}/links/sla",
        year=now.astimezone(page.zone).year,
    )


@router.get("/status/bagan/{slug}.svg")
async def uptime_as_svg(session: ReadSessionDep, page: CurrentPage, slug: SlugPath) -> Response:
    """Return the chart of a portal's days with its title, its source and its period."""
    return await _file(session, page, slug, "svg")


@router.get("/status/bagan/{slug}.png")
async def uptime_as_png(session: ReadSessionDep, page: CurrentPage, slug: SlugPath) -> Response:
    """Return the same as PNG."""
    return await _file(session, page, slug, "png")


@router.get("/status/bagan/{slug}.csv")
async def uptime_as_csv(session: ReadSessionDep, page: CurrentPage, slug: SlugPath) -> Response:
    """Return the days of a portal, not rounded."""
    return await _file(session, page, slug, "csv")


@router.get("/status/bagan/{slug}")
async def uptime_page(session: ReadSessionDep, page: CurrentPage, slug: SlugPath) -> HTMLResponse:
    """Show the days of a portal with their table, and what can be taken away."""
    chart = await _find_chart(session, page, slug)
    if chart is None:
        return page.not_found()
    origin = Origin(page.link("/status"), page.messages.gettext("Status portal"))
    return chart_page(page, chart, origin=origin)


async def _file(session: ReadSession, page: Page, slug: str, kind: FileKind) -> Response:
    chart = await _find_chart(session, page, slug)
    if chart is None:
        return page.not_found()
    return await chart_file(page, chart, kind, name=f"status-{slug}")


async def _find_chart(session: ReadSession, page: Page, slug: str) -> Chart | None:
    region, today = get_region(page.request), day_of(datetime.now(UTC), page.zone)
    found = await session.execute(
        select(LinkRecord).where(LinkRecord.region == region, LinkRecord.slug == slug)
    )
    link = found.scalar_one_or_none()
    if link is None:
        return None
    first = today - timedelta(days=UPTIME_DAYS)
    days = await read_observed(session, region, begin=first, slug=slug)
    return uptime_chart(page, link.content, days.get(slug, {}), first=first, last=today)


def overall_status(health: Mapping[str, LinkHealth]) -> Message:
    """Return one sentence about all portals together.

    If a hub that knows several sites reaches none, it is offline; one that knows fewer cannot tell.
    """
    if health and all(_is_not_reached(known) for known in health.values()):
        return NONE_REACHED
    if any(known.disruption is not None for known in health.values()):
        return SOME_TROUBLE
    if all(known.state == "pending" for known in health.values()):
        is_offline = any(known.reason == "hub_offline" for known in health.values())
        return HUB_OFFLINE if is_offline else NOT_KNOWN
    if any(known.state == "broken" for known in health.values()):
        return SOME_TROUBLE
    return ALL_WELL


def _uptime(observed: Observed, messages: Translator) -> str:
    """Return the share of the observed time, rounded down, and that time."""
    if observed.uptime is None:
        return messages.gettext("baru mulai diamati") if observed.duration else "–"
    share = messages.percent(round_down(observed.uptime), 1)
    days, hours = observed.duration.days, observed.duration // timedelta(hours=1)
    time = (
        messages.ngettext("%(num)s hari", "%(num)s hari", days)
        if days
        else messages.ngettext("%(num)s jam", "%(num)s jam", hours)
    )
    return messages.gettext("%(share)s dari %(time)s pengamatan", share=share, time=time)


def _is_not_reached(known: LinkHealth) -> bool:
    return known.state == "broken" and known.reason in HUB_REASONS
