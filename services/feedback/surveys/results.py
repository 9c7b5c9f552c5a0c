"""Results of a survey: counts per option, means, and the satisfaction index."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from services.feedback.surveys.definition import Answer, Question, Survey
from services.feedback.surveys.schemas import (
    SMALLEST_GROUP,
    OptionCount,
    QuestionResult,
    Satisfaction,
    SkmElement,
    SurveyResults,
)
from services.feedback.surveys.skm import ELEMENTS, Weight, ikm_result


def survey_results(
    survey: Survey,
    version: int,
    responses: Sequence[Mapping[str, Any]],
    *,
    period: int,
    weight: Weight,
) -> SurveyResults:
    """The results of these responses; without figures where they are fewer than five."""
    n = len(responses)
    if n < SMALLEST_GROUP:
        return SurveyResults(
            survey=survey.slug,
            version=version,
            period=period,
            n=0 if n == 0 else None,
            suppressed=n > 0,
            questions=[],
        )
    return SurveyResults(
        survey=survey.slug,
        version=version,
        period=period,
        n=n,
        suppressed=False,
        questions=[
            result
            for question in survey.questions
            if (result := question_result(question, responses)).answered >= SMALLEST_GROUP
        ],
        satisfaction=satisfaction(survey, responses, weight=weight)
        if survey.kind == "skm"
        else None,
    )


def question_result(question: Question, responses: Sequence[Mapping[str, Any]]) -> QuestionResult:
    """How often each option was chosen, and the mean where the options are levels.

    An answer to an earlier version, when the question was of another kind, is left out.
    """
    answers: list[Answer] = [
        response[question.code]
        for response in responses
        if question.code in response and question.takes(response[question.code])
    ]
    counts: Counter[Any] = Counter()
    for answer in answers:
        counts.update(answer if isinstance(answer, list) else [answer])
    options: list[OptionCount] = []
    for level, option in enumerate(question.options, start=1):
        count = counts[level if question.kind == "scale4" else option.code]
        share = count / len(answers) if answers else 0.0
        options.append(OptionCount(code=option.code, text=option.text, count=count, share=share))
    levels = [answer for answer in answers if isinstance(answer, int)]
    mean = sum(levels) / len(levels) if question.kind == "scale4" and levels else None
    return QuestionResult(
        code=question.code,
        text=question.text,
        answered=len(answers),
        mean=mean,
        options=options,
    )


def satisfaction(
    survey: Survey, responses: Sequence[Mapping[str, Any]], *, weight: Weight
) -> Satisfaction | None:
    """The IKM of the responses that answer all nine elements; None where they are too few."""
    elements = {question.code: question for question in survey.questions}
    complete = [
        response
        for response in responses
        if all(code in response and elements[code].takes(response[code]) for code in ELEMENTS)
    ]
    if len(complete) < SMALLEST_GROUP:
        return None
    result = ikm_result(complete, weight=weight)
    return Satisfaction(
        ikm=float(result.ikm),
        grade=result.grade,
        low=float(result.low),
        high=float(result.high),
        weight=weight,
        elements=[
            SkmElement(
                code=element.code,
                text=elements[element.code].text,
                total=element.total,
                nrr=float(element.nrr),
            )
            for element in result.elements
        ],
    )
