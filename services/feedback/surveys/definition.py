"""A survey as data: its questions, and whether a set of answers fits them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import (
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from services.feedback.surveys.columns import fault_of, option_column
from services.feedback.surveys.skm import ELEMENTS
from services.platform.packs import PackModel
from services.platform.types import ShortText, Slug, Text

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
"""ISO 639, such as `bbc` for Toba Batak; `id` and `en` have fields of their own."""

Answer = (
    Annotated[str, StringConstraints(max_length=40)]
    | StrictInt
    | Annotated[list[Code], Field(max_length=100)]
)
SurveyKind = Literal["awareness", "skm", "stakeholder", "own"]
Characteristic = Literal["sex", "age_group", "district"]
"""What a question may ask about the person, for weighting alone."""

Lines = dict[LanguageCode, ShortText]
LARGEST_NUMBER = 1_000_000_000


class Option(PackModel):
    """A possible answer."""

    code: Code
    text: ShortText
    text_en: ShortText
    text_in: Lines = Field(default_factory=Lines, description="The text in further languages.")
    exclusive: bool = Field(
        False, description="Stands alone where several options may be chosen, as `none` does."
    )


class ShowIf(PackModel):
    """A question is asked only of those who gave one of these answers to an earlier one."""

    question: Code
    any_of: list[Code | StrictInt] = Field(min_length=1)

    def holds(self, answers: Mapping[str, Answer]) -> bool:
        """Whether these answers ask for the question; no answer does not."""
        given = answers.get(self.question)
        chosen: list[str | int] = [*given] if isinstance(given, list) else [given or 0]
        return any(choice in self.any_of for choice in chosen)


class Question(PackModel):
    """A question: one option, several options, a level from 1 to 4, or a whole number."""

    code: Code
    kind: Literal["single", "multiple", "scale4", "number"]
    text: ShortText
    text_en: ShortText
    text_in: Lines = Field(default_factory=Lines, description="The text in further languages.")
    required: bool = True
    about: Characteristic | None = Field(
        None,
        description="Asks about the person: used for weighting, left out of published results.",
    )
    show_if: ShowIf | None = None
    options: list[Option] = Field(
        default_factory=list[Option],
        description="The answers to choose from; for scale4 the words for 1, 2, 3 and 4.",
    )
    low: int | None = Field(None, ge=0, description="Least answer of a number.")
    high: int | None = Field(None, le=LARGEST_NUMBER, description="Greatest answer of a number.")

    @model_validator(mode="after")
    def _options_fit(self) -> "Question":
        codes = [option.code for option in self.options]
        if len(set(codes)) != len(codes):
            raise ValueError("each option needs a code of its own")
        if self.kind == "scale4" and len(codes) != 4:
            raise ValueError("scale4 needs four options, the words for 1, 2, 3 and 4")
        if self.kind in {"single", "multiple"} and len(codes) < 2:
            raise ValueError(f"{self.kind} needs at least two options")
        if self.kind != "multiple" and any(option.exclusive for option in self.options):
            raise ValueError("only an option of a multiple question can be exclusive")
        if self.about is not None and self.kind != "single":
            raise ValueError("a question about the person is of kind single")
        return self

    @model_validator(mode="after")
    def _bounds_fit(self) -> "Question":
        if self.kind != "number":
            if self.low is not None or self.high is not None:
                raise ValueError("only a number has low and high")
        elif self.options:
            raise ValueError("a number has no options")
        elif self.low is None or self.high is None or self.low >= self.high:
            raise ValueError("a number needs low and high, low below high")
        return self

    def takes(self, answer: Answer) -> bool:
        """Whether this kind of question has such answers; an earlier version may not have."""
        fitting = {"scale4": int, "number": int, "single": str, "multiple": list}[self.kind]
        return isinstance(answer, fitting)

    def fault(self, answer: Answer) -> str | None:
        """What is wrong with an answer and what would be right; None for a good one."""
        codes = [option.code for option in self.options]
        if self.kind == "scale4":
            fits = isinstance(answer, int) and 1 <= answer <= 4
            return None if fits else "must be 1, 2, 3 or 4"
        if self.kind == "number":
            low, high = self.low or 0, self.high or 0
            fits = isinstance(answer, int) and low <= answer <= high
            return None if fits else f"must be a whole number from {low} to {high}"
        if self.kind == "single":
            return None if answer in codes else f"must be one of {', '.join(codes)}"
        return self._fault_of_several(answer, codes)

    def _fault_of_several(self, answer: Answer, codes: list[str]) -> str | None:
        if not isinstance(answer, list) or not set(answer) <= set(codes):
            return f"must be a list of some of {', '.join(codes)}"
        if len(set(answer)) != len(answer):
            return "names an option twice"
        if self.required and not answer:
            return "must name at least one option"
        alone = [o.code for o in self.options if o.exclusive and o.code in answer]
        if alone and len(answer) > 1:
            return f"{alone[0]} stands alone; leave out the others or it"
        return None

    def columns(self) -> list[str]:
        """Names of the columns in which answers are exported."""
        if self.kind != "multiple":
            return [self.code]
        return [option_column(self.code, option.code) for option in self.options]

    def possible(self) -> set[str | int]:
        """The answers on which a later question may depend."""
        if self.kind == "scale4":
            return {1, 2, 3, 4}
        return {option.code for option in self.options}


class Margin(PackModel):
    """How the population is divided by a characteristic, for weighting."""

    source: Slug
    shares: dict[Code, Annotated[float, Field(gt=0)]] = Field(
        min_length=2,
        description="People (or shares) per option of the question about this characteristic.",
    )


STORED: dict[str, bool] = {"stored": True}
"""The context in which stored definitions are read."""


class Survey(PackModel):
    """A survey's definition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: Slug
    kind: SurveyKind
    needs_token: bool = Field(
        False, description="Answered only with a token that proves a use of the service, once."
    )
    title: ShortText
    title_en: ShortText
    title_in: Lines = Field(default_factory=Lines)
    introduction: Text
    introduction_en: Text
    introduction_in: dict[LanguageCode, Text] = Field(default_factory=dict[LanguageCode, Text])
    questions: list[Question] = Field(min_length=1, max_length=100)
    population: dict[Characteristic, Margin] = Field(
        default_factory=dict[Characteristic, Margin],
        description="The population's margins, by which responses can be weighted.",
    )
    sources: list[Slug] = Field(default_factory=list[Slug])

    @model_validator(mode="after")
    def _codes_differ(self) -> "Survey":
        codes = [question.code for question in self.questions]
        if len(set(codes)) != len(codes):
            raise ValueError("each question needs a code of its own")
        return self

    @model_validator(mode="after")
    def _columns_differ(self, info: ValidationInfo) -> "Survey":
        fault = fault_of([name for question in self.questions for name in question.columns()])
        if fault is not None and info.context is not STORED:
            raise ValueError(fault)
        return self

    @classmethod
    def stored(cls, content: object) -> "Survey":
        """A definition as it was stored: its codes may be older than the rule for them."""
        return cls.model_validate(content, context=STORED)

    @model_validator(mode="after")
    def _skm_has_its_elements(self) -> "Survey":
        levels = {question.code for question in self.questions if question.kind == "scale4"}
        missing = [code for code in ELEMENTS if code not in levels]
        if self.kind == "skm" and missing:
            raise ValueError(f"skm needs questions of kind scale4 for {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _branches_lead_forward(self) -> "Survey":
        before: dict[str, Question] = {}
        for question in self.questions:
            condition = question.show_if
            if condition is not None:
                asked = before.get(condition.question)
                if asked is None:
                    raise ValueError(
                        f"{question.code} depends on {condition.question}, which is no earlier "
                        "question"
                    )
                unknown = [a for a in condition.any_of if a not in asked.possible()]
                if unknown:
                    raise ValueError(
                        f"{question.code} depends on {unknown[0]!r}, which {asked.code} never is"
                    )
            before[question.code] = question
        return self

    @model_validator(mode="after")
    def _languages_are_whole(self) -> "Survey":
        used = {frozenset(texts) for texts in self._texts()}
        if len(used) > 1:
            some = sorted(frozenset().union(*used) - frozenset.intersection(*used))
            raise ValueError(f"{some[0]} must be given for every text or for none")
        return self

    @model_validator(mode="after")
    def _margins_have_questions(self) -> "Survey":
        asked = {q.about: q for q in self.questions if q.about is not None}
        if len(asked) != sum(q.about is not None for q in self.questions):
            raise ValueError("one question at most may ask about each characteristic")
        for name, margin in self.population.items():
            question = asked.get(name)
            if question is None:
                raise ValueError(f"population.{name} needs a question about it")
            if set(margin.shares) != question.possible():
                raise ValueError(f"population.{name} must name every option of {question.code}")
        return self

    def _texts(self) -> Iterator[Mapping[str, str]]:
        yield self.title_in
        yield self.introduction_in
        for question in self.questions:
            yield question.text_in
            yield from (option.text_in for option in question.options)

    def languages(self) -> list[str]:
        """The languages in which the whole survey can be read."""
        return ["id", "en", *sorted(self.title_in)]

    def asked(self, answers: Mapping[str, Answer]) -> list[Question]:
        """The questions that these answers lead to."""
        shown: list[Question] = []
        known: dict[str, Answer] = {}
        for question in self.questions:
            # What depends on a question that is not asked is not asked either.
            if question.show_if is None or question.show_if.holds(known):
                shown.append(question)
                if question.code in answers:
                    known[question.code] = answers[question.code]
        return shown

    def faults(self, answers: Mapping[str, Answer]) -> dict[str, str]:
        """For each answer that does not fit its question, and each that is missing, why."""
        questions = {question.code: question for question in self.questions}
        asked = {question.code for question in self.asked(answers)}
        faults: dict[str, str] = {}
        for code, answer in answers.items():
            question = questions.get(code)
            fault = question.fault(answer) if question else "is no question of this survey"
            if fault is None and question and question.show_if and code not in asked:
                fault = f"is asked only after certain answers to {question.show_if.question}"
            if fault is not None:
                faults[code] = fault
        for code, question in questions.items():
            if question.required and code in asked and code not in answers:
                faults[code] = "is required"
        return faults
