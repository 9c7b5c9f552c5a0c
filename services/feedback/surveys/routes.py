"""Surveys over HTTP: `/api/v1/surveys/...`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy import text

from services.feedback.channels import ChannelKind
from services.feedback.form_checks import FormTokens
from services.feedback.periods import Period, PeriodText, parse_period
from services.feedback.private_key import private_key_of
from services.feedback.senders import address_of
from services.feedback.surveys.bundle_store import Dimension, find_bundles, load_definitions
from services.feedback.surveys.definition import Survey
from services.feedback.surveys.invitations import InvitationTokens
from services.feedback.surveys.responses import (
    SURVEYS,
    Submitter,
    find_survey,
    form_name,
    store_response,
)
from services.feedback.surveys.results import (
    answered_versions,
    assess_sample,
    find_sampled_round,
    finite_population,
    group_bundles,
    group_results,
    response_rate,
    sum_tallies,
)
from services.feedback.surveys.round_schemas import RoundCode
from services.feedback.surveys.rounds import list_rounds, summarise_rounds
from services.feedback.surveys.samples import SampleKind
from services.feedback.surveys.schemas import (
    BreakdownItem,
    ResponseStored,
    SampleSize,
    SurveyBreakdown,
    SurveyDetail,
    SurveyForm,
    SurveyItem,
    SurveyResponse,
    SurveyResults,
    WeightQuery,
    describe_input,
)
from services.feedback.surveys.skm import sample_needed
from services.platform.database import ReadSession, ReadSessionDep, WriteSessionDep
from services.platform.identity import CurrentCaller
from services.platform.local_time import ZoneDep, day_of
from services.platform.logging import get_logger
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Settings
from services.platform.types import DistrictCode, Slug

log = get_logger(__name__)

router = Router(prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 422))

ANY_RESPONSE = """
-- Whether a survey has responses within a period.
SELECT EXISTS (SELECT FROM feedback.response
               WHERE region = :region AND survey = :survey
                 AND answered_on BETWEEN :first AND :last)
