"""Limits of a spreadsheet, and its cells on the way from a file to a `Sheet`."""

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from services.platform.spreadsheets.model import (
    Cell,
    Line,
    Sheet,
    SheetIssue,
    SpreadsheetError,
    column_letters,
    file_error,
    reading_issue,
)

MAX_UNPACKED_BYTES = 16 * 1024 * 1024
MAX_PARTS = 1_000
MAX_TAGS = 400_000
"""XML tags of a workbook, each of which takes time and memory; a cell has four."""
MAX_CELLS = 50_000
"""Cells of a file that are not empty."""
MAX_CELL_LENGTH = 32_767
"""Maximum number of characters in a spreadsheet cell."""
MAX_ROWS = 20_000
"""Rows of a sheet that are not empty."""
MAX_COLUMNS = 200


@dataclass(frozen=True)
class Bounds:
    """How much a file may hold."""

    unpacked_bytes: int = MAX_UNPACKED_BYTES
    tags: int = MAX_TAGS
    cells: int = MAX_CELLS


COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
ERROR_VALUES = frozenset(
    {"#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"}
)
"""What a formula gives that cannot be computed (ECMA-376, 18.17.3, and later programs)."""

INVISIBLE = " \t\r\n\v\f\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Characters at the ends of a text that nobody sees, as texts copied from pages have them."""

Value = Cell | datetime | time | timedelta


@dataclass(frozen=True)
class Merge:
    """A range of merged cells; the file holds a value for its first cell only."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int

    def __str__(self) -> str:
        return (
            f"{column_letters(self.first_column)}{self.first_row}:"
            f"{column_letters(self.last_column)}{self.last_row}"
        )


def check_size(archive: zipfile.ZipFile, bounds: Bounds) -> None:
    """Raise `SpreadsheetError` if the parts of a workbook are too large when unpacked."""
    entries = archive.infolist()
    tags = 0
    # A part larger than its declared size is truncated and fails its checksum.
    size = sum(each.file_size for each in entries)
    if len(entries) <= MAX_PARTS and size <= bounds.unpacked_bytes:
        for entry in entries:
            if entry.compress_type not in COMPRESSIONS:
                raise zipfile.BadZipFile("unusual compression")
            tags += archive.read(entry).count(b"<")
        if tags <= bounds.tags:
            return
    raise file_error("too_large")


class Grid:
    """Collects the cells of a sheet and names those whose value is not known."""

    def __init__(self, name: str, bounds: Bounds, *, used: int = 0) -> None:
        """Begin a sheet of a file whose sheets before it have `used` cells."""
        self._name = name
        self._bounds = bounds
        self._rows: dict[int, list[Cell]] = {}
        self._field_counts: dict[int, int] = {}
        self._issues: list[SheetIssue] = []
        self._free = bounds.cells - used

    def add_row(self, number: int, values: Iterable[Value], *, field_count: int = 0) -> None:
        """Add a row; one without values takes no place. For `field_count` see `Line`."""
        cells = [normalise(value) for value in values]
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            return
        if len(self._rows) >= MAX_ROWS:
            raise self._error(number, "too_many_rows")
        self._free -= sum(cell is not None for cell in cells)
        if self._free < 0:
            raise self._error(number, "too_many_cells", limit=self._bounds.cells)
        if len(cells) > MAX_COLUMNS:
            raise self._error(number, "too_many_columns", column=MAX_COLUMNS + 1)
        for position, cell in enumerate(cells, start=1):
            if isinstance(cell, str) and cell in ERROR_VALUES:
                self.add_issue(number, position, "error_value", value=cell)
        self._rows[number] = cells
        self._field_counts[number] = field_count

    def add_issue(self, row: int, column: int, code: str, **values: object) -> None:
        address = f"{column_letters(column)}{row}"
        self._issues.append(reading_issue(self._name, address, code, **values))

    def fill(self, merges: Iterable[Merge]) -> None:
        """Give every row of a merged range its text or date; a number has no row of its own.

        What a merged range covers is shown nowhere, so it may not be what was meant.
        """
        for merge in merges:
            self._add_covered(merge)
            value = self._get(merge.first_row, merge.first_column)
            if merge.first_row == merge.last_row or value is None:
                continue
            if isinstance(value, int | float):
                self.add_issue(
                    merge.first_row, merge.first_column, "merged_number", range=str(merge)
                )
                continue
            for number in range(merge.first_row + 1, merge.last_row + 1):
                row = self._rows.get(number)
                if row is None:
                    continue
                row += [None] * (merge.first_column - len(row))
                row[merge.first_column - 1] = value

    def _add_covered(self, merge: Merge) -> None:
        """Add an issue for each value in a merged range but that of its first cell."""
        first = self._get(merge.first_row, merge.first_column)
        for number in sorted(self._rows.keys() & range(merge.first_row, merge.last_row + 1)):
            cells = self._rows[number][merge.first_column - 1 : merge.last_column]
            for column, value in enumerate(cells, start=merge.first_column):
                is_first = number == merge.first_row and column == merge.first_column
                if not is_first and value not in {None, first}:
                    self.add_issue(
                        number, column, "covered_value", value=str(value), range=str(merge)
                    )

    def sheet(self, *, is_hidden: bool = False) -> Sheet:
        lines = (
            Line(number, tuple(cells), self._field_counts[number])
            for number, cells in sorted(self._rows.items())
        )
        return Sheet(self._name, tuple(lines), is_hidden, tuple(self._issues))

    @property
    def used_cells(self) -> int:
        """Number of cells of this sheet and those before it."""
        return self._bounds.cells - self._free

    def _get(self, row: int, column: int) -> Cell:
        cells: Sequence[Cell] = self._rows.get(row, ())
        return cells[column - 1] if column <= len(cells) else None

    def _error(self, row: int, code: str, *, column: int = 1, **values: object) -> SpreadsheetError:
        address = f"{column_letters(column)}{row}"
        return SpreadsheetError([reading_issue(self._name, address, code, **values)])


def normalise(value: Value) -> Cell:
    """Return the value of a cell: a date at midnight is a date, a whole number an integer."""
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return value.strip(INVISIBLE) or None
    return value if value is None or isinstance(value, int | float | date) else str(value)
