"""Differences between two versions of a record, in words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue

from services.catalog.client import Difference
from services.gateway.portal.workspace.catalog.fields import (
    ChoiceField,
    DurationField,
    Field,
    MapField,
    PartField,
    PickField,
    PicksField,
    RecordForm,
    RowsField,
    Tables,
    TextField,
    TicksField,
)
from services.gateway.portal.workspace.catalog.values import SIMPLE_DURATION, UNITS
from services.platform.translation import N_, Translator

MAX_TEXT = 600
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
OTHER = N_("Isian lain")


@dataclass(frozen=True)
class ShownDifference:
    """A field that differs: where it stands, and both texts; empty if there is none."""

    place: str
    before: str
    after: str


def describe(
    differences: Iterable[Difference], form: RecordForm, tables: Tables, messages: Translator
) -> list[ShownDifference]:
    """Return differences as a reader of the form knows the fields."""
    shown: list[ShownDifference] = []
    for each in differences:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in each.pointer.split("/")[1:]]
        place, field = _place(form.fields, parts, messages)
        before, after = (
            _text(value, field, tables, messages) for value in (each.before, each.after)
        )
        if before != after:
            shown.append(ShownDifference(" › ".join(place), before, after))
    return shown


def _place(
    fields: Sequence[Field], parts: Sequence[str], messages: Translator
) -> tuple[list[str], Field | None]:
    """Return the labels that lead to a field, and the field; None if the form has none."""
    names: list[str] = []
    found: Field | None = None
    for part in parts:
        if part.isdigit() and isinstance(found, RowsField):
            names[-1] = f"{messages.translate(found.item)} {int(part) + 1}"
            continue
        inner = next((one for one in fields if one.name == part), None)
        if inner is None:
            break
        names.append(messages.translate(inner.label))
        found = inner
        fields = inner.fields if isinstance(inner, PartField | MapField | RowsField) else ()
    return names or [messages.translate(OTHER)], found


def _text(value: JsonValue, field: Field | None, tables: Tables, messages: Translator) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return messages.gettext("ya") if value else messages.gettext("tidak")
    if isinstance(value, list):
        return "; ".join(filter(None, (_text(one, field, tables, messages) for one in value)))
    if isinstance(value, dict):
        texts = (_text(one, _field_of(field, key), tables, messages) for key, one in value.items())
        return "; ".join(filter(None, texts))
    if isinstance(value, str):
        return _name(value, field, tables, messages)[:MAX_TEXT]
    return messages.number(value)


def _field_of(field: Field | None, key: str) -> Field | None:
    fields = field.fields if isinstance(field, PartField | MapField | RowsField) else ()
    return next((one for one in fields if one.name == key), None)


def _name(value: str, field: Field | None, tables: Tables, messages: Translator) -> str:
    match field:
        case DurationField():
            return _duration(value, messages)
        case TextField(type="date") if ISO_DAY.fullmatch(value):
            return messages.long_date(date.fromisoformat(value))
        case PickField() | PicksField():
            return tables[field.table].get(value, value)
        case ChoiceField() | TicksField() if field.table is not None:
            return tables[field.table].get(value, value)
        case ChoiceField() | TicksField() if field.options and value in field.options:
            return messages.translate(field.options[value])
        case _:
            return value


def _duration(value: str, messages: Translator) -> str:
    """Return a duration in words; one of several units as it is."""
    found = SIMPLE_DURATION.fullmatch(value)
    unit = None if found is None else UNITS.get(f"{found[1]}{found[3]}")
    return value if found is None or unit is None else f"{found[2]} {messages.translate(unit)}"
