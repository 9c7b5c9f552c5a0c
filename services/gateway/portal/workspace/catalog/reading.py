"""From what was typed into a form to the record that it describes (pure)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from pydantic import JsonValue
from pydantic_core import from_json

from services.gateway.portal.workspace.catalog.fields import (
    ChoiceField,
    DurationField,
    Field,
    LinesField,
    MapField,
    PartField,
    PickField,
    PicksField,
    RowsField,
    Tables,
    TextField,
    TickField,
    TicksField,
)
from services.gateway.portal.workspace.catalog.values import (
    COUNT,
    MAX_ROWS,
    REST,
    UNIT,
    UNITS,
    WORKING_DAY,
    Content,
)
from services.platform.translation import N_, Message

REQUIRED = N_("%(field)s wajib diisi.")
NOT_LISTED = N_("%(field)s: tidak ada yang bernama itu. Pilih dari daftar.")


@dataclass
class Read:
    """A record as a form has it, and what is wrong with it, by field."""

    content: Content
    errors: dict[str, tuple[Message, Message]] = field(
        default_factory=dict[str, tuple[Message, Message]]
    )
    """The message, and the label of the field that it names."""


def read_values(
    fields: Sequence[Field],
    values: Mapping[str, str],
    tables: Tables,
    *,
    keep_blank_rows: bool = False,
) -> Read:
    """Return the record that a form describes, with what the form itself finds wrong."""
    read = Read({})
    reader = _Reader(values, tables, read.errors, keep_blank_rows)
    read.content = reader.object(fields, "", "")
    return read


@dataclass
class _Reader:
    values: Mapping[str, str]
    tables: Tables
    errors: dict[str, tuple[Message, Message]]
    keep_blank_rows: bool

    def object(self, fields: Sequence[Field], typed_at: str, at: str) -> Content:
        """Return an object whose fields were typed at one place and will stand at another."""
        content = _rest(self.values.get(f"{typed_at}{REST}", ""))
        for each in fields:
            content |= self._field(each, f"{typed_at}{each.name}", f"{at}{each.name}")
        return content

    def _field(self, each: Field, typed: str, path: str) -> Content:
        value: JsonValue
        match each:
            case DurationField():
                return self._duration(each, typed)
            case PartField():
                value = self._part(each.fields, typed, path)
            case MapField():
                parts = {
                    one.name: self._part(one.fields, f"{typed}.{one.name}", f"{path}.{one.name}")
                    for one in each.fields
                }
                value = {key: part for key, part in parts.items() if part is not None}
            case RowsField():
                value = self._row_list(each, typed, path)
            case PicksField():
                names = [self.values.get(f"{typed}.{n}", "") for n in self._rows(typed)]
                kept = [one for one in names if one or self.keep_blank_rows]
                value = [self._picked(each, one, f"{path}.{n}") for n, one in enumerate(kept)]
            case TicksField():
                start = f"{typed}."
                value = [
                    key.removeprefix(start)
                    for key, ticked in self.values.items()
                    if key.startswith(start) and ticked == "1"
                ]
            case _:
                value = self._single(each, self.values.get(typed, ""), path)
        if each.is_required and value in (None, [], ""):
            self.errors[path] = (REQUIRED, each.label)
        return {each.name: value}

    def _single(
        self,
        each: TextField | ChoiceField | TickField | LinesField | PickField,
        text: str,
        path: str,
    ) -> JsonValue:
        """Return what was typed in a field that is one control."""
        match each:
            case TextField():
                return _number(text) if each.number and text else text or None
            case ChoiceField():
                return text or each.default
            case TickField():
                return text == "1"
            case LinesField():
                return [line.strip() for line in text.splitlines() if line.strip()]
            case PickField():
                return self._picked(each, text, path)

    def _row_list(self, each: RowsField, typed: str, path: str) -> list[JsonValue]:
        rows: list[JsonValue] = []
        for n in self._rows(typed):
            at = f"{path}.{len(rows)}"
            row = self._part(each.fields, f"{typed}.{n}", at, keep=self.keep_blank_rows)
            if row is not None:
                rows.append(row)
        return rows

    def _part(
        self, fields: Sequence[Field], typed: str, path: str, *, keep: bool = False
    ) -> Content | None:
        """Return an object; None without anything in its fields, whose errors do not count."""
        before = dict(self.errors)
        part = self.object(fields, f"{typed}.", f"{path}.")
        if keep or not is_blank(fields, part):
            return part
        self.errors.clear()
        self.errors.update(before)
        return None

    def _rows(self, typed: str) -> range:
        count = self.values.get(f"{typed}{COUNT}", "")
        return range(min(int(count), MAX_ROWS) if re.fullmatch("[0-9]{1,4}", count) else 0)

    def _picked(self, each: PickField | PicksField, text: str, path: str) -> str | None:
        table = self.tables[each.table]
        if not text or text in table:
            return text or None
        found = next((key for key, name in table.items() if name == text), None)
        if found is None:
            self.errors[path] = (NOT_LISTED, each.label)
        return found or text

    def _duration(self, each: DurationField, typed: str) -> Content:
        text, unit = self.values.get(typed, ""), self.values.get(f"{typed}.{UNIT}", "")
        value: JsonValue = text or None
        if re.fullmatch("[0-9]{1,4}", text):
            code = "D" if unit == WORKING_DAY else unit if unit in UNITS else "D"
            value = f"P{'T' * code.startswith('T')}{text}{code[-1]}"
        working = {} if each.working_days is None else {each.working_days: unit == WORKING_DAY}
        return {each.name: value, **(working if value else dict.fromkeys(working, False))}


def is_blank(fields: Sequence[Field], content: Content) -> bool:
    """Return whether nothing was written in the fields of an object; boxes do not count."""
    for each in fields:
        value = content.get(each.name)
        match each:
            case TickField():
                continue
            case ChoiceField() if value == each.default:
                continue
            case PartField() | MapField() if isinstance(value, dict):
                if not is_blank(each.fields, value):
                    return False
            case _ if value not in (None, "", [], {}):
                return False
            case _:
                continue
    return True


def _number(text: str) -> JsonValue:
    """Return a number; what is none stays as it is, for the catalogue to refuse."""
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3}){1,4}", text):
        return int(text.replace(".", ""))
    if re.fullmatch(r"-?[0-9]{1,3}[.,][0-9]{1,12}", text):
        return float(text.replace(",", "."))
    return text


def _rest(text: str) -> Content:
    """Return what a hidden field carries along; nothing if somebody changed it to no JSON object.

    Unlike `json.loads` it accepts no NaN and no lone surrogate, which no request could carry.
    """
    try:
        rest: object = from_json(text, allow_inf_nan=False) if text else {}
    except ValueError:
        return {}
    return cast("Content", rest) if isinstance(rest, dict) else {}
