"""Results of a survey: sums over bundles, as counts per option, means, and the index."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from services.feedback.surveys.aggregates import QuestionTally, Tally, key_of
from services.feedback.surveys.bundle_store import Sealed
from services.feedback.surveys.definition import Option, Question, Survey
from services.feedback.surveys.periods import MONTHS_IN, Span, period_around
from services.feedback.surveys.schemas import (
    GroupResults,
    OptionCount,
    QuestionResult,
    Sample,
    Satisfaction,
    SkmElement,
)
from services.feedback.surveys.skm import Weight, ikm_of, priorities, sample_needed

Dimension = Literal["service", "agency", "channel", "district", "month", "quarter", "semester"]


def versions_of(bundles: Iterable[Sealed]) -> list[int]:
    """The versions of the survey to which these responses answered."""
    return sorted({version for bundle in bundles for version in bundle.versions})


def total_of(bundles: Iterable[Sealed]) -> Tally:
    return sum((bundle.tally for bundle in bundles), start=Tally())


def divided(bundles: Iterable[Sealed], by: Dimension) -> list[tuple[str | None, list[Sealed]]]:
    """The bundles by one dimension; under None those whose responses differ in it."""
    groups: defaultdict[str | None, list[Sealed]] = defaultdict(list)
    for bundle in bundles:
        groups[_value(bundle, by)].append(bundle)
    return sorted(groups.items(), key=lambda group: (group[0] is None, group[0] or ""))


def _value(bundle: Sealed, by: Dimension) -> str | None:
    if by in ("service", "agency", "channel", "district"):
        return getattr(bundle.label, by)
    span: Span = by
    period = bundle.label.period
    if MONTHS_IN[period.span] > MONTHS_IN[span]:
        return None
    return str(period_around(period.first, span))


def group_results(
    definitions: Mapping[int, Survey], tally: Tally, *, weight: Weight
) -> GroupResults:
    """The figures of a group; questions and options of older versions stand at the end."""
    asked = [
        (question, tally.questions[key_of(question)])
        for question in all_questions(definitions)
        if key_of(question) in tally.questions
    ]
    return GroupResults(
        n=tally.n,
        questions=[question_result(question, counted) for question, counted in asked],
        satisfaction=satisfaction([question for question, _ in asked], tally, weight=weight),
    )


def all_questions(definitions: Mapping[int, Survey]) -> list[Question]:
    """Every question that a survey ever had, in its newest wording, with every option.

    What was answered when a question was of another kind is left out of its results.
    """
    found: dict[str, Question] = {}
    for version in sorted(definitions, reverse=True):
        for question in definitions[version].questions:
            newer = found.get(question.code)
            if newer is None:
                found[question.code] = question
                continue
            known = {option.code for option in newer.options}
            if newer.kind == "scale4" or newer.kind != question.kind:
                continue
            older = [option for option in question.options if option.code not in known]
            options: list[Option] = [*newer.options, *older]
            found[question.code] = newer.model_copy(update={"options": options})
    return list(found.values())


def question_result(question: Question, tally: QuestionTally) -> QuestionResult:
    """How often each option was chosen, and the mean where the answers are numbers."""
    options: list[OptionCount] = []
    for level, option in enumerate(question.options, start=1):
        count = tally.counts.get(str(level) if question.kind == "scale4" else option.code, 0)
        options.append(
            OptionCount(
                code=option.code,
                text=option.text,
                text_en=option.text_en,
                count=count,
                share=count / tally.answered,
            )
        )
    numeric = question.kind in {"scale4", "number"}
    return QuestionResult(
        code=question.code,
        kind=question.kind,
        text=question.text,
        text_en=question.text_en,
        answered=tally.answered,
        mean=tally.total / tally.answered if numeric else None,
        options=options,
    )


def satisfaction(
    questions: Sequence[Question], tally: Tally, *, weight: Weight
) -> Satisfaction | None:
    """The IKM of the responses that answer all nine elements; None where they are too few."""
    if tally.skm is None:
        return None
    result = ikm_of(tally.skm, weight=weight)
    texts = {question.code: question for question in questions}
    return Satisfaction(
        ikm=float(result.ikm),
        grade=result.grade,
        low=float(result.low),
        high=float(result.high),
        weight=weight,
        n=result.n,
        elements=[
            SkmElement(
                code=element.code,
                text=texts[element.code].text,
                text_en=texts[element.code].text_en,
                total=element.total,
                nrr=float(element.nrr),
            )
            for element in result.elements
        ],
        priorities=priorities(result),
    )


def sample_of(population: int | None, n: int | None) -> Sample | None:
    """Whether the responses are as many as a population needs."""
    if population is None:
        return None
    needed = sample_needed(population)
    return Sample(population=population, needed=needed, enough=(n or 0) >= needed)
