"""Reads CSV in any form in which spreadsheet programs save it."""

import csv
from io import StringIO

from services.platform.spreadsheets.grid import MAX_CELL_LENGTH, Grid
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


def read_csv(text: str, *, name: str) -> Sheet:
    """Parse a table that is separated by commas, semicolons or tabs.

    A first line `sep=;` names the separator. Quoted cells may contain line breaks; rows are
    counted as a spreadsheet program counts them.
    """
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
    grid = Grid(name)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    number = skipped
    try:
        for number, line in enumerate(reader, start=1 + skipped):
            if number > MAX_LINES or any(len(cell) > MAX_CELL_LENGTH for cell in line):
                raise file_error("not_csv", line=number)
            grid.add_row(number, line)
    except csv.Error as error:
        raise file_error("not_csv", line=number + 1) from error
    return grid.sheet()
