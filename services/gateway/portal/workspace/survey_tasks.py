"""Lines of the desk about surveys: rounds that end soon, invitations, follow-up that is late."""

import asyncio
from datetime import timedelta

from services.feedback.client import RoundSummary, SurveyItem
from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.surveys import SURVEYS
from services.gateway.portal.workspace.tasks import Task

SOON = timedelta(days=7)
"""How long before their day rounds and planned actions are on the desk."""
LOW_RATE = 0.5
"""Share of those asked or invited, below which a round that ends soon is named."""


async def find_survey_tasks(workspace: Workspace) -> list[Task]:
    """Return the open rounds with invitations to answer, or that end soon with few answers."""
    surveys = await workspace.feedback.list_surveys()
    rounds = await asyncio.gather(*(workspace.feedback.list_rounds(one.slug) for one in surveys))
    opened = [
        (survey, one)
        for survey, of_survey in zip(surveys, rounds, strict=True)
        for one in of_survey
        if one.state == "open"
    ]
    found = await asyncio.gather(*(_task(workspace, survey, one) for survey, one in opened))
    return [task for task in found if task is not None]


async def find_due_follow_up(workspace: Workspace) -> list[Task]:
    """Return what the agency planned about results of surveys that is due soon or late."""
    if workspace.agency is None:
        return []
    messages = workspace.page.messages
    return [
        Task(
            messages.gettext(
                "Tindak lanjut survei: %(action)s; batasnya %(day)s",
                action=_shortened(one.content.action),
                day=messages.long_date(one.content.due),
            ),
            f"{SURVEYS}/{one.survey}/tindak-lanjut/{one.id}",
            is_urgent=one.content.due < workspace.today,
        )
        for one in await workspace.feedback.list_open_follow_up(agency=workspace.agency)
        if one.content.due <= workspace.today + SOON
    ]


async def _task(workspace: Workspace, survey: SurveyItem, one: RoundSummary) -> Task | None:
    messages = workspace.page.messages
    title = workspace.page.in_language(survey, "title")
    href = f"{SURVEYS}/{survey.slug}/putaran/{one.round}"
    rate = one.response_rate
    if rate is None and one.asked:
        results = await workspace.feedback.find_results(
            survey.slug, period=str(one.opens_on.year), survey_round=one.round
        )
        rate = 0.0 if results is None else results.response_rate or 0.0
    if one.closes_on <= workspace.today + SOON and rate is not None and rate < LOW_RATE:
        text = messages.gettext(
            "%(survey)s berakhir %(day)s; baru %(share)s menjawab",
            survey=title,
            day=messages.long_date(one.closes_on),
            share=messages.percent(rate),
        )
        return Task(text, href)
    waiting = (one.asked or 0) - one.answered if one.answered is not None else 0
    if not waiting:
        return None
    text = messages.ngettext(
        "%(num)s undangan %(survey)s belum dijawab",
        "%(num)s undangan %(survey)s belum dijawab",
        waiting,
        survey=title,
    )
    return Task(text, href)


def _shortened(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
