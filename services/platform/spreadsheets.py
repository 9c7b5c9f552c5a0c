"""Reading (with limits, and errors that name sheet and cell) and writing of spreadsheets."""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from services.platform.lazy_module import LazyModule

if TYPE_CHECKING:
    import openpyxl
    from openpyxl import comments, styles, utils
    from openpyxl.worksheet import datavalidation
    from openpyxl.worksheet import worksheet as worksheets
else:
    openpyxl = LazyModule("openpyxl")
    comments = LazyModule("openpyxl.comments")
    datavalidation = LazyModule("openpyxl.worksheet.datavalidation")
    styles = LazyModule("openpyxl.styles")
    utils = LazyModule("openpyxl.utils")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
MAX_UNPACKED_BYTES = 16 * 1024 * 1024
MAX_PARTS = 1_000
MAX_TAGS = 400_000
"""XML tags of a workbook, each of which takes time and memory; a cell has four."""
MAX_CELLS = 50_000
"""Cells of a file that are not empty."""
MAX_CELL_LENGTH = 32_767
"""Maximum number of characters in a spreadsheet cell."""
MAX_ROWS = 20_000
MAX_COLUMNS = 200
ZIP_SIGNATURE, OLE_SIGNATURE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

Cell = str | int | float | bool | date | None


@dataclass(frozen=True)
class SheetIssue:
    """An error in a spreadsheet, with its cell."""

    sheet: str
    cell: str
    message: str
    code: str = ""
    """Code of an error of the whole file, for translation."""


class SpreadsheetError(Exception):
    """The spreadsheet is invalid; contains every issue found."""

    def __init__(self, faults: Sequence[SheetIssue]) -> None:
        super().__init__("\n".join(f"{f.sheet}!{f.cell}: {f.message}" for f in faults))
        self.issues = list(faults)

    def __reduce__(self) -> tuple[type["SpreadsheetError"], tuple[list[SheetIssue]]]:
        """Allow to raise this error in another process."""
        return SpreadsheetError, (self.issues,)


@dataclass(frozen=True)
class Column:
    """Column of a table to write: its header, a note, and the allowed values."""

    name: str
    note: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    choices_range: str = ""
    """Range with the allowed values, such as `Pilihan!$A$2:$A$9`."""
    max_value: int | None = None
    """Maximum of a column of counts."""
    width: int | None = None


@dataclass(frozen=True)
class Row:
    """A non-empty row, its cells by column header."""

    number: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Sheet:
    """A sheet with a header in its first row."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def cell(self, row: int, column: str) -> str:
        """Return the address of a cell, such as C7; of the first cell if the column is missing."""
        if column not in self.columns:
            return f"A{row}"
        return f"{utils.get_column_letter(self.columns.index(column) + 1)}{row}"

    def issue(self, row: int, column: str, message: str) -> SheetIssue:
        return SheetIssue(self.name, self.cell(row, column), message)


def read_table(content: bytes, *, name: str) -> list[Sheet]:
    """Return the sheets of an XLSX workbook, or the table of a CSV file under this name.

    A hostile file takes time and memory: call it within limits (`bounded_process`).
    """
    if not content.strip():
        raise _file_error("nothing", "is empty")
    if content.startswith(OLE_SIGNATURE):
        raise _file_error("old_workbook", "is an old workbook; save it as .xlsx and send it again")
    if content.startswith(ZIP_SIGNATURE):
        return read_xlsx(content)
    return [read_csv(content, name=name)]


def read_xlsx(content: bytes) -> list[Sheet]:
    """Parse the sheets of a workbook; raise `SpreadsheetError` if it is invalid or too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_size(archive)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets: list[Sheet] = []
        remaining = MAX_CELLS
        for worksheet in book.worksheets:
            lines = worksheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)
            sheets.append(_sheet(worksheet.title, lines, max_cells=remaining))
            remaining -= sum(len(row.cells) for row in sheets[-1].rows)
        return sheets
    except (SpreadsheetError, MemoryError):
        raise
    except Exception as error:  # openpyxl raises many types for damaged files
        message = "is not an XLSX workbook; save it as .xlsx and send it again"
        raise _file_error("not_a_workbook", message) from error


