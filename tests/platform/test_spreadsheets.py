"""Spreadsheets of others: small files that are large or laborious to read."""

import asyncio
import io
import zipfile
from collections.abc import Callable

import pytest
from openpyxl import Workbook

from services.platform.bounded_process import Limits, call_bounded
from services.platform.problems import TooLarge
from services.platform.spreadsheets.grid import MAX_CELLS, MAX_TAGS
from services.platform.spreadsheets.model import SpreadsheetError
from services.platform.spreadsheets.reading import read_sheets, read_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook(rows: str = "", *, method: int = zipfile.ZIP_DEFLATED, **parts: str) -> bytes:
    """Return a workbook of one sheet with this XML in its rows, and other parts in place."""
    plain = io.BytesIO()
    Workbook().save(plain)
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    written = {"sheet1": sheet} | parts
    stream = io.BytesIO()
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(stream, "w", method) as archive:
        for name in source.namelist():
            stem = name.rpartition("/")[2].partition(".")[0]
            archive.writestr(name, written.get(stem, source.read(name)))
    return stream.getvalue()


def cells(rows: int, columns: int) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([f"c{number}" for number in range(columns)])
    for _ in range(rows):
        sheet.append([1] * columns)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lambda: workbook("<row>" + "<c/>" * 4_000_000 + "</row>"), "too_large"),
        (lambda: workbook("<row>" + "<c><v>1</v></c>" * 200_000 + "</row>"), "too_large"),
        (lambda: workbook("<row/>" * 1_000_000), "too_large"),
        (lambda: workbook("<a>" * 500_000 + "</a>" * 500_000), "too_large"),
        (lambda: workbook(app="<x>" + "<y/>" * MAX_TAGS + "</x>"), "too_large"),
        (lambda: workbook(styles=" " * 17_000_000), "too_large"),
        (lambda: cells(MAX_CELLS // 50, 50), "too_many_cells"),
        (lambda: workbook(method=zipfile.ZIP_LZMA), "not_a_workbook"),
        (lambda: b"PK\x03\x04" * 500_000, "not_a_workbook"),
    ],
    ids=[
        "wide", "cells", "rows", "nested", "part", "unpacked", "filled", "packed", "signatures",
    ],
)  # fmt: skip
def test_a_workbook_over_the_limits_is_refused_in_time(
    content: Callable[[], bytes], code: str
) -> None:
    given = content()
    with pytest.raises(SpreadsheetError) as refused:
        read_sheets(given, name="x")
    assert [issue.code for issue in refused.value.issues] == [code]


@pytest.mark.slow
def test_a_workbook_up_to_the_limit_of_cells_is_read() -> None:
    [sheet] = read_workbook(cells(MAX_CELLS // 50 - 1, 50))
    assert sum(len(line.cells) for line in sheet.lines) == MAX_CELLS


@pytest.mark.slow
def test_a_workbook_that_takes_more_than_its_header_tells_is_413() -> None:
    formats = "".join(f'<numFmt numFmtId="{n}" formatCode="0"/>' for n in range(300_000))
    given = workbook(styles=f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts></styleSheet>')
    with pytest.raises(TooLarge):
        asyncio.run(call_bounded(Limits(cpu_seconds=1), read_sheets, given, name="x"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a" * 2_000_000, "not_csv"),
        (b"a\n" + b"b" * 40_000, "not_csv"),
        (b"a" + b"\n" * 2_000_000, "not_csv"),
        (b"a\n" * 20_001, "too_many_rows"),
        (b'"' + b"\n" * 2_000_000 + b'"', "not_csv"),
        (b"a;" * 300, "too_many_columns"),
        (b";".join(b"c%d" % n for n in range(60)) + b"\n" + (b"1;" * 59 + b"1\n") * 900,
         "too_many_cells"),
    ],
    ids=["line", "cell", "lines", "rows", "quote", "columns", "cells"],
)  # fmt: skip
def test_a_csv_file_over_the_limits_is_refused_in_time(content: bytes, code: str) -> None:
    with pytest.raises(SpreadsheetError) as refused:
        read_sheets(content, name="x")
    assert [issue.code for issue in refused.value.issues] == [code]


def test_the_error_of_a_file_is_the_same_from_another_process() -> None:
    with pytest.raises(SpreadsheetError) as here:
        read_sheets(b" ", name="x")
    with pytest.raises(SpreadsheetError) as there:
        asyncio.run(call_bounded(Limits(), read_sheets, b" ", name="x"))
    assert there.value.issues == here.value.issues
