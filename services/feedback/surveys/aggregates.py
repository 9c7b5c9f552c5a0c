"""The sums that a bundle stores of its answers; they add up and hold no single response."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.feedback.small_groups import Person, are_enough
from services.feedback.surveys.definition import Question, Survey, scale_key
from services.feedback.surveys.question_kinds.base import Answer, QuestionKind
from services.feedback.surveys.skm import ELEMENTS
from services.feedback.surveys.skm import Tally as SkmTally
from services.feedback.surveys.skm import tally as skm_tally


class QuestionTally(BaseModel):
    """Counts of the answers to a question."""

    model_config = ConfigDict(frozen=True)

    answered: int
    counts: dict[str, int] = Field(
        default_factory=dict[str, int], description="By the option's code or the level."
    )
    total: int = Field(0, description="Sum of the levels or numbers.")

    def __add__(self, other: "QuestionTally") -> "QuestionTally":
        return QuestionTally(
            answered=self.answered + other.answered,
            counts=dict(Counter(self.counts) + Counter(other.counts)),
            total=self.total + other.total,
        )


class ScaleTally(BaseModel):
    """Counts of respondents by the sum of their levels over the questions of a scale."""

    model_config = ConfigDict(frozen=True)

    counts: dict[int, int] = Field(
        default_factory=dict[int, int],
        description="Respondents who answered every question, by the sum.",
    )

    def __add__(self, other: "ScaleTally") -> "ScaleTally":
        return ScaleTally(counts=dict(Counter(self.counts) + Counter(other.counts)))


class Tally(BaseModel):
    """The sums of one bundle or of several."""

    model_config = ConfigDict(frozen=True)

    n: int = 0
    questions: dict[str, QuestionTally] = Field(default_factory=dict[str, QuestionTally])
    scales: dict[str, ScaleTally] = Field(default_factory=dict[str, ScaleTally])
    skm: SkmTally | None = None

    def __add__(self, other: "Tally") -> "Tally":
        questions = dict(self.questions)
        for code, tally in other.questions.items():
            questions[code] = questions[code] + tally if code in questions else tally
        scales = dict(self.scales)
        for key, scale in other.scales.items():
            scales[key] = scales[key] + scale if key in scales else scale
        parts = [part for part in (self.skm, other.skm) if part is not None]
        return Tally(
            n=self.n + other.n,
            questions=questions,
            scales=scales,
            skm=sum(parts[1:], start=parts[0]) if parts else None,
        )


@dataclass(frozen=True)
class AnsweredSurvey:
    """A response's answers with the definition that was answered."""

    survey: Survey
    answers: Mapping[str, Any]
    person: Person


def tally_key(question: Question) -> str:
    """Return the key of a question's tally: its code and kind, which a later version may change."""
    return f"{question.code}.{question.kind}"


def tally_of(responses: Sequence[AnsweredSurvey], scales: Iterable[Sequence[str]] = ()) -> Tally:
    """Return the tally of a bundle, with the sums over these scales.

    A question that too few people of the bundle answered is excluded, and so are questions about
    the person: their answers identify people rather than express opinions.
    """
    answers: defaultdict[str, list[Answer]] = defaultdict(list)
    people: defaultdict[str, list[Person]] = defaultdict(list)
    kinds: dict[str, QuestionKind] = {}
    complete: list[AnsweredSurvey] = []
    for response in responses:
        for question in response.survey.questions:
            if question.code in response.answers and question.about is None:
                key = tally_key(question)
                answers[key].append(response.answers[question.code])
                people[key].append(response.person)
                kinds[key] = question.kind_rules
        if response.survey.kind == "skm" and all(code in response.answers for code in ELEMENTS):
            complete.append(response)
    return Tally(
        n=len(responses),
        questions={
            key: _question_tally(values, kinds[key])
            for key, values in answers.items()
            if are_enough(people[key])
        },
        scales=scale_tallies(responses, scales),
        skm=skm_tally(response.answers for response in complete)
        if are_enough(response.person for response in complete)
        else None,
    )


def scale_tallies(
    responses: Sequence[AnsweredSurvey], scales: Iterable[Sequence[str]]
) -> dict[str, ScaleTally]:
    """Return the sums over scales, by scale key, of the respondents who answered all its questions.

    A scale that too few people of the bundle answered is excluded.
    """
    found: dict[str, ScaleTally] = {}
    for questions in scales:
        sums = [(sum_over(questions, response), response.person) for response in responses]
        if are_enough(person for total, person in sums if total is not None):
            counts = Counter(total for total, _ in sums if total is not None)
            found[scale_key(questions)] = ScaleTally(counts=dict(counts))
    return found


def sum_over(questions: Sequence[str], response: AnsweredSurvey) -> int | None:
    """Return the sum of a response's levels; None unless it has a level for every question."""
    levels = {
        question.code for question in response.survey.questions if question.kind_rules.is_scale
    }
    if not all(code in levels and code in response.answers for code in questions):
        return None
    return sum(response.answers[code] for code in questions)


def _question_tally(answers: Sequence[Answer], kind: QuestionKind) -> QuestionTally:
    counts: Counter[str] = Counter()
    if kind.counts_answers:
        for answer in answers:
            counts.update(map(str, answer if isinstance(answer, list) else [answer]))
    total = sum(answer for answer in answers if isinstance(answer, int))
    return QuestionTally(answered=len(answers), counts=dict(counts), total=total)