def _check_size(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    tags = 0
    # A part larger than its declared size is truncated and fails its checksum.
    if len(entries) <= MAX_PARTS and sum(each.file_size for each in entries) <= MAX_UNPACKED_BYTES:
        for entry in entries:
            if entry.compress_type not in COMPRESSIONS:
                raise zipfile.BadZipFile("unusual compression")
            tags += archive.read(entry).count(b"<")
        if tags <= MAX_TAGS:
            return
    raise _file_error("too_large", "is too large when unpacked; send fewer rows at a time")


def read_csv(content: bytes, *, name: str) -> Sheet:
    """Parse a table in any CSV variant that spreadsheet programs write.

    UTF-8 with or without a BOM, UTF-16 or windows-1252; separated by commas, semicolons or tabs;
    optionally with a first line `sep=;`.
    """
    written = _decode(content)
    if "\x00" in written:
        raise _file_error("not_a_table", "is neither an XLSX workbook nor CSV")
    first, _, rest = written.partition("\n")
    if hint := first.strip().lower().removeprefix("sep=") if first[:4].lower() == "sep=" else "":
        written, delimiter = rest, hint[0]
    else:
        # Counted in the header: numbers in the rows may contain any of them.
        delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter)
    try:
        lines = (tuple(line[:MAX_COLUMNS]) for line in _limit_rows(reader, name))
        return _sheet(name, lines, max_cells=MAX_CELLS)
    except csv.Error as error:
        raise _file_error("not_a_table", f"cannot be read as CSV: {error}") from error


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _limit_rows(lines: Iterator[list[str]], name: str) -> Iterator[list[str]]:
    for number, line in enumerate(lines, start=1):
        if number > MAX_ROWS:
            raise _too_many_rows(name, number)
        if any(len(cell) > MAX_CELL_LENGTH for cell in line):
            raise csv.Error(f"a cell of line {number} is longer than {MAX_CELL_LENGTH} characters")
        yield line


def _file_error(code: str, message: str) -> SpreadsheetError:
    return SpreadsheetError([SheetIssue("(file)", "A1", message, code)])


def _too_many_rows(name: str, number: int) -> SpreadsheetError:
    message = f"has more than {MAX_ROWS} rows; send several files"
    return SpreadsheetError([SheetIssue(name, f"A{number}", message, "too_many_rows")])


def _sheet(name: str, lines: Iterator[tuple[Any, ...]], *, max_cells: int) -> Sheet:
    head = next(lines, ())
    columns = [str(cell).strip() if cell is not None else "" for cell in head]
    while columns and not columns[-1]:
        columns.pop()
    rows: list[Row] = []
    count = 0
    for number, line in enumerate(lines, start=2):
        if number > MAX_ROWS:
            raise _too_many_rows(name, number)
        cells = {
            column: cell
            for column, value in zip(columns, line, strict=False)
            if column and (cell := _normalise_cell(value)) is not None
        }
        count += len(cells)
        if count > max_cells:
            message = f"the file has more than {MAX_CELLS} cells; send several files"
            raise SpreadsheetError([SheetIssue(name, f"A{number}", message, "too_many_cells")])
        if cells:
            rows.append(Row(number, cells))
    return Sheet(name, tuple(columns), tuple(rows))


def _normalise_cell(value: Any) -> Cell:
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
    """Write a workbook with a sheet per table: headers with notes, allowed values, rows."""
    book = openpyxl.Workbook()
    if book.active is not None:
        book.remove(book.active)
    for name, (columns, rows) in tables.items():
        worksheet = book.create_sheet(name)
        _write_head(worksheet, columns)
        for number, row in enumerate(rows, start=2):
            for index, column in enumerate(columns, start=1):
                cell = worksheet.cell(number, index, row.get(column.name))
                # Prevents formula injection: a text that looks like a formula remains a text.
                if isinstance(cell.value, str):
                    cell.data_type = "s"
                    cell.quotePrefix = cell.value.startswith(("=", "+", "-", "@"))
        worksheet.freeze_panes = "B2" if len(columns) > 1 else None
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _write_head(worksheet: "worksheets.Worksheet", columns: Sequence[Column]) -> None:
    for index, column in enumerate(columns, start=1):
        head = worksheet.cell(1, index, column.name)
        head.font = styles.Font(bold=True)
        head.alignment = styles.Alignment(vertical="top")
        if column.required:
            head.fill = styles.PatternFill("solid", fgColor="FFF2CC")
        if column.note:
            head.comment = comments.Comment(column.note, "emall", width=320, height=120)
        letter = utils.get_column_letter(index)
        width = column.width or max(12, min(40, len(column.name) + 6))
        worksheet.column_dimensions[letter].width = width
        if rule := _data_validation(column):
            worksheet.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{MAX_ROWS}")


def _data_validation(column: Column) -> "datavalidation.DataValidation | None":
    """Return the data validation of a column, an aid only: uploads are validated again."""
    if column.max_value is not None:
        return datavalidation.DataValidation(
            type="whole",
            operator="between",
            formula1="0",
            formula2=str(column.max_value),
            allow_blank=True,
        )
    if column.choices_range:
        return datavalidation.DataValidation(
            type="list", formula1=column.choices_range, allow_blank=True
        )
    if column.choices and sum(map(len, column.choices)) < 250:
        listed = '"' + ",".join(column.choices) + '"'
        return datavalidation.DataValidation(type="list", formula1=listed, allow_blank=True)
    return None


def write_csv(columns: Sequence[Column], rows: Sequence[Mapping[str, Cell]]) -> bytes:
    """Write a table as CSV with UTF-8 BOM and semicolons, as Indonesian spreadsheets expect.

    Texts that look like formulas are escaped.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=";")
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_escape_formula(row.get(column.name)) for column in columns])
    return stream.getvalue().encode("utf-8-sig")


def _escape_formula(cell: Cell) -> Cell:
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula else cell
