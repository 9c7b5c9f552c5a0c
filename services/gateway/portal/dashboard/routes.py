"""`/dasbor`: the index of a year with its parts, the published indices, use and completeness."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.gateway.portal.dashboard.messages import dashboard_words
from services.gateway.portal.page import Page, ThisPage
from services.platform.languages import Language
from services.platform.local_time import MONTHS
from services.platform.service import API
from services.platform.settings import Service
from services.platform.types import Year

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

METHOD = "cgr-2015"
"""The method that is shown, which is the API's default too."""

YEARS_BACK = 4
"""Without a stored assessment, how far back a year with an index is looked for."""

QUICK_DRAWS = "1000"


@dataclass(frozen=True)
class YearShown:
    """A year's scores, and where they come from."""

    period: int
    scores: Mapping[str, Any]
    stored: Mapping[str, Any] | None
    address: str


@router.get("/dasbor")
async def dashboard(
    page: ThisPage, tahun: Annotated[Year | None, Query(description="The year.")] = None
) -> HTMLResponse:
    """The newest year that was assessed, or the one that is asked for."""
    try:
        heads = await _items(page, f"/assessments?limit=100&method={METHOD}")
        shown = await _year(page, heads, tahun)
        indices = await _items(page, "/indices")
    except httpx.HTTPError:
        return page.unavailable()
    words = dashboard_words(page.language)
    return page.render(
        "dashboard.html",
        s=words,
        shown=shown,
        years=sorted({head["period"] for head in heads} | {shown.period}),
        indices=[index for index in indices if index["values"]],
        usage=await _usage(page, shown.period),
        completeness=await _completeness(page, shown.period),
        figure=lambda value, digits=1: _figure(value, digits, page.language),
        day=lambda text: _day(text, page.language),
        data=shown.address,
    )


async def _year(page: Page, heads: list[dict[str, Any]], wanted: int | None) -> YearShown:
    """The stored assessment of the year; where there is none, the evidence of this moment."""
    if wanted is not None:  # an old one may stand behind the newest hundred
        heads = await _items(page, f"/assessments?limit=1&method={METHOD}&period={wanted}")
    period = wanted or _newest(heads)
    head = next((one for one in heads if one["period"] == period), None)
    if head is not None:
        stored = await _read(page, Service.assessment, head["href"])
        return YearShown(head["period"], stored["scores"], stored, head["href"])
    if period is not None:
        return await _live(page, period)
    last = datetime.now(UTC).year
    for year in range(last, last - YEARS_BACK, -1):
        found = await _live(page, year)
        if found.scores["index"]["value"] is not None:
            return found
    return await _live(page, last)


def _newest(heads: list[dict[str, Any]]) -> int | None:
    """The newest year that has an index; where none has, the newest that was assessed."""
    with_index = [head for head in heads if head["index"]["value"] is not None]
    return max((head["period"] for head in with_index or heads), default=None)


async def _live(page: Page, period: int) -> YearShown:
    query = {"method": METHOD, "period": period, "draws": QUICK_DRAWS}
    address = str(httpx.URL(f"{API}/metrics/collaboration-dynamics", params=query))
    live = await _read(page, Service.assessment, address)
    return YearShown(period, live["scores"], None, address)


async def _usage(page: Page, year: int) -> list[tuple[str, int]] | None:
    """The sums of a year by what was counted; None while they cannot be read."""
    until = date(year, 12, 31)
    try:
        path = f"{API}/usage/summary?from={year}-01-01&to={until}&group_by=channel"
        cells = (await _read(page, Service.feedback, path))["items"]
    except httpx.HTTPError:
        return None
    sums: Counter[str] = Counter()
    for cell in cells:
        sums[cell["measure"]] += cell["value"]
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))


async def _completeness(page: Page, year: int) -> tuple[int, int] | None:
    """How many monthly reports came in of those owed in a year."""
    try:
        path = f"{API}/usage/completeness?from={year}-01&to={year}-12"
        items = (await _read(page, Service.feedback, path))["items"]
    except httpx.HTTPError:
        return None
    owed = sum(item["services_owed"] for item in items)
    return sum(item["services_reported"] for item in items), owed


async def _items(page: Page, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await _read(page, Service.assessment, f"{API}{path}"))["items"]
    return items


async def _read(page: Page, service: Service, address: str) -> dict[str, Any]:
    clients: dict[Service, httpx.AsyncClient] = page.request.app.state.clients
    answer = await clients[service].get(address)
    document: dict[str, Any] = answer.raise_for_status().json()
    return document


def _figure(value: float | None, digits: int, language: Language) -> str:
    """A number with the marks of the language; a dash where there is none."""
    if value is None:
        return "–"
    shown = f"{value:,.{digits}f}"
    return shown if language == "en" else shown.translate(str.maketrans(",.", ".,"))


def _day(text: str, language: Language) -> str:
    """A day in words, such as `31 Maret 2025`."""
    day = datetime.fromisoformat(text)
    return f"{day.day} {MONTHS[language].split()[day.month - 1]} {day.year}"
