"""A survey as data: its questions, and whether a set of answers fits them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictInt, StringConstraints, model_validator

from services.feedback.surveys.skm import ELEMENTS
from services.platform.fields import Line, Slug, Text
from services.platform.packs import PackModel

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
Answer = Annotated[str, StringConstraints(max_length=40)] | StrictInt | list[Code]


class Option(PackModel):
    """A possible answer."""

    code: Code
    text: Line
    text_en: Line


class Question(PackModel):
    """A question: one option, several options, or a level from 1 to 4."""

    code: Code
    kind: Literal["single", "multiple", "scale4"]
    text: Line
    text_en: Line
    required: bool = True
    options: list[Option] = Field(
        default_factory=list[Option],
        description="The answers to choose from; for scale4 the words for 1, 2, 3 and 4.",
    )

    @model_validator(mode="after")
    def _options_fit(self) -> "Question":
        codes = [option.code for option in self.options]
        if len(set(codes)) != len(codes):
            raise ValueError("each option needs a code of its own")
        if self.kind == "scale4" and len(codes) != 4:
            raise ValueError("scale4 needs four options, the words for 1, 2, 3 and 4")
        if self.kind != "scale4" and len(codes) < 2:
            raise ValueError(f"{self.kind} needs at least two options")
        return self

    def takes(self, answer: Answer) -> bool:
        """Whether this kind of question has such answers; an earlier version may not have."""
        fitting = {"scale4": int, "single": str, "multiple": list}[self.kind]
        return isinstance(answer, fitting)

    def fault(self, answer: Answer) -> str | None:
        """What is wrong with an answer and what would be right; None for a good one."""
        codes = [option.code for option in self.options]
        if self.kind == "scale4":
            fits = isinstance(answer, int) and 1 <= answer <= 4
            return None if fits else "must be 1, 2, 3 or 4"
        if self.kind == "single":
            return None if answer in codes else f"must be one of {', '.join(codes)}"
        if not isinstance(answer, list) or not set(answer) <= set(codes):
            return f"must be a list of some of {', '.join(codes)}"
        if len(set(answer)) != len(answer):
            return "names an option twice"
        if self.required and not answer:
            return "must name at least one option"
        return None


class Survey(PackModel):
    """A survey's definition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: Slug
    kind: Literal["awareness", "skm", "stakeholder", "own"]
    title: Line
    title_en: Line
    introduction: Text
    introduction_en: Text
    questions: list[Question] = Field(min_length=1, max_length=100)
    sources: list[Slug] = Field(default_factory=list[Slug])

    @model_validator(mode="after")
    def _codes_differ(self) -> "Survey":
        codes = [question.code for question in self.questions]
        if len(set(codes)) != len(codes):
            raise ValueError("each question needs a code of its own")
        return self

    @model_validator(mode="after")
    def _skm_has_its_elements(self) -> "Survey":
        levels = {question.code for question in self.questions if question.kind == "scale4"}
        missing = [code for code in ELEMENTS if code not in levels]
        if self.kind == "skm" and missing:
            raise ValueError(f"skm needs questions of kind scale4 for {', '.join(missing)}")
        return self

    def faults(self, answers: Mapping[str, Answer]) -> dict[str, str]:
        """For each answer that does not fit its question, and each that is missing, why."""
        questions = {question.code: question for question in self.questions}
        faults: dict[str, str] = {}
        for code, answer in answers.items():
            question = questions.get(code)
            fault = question.fault(answer) if question else "is no question of this survey"
            if fault is not None:
                faults[code] = fault
        for code, question in questions.items():
            if question.required and code not in answers:
                faults[code] = "is required"
        return faults