"""

PeriodQuery = Annotated[
    PeriodText | None,
    Query(description="`2024`, `2024-S1`, `2024-Q3` or `2024-07`; default: this year."),
]
Population = Annotated[int, Query(ge=1, le=2_000_000_000, description="Size of the population.")]


@dataclass(frozen=True)
class ResultFilters:
    """Which responses results are about."""

    service: Slug | None
    agency: Slug | None
    channel: ChannelKind | None
    district: DistrictCode | None
    round: RoundCode | None
    sample: list[SampleKind] | None

    def as_parameters(self) -> dict[str, str | list[str] | None]:
        """Return the filters as parameters of the query for bundles."""
        return {
            "service": self.service,
            "agency": self.agency,
            "channel": self.channel,
            "district": self.district,
            "round": self.round,
            "samples": None if self.sample is None else list[str](self.sample),
        }

    @property
    def is_of_a_part(self) -> bool:
        """Whether results are about a service, an agency, a channel or a district only."""
        return any((self.service, self.agency, self.channel, self.district))


async def _result_filters(  # noqa: PLR0917 - FastAPI passes by name
    service: Annotated[Slug | None, Query(description="Responses about this service.")] = None,
    agency: Annotated[Slug | None, Query(description="Responses about this agency.")] = None,
    channel: Annotated[ChannelKind | None, Query(description="How the service was used.")] = None,
    district: Annotated[DistrictCode | None, Query(description="District code.")] = None,
    round: Annotated[RoundCode | None, Query(description="Responses of this round.")] = None,
    sample: Annotated[
        list[SampleKind] | None,
        Query(max_length=5, description="Responses of these samples; default: of all."),
    ] = None,
) -> ResultFilters:
    return ResultFilters(service, agency, channel, district, round, sample)


ResultFiltersQuery = Annotated[ResultFilters, Depends(_result_filters)]


def period_or_this_year(period: str | None, today: date) -> Period:
    """Parse a period; the current year if none is given."""
    return parse_period(period or str(today.year))


@router.get("", operation_id="list_surveys")
async def list_surveys(request: Request, session: ReadSessionDep) -> Page[SurveyItem]:
    """List the current surveys with the URLs of their questions and results."""
    rows = await session.execute(text(SURVEYS), {"region": get_region(request), "slug": None})
    items: list[SurveyItem] = []
    for row in rows:
        try:
            survey = Survey.from_stored(row.content)
        except ValidationError:  # of a newer version of the hub
            log.warning("survey of a newer version left out", survey=row.slug)
            continue
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
async def get_survey(
    request: Request, session: ReadSessionDep, zone: ZoneDep, slug: SlugPath
) -> SurveyDetail:
    """Return a survey with its questions in order, in every language that it has.

    `show_if` names the answers after which a question is asked; `inputs` describes how each
    question is answered.
    """
    region = get_region(request)
    survey, version = await find_survey(session, region, slug)
    rounds = await list_rounds(session, region, slug)
    return SurveyDetail.model_construct(  # already validated when it was read
        survey=survey,
        rounds=summarise_rounds(rounds, today=day_of(datetime.now(UTC), zone)),
        version=version,
        languages=survey.languages(),
        inputs={question.code: describe_input(question) for question in survey.questions},
        href=f"{API}/surveys/{slug}",
    )


@router.get("/{slug}/form", operation_id="get_survey_form", responses=problem_responses(404))
async def get_survey_form(
    request: Request, answer: Response, session: ReadSessionDep, slug: SlugPath
) -> SurveyForm:
    """Return the token that a form of the survey sends with the response."""
    await find_survey(session, get_region(request), slug)
    answer.headers["Cache-Control"] = "no-store"
    tokens = FormTokens(await private_key_of(request))
    return SurveyForm(form_token=tokens.issue(form_name(slug), datetime.now(UTC)))


@router.post(
    "/{slug}/responses",
    operation_id="post_survey_response",
    status_code=201,
    responses=problem_responses(403, 404, 409, 413)
    | {
        200: {"model": ResponseStored, "description": "Stored before; nothing changed."},
        202: {"model": ResponseStored, "description": "Stored, and held until somebody looks."},
    },
)
async def post_survey_response(
    request: Request,
    answer: Response,
    session: WriteSessionDep,
    slug: SlugPath,
    *,
    zone: ZoneDep,
    caller: CurrentCaller,
    response: SurveyResponse,
) -> ResponseStored:
    """Store a response. A response repeated with the same `id` counts once.

    No key is needed, except by enumerators and kiosks. Results include it once it is part of a
    bundle of at least five people, after some minutes. It is held (202) if it is one of many from
    its sender on this day, or of a form that was filled in unlike a person does.
    """
    settings: Settings = request.app.state.settings
    key = await private_key_of(request)
    submitter = Submitter(
        caller,
        address_of(request),
        FormTokens(key),
        InvitationTokens(key),
        max_per_service=settings.survey_responses_per_sender,
    )
    stored = await store_response(
        session,
        get_region(request),
        slug,
        response,
        submitter=submitter,
        now=datetime.now(UTC),
        zone=zone,
    )
    if stored.repeated:
        answer.status_code = 200
    elif stored.state == "held":
        answer.status_code = 202
    return stored


@router.get("/{slug}/results", operation_id="get_survey_results", responses=problem_responses(404))
async def get_survey_results(
    request: Request,
    session: ReadSessionDep,
    slug: SlugPath,
    filters: ResultFiltersQuery,
    zone: ZoneDep,
    *,
    period: PeriodQuery = None,
    weight: Annotated[WeightQuery, Query()] = "1/9",
    population: Annotated[
        Population | None, Query(description="Size of the population that the responses represent.")
    ] = None,
) -> SurveyResults:
    """Return the results of a period; suppressed if fewer than five people answered.

    With `population` (such as the users of a service in a year), they include whether the
    responses are enough to represent it.
    """
    region = get_region(request)
    wanted = period_or_this_year(period, datetime.now(zone).date())
    survey, version = await find_survey(session, region, slug)
    bundles = await find_bundles(
        session, region, slug, period=wanted, filters=filters.as_parameters()
    )
    tally = sum_tallies(bundles)
    definitions = await load_definitions(session, region, slug) if bundles else {}
    rounds = await list_rounds(session, region, slug)
    sampled = None if filters.is_of_a_part else find_sampled_round(bundles, rounds)
    finite = finite_population(sampled, tally.n)
    figures = (
        group_results(definitions, bundles, weight=weight, population=finite) if bundles else None
    )
    hidden = figures is None and await _has_responses(session, region, slug, wanted)
    return SurveyResults(
        survey=survey.slug,
        version=version,
        versions=answered_versions(bundles),
        year=wanted.first.year,
        period=str(wanted),
        n=figures.n if figures else None if hidden else 0,
        senders=figures.senders if figures else None,
        by_mode=figures.by_mode if figures else {},
        by_sample=figures.by_sample if figures else {},
        suppressed=hidden,
        questions=figures.questions if figures else [],
        scales=figures.scales if figures else [],
        satisfaction=figures.satisfaction if figures else None,
        sample=assess_sample(population, tally.n),
        service=filters.service,
        agency=filters.agency,
        channel=filters.channel,
        district=filters.district,
        round=filters.round,
        samples=filters.sample,
        rounds=summarise_rounds(rounds, today=day_of(datetime.now(UTC), zone), within=wanted),
        finite_population=finite,
        response_rate=response_rate(sampled, tally.n),
    )


@router.get(
    "/{slug}/breakdown", operation_id="get_survey_breakdown", responses=problem_responses(404)
)
async def get_survey_breakdown(
    request: Request,
    session: ReadSessionDep,
    slug: SlugPath,
    filters: ResultFiltersQuery,
    zone: ZoneDep,
    *,
    by: Annotated[Dimension, Query(description="The dimension to group results by.")],
    period: PeriodQuery = None,
    weight: Annotated[WeightQuery, Query()] = "1/9",
) -> SurveyBreakdown:
    """Return results of a period by service, agency, channel, district or part of the year."""
    region = get_region(request)
    wanted = period_or_this_year(period, datetime.now(zone).date())
    _, version = await find_survey(session, region, slug)
    bundles = await find_bundles(
        session, region, slug, period=wanted, filters=filters.as_parameters()
    )
    definitions = await load_definitions(session, region, slug)
    hidden = not bundles and await _has_responses(session, region, slug, wanted)
    return SurveyBreakdown(
        survey=slug,
        version=version,
        versions=answered_versions(bundles),
        period=str(wanted),
        by=by,
        n=None if hidden else sum_tallies(bundles).n,
        items=[
            BreakdownItem(value=value, results=group_results(definitions, group, weight=weight))
            for value, group in group_bundles(bundles, by)
        ],
    )


@router.get("/{slug}/sample-size", operation_id="get_sample_size")
async def get_sample_size(slug: SlugPath, population: Population) -> SampleSize:
    """Return how many responses represent a population (Krejcie and Morgan, 95%, margin 5%)."""
    return SampleSize(population=population, needed=sample_needed(population))


async def _has_responses(session: ReadSession, region: str, survey: str, period: Period) -> bool:
    """Return whether the whole year has responses, which reveals nothing of a small group."""
    year = parse_period(str(period.first.year))
    exists = await session.scalar(
        text(ANY_RESPONSE),
        {"region": region, "survey": survey, "first": year.first, "last": year.last},
    )
    return bool(exists)
