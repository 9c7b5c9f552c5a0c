"""Surveys over HTTP: `/api/v1/surveys/...`."""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Response as HttpResponse
from sqlalchemy import text

from services.feedback.surveys.definition import Survey
from services.feedback.surveys.results import survey_results
from services.feedback.surveys.schemas import (
    Response,
    ResponseStored,
    SurveyDetail,
    SurveyItem,
    SurveyResults,
    WeightQuery,
)
from services.feedback.usage.statistics import JAKARTA
from services.platform.database import Reading, ReadSession, WriteSession, Writing
from services.platform.fields import Year
from services.platform.ids import new_id
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import Conflict, FieldError, NotFound, problem_responses
from services.platform.service import API, region_of

router = APIRouter(prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 422))

EARLIEST = date(2020, 1, 1)

SURVEYS = """
-- The surveys that can be answered now.
SELECT slug, version, content FROM feedback.survey
WHERE region = :region AND is_current AND (:slug ::text IS NULL OR slug = :slug)
ORDER BY slug
"""

STORE_RESPONSE = """
-- A response, once; a repeated id changes nothing.
INSERT INTO feedback.response
    (region, survey, id, version, answered_on, received_at, service, agency, channel, district,
     answers)
VALUES (:region, :survey, :id, :version, :answered_on, :now, :service, :agency, :channel,
        :district, CAST(:answers AS jsonb))
ON CONFLICT (region, survey, id) DO NOTHING
RETURNING id
"""

STORED_RESPONSE = """
-- The response that has this id already.
SELECT version, answered_on FROM feedback.response
WHERE region = :region AND survey = :survey AND id = :id
"""

ANSWERS = """
-- All answers to a survey in a year.
SELECT answers FROM feedback.response
WHERE region = :region AND survey = :survey AND answered_on BETWEEN :first AND :last
"""


@router.get("", operation_id="list_surveys")
async def list_surveys(request: Request, session: Reading) -> Page[SurveyItem]:
    """The surveys that can be answered."""
    rows = await session.execute(text(SURVEYS), {"region": region_of(request), "slug": None})
    items = [
        SurveyItem(
            slug=row.slug,
            kind=row.content["kind"],
            title=row.content["title"],
            title_en=row.content["title_en"],
            version=row.version,
            questions=len(row.content["questions"]),
            href=f"{API}/surveys/{row.slug}",
            results_href=f"{API}/surveys/{row.slug}/results",
        )
        for row in rows
    ]
    return Page(items=items, next=None)


@router.get("/{slug}", operation_id="get_survey", responses=problem_responses(404))
async def get_survey(request: Request, session: Reading, slug: SlugPath) -> SurveyDetail:
    """A survey with its questions."""
    survey, version = await find_survey(session, region_of(request), slug)
    return SurveyDetail(survey=survey, version=version, href=f"{API}/surveys/{slug}")


@router.post(
    "/{slug}/responses",
    operation_id="post_survey_response",
    status_code=201,
    responses=problem_responses(404, 409, 413)
    | {200: {"model": ResponseStored, "description": "Stored before; nothing changed."}},
)
async def post_survey_response(
    request: Request,
    answer: HttpResponse,
    session: Writing,
    slug: SlugPath,
    response: Response,
) -> ResponseStored:
    """Stores a response; needs no key. Sent again with the same `id`, it counts once."""
    region = region_of(request)
    now = datetime.now(UTC)
    survey, version = await find_survey(session, region, slug)
    answered_on = response.answered_on or now.astimezone(JAKARTA).date()
    errors = [
        FieldError(pointer=f"#/answers/{code}", parameter=None, detail=fault)
        for code, fault in survey.faults(response.answers).items()
    ]
    if not EARLIEST <= answered_on <= now.astimezone(JAKARTA).date():
        detail = f"must lie between {EARLIEST} and today"
        errors.append(FieldError(pointer="#/answered_on", parameter=None, detail=detail))
    if errors:
        raise Conflict(f"The response does not fit the survey {slug}; see errors[].", errors=errors)

    response_id = response.id or new_id()
    values: dict[str, Any] = response.model_dump(
        mode="json", include={"service", "agency", "channel", "district"}
    )
    stored = await session.scalar(
        text(STORE_RESPONSE),
        {
            "region": region,
            "survey": slug,
            "id": response_id,
            "version": version,
            "answered_on": answered_on,
            "now": now,
            "answers": json.dumps(response.answers),
        }
        | {name: value or "" for name, value in values.items()},
    )
    if stored is None:
        answer.status_code = 200
        before = (
            await session.execute(
                text(STORED_RESPONSE), {"region": region, "survey": slug, "id": response_id}
            )
        ).one()
        version, answered_on = before.version, before.answered_on
    return ResponseStored(
        id=response_id,
        survey=slug,
        version=version,
        answered_on=answered_on,
        repeated=stored is None,
    )


@router.get("/{slug}/results", operation_id="get_survey_results", responses=problem_responses(404))
async def get_survey_results(
    request: Request,
    session: Reading,
    slug: SlugPath,
    period: Annotated[Year | None, Query(description="The year; default: this year.")] = None,
    weight: Annotated[WeightQuery, Query()] = "1/9",
) -> SurveyResults:
    """Results of a year, hidden where fewer than five answered.

    There is no total over several years, from which a hidden year could be subtracted.
    """
    region = region_of(request)
    survey, version = await find_survey(session, region, slug)
    year = period or datetime.now(JAKARTA).year
    rows = await session.scalars(
        text(ANSWERS),
        {"region": region, "survey": slug, "first": date(year, 1, 1), "last": date(year, 12, 31)},
    )
    responses = list(rows)
    return survey_results(survey, version, responses, period=year, weight=weight)


async def find_survey(
    session: ReadSession | WriteSession, region: str, slug: str
) -> tuple[Survey, int]:
    """The current version of a survey; `NotFound` where there is none."""
    row = (await session.execute(text(SURVEYS), {"region": region, "slug": slug})).one_or_none()
    if row is None:
        raise NotFound(f"There is no survey {slug!r}; {API}/surveys lists all of them.")
    return Survey.model_validate(row.content), row.version
