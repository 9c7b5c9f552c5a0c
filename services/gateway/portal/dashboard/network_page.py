"""`/dasbor/{year}/jejaring`: who works with whom, as a picture without names and as a table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import httpx
from fastapi.responses import HTMLResponse

from services.assessment.client import NetworkMeasures
from services.gateway.portal.dashboard.chart_routes import YearPath
from services.gateway.portal.dashboard.figures import compact, figure
from services.gateway.portal.page import CurrentPage, Page
from services.platform.router import Router
from services.platform.service import API
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

SECTORS: Mapping[str, Message] = {
    "government": N_("Pemerintah"),
    "private": N_("Swasta"),
    "community": N_("Komunitas"),
}

TIES: Mapping[str, Message] = {
    "meetings": N_("Sama-sama hadir dalam sedikitnya dua rapat"),
    "agreements": N_("Perjanjian yang sama"),
    "programmes": N_("Program yang sama"),
    "reported": N_("Saling menyebut dalam survei"),
}
"""What ties stakeholders."""


@router.get("/dasbor/{tahun}/jejaring")
async def network_page(page: CurrentPage, tahun: YearPath) -> HTMLResponse:
    """Show the network of a year with its measures."""
    if tahun > datetime.now(page.zone).year:
        return page.not_found()
    try:
        found = await page.assessment.get_network(tahun)
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "dashboard-network.html",
        year=tahun,
        network=found,
        picture=picture_address(page, tahun),
        finding=None if found.measures is None else _finding(page, found.measures),
        measures=[] if found.measures is None else _measures(page, found.measures),
        interval=found.density_interval,
        sectors=page.messages.labels(SECTORS),
        ties=page.messages.labels(TIES),
        data=f"{API}/network?period={tahun}",
    )


def picture_address(page: Page, year: int) -> str:
    """Return the address of the picture of a year's network."""
    query = {"period": str(year), **page.language_query}
    return f"{API}/network.svg?{urlencode(query)}"


def _finding(page: Page, found: NetworkMeasures) -> str:
    return page.messages.gettext(
        "%(ties)s ikatan di antara %(stakeholders)s pemangku kepentingan; %(isolates)s tanpa "
        "ikatan, %(brokers)s penghubung",
        ties=page.messages.number(found.ties),
        stakeholders=page.messages.number(found.stakeholders),
        isolates=page.messages.number(found.isolates),
        brokers=page.messages.number(found.brokers),
    )


def _measures(page: Page, found: NetworkMeasures) -> Sequence[tuple[str, str]]:
    """Return the measures of a network with what each says."""
    messages = page.messages

    def share(value: float | None) -> str:
        return figure(messages, None) if value is None else messages.percent(value, 1)

    return [
        (messages.gettext("Kepadatan: pasangan yang terikat"), share(found.density)),
        (
            messages.gettext("Rata-rata ikatan per pemangku kepentingan"),
            figure(messages, None)
            if found.mean_degree is None
            else compact(messages, found.mean_degree),
        ),
        (
            messages.gettext("Bagian yang saling terhubung"),
            share(found.largest_component),
        ),
        (messages.gettext("Ikatan antarsektor"), share(found.cross_sector_share)),
    ]
