"""`/dasbor`: the index of a year with its parts, published indices, usage and completeness."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import httpx
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.assessment.client import Assessment, AssessmentSummary, Scores
from services.gateway.portal.page import CurrentPage, Page
from services.platform.service import API
from services.platform.translation import N_, NC_, Message
from services.platform.types import Year

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

METHOD = "cgr-2015"
"""The displayed method, which is also the default of the API."""

MAX_YEARS_BACK = 4
"""How many years are searched for one with an index if no assessment is stored."""

LIVE_DRAWS = 1000

ROLES: Mapping[str, Message] = {
    "published": N_("terbit"),
    "target": N_("target"),
    "national_minimum": N_("batas nasional"),
}
"""Kinds of values of a published index."""

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


@dataclass(frozen=True)
class YearScores:
    """The scores of a year, and the assessment that they come from; None if computed live."""

    period: int
    scores: Scores
    stored: Assessment | None
    address: str


@router.get("/dasbor")
async def dashboard(
    page: CurrentPage, tahun: Annotated[Year | None, Query(description="The year.")] = None
) -> HTMLResponse:
    """Show the newest assessed year, or the requested one unless it has not begun."""
    current = datetime.now(page.zone).year
    is_future = tahun is not None and tahun > current
    try:
        heads = await page.assessment.list_assessments(method=METHOD)
        shown = await _year(page, heads, None if is_future else tahun, current=current)
        indices = await page.assessment.list_indices()
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "dashboard.html",
        status=422 if is_future else 200,
        future=tahun if is_future else None,
        current=current,
        roles=page.messages.labels(ROLES),
        measures=page.messages.labels(MEASURES),
        shown=shown,
        years=sorted({head.period for head in heads} | {shown.period}),
        indices=[index for index in indices if index.values],
        usage=await _usage(page, shown.period),
        completeness=await _completeness(page, shown.period),
        figure=lambda value, digits=1: _figure(page, value, digits),
        day=page.messages.long_date,
        data=shown.address,
    )


async def _year(
    page: Page, heads: list[AssessmentSummary], wanted: int | None, *, current: int
) -> YearScores:
    """Return the stored assessment of the year, else scores of the current evidence."""
    if wanted is not None:  # an old one may not be among the newest hundred
        heads = await page.assessment.list_assessments(method=METHOD, period=wanted, limit=1)
    period = wanted or _newest(heads)
    head = next((one for one in heads if one.period == period), None)
    if head is not None:
        stored = await page.assessment.get_assessment(head.href)
        return YearScores(head.period, stored.scores, stored, head.href)
    if period is not None:
        return await _live(page, period)
    for year in range(current, current - MAX_YEARS_BACK, -1):
        found = await _live(page, year)
        if found.scores.index.value is not None:
            return found
    return await _live(page, current)


def _newest(heads: list[AssessmentSummary]) -> int | None:
    """Return the newest year with an index; if there is none, the newest assessed one."""
    with_index = [head for head in heads if head.index.value is not None]
    return max((head.period for head in with_index or heads), default=None)


async def _live(page: Page, period: int) -> YearScores:
    query = {"method": METHOD, "period": period, "draws": LIVE_DRAWS}
    address = str(httpx.URL(f"{API}/metrics/collaboration-dynamics", params=query))
    live = await page.assessment.get_collaboration_dynamics(
        method=METHOD, period=period, draws=LIVE_DRAWS
    )
    return YearScores(period, live.scores, None, address)


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
    """How many monthly reports of a year came in, and how many were due."""
    try:
        items = await page.feedback.list_reporting_months(first=f"{year}-01", last=f"{year}-12")
    except httpx.HTTPError:
        return None
    expected = sum(item.services_expected for item in items)
    return sum(item.services_reported for item in items), expected


def _figure(page: Page, value: float | None, digits: int) -> str:
    """Return a number, or a dash if there is none."""
    return "–" if value is None else page.messages.number(value, digits)
