"""`/kelola/survei`: surveys, their rounds, their results in words, and what follows from them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from fastapi import Depends, Query
from fastapi.responses import HTMLResponse, Response

from services.feedback.client import RoundSummary, SurveyDetail, SurveyResults
from services.gateway.portal.posters.codes import poster_about
from services.gateway.portal.surveys.results import ACTION_STATES
from services.gateway.portal.workspace.access import Enter, RefusedError, Workspace, database_of
from services.platform.parameters import SlugPath
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, NC_, Message
from services.platform.types import Year

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

SURVEYS = "/kelola/survei"
YEARS = 3
"""Years whose results can be chosen, this one and those before."""

Reader = Annotated[Workspace, Depends(Enter("reporter", "approver", "lead", "evaluator"))]
Holder = Annotated[Workspace, Depends(Enter("lead", "evaluator"))]
"""Who starts rounds and invites."""
Planner = Annotated[Workspace, Depends(Enter("reporter", "approver", "lead"))]
"""Who plans for an agency what follows from results."""

STATES: Mapping[str, Message] = {
    "planned": NC_("round", "Akan dibuka"),
    "open": NC_("round", "Berjalan"),
    "closed": NC_("round", "Selesai"),
}
SAMPLE_NAMES: Mapping[str, Message] = {
    "invited": N_("yang diundang"),
    "self_selected": N_("siapa saja yang mau menjawab"),
    "drawn": N_("sampel acak"),
    "quota": N_("kuota"),
}
GRADES: Mapping[str, Message] = {
    "A": N_("sangat baik"),
    "B": N_("baik"),
    "C": N_("kurang baik"),
    "D": N_("tidak baik"),
}
"""Grades of service by PermenPANRB 14/2017."""
NEEDS_AGENCY = N_(
    "Putaran survei adalah milik sebuah instansi. Peran Anda tidak menyebut instansi; mintalah "
    "pada pengelola hub."
)


@dataclass(frozen=True)
class SurveyLine:
    """A survey of the list, with the round that is open or comes next."""

    survey: SurveyDetail
    shown: RoundSummary | None


@router.get(SURVEYS)
async def list_surveys(workspace: Reader) -> Response:
    """Show the surveys with their current rounds."""
    try:
        details = await find_surveys(workspace)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    lines = [SurveyLine(one, current_round(one.rounds)) for one in details]
    return workspace.render("workspace/surveys.html", lines=lines, **labels(workspace))


@router.get(f"{SURVEYS}/{{slug}}")
async def show_survey(
    workspace: Reader,
    slug: SlugPath,
    tahun: Year | None = None,
    sendiri: Annotated[bool, Query()] = False,
) -> Response:
    """Show a survey: its rounds, the results of a year, and the plan that follows from them."""
    page, year = workspace.page, tahun or workspace.today.year
    agency = workspace.agency if sendiri else None
    try:
        detail, results, plan = await asyncio.gather(
            workspace.feedback.find_survey(slug),
            workspace.feedback.find_results(slug, period=str(year), agency=agency),
            workspace.feedback.find_follow_up(slug, period=str(year), agency=agency),
        )
    except httpx.HTTPError:
        return page.unavailable()
    if detail is None or results is None or plan is None:
        return page.not_found()
    return workspace.render(
        "workspace/survey.html",
        survey=detail.survey,
        rounds=detail.rounds,
        current=current_round(detail.rounds),
        results=results,
        lowest=_lowest(results),
        plan=plan,
        year=year,
        years=sorted({workspace.today.year - back for back in range(YEARS)} | {year}, reverse=True),
        is_own=sendiri and agency is not None,
        may_hold=workspace.holds("lead", "evaluator"),
        may_plan=workspace.holds("reporter", "approver", "lead")
        and workspace.agency is not None
        and any(each.kind_rules.is_scale for each in detail.survey.questions),
        poster=await _office_poster(workspace) if detail.survey.kind == "skm" else None,
        agencies=await workspace.agency_names(),
        action_states=page.messages.labels(ACTION_STATES),
        grades=page.messages.labels(GRADES),
        today=workspace.today,
        **labels(workspace),
    )


async def find_surveys(workspace: Workspace) -> list[SurveyDetail]:
    """Return all surveys with their rounds."""
    items = await workspace.feedback.list_surveys()
    found = await asyncio.gather(
        *(workspace.feedback.find_survey(item.slug) for item in items),
    )
    return [one for one in found if one is not None]


def current_round(rounds: Sequence[RoundSummary]) -> RoundSummary | None:
    """Return the round that is open, else the next one; None if there is neither."""
    is_open = next((one for one in rounds if one.state == "open"), None)
    planned = [one for one in rounds if one.state == "planned"]
    return is_open or min(planned, key=lambda one: one.opens_on, default=None)


def labels(workspace: Workspace) -> dict[str, Any]:
    """Return what the templates of surveys name by codes."""
    messages = workspace.page.messages
    return {
        "states": messages.labels(STATES),
        "samples": messages.labels(SAMPLE_NAMES),
        "day": messages.long_date,
        "short_day": messages.day_of_year,
    }


def may_change(workspace: Workspace, agency: str | None) -> bool:
    """Return whether the person may change a round that this agency opened."""
    if not workspace.holds("lead", "evaluator"):
        return False
    return workspace.holds("administrator") or (agency is not None and agency == workspace.agency)


def require_agency(workspace: Workspace) -> None:
    """Raise `RefusedError` for somebody who would start a round that nobody could change."""
    if workspace.agency is None and not workspace.holds("administrator"):
        raise RefusedError(NEEDS_AGENCY)


def _lowest(results: SurveyResults) -> list[Any]:
    """Return the elements of satisfaction by priority."""
    if results.satisfaction is None:
        return []
    elements = {each.code: each for each in results.satisfaction.elements}
    return [elements[code] for code in results.satisfaction.priorities if code in elements]


async def _office_poster(workspace: Workspace) -> tuple[str, str] | None:
    """Return the agency and the short address of its poster; None if it has none."""
    if workspace.agency is None:
        return None
    request = workspace.page.request
    async with database_of(request).read_session() as session:
        found = await poster_about(session, get_region(request), "kantor", workspace.agency)
    return None if found is None else (workspace.agency, found.path)
