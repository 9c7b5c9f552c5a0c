"""What holders of a key may see: an agency the responses about itself, an administrator all."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import text

from services.feedback.surveys.bundle_store import definitions_of
from services.feedback.surveys.codebook import Answered, table_of
from services.feedback.surveys.definition import Characteristic, Question, Survey
from services.feedback.surveys.export_formats import MEDIA_TYPES, FileName, written
from services.feedback.surveys.periods import Period
from services.feedback.surveys.responses import find_survey
from services.feedback.surveys.results import all_questions
from services.feedback.surveys.routes import PeriodQuery, period_or_this_year
from services.feedback.surveys.schemas import WeightedOption, WeightedQuestion, WeightedResults
from services.feedback.surveys.weighting import NotWeightableError, rake
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.identity import Caller, UsageWriter
from services.platform.local_time import JAKARTA
from services.platform.parameters import SlugPath
from services.platform.problems import Conflict, NotAllowed, problem_responses
from services.platform.service import API, get_region

router = APIRouter(
    prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 403, 404, 422)
)

RESPONSES = """
-- The responses of a period, about one agency or about all.
SELECT to_char(answered_on, 'YYYY-MM') AS month, version, service, agency, channel, district, mode,
       answers
FROM feedback.response
WHERE region = :region AND survey = :survey AND answered_on BETWEEN :first AND :last
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
"""

HIDDEN_RESPONSES = """
-- The responses that a bundle hides, each with no more than its whole bundle has in common: of the
-- bundles that lie in a period, about one agency or about all.
SELECT b.first_day, b.last_day,
       CASE WHEN cardinality(b.versions) = 1 THEN b.versions[1] END AS version,
       coalesce(b.service, '') AS service, coalesce(b.agency, '') AS agency,
       coalesce(b.channel, '') AS channel, coalesce(b.district, '') AS district, r.answers
FROM feedback.bundle b
JOIN feedback.response r ON r.region = b.region AND r.survey = b.survey AND r.bundle = b.id
WHERE b.region = :region AND b.survey = :survey AND b.first_day >= :first AND b.last_day <= :last
  AND (CAST(:agency AS text) IS NULL OR b.agency = :agency)
