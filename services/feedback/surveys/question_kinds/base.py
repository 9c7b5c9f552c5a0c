"""Interface of a question kind: what its definition, its answers and its results look like."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import Field, StringConstraints

from services.feedback.surveys.columns import Column, ColumnKind, Value
from services.platform.packs import PackModel
from services.platform.types import ShortText, StrictNumber

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
"""ISO 639, such as `bbc` for Toba Batak; `id` and `en` have fields of their own."""
Translations = dict[LanguageCode, ShortText]

Answer = (
    Annotated[str, StringConstraints(max_length=40)]
    | Annotated[int, StrictNumber]  # also 4.0, which JSON Schema counts among the integers
    | Annotated[list[Code], Field(max_length=100)]
)
AnswerType = Literal["string", "integer", "array"]
"""JSON type of an answer: an option's code, a level or number, or a list of options' codes."""

PYTHON_TYPES: Mapping[AnswerType, type] = {"string": str, "integer": int, "array": list}


class QuestionOption(PackModel):
    """A possible answer to a question."""

    code: Code
    text: ShortText
    text_en: ShortText
    text_in: Translations = Field(
        default_factory=Translations, description="The text in further languages."
    )
    exclusive: bool = Field(
        False,
        description="Cannot be combined with other options, as `none` in a multiple question.",
    )


class Relation(PackModel):
    """What a relational question asks about each partner, as PARTNER does."""

    frequencies: list[QuestionOption] = Field(
        min_length=2, max_length=8, description="How often, from the rarest to the most frequent."
    )
    exchanges: list[QuestionOption] = Field(
        min_length=2, max_length=12, description="What is exchanged; any number of these."
    )
    levels: list[QuestionOption] = Field(
        min_length=4, max_length=4, description="The texts of the levels 1, 2, 3 and 4."
    )
    trust: list[QuestionOption] = Field(
        min_length=3, max_length=3, description="Three items on trust in a partner, each 1-4."
    )
    value: list[QuestionOption] = Field(
        min_length=3, max_length=3, description="Three items on a partner's value, each 1-4."
    )


class QuestionFields(Protocol):
    """The fields of a question that its kind reads."""

    @property
    def code(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def text_en(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def options(self) -> Sequence[QuestionOption]: ...
    @property
    def low(self) -> int | None: ...
    @property
    def high(self) -> int | None: ...
    @property
    def relation(self) -> Relation | None: ...


class QuestionKind(ABC):
    """A kind of question. To add one, write a subclass and register it in `KINDS`.

    The defaults are those of a kind whose answer is the code of one option.
    """

    name: ClassVar[str]
    answer_type: ClassVar[AnswerType] = "string"
    control: ClassVar[str] = "radio"
    """The form control; the portal has a template `controls/<control>.html` for each."""
    column_kind: ClassVar[ColumnKind] = "nominal"
    """Level of measurement of an exported column."""
    has_bounds: ClassVar[bool] = False
    """Whether a definition has `low` and `high`."""
    allows_exclusive: ClassVar[bool] = False
    """Whether an option may be exclusive."""
    allows_about: ClassVar[bool] = False
    """Whether a question may be about the person."""
    is_scale: ClassVar[bool] = False
    """Whether answers are levels: options of all versions are the same, in order."""
    counts_answers: ClassVar[bool] = True
    """Whether results count each answer; otherwise only the sum is stored and published."""
    is_relational: ClassVar[bool] = False
    """Whether answers are statements of an organisation about others, which are published as such:
    given in `relations` of a response by invitation, not in `answers`."""
    has_mean: ClassVar[bool] = False
    """Whether results have a mean."""

    def find_definition_error(self, question: QuestionFields) -> str | None:
        """Return what is wrong with a question of this kind; None if it is valid."""
        if len(question.options) < 2:
            return f"{self.name} needs at least two options"
        return None

    def has_type(self, answer: Answer) -> bool:
        """Return whether an answer has the type of this kind.

        An answer to an earlier version of the question may be of another kind.
        """
        return isinstance(answer, PYTHON_TYPES[self.answer_type])

    @abstractmethod
    def find_error(self, question: QuestionFields, answer: Answer) -> str | None:
        """Return what is wrong with an answer and what is expected; None if it is valid."""

    def option_keys(self, question: QuestionFields) -> list[str]:
        """Return how each option is written in a form's value and in the counts of a tally."""
        return [option.code for option in question.options]

    def condition_values(self, question: QuestionFields) -> set[str | int]:
        """Return the answers that `show_if` of a later question may name."""
        return {option.code for option in question.options}

    def columns(self, question: QuestionFields) -> list[Column]:
        """Return the columns of an export that hold the answers."""
        values = {
            number: (key, option.text, option.text_en)
            for number, (key, option) in enumerate(
                zip(self.option_keys(question), question.options, strict=True), start=1
            )
        }
        return [Column(question.code, question.text, question.text_en, self.column_kind, values)]

    @abstractmethod
    def column_values(self, question: QuestionFields, answer: Answer | None) -> list[Value]:
        """Return the values of the columns for an answer; None if the question was not answered."""
