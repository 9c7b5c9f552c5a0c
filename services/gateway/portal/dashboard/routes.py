"""`/dasbor`: the index of a year with its parts, published indices, usage and completeness."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import httpx
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.assessment.client import (
    Assessment,
    FormerEvidence,
    Gain,
    LateEntry,
    Lever,
    Node,
    Scores,
    TrendPeriod,
)
from services.gateway.portal.page import CurrentPage, Page
from services.platform.service import API
from services.platform.translation import N_, NC_, Message
from services.platform.types import Year

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

METHOD = "cgr-2015"
"""The displayed method, which is also the default of the API."""

LIVE_DRAWS = 1000

FIRST_LEVERS = 5
"""How many actions are shown before the others are opened."""

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
    provisional: bool
    scores: Scores
    stored: Assessment | None
    address: str

    def known_indicators(self) -> tuple[int, int]:
        """Return how many of the indicators of the index have evidence, and how many there are."""
        elements = [element for one in self.scores.dimensions for element in one.elements]
        indicators = [one for element in elements for one in element.indicators]
        return sum(one.value is not None for one in indicators), len(indicators)

    def missing_first(self) -> list[Node]:
        """Return the indicators whose evidence would first give the index a value."""
        nodes = {node.code: node for node in self.scores.nodes()}
        return [nodes[code] for code in self.scores.index.missing_first if code in nodes]

    def furthest(self, others: Sequence[FormerEvidence | LateEntry]) -> Node | None:
        """Return the index that differs most from this one; None if none was computed."""
        return max(
            (other.index for other in others if other.index is not None),
            key=lambda node: _distance(node, self.scores.index),
            default=None,
        )


@router.get("/dasbor")
async def dashboard(
    page: CurrentPage, tahun: Annotated[Year | None, Query(description="The year.")] = None
) -> HTMLResponse:
    """Show the newest year with an index, or the requested one unless it has not begun."""
    current = datetime.now(page.zone).year
    is_future = tahun is not None and tahun > current
    try:
        method, trend, indices = await asyncio.gather(
            page.assessment.get_method(METHOD),
            page.assessment.get_trend(method=METHOD),
            page.assessment.list_indices(),
        )
        years = [one for one in trend.items if one.method_hash == method.hash]
        shown = await _year(page, years, None if is_future else tahun)
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
        status=422 if is_future else 200,
        future=tahun if is_future else None,
        current=current,
        roles=page.messages.labels(ROLES),
        measures=page.messages.labels(MEASURES),
        shown=shown,
        spread=spread,
        levers=levers,
        first_levers=FIRST_LEVERS,
        bands=method.bands,
        trend=years,
        names={node.code: node for node in shown.scores.nodes()},
        years=sorted({one.period for one in years} | {shown.period}),
        indices=[index for index in indices if index.values],
        usage=usage,
        completeness=completeness,
        figure=lambda value, digits=0: _figure(page, value, digits),
        ends=lambda low, high: _ends(page, low, high),
        gain=lambda found: _gain(page, found),
        below=math.floor,
        above=math.ceil,
        day=page.messages.long_date,
        data=shown.address,
    )


async def _year(page: Page, trend: Sequence[TrendPeriod], wanted: int | None) -> YearScores:
    """Return the stored assessment of the year, else scores of the current evidence.

    Without a year, of the newest with an index: of those that are stored, else of the last ones.
    """
    stored = {one.period: one.assessment_href for one in trend}
    if wanted is None:
        wanted = max((one.period for one in trend if one.nodes[0].value is not None), default=None)
    if wanted is None:
        found = await _live(page, None)
        if found.scores.index.value is not None or not stored:
            return found
        wanted = max(stored)
    if wanted not in stored:
        return await _live(page, wanted)
    found = await page.assessment.get_assessment(stored[wanted])
    return YearScores(found.period, found.provisional, found.scores, found, found.href)


async def _live(page: Page, period: int | None) -> YearScores:
    live = await page.assessment.get_collaboration_dynamics(
        method=METHOD, period=period, draws=LIVE_DRAWS
    )
    query = {"method": METHOD, "period": live.period, "draws": LIVE_DRAWS}
    address = str(httpx.URL(f"{API}/metrics/collaboration-dynamics", params=query))
    return YearScores(live.period, live.provisional, live.scores, None, address)


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


def _figure(page: Page, value: float | None, digits: int) -> str:
    """Return a number, or a dash if there is none."""
    return "–" if value is None else page.messages.number(value, digits)


def _ends(page: Page, low: float | None, high: float | None) -> str:
    """Return a range in whole numbers, rounded outward; a dash if there is none."""
    if low is None or high is None:
        return "–"
    return f"{page.messages.number(math.floor(low))}–{page.messages.number(math.ceil(high))}"


def _gain(page: Page, gain: Gain | None) -> str:
    """Return what an action adds, at its worst and at its best outcome; a dash if not known."""
    if gain is None:
        return "–"
    worst, best = _signed(page, gain.worst), _signed(page, gain.best)
    if worst == best:
        return best
    return page.messages.gettext("%(worst)s sampai %(best)s", worst=worst, best=best)


def _signed(page: Page, points: float) -> str:
    rounded = round(points, 1)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{page.messages.number(abs(rounded), 1)}"


def _distance(one: Node, other: Node) -> tuple[float, float]:
    """Return how far two figures lie apart, in what is proven and in the estimate."""
    return (
        abs((one.proven or 0) - (other.proven or 0)),
        abs((one.value or 0) - (other.value or 0)),
    )
