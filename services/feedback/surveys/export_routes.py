"""Exports and weighted results, which need a key: an agency gets the responses about itself."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Annotated, Any, get_args

from fastapi import Path, Query, Request, Response
from sqlalchemy import text

from services.feedback.periods import Period
from services.feedback.surveys.bundle_store import load_definitions
from services.feedback.surveys.codebook import ExportedResponse, build_table
from services.feedback.surveys.definition import Characteristic, Question
from services.feedback.surveys.export_formats import MEDIA_TYPES, FileName, encode_table
from services.feedback.surveys.responses import find_survey
from services.feedback.surveys.results import all_questions
from services.feedback.surveys.routes import PeriodQuery, period_or_this_year
from services.feedback.surveys.schemas import WeightedOption, WeightedQuestion, WeightedResults
from services.feedback.surveys.weighting import NotWeightableError, rake
from services.platform.database import ReadSession, ReadSessionDep
from services.platform.identity import Administrator, Caller, UsageWriter
from services.platform.local_time import ZoneDep
from services.platform.parameters import DelimiterQuery, SlugPath
from services.platform.problems import Conflict, NotAllowed, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(
    prefix=f"{API}/surveys", tags=["surveys"], responses=problem_responses(401, 403, 404, 422)
)

RESPONSES = """
-- Bundled responses of a period, about one agency or all agencies, each with only the attributes
-- that its whole bundle shares.
SELECT b.first_day, b.last_day,
       CASE WHEN cardinality(b.versions) = 1 THEN b.versions[1] END AS version,
       coalesce(b.service, '') AS service, coalesce(b.agency, '') AS agency,
       coalesce(b.channel, '') AS channel, coalesce(b.district, '') AS district, b.modes, r.answers
FROM feedback.survey_bundle b
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
            "description": "The responses of the survey as a file, in the format of its name.",
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
    zone: ZoneDep,
    slug: SlugPath,
    *,
    file: Annotated[FileName, Path(description="The table and its format.")],
    period: PeriodQuery = None,
    delimiter: DelimiterQuery = "semicolon",
) -> Response:
    """Export single responses of the bundles of a period, without an id, for analysis.

    An agency's key exports the bundles about that agency, without the questions about the person;
    an administrator's key exports all. A response shows only what its whole bundle shares: the
    bundle's period, and an empty value if its responses differ.
    """
    region = get_region(request)
    survey, _ = await find_survey(session, region, slug)
    wanted = period_or_this_year(period, datetime.now(zone).date())
    definitions = await load_definitions(session, region, slug)
    responses = await _responses(session, region, slug, wanted, caller)
    questions = [
        question
        for question in all_questions(definitions)
        # An agency knows who came to its office, and would recognise them by sex and age.
        if question.about is None or "admin" in caller.scopes
    ]
    table = build_table(questions, responses)
    name = f"{slug}-{wanted}-{file}"
    return Response(
        encode_table(table, file, title=f"{survey.title} {wanted}", delimiter=delimiter),
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
    caller: Administrator,
    zone: ZoneDep,
    slug: SlugPath,
    *,
    period: PeriodQuery = None,
    by: Annotated[
        list[Characteristic] | None,
        Query(
            description="Characteristics to weight by; default: all that have margins.",
            max_length=len(get_args(Characteristic)),
        ),
    ] = None,
) -> WeightedResults:
    """Return results weighted to the population by district, age group and sex.

    They tell the answers of each sex or age group of a bundle, however few are of it, so they need
    an administrator's key, as the export of these characteristics does.
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
        raise Conflict(f"The survey {slug} has population margins for: {known}.")
    wanted = period_or_this_year(period, datetime.now(zone).date())
    responses = await _responses(session, region, slug, wanted, caller)
    codes = {q.about: q.code for q in survey.questions if q.about in margins}
    complete = [
        r for r in responses if all(r.answers.get(codes[n]) in m for n, m in margins.items())
    ]
    try:
        weighted = rake([{n: str(r.answers[codes[n]]) for n in margins} for r in complete], margins)
    except NotWeightableError as error:
        raise Conflict(f"The responses cannot be weighted: {error}.") from None
    return WeightedResults(
        survey=slug,
        period=str(wanted),
        by=sorted(margins),
        n=len(complete),
        excluded=len(responses) - len(complete),
        effective_n=weighted.effective_size,
        questions=[
            result
            for question in survey.questions
            if question.about is None
            and (result := weighted_question(question, complete, weighted.weights)) is not None
        ],
    )


def weighted_question(
    question: Question, responses: list[ExportedResponse], weights: tuple[float, ...]
) -> WeightedQuestion | None:
    """Return the weighted shares of the options; None if the question has no answers."""
    sums: defaultdict[str, float] = defaultdict(float)
    counts: Counter[str] = Counter()
    total = level_sum = 0.0
    for response, weight in zip(responses, weights, strict=True):
        answer: Any = response.answers.get(question.code)
        if answer is None or not question.has_answer_type(answer):
            continue
        total += weight
        level_sum += weight * answer if isinstance(answer, int) else 0.0
        for chosen in answer if isinstance(answer, list) else [answer]:
            sums[str(chosen)] += weight
            counts[str(chosen)] += 1
    if not total:
        return None
    kind = question.kind_rules
    return WeightedQuestion(
        code=question.code,
        text=question.text,
        mean=level_sum / total if kind.has_mean else None,
        options=[
            WeightedOption(
                code=option.code, text=option.text, count=counts[key], share=sums[key] / total
            )
            for key, option in zip(kind.option_keys(question), question.options, strict=True)
        ],
    )


async def _responses(
    session: ReadSession, region: str, survey: str, period: Period, caller: Caller
) -> list[ExportedResponse]:
    """Return the single responses that a caller may see: those of whole bundles.

    An agency knows who came to its kiosk and whom it gave a token, and could match them with newer
    responses by the time or the channel.
    """
    if caller.agency is None and "admin" not in caller.scopes:
        raise NotAllowed("This key belongs to no agency.")
    rows = await session.execute(
        text(RESPONSES),
        {
            "region": region,
            "survey": survey,
            "first": period.first,
            "last": period.last,
            "agency": None if "admin" in caller.scopes else caller.agency,
        },
    )
    return [
        ExportedResponse(
            period=str(Period(row.first_day, row.last_day)),
            version=row.version,
            service=row.service,
            agency=row.agency,
            channel=row.channel,
            district=row.district,
            mode=next(iter(row.modes)) if len(row.modes) == 1 else "",
            answers=row.answers,
        )
        for row in rows
    ]
