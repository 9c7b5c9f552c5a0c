"""Kinds of fields of the forms that edit a record; each stands for a part of the record's JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from services.platform.translation import Message

Options = Mapping[str, Message]
"""What can be chosen, by code."""
Tables = Mapping[str, Mapping[str, str]]
"""What can be chosen of the catalogue: by the name of the table, names by their keys."""


@dataclass(frozen=True, kw_only=True)
class FieldBase:
    """What all kinds of fields have."""

    name: str
    """The key in the record."""
    label: Message
    hint: Message | None = None
    is_required: bool = False


@dataclass(frozen=True, kw_only=True)
class TextField(FieldBase):
    """A text, a number, a day or a time of day; null if it is empty."""

    kind: ClassVar = "text"
    rows: int = 1
    type: Literal["text", "date", "time", "url", "email", "tel", "datetime-local"] = "text"
    number: Literal["integer", "decimal"] | None = None


@dataclass(frozen=True, kw_only=True)
class ChoiceField(FieldBase):
    """One of several codes; `default` is what a new record has."""

    kind: ClassVar = "choice"
    options: Options | None = None
    table: str | None = None
    default: str | None = None


@dataclass(frozen=True, kw_only=True)
class TickField(FieldBase):
    """Yes or no."""

    kind: ClassVar = "tick"


@dataclass(frozen=True, kw_only=True)
class TicksField(FieldBase):
    """A list of codes, each with a box to tick."""

    kind: ClassVar = "ticks"
    options: Options | None = None
    table: str | None = None


@dataclass(frozen=True, kw_only=True)
class LinesField(FieldBase):
    """A list of texts, one on a line."""

    kind: ClassVar = "lines"


@dataclass(frozen=True, kw_only=True)
class PickField(FieldBase):
    """A record of the catalogue, picked by its name."""

    kind: ClassVar = "pick"
    table: str


@dataclass(frozen=True, kw_only=True)
class PicksField(FieldBase):
    """A list of records of the catalogue, picked by their names."""

    kind: ClassVar = "picks"
    table: str


@dataclass(frozen=True, kw_only=True)
class DurationField(FieldBase):
    """A duration, as a number and its unit.

    `working_days` names the key that says whether its days are working days.
    """

    kind: ClassVar = "duration"
    working_days: str | None = None


@dataclass(frozen=True, kw_only=True)
class PartField(FieldBase):
    """An object; null if all its fields are empty."""

    kind: ClassVar = "part"
    fields: "Sequence[Field]"


@dataclass(frozen=True, kw_only=True)
class MapField(FieldBase):
    """An object of objects; those whose fields are all empty are left out."""

    kind: ClassVar = "map"
    fields: Sequence[PartField]


@dataclass(frozen=True, kw_only=True)
class RowsField(FieldBase):
    """A list of objects; those whose fields are all empty are left out."""

    kind: ClassVar = "rows"
    item: Message
    """What one of them is called."""
    fields: "Sequence[Field]"


Field = (
    TextField
    | ChoiceField
    | TickField
    | TicksField
    | LinesField
    | PickField
    | PicksField
    | DurationField
    | PartField
    | MapField
    | RowsField
)


@dataclass(frozen=True)
class Section:
    """Fields under a heading of the form."""

    label: Message
    fields: Sequence[Field]


@dataclass(frozen=True)
class RecordForm:
    """The form of a kind of record."""

    sections: Sequence[Section]

    @property
    def fields(self) -> list[Field]:
        """The fields of all sections."""
        return [field for section in self.sections for field in section.fields]
