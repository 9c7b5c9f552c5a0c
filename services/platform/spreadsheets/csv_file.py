"""Reads CSV in any form in which spreadsheet programs save it."""

import csv
import zipfile
from io import StringIO
from pathlib import PurePosixPath

from services.platform.spreadsheets.csv_export import FORMULA
from services.platform.spreadsheets.grid import MAX_CELL_LENGTH, Bounds, Grid
from services.platform.spreadsheets.model import MAX_TITLE_ROWS, Sheet, file_error

MAX_LINES = 1_100_000
"""Lines of a file, empty ones too: more than a sheet of a spreadsheet program has."""


def decode(content: bytes) -> str:
    """Return the text of a file: UTF-8 with or without a mark, UTF-16, or windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def is_csv_archive(archive: zipfile.ZipFile) -> bool:
    """Return whether a ZIP archive holds CSV files only."""
    names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    return bool(names) and all(name.lower().endswith(".csv") for name in names)


def read_csv_archive(archive: zipfile.ZipFile, bounds: Bounds) -> list[Sheet]:
    """Return a sheet per CSV file, named as the file; the archive's size was checked before."""
    sheets: list[Sheet] = []
    used = 0
    for entry in archive.infolist():
        if not entry.is_dir():
            name = PurePosixPath(entry.filename).stem
            grid = _read_grid(decode(archive.read(entry)), name, bounds, used=used)
            used = grid.used_cells
            sheets.append(grid.sheet())
    return sheets


def read_csv(text: str, *, name: str, bounds: Bounds) -> Sheet:
    """Parse a table that is separated by commas, semicolons or tabs.

    A first line `sep=;` names the separator. Quoted cells may contain line breaks; rows are
    counted as a spreadsheet program counts them.
    """
    return _read_grid(text, name, bounds).sheet()


def _read_grid(text: str, name: str, bounds: Bounds, *, used: int = 0) -> Grid:
    if "\x00" in text:
        raise file_error("not_a_table")
    text = text.lstrip("\ufeff")
    first, _, rest = text.partition("\n")
    skipped = 0
    if hint := first.strip().lower().removeprefix("sep=") if first[:4].lower() == "sep=" else "":
        text, delimiter, skipped = rest, hint[0], 1
    else:
        # Counted in the line that has most of one: numbers in the rows may contain any of them.
        lines = text[:10_000].splitlines()[:MAX_TITLE_ROWS]
        delimiter = max(
            ";,\t", key=lambda sign: max((line.count(sign) for line in lines), default=0)
        )
    grid = Grid(name, bounds, used=used)
    # Strict, since a quotation mark that is not closed takes all rows after it into its cell.
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    may_stand_in_numbers = delimiter == ","
    number = skipped
    try:
        for number, line in enumerate(reader, start=1 + skipped):
            if number > MAX_LINES or any(len(cell) > MAX_CELL_LENGTH for cell in line):
                raise file_error("not_csv", line=number)
            cells = map(_without_apostrophe, line)
            grid.add_row(number, cells, field_count=len(line) if may_stand_in_numbers else 0)
    except csv.Error as error:
        raise file_error("not_csv", line=number + 1) from error
    return grid


def _without_apostrophe(cell: str) -> str:
    """Return the text of a cell that `write_csv` kept from being computed."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