"""


@router.get(
    "/{slug}/exports/{file}",
    operation_id="export_survey_responses",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in sorted(set(MEDIA_TYPES.values()))
            },
        }
    },
)
async def export_survey_responses(
    request: Request,
    session: ReadSessionDep,
    caller: UsageWriter,
    slug: SlugPath,
    *,
    file: Annotated[FileName, Path(description="Which table, and in which form.")],
    period: PeriodQuery = None,
) -> Response:
    """Single responses of a period, with the month and without an id: for analysis.

    An agency's key gives the responses about that agency, an administrator's key all. Of a survey
    that needs tokens, a response shows what all of its bundle share: the bundle's period, and
    blanks where the bundle is mixed.
    """
    region = get_region(request)
    survey, _ = await find_survey(session, region, slug)
    wanted = period_or_this_year(period, datetime.now(JAKARTA).date())
    definitions = await definitions_of(session, region, slug)
    responses = await _responses(session, region, definitions, wanted, caller)
    table = table_of(all_questions(definitions), responses)
    name = f"{slug}-{wanted}-{file}"
    return Response(
        written(table, file, title=f"{survey.title} {wanted}"),
        media_type=MEDIA_TYPES[file],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


@router.get(
    "/{slug}/weighted-results",
    operation_id="get_weighted_survey_results",
    responses=problem_responses(409),
)
async def get_weighted_survey_results(
    request: Request,
    session: ReadSessionDep,
    caller: UsageWriter,
    slug: SlugPath,
    *,
    period: PeriodQuery = None,
    by: Annotated[
        list[Characteristic] | None,
        Query(
            description="Characteristics to weight by; default: all that the survey gives.",
            max_length=len(get_args(Characteristic)),
        ),
    ] = None,
) -> WeightedResults:
    """Results weighted to the population by district, age group and sex.

    Weights are not sums over groups of five: so these results need a key, as single responses do.
    """
    region = get_region(request)
    survey, _ = await find_survey(session, region, slug)
    margins = {
        name: dict(margin.shares)
        for name, margin in survey.population.items()
        if by is None or name in by
    }
    if not margins or (by is not None and set(by) - set(margins)):
        known = ", ".join(survey.population) or "none"
        raise Conflict(f"The survey {slug} has margins of its population for: {known}.")
    wanted = period_or_this_year(period, datetime.now(JAKARTA).date())
    definitions = await definitions_of(session, region, slug)
    responses = await _responses(session, region, definitions, wanted, caller)
    codes = {q.about: q.code for q in survey.questions if q.about in margins}
    whole = [r for r in responses if all(r.answers.get(codes[n]) in m for n, m in margins.items())]
    try:
        weighted = rake([{n: r.answers[codes[n]] for n in margins} for r in whole], margins)
    except NotWeightableError as error:
        raise Conflict(f"The responses cannot be weighted: {error}.") from None
    return WeightedResults(
        survey=slug,
        span=str(wanted),
        by=sorted(margins),
        n=len(whole),
        left_out=len(responses) - len(whole),
        effective_n=weighted.effective,
        questions=[
            found
            for question in survey.questions
            if question.about is None
            and (found := weighted_question(question, whole, weighted.weights)) is not None
        ],
    )


def weighted_question(
    question: Question, responses: list[Answered], weights: tuple[float, ...]
) -> WeightedQuestion | None:
    """Weighted shares of the options among those who answered; None where nobody did."""
    sums: defaultdict[str, float] = defaultdict(float)
    counts: Counter[str] = Counter()
    total = level_sum = 0.0
    for response, weight in zip(responses, weights, strict=True):
        answer: Any = response.answers.get(question.code)
        if answer is None or not question.takes(answer):
            continue
        total += weight
        level_sum += weight * answer if isinstance(answer, int) else 0.0
        for chosen in answer if isinstance(answer, list) else [answer]:
            sums[str(chosen)] += weight
            counts[str(chosen)] += 1
    if not total:
        return None
    is_level = question.kind == "scale4"
    keys = [str(n) if is_level else o.code for n, o in enumerate(question.options, start=1)]
    return WeightedQuestion(
        code=question.code,
        text=question.text,
        mean=level_sum / total if question.kind in {"scale4", "number"} else None,
        options=[
            WeightedOption(
                code=option.code, text=option.text, count=counts[key], share=sums[key] / total
            )
            for key, option in zip(keys, question.options, strict=True)
        ],
    )


async def _responses(
    session: ReadSession,
    region: str,
    definitions: Mapping[int, Survey],
    period: Period,
    caller: Caller,
) -> list[Answered]:
    """The responses that a caller may see one by one.

    Who issues tokens knows whom it gave them to, and could wait for each answer to come, or look
    for the one by phone: where tokens are needed, or ever were, answers are seen with the bundle of
    five or more that they belong to, and say nothing but what it says.
    """
    if caller.agency is None and "admin" not in caller.scopes:
        raise NotAllowed("This key belongs to no agency.")
    hidden = any(survey.needs_token for survey in definitions.values())
    rows = await session.execute(
        text(HIDDEN_RESPONSES if hidden else RESPONSES),
        {
            "region": region,
            "survey": next(iter(definitions.values())).slug,
            "first": period.first,
            "last": period.last,
            "agency": None if "admin" in caller.scopes else caller.agency,
        },
    )
    return [
        Answered(
            period=str(Period(row.first_day, row.last_day)) if hidden else row.month,
            version=row.version,
            service=row.service,
            agency=row.agency,
            channel=row.channel,
            district=row.district,
            mode="" if hidden else row.mode,
            answers=row.answers,
        )
        for row in rows
    ]
