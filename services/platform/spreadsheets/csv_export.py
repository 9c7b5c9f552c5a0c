"""Tables as CSV: in the form of Indonesian spreadsheet programs, or in that of programs.

Where the decimal sign is a comma, a spreadsheet opens semicolons as columns, and reads 1.234 as a
thousand. `?delimiter=comma` gives RFC 4180 with decimal points.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal

Delimiter = Literal["semicolon", "comma"]
CsvValue = str | int | float | bool | date | None

CSV_MEDIA_TYPE = "text/csv; charset=utf-8"
FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
"""Beginning of a text that a spreadsheet would compute, or of one with an apostrophe against it."""


def write_csv(
    header: Sequence[str],
    rows: Iterable[Sequence[CsvValue]],
    *,
    delimiter: Delimiter = "semicolon",
) -> bytes:
    """Return a table as CSV in UTF-8.

    Texts that look like formulas get an apostrophe before them, in either form.
    """
    stream = io.StringIO(newline="")
    is_for_spreadsheets = delimiter == "semicolon"
    writer = csv.writer(stream, delimiter=";" if is_for_spreadsheets else ",")
    decimal_sign = "," if is_for_spreadsheets else "."
    for row in ([*header], *rows):
        writer.writerow([_text(value, decimal_sign) for value in row])
    return stream.getvalue().encode("utf-8-sig" if is_for_spreadsheets else "utf-8")


def _text(value: CsvValue, decimal_sign: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return repr(value).replace(".", decimal_sign)
        case date():
            return value.isoformat()
        case str():
            return f"'{value}" if FORMULA.match(value) else value
        case _:
            return str(value)
