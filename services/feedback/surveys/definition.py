"""A survey as data: its questions, and the validation of answers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictInt, ValidationInfo, model_validator

from services.feedback.surveys.columns import Column, find_name_conflict
from services.feedback.surveys.question_kinds import KINDS, KindName
from services.feedback.surveys.question_kinds.base import (
    Answer,
    Code,
    LanguageCode,
    QuestionKind,
    QuestionOption,
    Relation,
    Translations,
)
from services.feedback.surveys.question_kinds.scale4 import Scale4
from services.feedback.surveys.skm import ELEMENTS
from services.platform.packs import PackModel
from services.platform.stored import parse_stored
from services.platform.types import ShortText, Slug, Text

SurveyKind = Literal["awareness", "skm", "stakeholder", "own"]
Characteristic = Literal["sex", "age_group", "district"]
"""What a question may ask about the person, for weighting only."""

MAX_NUMBER = 1_000_000_000


class ShowIf(PackModel):
    """A condition: the question is asked after one of these answers to an earlier question."""

    question: Code
    any_of: list[Code | StrictInt] = Field(
        min_length=1, description="Answers after which the question is asked."
    )

    def is_met(self, answers: Mapping[str, Answer]) -> bool:
        """Return whether the earlier question has one of the answers; not if it has none."""
        answer = answers.get(self.question)
        chosen: list[str | int] = [*answer] if isinstance(answer, list) else [answer or 0]
        return any(choice in self.any_of for choice in chosen)


class Question(PackModel):
    """A question; `kind` decides what its answers are."""

    code: Code
    kind: KindName = Field(description="What the answers are.")
    text: ShortText
    text_en: ShortText
    text_in: Translations = Field(
        default_factory=Translations, description="The text in further languages."
    )
    required: bool = True
    about: Characteristic | None = Field(
        None,
        description="Asks about the person: used for weighting, not published.",
    )
    show_if: ShowIf | None = Field(
        None, description="Condition under which it is asked; null if always."
    )
    options: list[QuestionOption] = Field(
        default_factory=list[QuestionOption],
        description="The answers to choose from; for scale4 the texts of the levels 1, 2, 3 and 4.",
    )
    low: int | None = Field(None, ge=0, description="Smallest answer of a number.")
    high: int | None = Field(None, le=MAX_NUMBER, description="Largest answer of a number.")
    relation: Relation | None = Field(
        None, description="What a relational question asks about each partner."
    )

    @property
    def kind_rules(self) -> QuestionKind:
        """The rules of the question's kind."""
        return KINDS[self.kind]

    @model_validator(mode="after")
    def _check_definition(self) -> "Question":
        codes = [option.code for option in self.options]
        if len(set(codes)) != len(codes):
            raise ValueError("the codes of the options must be unique")
        kind = self.kind_rules
        if not kind.has_bounds and (self.low is not None or self.high is not None):
            raise ValueError("only a number has low and high")
        if not kind.is_relational and self.relation is not None:
            raise ValueError("only a relational question has relation")
        if kind.is_relational and self.show_if is not None:
            raise ValueError("a relational question depends on no other")
        if not kind.allows_exclusive and any(option.exclusive for option in self.options):
            raise ValueError("only an option of a multiple question can be exclusive")
        if self.about is not None and not kind.allows_about:
            raise ValueError("a question about the person must be of kind single")
        if (error := kind.find_definition_error(self)) is not None:
            raise ValueError(error)
        return self

    def has_answer_type(self, answer: Answer) -> bool:
        """Return whether an answer is of this question's kind; an earlier version's may not be."""
        return self.kind_rules.has_type(answer)

    def find_error(self, answer: Answer) -> str | None:
        """Return what is wrong with an answer and what is expected; None if it is valid."""
        return self.kind_rules.find_error(self, answer)

    def columns(self) -> list[Column]:
        """Return the columns in which answers are exported."""
        return self.kind_rules.columns(self)

    def condition_values(self) -> set[str | int]:
        """Return the answers that a later question may depend on."""
        return self.kind_rules.condition_values(self)


class Margin(PackModel):
    """The distribution of a characteristic in the population, for weighting."""

    source: Slug = Field(description="Key of the source of the distribution.")
    shares: dict[Code, Annotated[float, Field(gt=0)]] = Field(
        min_length=2,
        description="People (or shares) per option of the question about this characteristic.",
    )


def scale_key(questions: Iterable[str]) -> str:
    """Return the key of a scale's sums: its questions, whatever their order and its name."""
    return "+".join(sorted(questions))


STORED_CONTEXT: dict[str, bool] = {"stored": True}
"""The validation context of stored definitions."""


