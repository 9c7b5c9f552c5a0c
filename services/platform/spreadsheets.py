"""Spreadsheets that people fill in: read within bounds, with faults that name sheet and cell."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_UNPACKED = 64 * 1024 * 1024
MAX_ROWS = 20_000
MAX_COLUMNS = 200

Cell = str | int | float | bool | date | None


@dataclass(frozen=True)
class SheetFault:
    """One thing that is wrong in a spreadsheet, and in which cell."""

    sheet: str
    cell: str
    message: str


class SpreadsheetError(Exception):
    """A spreadsheet that cannot be taken; every fault that was found."""

    def __init__(self, faults: Sequence[SheetFault]) -> None:
        super().__init__("\n".join(f"{f.sheet}!{f.cell}: {f.message}" for f in faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Column:
    """A column of a table that is written: its head, a word about it, and the values to choose."""

    name: str
    note: str = ""
    choices: tuple[str, ...] = ()
    needed: bool = False


@dataclass(frozen=True)
class Row:
    """A filled row of a sheet, its cells by the head of their column."""

    number: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Sheet:
    """A sheet with a head in its first row."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def cell(self, row: int, column: str) -> str:
        """The address of a cell, such as C7; of the row where the column is not there."""
        if column not in self.columns:
            return f"A{row}"
        return f"{get_column_letter(self.columns.index(column) + 1)}{row}"

    def fault(self, row: int, column: str, message: str) -> SheetFault:
        return SheetFault(self.name, self.cell(row, column), message)


def read_xlsx(content: bytes) -> list[Sheet]:
    """The filled sheets of a workbook; `SpreadsheetError` where it is none or is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise _refused("is too large when unpacked; send fewer rows at a time")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        return [
            _sheet(worksheet.title, worksheet.iter_rows(max_col=MAX_COLUMNS, values_only=True))
            for worksheet in book.worksheets
        ]
    except SpreadsheetError:
        raise
    except Exception as error:  # whatever a reader stumbles over in a file that is damaged
        raise _refused("is no XLSX workbook; save it as .xlsx and send it again") from error


def _refused(message: str) -> SpreadsheetError:
    return SpreadsheetError([SheetFault("(file)", "A1", message)])


def _sheet(name: str, lines: Iterator[tuple[Any, ...]]) -> Sheet:
    head = next(lines, ())
    columns = [str(cell).strip() if cell is not None else "" for cell in head]
    while columns and not columns[-1]:
        columns.pop()
    rows: list[Row] = []
    for number, line in enumerate(lines, start=2):
        if number > MAX_ROWS:
            raise SpreadsheetError(
                [
                    SheetFault(
                        name, f"A{number}", f"has more than {MAX_ROWS} rows; send several files"
                    )
                ]
            )
        cells = {
            column: cell
            for column, value in zip(columns, line, strict=False)
            if column and (cell := _value(value)) is not None
        }
        if cells:
            rows.append(Row(number, cells))
    return Sheet(name, tuple(columns), tuple(rows))


def _value(value: Any) -> Cell:
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return value.strip() or None
    return value if isinstance(value, int | float | bool | date) else None


def write_xlsx(
    tables: Mapping[str, tuple[Sequence[Column], Sequence[Mapping[str, Cell]]]],
) -> bytes:
    """A workbook with a sheet per table: bold heads with notes, choices to pick, rows below."""
    book = Workbook()
    if book.active is not None:
        book.remove(book.active)
    for name, (columns, rows) in tables.items():
        worksheet = book.create_sheet(name)
        _write_head(worksheet, columns)
        for number, row in enumerate(rows, start=2):
            for index, column in enumerate(columns, start=1):
                cell = worksheet.cell(number, index, row.get(column.name))
                # A text that starts like a formula stays a text wherever it is opened.
                if isinstance(cell.value, str):
                    cell.data_type = "s"
                    cell.quotePrefix = cell.value.startswith(("=", "+", "-", "@"))
        worksheet.freeze_panes = "B2"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _write_head(worksheet: Worksheet, columns: Sequence[Column]) -> None:
    for index, column in enumerate(columns, start=1):
        head = worksheet.cell(1, index, column.name)
        head.font = Font(bold=True)
        head.alignment = Alignment(vertical="top")
        if column.needed:
            head.fill = PatternFill("solid", fgColor="FFF2CC")
        if column.note:
            head.comment = Comment(column.note, "emall", width=320, height=120)
        letter = get_column_letter(index)
        worksheet.column_dimensions[letter].width = max(12, min(40, len(column.name) + 6))
        if column.choices and sum(map(len, column.choices)) < 250:
            listed = '"' + ",".join(column.choices) + '"'
            rule = DataValidation(type="list", formula1=listed, allow_blank=True)
            worksheet.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{MAX_ROWS}")
