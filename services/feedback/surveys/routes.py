"""Surveys over HTTP: `/api/v1/surveys/...`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Response as HttpResponse
from sqlalchemy import text

from services.feedback.channels import ChannelKind
from services.feedback.surveys.bundle_store import (
    Sealed,
    definitions_of,
    seal_waiting,
    sealed_bundles,
)
from services.feedback.surveys.definition import Survey
from services.feedback.surveys.periods import Period, PeriodText, parse_period
from services.feedback.surveys.responses import SURVEYS, find_survey, store_response
from services.feedback.surveys.results import (
    Dimension,
    divided,
    group_results,
    sample_of,
    total_of,
    versions_of,
)
from services.feedback.surveys.schemas import (
    BreakdownItem,
    Response,
    ResponseStored,
    SampleSize,
    SurveyBreakdown,
    SurveyDetail,
    SurveyItem,
    SurveyResults,
    WeightQuery,
)
from services.feedback.surveys.skm import sample_needed
from services.platform.database import ReadSessionDep, WriteSession, WriteSessionDep
from services.platform.local_time import JAKARTA
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import problem_responses
from services.platform.service import API, get_region
from services.platform.types import DistrictCode, Slug

router = APIRouter(prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 422))

ANY_RESPONSE = """
-- Whether a survey has responses in a year.
SELECT EXISTS (SELECT FROM feedback.response
               WHERE region = :region AND survey = :survey
                 AND answered_on BETWEEN :first AND :last)
