"""`/survei/{slug}/hasil`: what a survey found, and what is done about it."""

from datetime import date
from typing import Annotated

import httpx
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import StringConstraints

from services.gateway.portal.page import ThisPage
from services.gateway.portal.surveys.messages import survey_words
from services.gateway.portal.surveys.routes import feedback_of
from services.platform.languages import Language
from services.platform.local_time import MONTHS
from services.platform.parameters import SlugPath
from services.platform.service import API
from services.platform.types import Slug

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Period = Annotated[
    str | None, StringConstraints(pattern=r"^20\d{2}(-(0[1-9]|1[0-2]|Q[1-4]|S[12]))?$"), Query()
]


@router.get("/survei/{slug}/hasil")
async def results(
    page: ThisPage, slug: SlugPath, period: Period = None, agency: Slug | None = None
) -> HTMLResponse:
    """The figures of a period and the follow-up plan, for anybody to read."""
    given = {"period": period, "agency": agency}
    query = {name: value for name, value in given.items() if value is not None}
    try:
        survey = await feedback_of(page).get(f"{API}/surveys/{slug}")
        found = await feedback_of(page).get(f"{API}/surveys/{slug}/results", params=query)
        plan = await feedback_of(page).get(f"{API}/surveys/{slug}/follow-up", params=query)
        if 404 in {survey.status_code, found.status_code, plan.status_code}:
            return page.not_found()
        for answer in (survey, found, plan):
            answer.raise_for_status()
    except httpx.HTTPError:
        return page.unavailable()
    return page.render(
        "survey-results.html",
        s=survey_words(page.language),
        survey=survey.json()["survey"],
        results=found.json(),
        plan=plan.json(),
        agency=agency,
        figure=lambda value, digits: _figure(value, digits, page.language),
        day=lambda text: _day(text, page.language),
        data=str(httpx.URL(f"{API}/surveys/{slug}/results", params=query)),
    )


def _figure(value: float, digits: int, language: Language) -> str:
    """A number with the decimal mark of the language."""
    shown = f"{value:.{digits}f}"
    return shown if language == "en" else shown.replace(".", ",")


def _day(text: str, language: Language) -> str:
    """A day in words, such as `31 Maret 2025`."""
    day = date.fromisoformat(text)
    return f"{day.day} {MONTHS[language].split()[day.month - 1]} {day.year}"
