"""Writing of workbooks (XLSX)."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.platform.lazy_module import LazyModule
from services.platform.spreadsheets.grid import MAX_ROWS
from services.platform.spreadsheets.model import Cell

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