"""

PeriodQuery = Annotated[
    PeriodText | None,
    Query(description="`2024`, `2024-S1`, `2024-Q3` or `2024-07`; default: this year."),
]
Population = Annotated[int, Query(ge=1, le=2_000_000_000, description="People who are asked for.")]


@dataclass(frozen=True)
class Filters:
    """Of which responses results are wanted."""

    service: Annotated[Slug | None, Query(description="Responses about this service.")] = None
    agency: Annotated[Slug | None, Query(description="Responses about this agency.")] = None
    channel: Annotated[ChannelKind | None, Query(description="How the service was used.")] = None
    district: Annotated[DistrictCode | None, Query(description="District code.")] = None

    def given(self) -> dict[str, str | None]:
        return {
            "service": self.service,
            "agency": self.agency,
            "channel": self.channel,
            "district": self.district,
        }


Filtered = Annotated[Filters, Depends(Filters)]


def period_or_this_year(period: str | None, today: date) -> Period:
    return parse_period(period or str(today.year))


@router.get("", operation_id="list_surveys")
async def list_surveys(request: Request, session: ReadSessionDep) -> Page[SurveyItem]:
    """The surveys that can be answered, with the addresses of their questions and results."""
    rows = await session.execute(text(SURVEYS), {"region": get_region(request), "slug": None})
    items: list[SurveyItem] = []
    for row in rows:
        survey = Survey.stored(row.content)
        items.append(
            SurveyItem(
                slug=survey.slug,
                kind=survey.kind,
                title=survey.title,
                title_en=survey.title_en,
                version=row.version,
                needs_token=survey.needs_token,
                languages=survey.languages(),
                questions=len(survey.questions),
                href=f"{API}/surveys/{survey.slug}",
                results_href=f"{API}/surveys/{survey.slug}/results",
            )
        )
    return Page(items=items, next=None)


@router.get("/{slug}", operation_id="get_survey", responses=problem_responses(404))
async def get_survey(request: Request, session: ReadSessionDep, slug: SlugPath) -> SurveyDetail:
    """A survey with its questions in their order, in every language that it has.

    `show_if` tells after which answers a question is asked.
    """
    survey, version = await find_survey(session, get_region(request), slug)
    return SurveyDetail.model_construct(  # as it is stored, and was read already
        survey=survey,
        version=version,
        languages=survey.languages(),
        href=f"{API}/surveys/{slug}",
    )


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
    session: WriteSessionDep,
    slug: SlugPath,
    response: Response,
) -> ResponseStored:
    """Stores a response; needs no key. Sent again with the same `id`, it counts once."""
    now = datetime.now(UTC)
    stored = await store_response(session, get_region(request), slug, response, now=now)
    if stored.repeated:
        answer.status_code = 200
    return stored


@router.get("/{slug}/results", operation_id="get_survey_results", responses=problem_responses(404))
async def get_survey_results(
    request: Request,
    session: WriteSessionDep,
    slug: SlugPath,
    filters: Filtered,
    *,
    period: PeriodQuery = None,
    weight: Annotated[WeightQuery, Query()] = "1/9",
    population: Annotated[
        Population | None, Query(description="People for whom the responses are to speak.")
    ] = None,
) -> SurveyResults:
    """Results of a period, hidden where fewer than five answered.

    With `population` (such as the users of a service in a year), whether the responses are
    enough to speak for it.
    """
    region = get_region(request)
    today = datetime.now(JAKARTA).date()
    wanted = period_or_this_year(period, today)
    survey, version = await find_survey(session, region, slug)
    bundles = await _published(session, region, slug, wanted, filters, today=today)
    tally = total_of(bundles)
    definitions = await definitions_of(session, region, slug)
    figures = group_results(definitions, tally, weight=weight) if tally.n else None
    hidden = figures is None and await _has_responses(session, region, slug, wanted)
    return SurveyResults(
        survey=survey.slug,
        version=version,
        versions=versions_of(bundles),
        period=wanted.first.year,
        span=str(wanted),
        n=figures.n if figures else None if hidden else 0,
        suppressed=hidden,
        questions=figures.questions if figures else [],
        satisfaction=figures.satisfaction if figures else None,
        sample=sample_of(population, tally.n),
        service=filters.service,
        agency=filters.agency,
        channel=filters.channel,
        district=filters.district,
    )


@router.get(
    "/{slug}/breakdown", operation_id="get_survey_breakdown", responses=problem_responses(404)
)
async def get_survey_breakdown(
    request: Request,
    session: WriteSessionDep,
    slug: SlugPath,
    filters: Filtered,
    *,
    by: Annotated[Dimension, Query(description="What the results are divided by.")],
    period: PeriodQuery = None,
    weight: Annotated[WeightQuery, Query()] = "1/9",
) -> SurveyBreakdown:
    """Results of a period by service, agency, channel, district or part of the year."""
    region = get_region(request)
    today = datetime.now(JAKARTA).date()
    wanted = period_or_this_year(period, today)
    _, version = await find_survey(session, region, slug)
    bundles = await _published(session, region, slug, wanted, filters, today=today)
    definitions = await definitions_of(session, region, slug)
    hidden = not bundles and await _has_responses(session, region, slug, wanted)
    return SurveyBreakdown(
        survey=slug,
        version=version,
        versions=versions_of(bundles),
        span=str(wanted),
        by=by,
        n=None if hidden else total_of(bundles).n,
        items=[
            BreakdownItem(
                value=value, results=group_results(definitions, total_of(group), weight=weight)
            )
            for value, group in divided(bundles, by)
        ],
    )


@router.get("/{slug}/sample-size", operation_id="get_sample_size")
async def get_sample_size(slug: SlugPath, population: Population) -> SampleSize:
    """How many responses represent a population (Krejcie and Morgan, 95%, margin 5%)."""
    return SampleSize(population=population, needed=sample_needed(population))


async def _published(
    session: WriteSession,
    region: str,
    survey: str,
    period: Period,
    filters: Filters,
    *,
    today: date,
) -> list[Sealed]:
    """The bundles asked for, after what can be sealed was sealed."""
    await seal_waiting(session, region, survey, today=today)
    return await sealed_bundles(session, region, survey, period=period, filters=filters.given())


async def _has_responses(session: WriteSession, region: str, survey: str, period: Period) -> bool:
    """Of the whole year, so that the answer says nothing of a small group."""
    year = parse_period(str(period.first.year))
    found = await session.scalar(
        text(ANY_RESPONSE),
        {"region": region, "survey": survey, "first": year.first, "last": year.last},
    )
    return bool(found)
