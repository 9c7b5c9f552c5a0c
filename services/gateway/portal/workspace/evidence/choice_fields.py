"""Fields of a form of evidence in which something is chosen (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from services.assessment.client import Evidence
from services.gateway.portal.workspace.evidence.fields import (
    NEEDED,
    NO_CHOICE,
    Choices,
    Field,
    List,
    Reading,
    Showing,
    Values,
)
from services.platform.translation import N_, Message, Translator

TOO_FEW = N_("%(label)s: pilih paling sedikit %(count)s.")
NO_TABLE: Mapping[str, Message] = {}


@dataclass(frozen=True)
class ChoiceField(Field):
    """One of a few values, by the words for them."""

    table: Mapping[str, Message] = field(default_factory=lambda: NO_TABLE)
    first: str = ""
    """What a new form has chosen."""

    widget: ClassVar[str] = "select"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        if not typed:
            if self.is_required:
                self.refuse(form, NEEDED)
        elif typed not in self.table:
            self.refuse(form, NO_CHOICE)
            return {self.attribute: None}
        return {self.attribute: self.value_of(typed) if typed else None}

    def value_of(self, code: str) -> object:
        """Return the value of the record for a code of the table."""
        return code

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        stored = getattr(record, self.attribute)
        return {self.name: "" if stored is None else str(stored)}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        stored = getattr(record, self.attribute)
        if stored is None:
            return []
        known = self.table.get(str(stored))
        return [str(stored) if known is None else showing.messages.translate(known)]

    def options(self, showing: Showing) -> Choices:
        return showing.messages.labels(self.table)


@dataclass(frozen=True)
class LevelField(ChoiceField):
    """A level from 1 to 5."""

    def value_of(self, code: str) -> object:
        return int(code)


@dataclass(frozen=True)
class CodesField(Field):
    """Any number of values, each with a tick; a value that the table lacks stays."""

    table: Mapping[str, Message] = field(default_factory=lambda: NO_TABLE)

    widget: ClassVar[str] = "ticks"

    def read(self, form: Reading) -> Values:
        stored: Sequence[str] = getattr(form.current, self.attribute, ())
        kept = [code for code in stored if code not in self.table]
        chosen = [code for code in self.table if form.typed(f"{self.name}-{code}")]
        return {self.attribute: [*chosen, *kept]}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        return {f"{self.name}-{code}": "1" for code in getattr(record, self.attribute)}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        codes: Sequence[str] = getattr(record, self.attribute)
        return [
            showing.messages.translate(self.table[code]) if code in self.table else code
            for code in codes
        ]

    def options(self, showing: Showing) -> Choices:
        return showing.messages.labels(self.table)


@dataclass(frozen=True)
class ReferenceField(Field):
    """Another record, a stakeholder for one, or an agency."""

    of: List = "stakeholders"

    widget: ClassVar[str] = "select"

    def read(self, form: Reading) -> Values:
        typed = form.typed(self.name)
        if not typed and self.is_required:
            self.refuse(form, NEEDED)
        elif typed and typed not in form.lists[self.of]:
            self.refuse(form, NO_CHOICE)
        return {self.attribute: typed or None}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        return {self.name: getattr(record, self.attribute) or ""}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        key: str | None = getattr(record, self.attribute)
        return [] if key is None else [showing.lists[self.of].get(key, key)]

    def options(self, showing: Showing) -> Choices:
        return showing.lists[self.of]


@dataclass(frozen=True)
class ReferencesField(Field):
    """Several stakeholders, each with a tick."""

    least: int = 0

    widget: ClassVar[str] = "ticks"

    def read(self, form: Reading) -> Values:
        listed = form.lists["stakeholders"]
        found = [key for key in listed if form.typed(f"{self.name}-{key}")]
        if len(found) < self.least:
            self.refuse(form, TOO_FEW, count=self.least)
        return {self.attribute: found}

    def fill(self, record: Evidence, messages: Translator) -> Mapping[str, str]:
        return {f"{self.name}-{key}": "1" for key in getattr(record, self.attribute)}

    def show(self, record: Evidence, showing: Showing) -> Sequence[str]:
        keys: Sequence[str] = getattr(record, self.attribute)
        return [showing.lists["stakeholders"].get(key, key) for key in keys]

    def options(self, showing: Showing) -> Choices:
        return showing.lists["stakeholders"]
