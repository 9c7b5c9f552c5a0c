"""Sheets and tables of a spreadsheet, and what is wrong in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.platform.languages import Language
from services.platform.spreadsheets.messages import FILE_ERRORS
from services.platform.translation import translator

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
CSV = "text/csv"
WHOLE_FILE = "(file)"
"""Name of the sheet in errors of the whole file."""
MAX_TITLE_ROWS = 30
"""Rows with content among which the header of a table is looked for."""

Cell = str | int | float | bool | date | None


@dataclass(frozen=True)
class SheetIssue:
    """An error in a spreadsheet, with its cell."""

    sheet: str
    cell: str
    message: str
    """In English, if it has a code."""
    code: str = ""
    """Key in `FILE_ERRORS` of an error that the reader found, for its translation."""
    values: Mapping[str, object] = field(default_factory=dict[str, object])

    def text(self, language: Language) -> str:
        """Return the message in a language, if it has a translation."""
        if not self.code:
            return self.message
        return translator(language).translate(FILE_ERRORS[self.code], **self.values)


def media_type_of(content: bytes) -> str:
    """Return the type of a file by its first bytes; of an archive of sheets that of XLSX."""
    if not content.startswith(b"PK"):
        return CSV
    # A package of OpenDocument begins with its media type (OpenDocument 1.3, part 2, 3.3).
    return ODS if ODS.encode() in content[:120] else XLSX


def reading_issue(sheet: str, cell: str, code: str, **values: object) -> SheetIssue:
    """Return an error that the reader found, by its code in `FILE_ERRORS`."""
    message = translator("en").translate(FILE_ERRORS[code], **values)
    return SheetIssue(sheet, cell, message, code, values)


def file_error(code: str, **values: object) -> "SpreadsheetError":
    """Return the error of a whole file."""
    return SpreadsheetError([reading_issue(WHOLE_FILE, "A1", code, **values)])


class SpreadsheetError(Exception):
    """The spreadsheet is invalid; contains every issue found."""

    def __init__(self, faults: Sequence[SheetIssue]) -> None:
        super().__init__("\n".join(f"{f.sheet}!{f.cell}: {f.message}" for f in faults))
        self.issues = list(faults)

    def __reduce__(self) -> tuple[type["SpreadsheetError"], tuple[list[SheetIssue]]]:
        """Allow to raise this error in another process."""
        return SpreadsheetError, (self.issues,)


@dataclass(frozen=True)
class Line:
    """A row of a sheet that is not empty, with its number in the file and all its cells."""

    number: int
    cells: tuple[Cell, ...]
    field_count: int = 0
    """Number of its fields, empty ones too, in a file whose separator may stand in a number."""


@dataclass(frozen=True)
class Row:
    """A row of a table that is not empty, its cells by column header."""

    number: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """A table of a sheet: its header, and the rows below it."""

    name: str
    """Name of the sheet."""
    header: int
    """Number of the row that holds the header."""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    issues: tuple[SheetIssue, ...] = ()
    """Cells that cannot be read, or belong to no column."""

    def cell(self, row: int, column: str) -> str:
        """Return the address of a cell, such as C7; of the first cell if the column is missing."""
        if column not in self.columns:
            return f"A{row}"
        return f"{column_letters(self.columns.index(column) + 1)}{row}"

    def issue(self, row: int, column: str, message: str) -> SheetIssue:
        return SheetIssue(self.name, self.cell(row, column), message)


@dataclass(frozen=True)
class Sheet:
    """A sheet as it was read: the rows that are not empty, in order."""

    name: str
    lines: tuple[Line, ...]
    is_hidden: bool = False
    issues: tuple[SheetIssue, ...] = ()
    """Cells whose value cannot be known, such as formulas that nobody computed."""

    @property
    def has_figures(self) -> bool:
        """Whether a row holds a number beside something else."""
        return any(
            sum(cell is not None for cell in line.cells) > 1
            and any(isinstance(cell, int | float) for cell in line.cells)
            for line in self.lines
        )

    def table(self, is_header: Callable[[Sequence[str]], bool]) -> Table | None:
        """Return the table whose header is the first row, among 30, that `is_header` accepts.

        Titles may stand above the header. A value below it without a heading, and a table in a
        hidden sheet, is an issue of the table: nobody may have seen it.
        """
        for index, line in enumerate(self.lines[:MAX_TITLE_ROWS]):
            columns = [_heading(cell) for cell in line.cells]
            while columns and not columns[-1]:
                columns.pop()
            if is_header(columns):
                return self._table(line, columns, self.lines[index + 1 :])
        return None

    def _table(self, header: Line, columns: Sequence[str], lines: Sequence[Line]) -> Table:
        issues = list(self.issues)
        rows: list[Row] = []
        for line in lines:
            if line.field_count > header.field_count:
                issues.append(reading_issue(self.name, f"A{line.number}", "more_cells"))
            cells: dict[str, Cell] = {}
            for position, cell in enumerate(line.cells):
                if cell is None:
                    continue
                column = columns[position] if position < len(columns) else ""
                if column:
                    cells.setdefault(column, cell)
                else:
                    address = f"{column_letters(position + 1)}{line.number}"
                    issues.append(reading_issue(self.name, address, "no_heading", value=str(cell)))
            if cells:
                rows.append(Row(line.number, cells))
        if self.is_hidden and rows:
            issues.append(reading_issue(self.name, f"A{header.number}", "hidden_sheet"))
        return Table(self.name, header.number, tuple(columns), tuple(rows), tuple(issues))


def _heading(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip()


def column_letters(number: int) -> str:
    """Return the letters of a column: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
