"""Records as rows of sheets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from pydantic import JsonValue

from services.catalog.spreadsheet.cells import to_cell
from services.catalog.spreadsheet.sheets import (
    CONTAINERS,
    KEY_FIELD,
    LISTS,
    MAIN,
    OWNER,
    VERSION,
    Container,
    Field,
    Kind,
    SheetSpec,
)
from services.platform.spreadsheets.model import Cell

Content = Mapping[str, JsonValue]
"""A record, or a part of one, as it is stored."""
CellRow = dict[str, Cell]
Entry = tuple[SheetSpec, CellRow]


class Stored(NamedTuple):
    """A record as stored: its version, the agency that may change it, and its content as JSON."""

    key: str
    version: int
    agency: str | None
    content: str


def to_rows(kind: Kind, content: Content, *, version: int | None) -> Iterator[Entry]:
    """Yield the rows of a record, each with its sheet: that of the main sheet first."""
    yield MAIN[kind], _cells(MAIN[kind].fields, content) | {VERSION: version}
    owner: CellRow = {OWNER[kind]: to_cell(KEY_FIELD[kind], content[KEY_FIELD[kind].path[0]])}
    for sheet in LISTS[kind]:
        for container, position in _containers(content, sheet.within):
            items = container.get(sheet.list_field) or []
            if isinstance(items, Mapping):
                for key, item in items.items():
                    heading = sheet.key.heading if sheet.key else ""
                    yield sheet, owner | position | {heading: key} | _of(sheet, item)
            else:
                for number, item in enumerate(cast("Sequence[JsonValue]", items), start=1):
                    numbered: CellRow = (
                        {CONTAINERS["channel"]: number} if sheet.list_field == "channels" else {}
                    )
                    yield sheet, owner | position | numbered | _of(sheet, item)


def _containers(content: Content, within: Sequence[Container]) -> Iterator[tuple[Content, CellRow]]:
    """Yield what may hold a list, with the cells that name it."""
    if "record" in within:
        yield content, {}
    if "case" in within:
        for case in _items(content, "cases"):
            yield case, {CONTAINERS["case"]: cast("str", case["slug"])}
    if "channel" in within:
        for number, channel in enumerate(_items(content, "channels"), start=1):
            yield channel, {CONTAINERS["channel"]: number}


def _items(content: Content, name: str) -> Sequence[Content]:
    return cast("Sequence[Content]", content.get(name) or [])


def _of(sheet: SheetSpec, item: JsonValue) -> CellRow:
    return _cells(sheet.fields, cast("Content", item))


def _cells(fields: Sequence[Field], content: Content) -> CellRow:
    return {field.heading: to_cell(field, _value(content, field.path)) for field in fields}


def _value(content: Content, path: Sequence[str]) -> JsonValue:
    value: JsonValue = cast("JsonValue", content)
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = cast("Content", value).get(part)
    return value
