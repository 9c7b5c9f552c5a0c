"""From a record's JSON to what its form shows, and back (pure).

The fields of a form are named by where they stand in the record: `tariffs.0.item`. What no field
shows stays with its object, in a hidden field named `~`, so that saving loses nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

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
from services.platform.translation import N_, Message

Content = dict[str, JsonValue]
"""A record, or a part of one, as JSON."""
Values = dict[str, str]
"""What is in the fields of a form, by their names."""

MAX_ROWS = 200
REST = "~"
COUNT = "#"
UNIT = "satuan"
SIMPLE_DURATION = re.compile(r"P(T?)(\d+)([YMWDHMS])", re.ASCII)
UNITS: Mapping[str, Message] = {
    "D": N_("hari"),
    "W": N_("minggu"),
    "M": N_("bulan"),
    "Y": N_("tahun"),
    "TH": N_("jam"),
    "TM": N_("menit"),
}
WORKING_DAY = "DK"
WORKING_UNITS: Mapping[str, Message] = {WORKING_DAY: N_("hari kerja"), **UNITS}


def values_of(fields: Sequence[Field], content: Content, tables: Tables, at: str = "") -> Values:
    """Return what the fields of a form show of a record."""
    values: Values = {}
    known: set[str] = set()
    for each in fields:
        known.add(each.name)
        if isinstance(each, DurationField) and each.working_days is not None:
            known.add(each.working_days)
        path, value = f"{at}{each.name}", content.get(each.name)
        match each:
            case DurationField():
                is_working = content.get(each.working_days or "") is True
                values[path], values[f"{path}.{UNIT}"] = _from_duration(value, is_working)
            case PartField() | MapField():
                values |= values_of(each.fields, _object(value), tables, f"{path}.")
            case RowsField():
                rows = [_object(one) for one in _list(value)]
                values[f"{path}{COUNT}"] = str(len(rows))
                for n, row in enumerate(rows):
                    values |= values_of(each.fields, row, tables, f"{path}.{n}.")
            case PicksField():
                listed = _list(value)
                values[f"{path}{COUNT}"] = str(len(listed))
                for n, one in enumerate(listed):
                    values[f"{path}.{n}"] = _name(tables[each.table], one)
            case TicksField():
                values |= {f"{path}.{_text(one)}": "1" for one in _list(value)}
            case _:
                values[path] = _single(each, value, tables)
    rest = {key: value for key, value in content.items() if key not in known}
    if rest:
        values[f"{at}{REST}"] = json.dumps(rest, ensure_ascii=False)
    return values


def _single(
    each: TextField | ChoiceField | TickField | LinesField | PickField,
    value: JsonValue,
    tables: Tables,
) -> str:
    """Return what a field shows that is one control."""
    match each:
        case TickField():
            return "1" if value is True else ""
        case LinesField():
            return "\n".join(_text(one) for one in _list(value))
        case PickField():
            return _name(tables[each.table], value)
        case ChoiceField() if value is None:
            return each.default or ""
        case _:
            return "" if value is None else _text(value)


def ids_of(fields: Sequence[Field], values: Values, at: str = "") -> Iterator[str]:
    """Return the ids of a form's fields, and of the groups in which they are."""
    for each in fields:
        path = f"{at}{each.name}"
        yield path
        match each:
            case PartField() | MapField():
                yield from ids_of(each.fields, values, f"{path}.")
            case RowsField():
                for n in range(int(values.get(f"{path}{COUNT}", "0"))):
                    yield f"{path}.{n}"
                    yield from ids_of(each.fields, values, f"{path}.{n}.")
            case PicksField():
                yield from (f"{path}.{n}" for n in range(int(values.get(f"{path}{COUNT}", "0"))))
            case _:
                pass


def id_of_pointer(pointer: str, ids: set[str]) -> str | None:
    """Return the field to which a JSON pointer of an error leads, or the group that has it."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    while parts:
        if (path := ".".join(parts)) in ids:
            return path
        parts.pop()
    return None


def with_more_rows(values: Values, path: str) -> Values:
    """Return the values of a form with one more row in a list."""
    name = f"{path}{COUNT}"
    if not re.fullmatch("[0-9]{1,4}", values.get(name, "")):
        return values
    return values | {name: str(min(int(values[name]) + 1, MAX_ROWS))}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _object(value: JsonValue) -> Content:
    return value if isinstance(value, dict) else {}


def _name(table: Mapping[str, str], key: JsonValue) -> str:
    return table.get(_text(key), _text(key)) if key is not None else ""


def _from_duration(value: JsonValue, is_working: bool) -> tuple[str, str]:
    text = _text(value) if value is not None else ""
    found = SIMPLE_DURATION.fullmatch(text)
    if found is None or f"{found[1]}{found[3]}" not in UNITS:
        return text, ""
    return found[2], WORKING_DAY if is_working else f"{found[1]}{found[3]}"