class Survey(PackModel):
    """A survey's definition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: Slug
    kind: SurveyKind = Field(
        description="What the survey is about; `skm` is the satisfaction survey by regulation."
    )
    needs_token: bool = Field(
        False,
        description="Whether a response needs a token, which proves a use of the service and is "
        "valid once.",
    )
    title: ShortText
    title_en: ShortText
    title_in: Translations = Field(default_factory=Translations)
    introduction: Text
    introduction_en: Text
    introduction_in: dict[LanguageCode, Text] = Field(default_factory=dict[LanguageCode, Text])
    questions: list[Question] = Field(min_length=1, max_length=100)
    scales: dict[Code, Annotated[list[Code], Field(min_length=2, max_length=20)]] = Field(
        default_factory=dict[Code, list[Code]],
        description="Questions of kind scale4 that measure one thing together. Results count the "
        "respondents by the sum of their levels, from which a mean over them has its interval.",
    )
    population: dict[Characteristic, Margin] = Field(
        default_factory=dict[Characteristic, Margin],
        description="The population's margins, by which responses can be weighted.",
    )
    sources: list[Slug] = Field(default_factory=list[Slug])

    @classmethod
    def from_stored(cls, content: object) -> "Survey":
        """Parse a stored definition, whose codes may be older than the rule for column names.

        Raise `ValidationError` if it needs a newer version of the hub.
        """
        return parse_stored(cls, content, context=STORED_CONTEXT)

    @model_validator(mode="after")
    def _check_codes(self) -> "Survey":
        codes = [question.code for question in self.questions]
        if len(set(codes)) != len(codes):
            raise ValueError("the codes of the questions must be unique")
        return self

    @model_validator(mode="after")
    def _check_columns(self, info: ValidationInfo) -> "Survey":
        names = [column.name for question in self.questions for column in question.columns()]
        conflict = find_name_conflict(names)
        if conflict is not None and info.context is not STORED_CONTEXT:
            raise ValueError(conflict)
        return self

    @model_validator(mode="after")
    def _check_skm_elements(self) -> "Survey":
        levels = {question.code for question in self.questions if question.kind == Scale4.name}
        missing = [code for code in ELEMENTS if code not in levels]
        if self.kind == "skm" and missing:
            raise ValueError(f"skm needs questions of kind {Scale4.name} for {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _check_relational(self) -> "Survey":
        if sum(question.kind_rules.is_relational for question in self.questions) > 1:
            raise ValueError("a survey has at most one relational question")
        return self

    @property
    def relational(self) -> Question | None:
        """The question about relations; None without one."""
        return next((each for each in self.questions if each.kind_rules.is_relational), None)

    @model_validator(mode="after")
    def _check_scales(self) -> "Survey":
        levels = {question.code for question in self.questions if question.kind == Scale4.name}
        for name, codes in self.scales.items():
            other = [code for code in codes if code not in levels]
            if other:
                raise ValueError(
                    f"scales.{name}: {other[0]} is not a question of kind {Scale4.name}"
                )
            if len(set(codes)) != len(codes):
                raise ValueError(f"scales.{name} names a question twice")
        if len({scale_key(codes) for codes in self.scales.values()}) != len(self.scales):
            raise ValueError("two scales must not have the same questions")
        return self

    @model_validator(mode="after")
    def _check_conditions(self) -> "Survey":
        earlier: dict[str, Question] = {}
        for question in self.questions:
            condition = question.show_if
            if condition is not None:
                target = earlier.get(condition.question)
                if target is None:
                    raise ValueError(
                        f"{question.code} depends on {condition.question}, which is not an earlier "
                        "question"
                    )
                unknown = [a for a in condition.any_of if a not in target.condition_values()]
                if unknown:
                    raise ValueError(
                        f"{question.code} depends on {unknown[0]!r}, which is not an answer to "
                        f"{target.code}"
                    )
            earlier[question.code] = question
        return self

    @model_validator(mode="after")
    def _check_translations(self) -> "Survey":
        used = {frozenset(texts) for texts in self._translations()}
        if len(used) > 1:
            partial = sorted(frozenset().union(*used) - frozenset.intersection(*used))
            raise ValueError(f"{partial[0]} must be given for every text or for none")
        return self

    @model_validator(mode="after")
    def _check_margins(self) -> "Survey":
        by_characteristic = {q.about: q for q in self.questions if q.about is not None}
        if len(by_characteristic) != sum(q.about is not None for q in self.questions):
            raise ValueError("at most one question may ask about each characteristic")
        for name, margin in self.population.items():
            question = by_characteristic.get(name)
            if question is None:
                raise ValueError(f"population.{name} needs a question about it")
            if set(margin.shares) != question.condition_values():
                raise ValueError(f"population.{name} must name every option of {question.code}")
        return self

    def _translations(self) -> Iterator[Mapping[str, str]]:
        yield self.title_in
        yield self.introduction_in
        for question in self.questions:
            yield question.text_in
            yield from (option.text_in for option in question.options)
            if question.relation is not None:
                relation = question.relation
                for part in (relation.frequencies, relation.exchanges, relation.levels):
                    yield from (option.text_in for option in part)
                yield from (option.text_in for option in (*relation.trust, *relation.value))

    def languages(self) -> list[str]:
        """Return the languages that the whole survey is available in."""
        return ["id", "en", *sorted(self.title_in)]

    def asked_questions(self, answers: Mapping[str, Answer]) -> list[Question]:
        """Return the questions that are asked of a person who gives these answers."""
        asked: list[Question] = []
        counted: dict[str, Answer] = {}
        for question in self.questions:
            # A question that depends on one that is not asked is not asked either.
            if question.show_if is None or question.show_if.is_met(counted):
                asked.append(question)
                if question.code in answers:
                    counted[question.code] = answers[question.code]
        return asked

    def find_errors(self, answers: Mapping[str, Answer]) -> dict[str, str]:
        """Return, by question, why answers are invalid or missing."""
        questions = {question.code: question for question in self.questions}
        asked = {question.code for question in self.asked_questions(answers)}
        errors: dict[str, str] = {}
        for code, answer in answers.items():
            question = questions.get(code)
            error = question.find_error(answer) if question else "is not a question of this survey"
            if error is None and question and question.show_if and code not in asked:
                error = f"is asked only after certain answers to {question.show_if.question}"
            if error is not None:
                errors[code] = error
        for code, question in questions.items():
            is_missing = code in asked and code not in answers
            if question.required and is_missing and not question.kind_rules.is_relational:
                errors[code] = "is required"
        return errors
