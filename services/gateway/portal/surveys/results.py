"""`/survei/{slug}/hasil`: the results of a survey and its follow-up plan."""

from collections.abc import Mapping
from typing import Annotated

import httpx
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import StringConstraints

from services.gateway.portal.page import CurrentPage
from services.platform.parameters import SlugPath
from services.platform.service import API
from services.platform.translation import N_, NC_, Message
from services.platform.types import Slug

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

ACTION_STATES: Mapping[str, Message] = {
    "planned": N_("Direncanakan"),
    "under_way": N_("Berjalan"),
    "done": NC_("follow-up", "Selesai"),
    "dropped": N_("Dibatalkan"),
}

MODES: Mapping[str, Message] = {
    "page": N_("di halaman survei"),
    "qr": N_("lewat kode QR"),
    "kiosk": N_("di kios"),
    "enumerator": N_("ditanya petugas"),
    "api": N_("lewat aplikasi lain"),
    "invitation": N_("lewat undangan"),
    "mixed": N_("dengan berbagai cara"),
}

SAMPLES: Mapping[str, Message] = {
    "self_selected": N_("menjawab sendiri"),
    "enumerated": N_("ditanya petugas tanpa rancangan sampel"),
    "drawn": N_("sampel acak"),
    "quota": N_("sampel kuota"),
    "invited": N_("diundang"),
    "unknown": N_("tidak diketahui"),
}

Period = Annotated[
    str | None, StringConstraints(pattern=r"^20\d{2}(-(0[1-9]|1[0-2]|Q[1-4]|S[12]))?$"), Query()
]


@router.get("/survei/{slug}/hasil")
async def results(
    page: CurrentPage, slug: SlugPath, period: Period = None, agency: Slug | None = None
) -> HTMLResponse:
    """Show the published figures of a period and the follow-up plan."""
    filters = {"period": period, "agency": agency}
    query = {name: value for name, value in filters.items() if value is not None}
    try:
        detail = await page.feedback.find_survey(slug)
        found = await page.feedback.find_results(slug, period=period, agency=agency)
        plan = await page.feedback.find_follow_up(slug, period=period, agency=agency)
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None or found is None or plan is None:
        return page.not_found()
    return page.render(
        "survey-results.html",
        states=page.messages.labels(ACTION_STATES),
        modes=page.messages.labels(MODES),
        samples=page.messages.labels(SAMPLES),
        survey=detail.survey,
        results=found,
        plan=plan,
        agency=agency,
        day=page.messages.long_date,
        data=str(httpx.URL(f"{API}/surveys/{slug}/results", params=query)),
    )
