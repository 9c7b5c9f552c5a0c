"""Columns of exported responses: their names are valid and unique in every file format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Value = int | str | None
ColumnKind = Literal["text", "nominal", "ordinal", "number"]


@dataclass(frozen=True)
class Column:
    """A variable: its name, its labels, and the labels of its values."""

    name: str
    label: str
    label_en: str
    kind: ColumnKind
    values: Mapping[int, tuple[str, str, str]]
    """By number: the option's code, its text and its English text."""


CONTEXT_COLUMNS = (
    ("month", "Bulan, atau masa kelompoknya", "Month, or its bundle's period"),
    ("version", "Versi survei", "Version of the survey"),
    ("service", "Layanan", "Service"),
    ("agency", "Instansi", "Agency"),
    ("channel", "Cara layanan diurus", "How the service was used"),
    ("district", "Kecamatan", "District"),
    ("mode", "Cara menjawab", "How the survey was answered"),
)
"""Columns besides the answers: name, label, English label."""

MAX_NAME_LENGTH = 64
"""Of a variable in SPSS, whose names are case-insensitive."""
SPSS_RESERVED_WORDS = frozenset(
    {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
)


def normalised_name(name: str) -> str:
    """Return the form of a name in which names of the same column are equal."""
    return name[:MAX_NAME_LENGTH].lower()


def option_column(question: str, option: str) -> str:
    """Return the name of the column for one option of a multiple question."""
    return f"{question}__{option}"[:MAX_NAME_LENGTH]


def find_name_conflict(names: list[str]) -> str | None:
    """Return why a survey's columns cannot be exported, and a remedy; None if they can."""
    taken = {name: "" for name, _, _ in CONTEXT_COLUMNS}
    for name in names:
        known = normalised_name(name)
        if known in SPSS_RESERVED_WORDS or taken.get(known) == "":
            is_reserved = known in SPSS_RESERVED_WORDS
            reason = "a reserved word of SPSS" if is_reserved else "a column of every export"
            return f"{name} is {reason}; choose another code, such as {name}_1"
        if known in taken:
            return (
                f"{taken[known]} and {name} are the same column of an export: names are "
                f"case-insensitive and have at most {MAX_NAME_LENGTH} characters; choose other or "
                "shorter codes"
            )
        taken[known] = name
    return None
