"""`/dasbor`: the index of a year with its parts, published indices, usage and completeness."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Annotated

import httpx
from fastapi import Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from services.assessment.client import Gain, Lever
from services.gateway.portal.dashboard.figures import figure, range_text, signed
from services.gateway.portal.dashboard.index_charts import index_chart
from services.gateway.portal.dashboard.labels import ROLES
from services.gateway.portal.dashboard.network_page import picture_address
from services.gateway.portal.dashboard.node_addresses import node_address
from services.gateway.portal.dashboard.score_charts import elements_chart, trend_chart
from services.gateway.portal.dashboard.year_scores import YearScores, assessed_years
from services.gateway.portal.page import CurrentPage, Page
from services.platform.router import Router
from services.platform.translation import N_, NC_, Message
from services.platform.types import FIRST_YEAR

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

FIRST_LEVERS = 5
"""How many actions are shown before the others are opened."""

MEASURES: Mapping[str, Message] = {
    "submitted": N_("Permohonan masuk"),
    "in_review": N_("Sedang diproses"),
    "completed": NC_("applications", "Selesai"),
    "rejected": NC_("applications", "Ditolak"),
    "returned": N_("Dikembalikan"),
    "page_view": N_("Halaman dibuka"),
    "search": N_("Pencarian"),
    "click_out": N_("Kunjungan ke portal"),
    "form_start": N_("Formulir dimulai"),
    "form_end": N_("Formulir selesai"),
}


@router.get("/dasbor")
async def dashboard(
    page: CurrentPage,
    tahun: Annotated[int | None, Query(ge=0, le=9999, description="The year.")] = None,
) -> HTMLResponse:
    """Show the newest year with an index, or the requested one if it can be assessed."""
    current = datetime.now(page.zone).year
    is_refused = tahun is not None and not FIRST_YEAR <= tahun <= current
    try:
        years, indices = await asyncio.gather(
            assessed_years(page, None if is_refused else tahun), page.assessment.list_indices()
        )
        shown = years.shown
        spread, levers, usage, completeness = await asyncio.gather(
            _spread(page, shown),
            _levers(page, shown),
            _usage(page, shown.period),
            _completeness(page, shown.period),
        )
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "dashboard.html",
        status=422 if is_refused else 200,
        refused=tahun if is_refused else None,
        first_year=FIRST_YEAR,
        current=current,
        roles=page.messages.labels(ROLES),
        measures=page.messages.labels(MEASURES),
        shown=shown,
        spread=spread,
        levers=levers,
        first_levers=FIRST_LEVERS,
        bands=years.method.bands,
        trend=years.stored,
        names={node.code: node for node in shown.scores.nodes()},
        years=sorted({one.period for one in years.stored} | {shown.period}),
        indices=[
            (index, index_chart(page, index, shown.period)) for index in indices if index.values
        ],
        usage=usage,
        completeness=completeness,
        figure=partial(figure, page.messages),
        ends=partial(range_text, page.messages),
        gain=lambda found: _gain(page, found),
        address=partial(node_address, shown.period),
        elements=elements_chart(page, shown),
        trend_chart=trend_chart(page, years.stored, shown) if years.stored else None,
        below=math.floor,
        above=math.ceil,
        day=page.messages.long_date,
        network=picture_address(page, shown.period),
        data=shown.address,
    )


@router.get("/dasbor/{tahun}")
async def year_of_dashboard(
    page: CurrentPage, tahun: Annotated[int, Path(ge=0, le=9999, description="The year.")]
) -> RedirectResponse:
    """Lead to the dashboard of a year, which says so if there is none of it."""
    return RedirectResponse(page.link(f"/dasbor?tahun={tahun}"))


async def _spread(page: Page, shown: YearScores) -> tuple[float, float] | None:
    """Return the range of the index by evidence and method; of live scores by evidence only."""
    index = shown.scores.index
    if index.value is None:
        return None
    ends = [index.value] if index.interval is None else [index.interval.low, index.interval.high]
    if shown.stored is not None:
        spread = await page.assessment.find_spread(shown.stored.sensitivity_href)
        ends += [] if spread is None else [spread.low, spread.high]
    return (min(ends), max(ends)) if len(ends) > 1 else None


async def _levers(page: Page, shown: YearScores) -> list[Lever]:
    """Return what would raise the index of a stored assessment; nothing for live scores."""
    return [] if shown.stored is None else await page.assessment.list_levers(shown.stored.href)


async def _usage(page: Page, year: int) -> list[tuple[str, int]] | None:
    """Return the sums of a year by measure; None if feedback does not answer."""
    try:
        summary = await page.feedback.get_usage_by_channel(date(year, 1, 1), date(year, 12, 31))
    except httpx.HTTPError:
        return None
    sums: Counter[str] = Counter()
    for cell in summary.items:
        sums[cell.measure] += cell.value
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))


async def _completeness(page: Page, year: int) -> tuple[int, int] | None:
    """How many monthly reports of a year came in, and how many were due by now."""
    try:
        found = await page.feedback.count_reports(year)
    except httpx.HTTPError:
        return None
    return found.services_reported, found.services_expected


def _gain(page: Page, gain: Gain | None) -> str:
    """Return what an action adds, at its worst and at its best outcome; a dash if not known."""
    if gain is None:
        return "–"
    worst, best = signed(page.messages, gain.worst), signed(page.messages, gain.best)
    if worst == best:
        return best
    return page.messages.gettext("%(worst)s sampai %(best)s", worst=worst, best=best)
