"""Filled spreadsheets of the catalogue, for tests."""

import csv
import io
import zipfile
from typing import Any

import httpx
import openpyxl

from services.platform.identity import Caller
from services.platform.spreadsheets.model import XLSX
from tests.conftest import Room

TEMPLATE = "/api/v1/catalog/template.xlsx"
IMPORT = "/api/v1/catalog/import"


def template(room: Room, **query: Any) -> openpyxl.Workbook:
    answer = room.get(TEMPLATE, **query)
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def saved(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def send(
    room: Room, content: bytes, *, caller: Caller, media_type: str = XLSX, **query: Any
) -> httpx.Response:
    headers = room.token(caller) | {"Content-Type": media_type}
    return room.client.post(IMPORT, content=content, headers=headers, params=query)


def columns(book: openpyxl.Workbook, sheet: str) -> dict[str, int]:
    return {str(cell.value): number for number, cell in enumerate(book[sheet][1], start=1)}


def append(book: openpyxl.Workbook, sheet: str, **cells: Any) -> int:
    """Add a row, its headings written with `_` for a space; return its number."""
    number = book[sheet].max_row + 1
    for heading, column in columns(book, sheet).items():
        value = cells.get(heading.replace(" (Inggris)", "_en").replace(" ", "_"))
        if value is not None:
            book[sheet].cell(number, column, value)
    return number


def row_of(book: openpyxl.Workbook, sheet: str, key: str) -> int:
    rows = enumerate(book[sheet].iter_rows(values_only=True), start=1)
    return next(number for number, row in rows if row[0] == key)


def fill(book: openpyxl.Workbook, sheet: str, key: str, heading: str, value: Any) -> str:
    """Set a cell of a record's row; return its pointer."""
    cell = book[sheet].cell(row_of(book, sheet, key), columns(book, sheet)[heading], value)
    return f"#/{sheet}/{cell.coordinate}"


def csv_template(room: Room, **query: Any) -> bytes:
    answer = room.get("/api/v1/catalog/template.zip", **query)
    assert answer.status_code == 200, answer.text
    return answer.content


def csv_tables(archive: bytes) -> dict[str, list[list[str]]]:
    """Return the rows of each file of an archive by the name of its sheet."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        texts = {name: files.read(name).decode("utf-8-sig") for name in files.namelist()}
    return {
        name.removesuffix(".csv"): list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
        for name, text in texts.items()
    }


def csv_file(rows: list[list[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


def csv_archive(tables: dict[str, list[list[str]]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables.items():
            archive.writestr(f"{name}.csv", csv_file(rows))
    return stream.getvalue()
