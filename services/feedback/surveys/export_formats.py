"""Encodes a table of responses as CSV with a codebook, XLSX and SPSS."""

import io
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from services.feedback.surveys.codebook import Column, Table, Value
from services.platform.spreadsheets.csv_export import CSV_MEDIA_TYPE, Delimiter, write_csv

FileName = Literal["responses.csv", "codebook.csv", "responses.xlsx", "responses.sav"]
MEDIA_TYPES: dict[FileName, str] = {
    "responses.csv": CSV_MEDIA_TYPE,
    "codebook.csv": CSV_MEDIA_TYPE,
    "responses.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "responses.sav": "application/x-spss-sav",
}

CODEBOOK = ("variable", "label", "label_en", "kind", "value", "code", "text", "text_en")
MAX_LABEL_BYTES = 250
"""Of a variable in SPSS, which allows 256 bytes."""


def encode_table(
    table: Table, name: FileName, *, title: str, delimiter: Delimiter = "semicolon"
) -> bytes:
    """Return the table as a file of this name."""
    if name == "responses.csv":
        return write_csv(_header(table), table.rows, delimiter=delimiter)
    if name == "codebook.csv":
        return write_csv(CODEBOOK, codebook_rows(table.columns), delimiter=delimiter)
    if name == "responses.xlsx":
        return _workbook(table)
    return _spss(table, title=title)


def codebook_rows(columns: Iterable[Column]) -> list[tuple[Value, ...]]:
    """Return a row for each variable, followed by a row for each of its values."""
    lines: list[tuple[Value, ...]] = []
    for column in columns:
        lines.append((column.name, column.label, column.label_en, column.kind, "", "", "", ""))
        lines += [(column.name, "", "", "", n, *texts) for n, texts in column.values.items()]
    return lines


def _header(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _workbook(table: Table) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - large and rarely needed

    book = Workbook(write_only=True)
    for name, header, rows in (
        ("responses", _header(table), table.rows),
        ("codebook", list(CODEBOOK), codebook_rows(table.columns)),
    ):
        sheet = book.create_sheet(name)
        sheet.append(header)
        for row in rows:
            sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _spss(table: Table, *, title: str) -> bytes:
    import pandas  # noqa: PLC0415 - large and rarely needed
    import pyreadstat  # noqa: PLC0415

    by_column: list[list[Any]] = [
        [row[index] for row in table.rows] for index in range(len(table.columns))
    ]
    frame: Any = pandas.DataFrame(
        {
            column.name: pandas.Series(
                values
                if column.kind == "text"
                else [float("nan") if v is None else v for v in values],
                dtype="object" if column.kind == "text" else "float64",
            )
            for column, values in zip(table.columns, by_column, strict=True)
        }
    )
    measures = {"text": "nominal", "number": "scale"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "responses.sav"
        pyreadstat.write_sav(
            frame,
            file,
            file_label=title[:60],
            column_labels={c.name: _truncate(c.label) for c in table.columns},
            variable_value_labels={
                c.name: {
                    float(number): _truncate(texts[1], 100) for number, texts in c.values.items()
                }
                for c in table.columns
                if c.values
            },
            variable_measure={c.name: measures.get(c.kind, c.kind) for c in table.columns},
            variable_format={c.name: "F8.0" for c in table.columns if c.kind != "text"},
        )
        return file.read_bytes()


def _truncate(text: str, max_bytes: int = MAX_LABEL_BYTES) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore")
