"""A record put together from its rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import JsonValue

from services.catalog.spreadsheet.cells import CellError, from_cell
from services.catalog.spreadsheet.rows import Content, to_rows
from services.catalog.spreadsheet.sheets import (
    CONTAINERS,
    LISTS,
    MAIN,
    Field,
    Kind,
    SheetSpec,
)
from services.platform.packs import FieldPath
from services.platform.spreadsheets.model import Cell
from services.platform.translation import N_, Message

Data = dict[str, Any]
"""A record, or a part of one, for its model to validate."""
WhereT = TypeVar("WhereT")

REQUIRED = N_("wajib diisi")
REPEATED = N_("'%(key)s' sudah ada di baris lain")
NOT_A_NUMBER = N_("isi nomor kanal: 1, 2, dan seterusnya")
NO_CASE = N_("tidak ada kasus '%(key)s' dari layanan ini di lembar Kasus")
NO_CHANNEL = N_("tidak ada kanal nomor %(key)s dari layanan ini di lembar Kanal")
ONE_CONTAINER = N_("isi salah satu saja: kasus, atau kanal ke")
NO_CONTAINER = N_("isi kasus, atau kanal ke")


@dataclass(frozen=True)
class RowIssue:
    """What is wrong in a row, by its heading."""

    heading: str
    message: Message
    values: Mapping[str, object] = field(default_factory=dict[str, object])


class RowError(Exception):
    """A row cannot be understood; contains every issue found in it."""

    def __init__(self, issues: Iterable[RowIssue]) -> None:
        super().__init__()
        self.issues = list(issues)


@dataclass
class RecordBuilder(Generic[WhereT]):
    """Collects the rows of one record, with where each stands."""

    kind: Kind
    data: Data = field(default_factory=Data)
    places: dict[FieldPath, WhereT] = field(default_factory=dict[FieldPath, WhereT])
    """Where the row of each part of the record stands."""
    _channels: dict[int, int] = field(default_factory=dict[int, int])
    """Index of each channel, by its number."""
    _cases: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, sheet: SheetSpec, cells: Mapping[str, Cell], where: WhereT) -> None:
        """Add a row, by its headings. Rows of channels and cases come before those of their lists.

        Raises:
            RowError: The row cannot be understood.
        """
        if sheet.is_main:
            self.places[()] = where
            self.data |= _entry(sheet.fields, cells)
            return
        container, path = self._container(sheet, cells)
        if sheet.key is not None:
            key = _required(sheet.key, cells)
            entries: Data = container.setdefault(sheet.list_field, {})
            if key in entries:
                raise RowError([RowIssue(sheet.key.heading, REPEATED, {"key": key})])
            self.places[(*path, sheet.list_field, key)] = where
            entries[key] = _entry(sheet.fields, cells)
            return
        listed: list[Data] = container.setdefault(sheet.list_field, [])
        index = len(listed)
        if sheet.list_field == "channels":
            self._channels[_number(cells, taken=self._channels)] = index
        elif sheet.list_field == "cases":
            self._cases[str(cells.get(sheet.fields[0].heading))] = index
        # Counted also if it cannot be understood: rows of other sheets may belong to it.
        entry: Data = {}
        listed.append(entry)
        self.places[(*path, sheet.list_field, index)] = where
        entry |= _entry(sheet.fields, cells)

    def _container(self, sheet: SheetSpec, cells: Mapping[str, Cell]) -> tuple[Data, FieldPath]:
        """Return what holds the list of a row, and its path."""
        case = cells.get(CONTAINERS["case"]) if "case" in sheet.within else None
        channel = cells.get(CONTAINERS["channel"]) if "channel" in sheet.within else None
        if case is not None and channel is not None:
            raise RowError([RowIssue(CONTAINERS["case"], ONE_CONTAINER)])
        if case is not None:
            index = self._cases.get(str(case))
            if index is None:
                raise RowError([RowIssue(CONTAINERS["case"], NO_CASE, {"key": case})])
            return self.data["cases"][index], ("cases", index)
        if channel is not None:
            index = self._channels.get(_as_number(channel))
            if index is None:
                raise RowError([RowIssue(CONTAINERS["channel"], NO_CHANNEL, {"key": channel})])
            return self.data["channels"][index], ("channels", index)
        if "record" not in sheet.within:
            raise RowError([RowIssue(CONTAINERS["case"], NO_CONTAINER)])
        return self.data, ()


def as_filled_in(kind: Kind, content: Content) -> Data:
    """Return a stored record as it would be read from a spreadsheet that nobody changed."""
    builder = RecordBuilder[None](kind)
    for sheet, cells in to_rows(kind, content, version=None):
        builder.add(sheet, cells, None)
    return builder.data


def main_fields(kind: Kind) -> set[str]:
    """Return the fields that the main sheet of a kind holds."""
    return {field.path[0] for field in MAIN[kind].fields}


def differing_columns(kind: Kind, before: Data, after: Data) -> list[str]:
    """Return the columns of the main sheet, and the other sheets, in which two records differ."""
    fields = {name for name in before | after if before.get(name) != after.get(name)}
    columns = [field.heading for field in MAIN[kind].fields if field.path[0] in fields]
    return columns + [sheet.name for sheet in LISTS[kind] if sheet.list_field in fields]


def _entry(fields: Iterable[Field], cells: Mapping[str, Cell]) -> Data:
    data: Data = {}
    issues: list[RowIssue] = []
    for each in fields:
        try:
            value = from_cell(each, cells.get(each.heading))
        except CellError as error:
            issues.append(RowIssue(each.heading, error.message, error.values))
            continue
        if value is not None:
            _set(data, each.path, value)
    if issues:
        raise RowError(issues)
    return data


def _set(data: Data, path: tuple[str, ...], value: JsonValue) -> None:
    for part in path[:-1]:
        data = data.setdefault(part, {})
    data[path[-1]] = value


def _required(column: Field, cells: Mapping[str, Cell]) -> str:
    try:
        value = from_cell(column, cells.get(column.heading))
    except CellError as error:
        raise RowError([RowIssue(column.heading, error.message, error.values)]) from None
    if value is None:
        raise RowError([RowIssue(column.heading, REQUIRED)])
    return str(value)


def _number(cells: Mapping[str, Cell], *, taken: Mapping[int, int]) -> int:
    heading = CONTAINERS["channel"]
    number = _as_number(cells.get(heading))
    if number < 1:
        raise RowError([RowIssue(heading, NOT_A_NUMBER)])
    if number in taken:
        raise RowError([RowIssue(heading, REPEATED, {"key": number})])
    return number


def _as_number(cell: Cell) -> int:
    """Return a number of a channel; 0 if the cell has none."""
    text = str(cell)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
