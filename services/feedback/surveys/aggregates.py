"""What is kept of a bundle's answers: sums that add up, and nothing of a single response."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.feedback.surveys.definition import Answer, Question, Survey
from services.feedback.surveys.k_anonymity import SMALLEST_GROUP
from services.feedback.surveys.skm import ELEMENTS
from services.feedback.surveys.skm import Tally as SkmTally
from services.feedback.surveys.skm import tally as skm_tally


class QuestionTally(BaseModel):
    """How often each answer to a question was given."""

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


class Tally(BaseModel):
    """The sums of a bundle, or of several."""

    model_config = ConfigDict(frozen=True)

    n: int = 0
    questions: dict[str, QuestionTally] = Field(default_factory=dict[str, QuestionTally])
    skm: SkmTally | None = None

    def __add__(self, other: "Tally") -> "Tally":
        questions = dict(self.questions)
        for code, tally in other.questions.items():
            questions[code] = questions[code] + tally if code in questions else tally
        both = [part for part in (self.skm, other.skm) if part is not None]
        return Tally(
            n=self.n + other.n,
            questions=questions,
            skm=sum(both[1:], start=both[0]) if both else None,
        )


@dataclass(frozen=True)
class Given:
    """A response's answers, with the definition that was answered."""

    survey: Survey
    answers: Mapping[str, Any]


def key_of(question: Question) -> str:
    """Under which the tally of a question stands: its code and kind, for a kind may change."""
    return f"{question.code}.{question.kind}"


def tally_of(responses: Sequence[Given]) -> Tally:
    """The tally of a bundle.

    Within a bundle too, what fewer than five have answered is left out, and so are questions
    about the person: their answers tell who somebody is, not what somebody thinks.
    """
    answers: defaultdict[str, list[Answer]] = defaultdict(list)
    complete: list[Mapping[str, int]] = []
    for given in responses:
        for question in given.survey.questions:
            if question.code in given.answers and question.about is None:
                answers[key_of(question)].append(given.answers[question.code])
        if given.survey.kind == "skm" and all(code in given.answers for code in ELEMENTS):
            complete.append(given.answers)
    return Tally(
        n=len(responses),
        questions={
            key: _question_tally(told, numeric=key.endswith(".number"))
            for key, told in answers.items()
            if len(told) >= SMALLEST_GROUP
        },
        skm=skm_tally(complete) if len(complete) >= SMALLEST_GROUP else None,
    )


def _question_tally(answers: Sequence[Answer], *, numeric: bool) -> QuestionTally:
    counts: Counter[str] = Counter()
    if not numeric:  # of numbers the sum alone
        for answer in answers:
            counts.update(map(str, answer if isinstance(answer, list) else [answer]))
    total = sum(answer for answer in answers if isinstance(answer, int))
    return QuestionTally(answered=len(answers), counts=dict(counts), total=total)
