"""`/dasbor/{year}/penggunaan`: how services are used, and what citizens say of them."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import httpx
from fastapi.responses import HTMLResponse

from services.gateway.portal.dashboard.chart_routes import YearPath
from services.gateway.portal.dashboard.use_charts import USE_CHARTS
from services.gateway.portal.page import CurrentPage
from services.platform.router import Router
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

MISSING: Mapping[str, Message] = {
    "bulan": N_("Belum ada permohonan per bulan. Instansi memberinya lewat laporan bulanan."),
    "layanan": N_("Belum ada permohonan per layanan. Instansi memberinya lewat laporan bulanan."),
    "kanal": N_("Belum ada permohonan per cara. Instansi memberinya lewat laporan bulanan."),
    "portal": N_("Belum ada kunjungan ke portal yang tercatat."),
    "kecamatan": N_(
        "Belum ada kegiatan per kecamatan: aplikasi dan portal yang mengirim penggunaan dapat "
        "menyebut kecamatan pemakainya."
    ),
    "kenal": N_(
        "Survei pengenalan belum dijawab sedikitnya lima orang. Siapa saja dapat menjawabnya."
    ),
    "kepuasan": N_(
        "Survei kepuasan belum dijawab sedikitnya lima orang. Siapa saja dapat menjawabnya."
    ),
    "aduan": N_("Belum ada sedikitnya lima pesan yang selesai bagi satu instansi."),
}
"""What is missing for each chart, and who can give it."""


@router.get("/dasbor/{tahun}/penggunaan")
async def use_page(page: CurrentPage, tahun: YearPath) -> HTMLResponse:
    """Show the charts of a year that there are figures for, and what is missing for the others."""
    if tahun > datetime.now(page.zone).year:
        return page.not_found()
    try:
        drawn = await asyncio.gather(*(draw(page, tahun) for draw in USE_CHARTS.values()))
    except httpx.HTTPError:
        return page.unavailable()
    charts = dict(zip(USE_CHARTS, drawn, strict=True))
    return page.render(
        "dashboard-use.html",
        year=tahun,
        charts=charts,
        missing=page.messages.labels(MISSING),
        data=f"/api/v1/usage/summary?from={tahun}-01-01&to={tahun}-12-31&group_by=month",
    )
