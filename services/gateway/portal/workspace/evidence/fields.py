"""Fields of a form of evidence: each reads what was typed, and shows what a record has (pure)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import TypeAdapter, ValidationError

from services.assessment.client import Evidence
from services.gateway.portal.workspace.cited_source import UNREADABLE
from services.platform.translation import N_, NC_, Message, Translator
from services.platform.types import ShortText, Text

Values = dict[str, Any]
"""Fields of a record by their names in the model, which validates them."""
List = Literal[
    "stakeholders", "agreements", "decisions", "agencies", "indices", "indicators", "levels"
]
Choices = Mapping[str, str]
"""Keys of what can be chosen, with the names that people read, in the order of the form."""

NEEDED = N_("%(label)s: isian ini wajib.")
TOO_LONG = N_("%(label)s: paling banyak %(count)s karakter.")
NO_CHOICE = N_("%(label)s: pilih dari daftar.")

ANSWERS: Mapping[str, Message] = {
    "": NC_("answer", "Tidak diketahui"),
    "ya": NC_("answer", "Ya"),
    "tidak": NC_("answer", "Tidak"),
}
_ANSWERS: Mapping[str, bool | None] = {"": None, "ya": True, "tidak": False}
_SHORT: TypeAdapter[str] = TypeAdapter(ShortText)
_LONG: TypeAdapter[str] = TypeAdapter(Text)


@dataclass
class Reading:
    """A form that is read: what was typed, what can be chosen, and what is wrong by field."""

    fields: Mapping[str, str]
    lists: Mapping[List, Choices]
    messages: Translator
    current: Evidence | None = None
    """The record that is corrected."""
    errors: dict[str, str] = field(default_factory=dict[str, str])

    def typed(self, name: str) -> str:
        """Return what was typed in a field."""
        return self.fields.get(name, "")

    def refuse(self, name: str, message: Message, **values: object) -> None:
        """Say what is wrong with a field."""
        self.errors.setdefault(name, self.messages.translate(message, **values))


@dataclass(frozen=True)
class Showing:
    """What a field needs to show a record: the language and the names of what it refers to."""

    messages: Translator
    lists: Mapping[List, Choices]


@dataclass(frozen=True)
class Field(ABC):
    """A field of a form, which fills one or several fields of a record."""

    name: str
    attribute: str
    label: Message
    hint: Message | None = None
    is_required: bool = False

    widget: ClassVar[str]
    """How the template draws it."""

    @abstractmethod
    def read(self, form: Reading) -> Values:
        """Return the values of the record; what is wrong is told to the form."""

    @abstractmethod
    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        """Return what the form has typed in it for a record; what is empty may be left out."""

    @abstractmethod
    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        """Return what the page of a record says, in lines; none if nothing is recorded."""

    @property
    def attributes(self) -> Sequence[str]:
        """The fields of the record that it fills."""
        return (self.attribute,)

    @property
    def names(self) -> Sequence[str]:
        """The names of its inputs, the first of which a link leads to."""
        return (self.name,)

    def options(self, showing: Showing) -> Choices:
        """Return what can be chosen in it."""
        return {}

    def refuse(self, form: Reading, message: Message, **values: object) -> None:
        """Say what is wrong with what was typed, by the label of the field."""
        form.refuse(self.name, message, label=form.messages.translate(self.label), **values)


@dataclass(frozen=True)
class TextField(Field):
    """A line of text, or several lines."""

    is_long: bool = False

    @property
    def widget(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return "lines" if self.is_long else "line"

    @property
    def most(self) -> int:
        """The most characters."""
        return 5000 if self.is_long else 300

    def read(self, form: Reading) -> Values:
        return {self.attribute: self._text(form, form.typed(self.name))}

    def _text(self, form: Reading, typed: str) -> str | None:
        if not typed:
            if self.is_required:
                self.refuse(form, NEEDED)
            return None
        try:
            return (_LONG if self.is_long else _SHORT).validate_python(typed)
        except ValidationError:
            if len(typed) > self.most:
                self.refuse(form, TOO_LONG, count=self.most)
            else:
                form.refuse(self.name, UNREADABLE)
            return None

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        return {self.name: getattr(record, self.attribute) or ""}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        text: str | None = getattr(record, self.attribute)
        return [text] if text else []


@dataclass(frozen=True)
class TextsField(TextField):
    """Several texts, each on a line of its own."""

    is_long: bool = True

    def read(self, form: Reading) -> Values:
        texts = [self._text(form, line.strip()) for line in form.typed(self.name).splitlines()]
        return {self.attribute: [text for text in texts if text] or None}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        return {self.name: "\n".join(getattr(record, self.attribute) or ())}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        return getattr(record, self.attribute) or []


@dataclass(frozen=True)
class AnswerField(Field):
    """Yes, no, or not known."""

    widget: ClassVar[str] = "select"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        if typed not in _ANSWERS:
            self.refuse(form, NO_CHOICE)
        return {self.attribute: _ANSWERS.get(typed)}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        stored = getattr(record, self.attribute)
        return {self.name: next(word for word, value in _ANSWERS.items() if value is stored)}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        word = self.fill(record, showing.messages)[self.name]
        return [showing.messages.translate(ANSWERS[word])] if word else []

    def options(self, showing: Showing) -> Choices:
        return showing.messages.labels(ANSWERS)


@dataclass(frozen=True)
class TickField(Field):
    """Whether something is so; without a tick it is not."""

    widget: ClassVar[str] = "tick"

    def read(self, form: Reading) -> Values:
        return {self.attribute: bool(form.typed(self.name))}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        return {self.name: "1"} if getattr(record, self.attribute) else {}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        if not getattr(record, self.attribute):
            return []
        return [showing.messages.translate(ANSWERS["ya"])]
