"""Files as offices really save them: read as they are meant, or refused by sheet and cell."""

import io
import random
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import httpx
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Border, Side
from openpyxl.worksheet.worksheet import Worksheet

from services.feedback.statistics.obligations import ReportedService
from services.feedback.statistics.spreadsheet import read_statistics
from services.platform.spreadsheets.model import SpreadsheetError
from services.platform.spreadsheets.reading import ENCRYPTED, OLE_SIGNATURE, read_sheets
from tests.conftest import Room
from tests.feedback.conftest import new_agency
from tests.feedback.sending import expect_reports, summary
from tests.feedback.sheets import (
    HEADS,
    faults,
    ods,
    ods_cell,
    ods_row,
    saved,
    table,
    upload,
    workbook,
)

ROW = ("ktp", "loket", "2024-03", 10, 9, None)


@pytest.fixture
def agency(office: Room) -> str:
    """Provide an agency with one service."""
    slug = new_agency()
    expect_reports(office, (slug, "ktp"))
    return slug


def changed(
    change: Callable[[Worksheet], object], *rows: Sequence[Any], heads: Sequence[str] = HEADS
) -> bytes:
    """Return a workbook with these rows, changed as somebody would in a program."""
    book = load_workbook(io.BytesIO(workbook(*rows or (ROW,), heads=heads)))
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    change(sheet)
    return saved(book)


def rewritten(content: bytes, part: str, change: Callable[[str], str]) -> bytes:
    """Return a package with another text in one of its parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            target.writestr(name, change(text.decode()).encode() if name == part else text)
    return stream.getvalue()


def stored(answer: httpx.Response) -> list[tuple[str, str, int]]:
    """Return the figures of a receipt: month, measure and value."""
    assert answer.status_code == 200, answer.text
    return sorted(
        (item["period"], item["measure"], item["value"]) for item in answer.json()["items"]
    )


def as_sent(*months: str) -> list[tuple[str, str, int]]:
    return sorted(
        (month, measure, value)
        for month in months
        for measure, value in (("submitted", 10), ("completed", 9))
    )


def another_sheet(sheet: Worksheet, name: str) -> Worksheet:
    assert sheet.parent is not None
    return sheet.parent.create_sheet(name)


def titled(sheet: Worksheet) -> None:
    sheet.insert_rows(1, 3)
    sheet["A1"] = "REKAPITULASI PELAYANAN TAHUN 2024"
    sheet.merge_cells("A1:F1")
    sheet["B2"] = 2024


def bordered(sheet: Worksheet) -> None:
    for number in range(2_000, 30_000, 1_000):
        sheet.cell(number, 1).border = Border(left=Side(style="thin"))


def noted(sheet: Worksheet) -> None:
    another_sheet(sheet, "Catatan").append(["Dikirim oleh bagian umum"])


def signed(sheet: Worksheet) -> None:
    sheet["B5"], sheet["B6"] = "Balige, 5 April 2024", "Kepala Dinas"


READ: dict[str, Callable[[], bytes]] = {
    "titles above the header": lambda: changed(titled),
    "borders on empty rows to row 29,000": lambda: changed(bordered),
    "a sheet of notes": lambda: changed(noted),
    "a signature below the table": lambda: changed(signed),
    "merged service, channel and month": lambda: changed(
        lambda sheet: [sheet.merge_cells(f"{column}2:{column}3") for column in "ABC"],
        (*ROW[:4], None, None),
        (None, None, None, None, 9, None),
    ),
    "a stated size of one cell": lambda: rewritten(
        workbook(ROW),
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace('ref="A1:F2"', 'ref="A1"'),
    ),
    "ODS": lambda: ods(ods_row(*map(ods_cell, ROW))),
    "ODS with the month as a date and a comment in a cell": lambda: ods(
        ods_row(
            ods_cell("ktp"),
            ods_cell("loket"),
            ods_cell(date(2024, 3, 1)),
            ods_cell(10.0).replace(
                "<text:p>",
                "<office:annotation><text:p>periksa</text:p></office:annotation><text:p>",
            ),
            ods_cell(9),
        )
    ),
    "ODS with a service merged over two rows": lambda: ods(
        ods_row(
            ods_cell("ktp", ' table:number-rows-spanned="2"'),
            *map(ods_cell, ("loket", "2024-03", 10)),
        ),
        ods_row("<table:covered-table-cell/>", *map(ods_cell, ("loket", "2024-03", None, 9))),
    ),
    "CSV with a line of title": lambda: ("REKAP 2024;;;\r\n\r\n" + table(ROW)).encode("utf-8-sig"),
    "CSV with two byte-order marks": lambda: ("\ufeff\ufeff" + table(ROW)).encode("utf-8-sig"),
    "CSV after an empty line": lambda: ("\r\n" + table(ROW)).encode("utf-8-sig"),
    "tab-separated text as UTF-16": lambda: table(ROW, between="\t").encode("utf-16"),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_a_file_is_read_as_it_is_meant(
    office: Room, agency: str, content: Callable[[], bytes]
) -> None:
    given = content().replace(b"None", b"")
    assert stored(upload(office, agency, given)) == as_sent("2024-03")


def cell(address: str, value: Any) -> Callable[[Worksheet], None]:
    def change(sheet: Worksheet) -> None:
        sheet[address] = value

    return change


def hidden(sheet: Worksheet) -> None:
    other = another_sheet(sheet, "Lama")
    for row in sheet.iter_rows(values_only=True):
        other.append(row)
    other.sheet_state = "hidden"


def headless(sheet: Worksheet) -> None:
    another_sheet(sheet, "Februari").append(["ktp", "loket", "2024-02", 7])


def stored_zero() -> bytes:
    """Return a workbook whose program wrote 0 beside a formula and asks to be computed."""
    given = changed(cell("D2", "=4+6"))
    return rewritten(
        given,
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace("<v/>", "<v>0</v>").replace("<v></v>", "<v>0</v>"),
    )


REFUSED: dict[str, tuple[Callable[[], bytes], dict[str, str]]] = {
    "formulas that nobody computed": (
        lambda: changed(lambda sheet: (cell("D2", "=4+6")(sheet), cell("E2", "=D2-1")(sheet))),
        {"#/Statistik/D2": "belum dihitung", "#/Statistik/E2": "belum dihitung"},
    ),
    "a zero that a program wrote beside a formula": (
        stored_zero,
        {"#/Statistik/D2": "belum dihitung"},
    ),
    "a month that is a formula": (
        lambda: changed(cell("C2", "=DATE(2024,3,1)")),
        {"#/Statistik/C2": "belum dihitung"},
    ),
    "an error of a formula": (
        lambda: changed(cell("D2", "#REF!")),
        {"#/Statistik/D2": "#REF!"},
    ),
    "a figure in merged cells": (
        lambda: changed(
            lambda sheet: sheet.merge_cells("D2:D3"),
            ROW,
            ("ktp", "loket", "2024-04", None, 5, None),
        ),
        {"#/Statistik/D2": "D2:D3"},
    ),
    "a hidden sheet with figures": (lambda: changed(hidden), {"#/Lama/A1": "tersembunyi"}),
    "a sheet of figures without headings": (
        lambda: changed(headless),
        {"#/Februari/A1": "judul kolom"},
    ),
    "a figure beside the table": (
        lambda: changed(cell("H2", 77)),
        {"#/Statistik/H2": "77"},
    ),
    "a figure in column 300": (
        lambda: changed(cell("KN2", 77)),
        {"#/Statistik/GS2": "200 kolom"},
    ),
    "a row of totals": (
        lambda: changed(cell("F3", None), ROW, ("JUMLAH", None, None, 10, 9, None)),
        {"#/Statistik/A3": "jumlah"},
    ),
    "a time in place of a count": (
        lambda: changed(cell("D2", date(2024, 3, 1))),
        {"#/Statistik/D2": "bukan"},
    ),
    "a wrong cell below titles": (
        lambda: changed(lambda sheet: (titled(sheet), cell("D5", "banyak")(sheet))),
        {"#/Statistik/D5": "banyak"},
    ),
    "an unknown heading below titles": (
        lambda: changed(lambda sheet: (titled(sheet), cell("G4", "petugas")(sheet))),
        {"#/Statistik/G4": "petugas"},
    ),
    "an HTML table": (
        lambda: b"<html><table><tr><td>ktp</td></tr></table></html>",
        {"#/(file)/A1": "HTML"},
    ),
    "an HTML table after a mark": (
        lambda: b"\xef\xbb\xbf\r\n<TABLE border=1><tr><td>ktp</td></tr></TABLE>",
        {"#/(file)/A1": "HTML"},
    ),
    "an XML spreadsheet": (
        lambda: (
            b'<?xml version="1.0"?><Workbook '
            b'xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
        ),
        {"#/(file)/A1": "XML"},
    ),
    "an old workbook": (lambda: OLE_SIGNATURE + b"\0" * 600, {"#/(file)/A1": ".xls"}),
    "a workbook with a password": (
        lambda: OLE_SIGNATURE + b"\0" * 600 + ENCRYPTED,
        {"#/(file)/A1": "sandi"},
    ),
    "ODS with a password": (
        lambda: ods(manifest="<encryption-data/>"),
        {"#/(file)/A1": "sandi"},
    ),
    "ODS with a formula that nobody computed": (
        lambda: ods(
            ods_row(
                *map(ods_cell, ROW[:3]), ods_cell(None, ' table:formula="of:=4+6"'), ods_cell(9)
            )
        ),
        {"#/Statistik/D2": "belum dihitung"},
    ),
    "a hidden sheet of ODS": (
        lambda: ods(
            ods_row(*map(ods_cell, ROW)),
            style=' table:style-name="ta2"',
            styles='<style:style style:name="ta2"><style:table-properties table:display="false"/>'
            "</style:style>",
        ),
        {"#/Statistik/A1": "tersembunyi"},
    ),
    "UTF-16 without a mark": (
        lambda: table(ROW).encode("utf-16-le"),
        {"#/(file)/A1": "bukan XLSX"},
    ),
}


@pytest.mark.parametrize(("content", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_named_with_its_cell_and_nothing_is_stored(
    office: Room, agency: str, content: Callable[[], bytes], expected: dict[str, str]
) -> None:
    found = faults(upload(office, agency, content()))
    for pointer, words in expected.items():
        assert words in found.get(pointer, ""), found
    sums = summary(office, **{"from": "2024-01-01", "to": "2024-12-31", "agency": agency})
    assert sums.json()["items"] == []


def test_a_refusal_speaks_the_language_of_the_reader(office: Room, agency: str) -> None:
    english = faults(upload(office, agency, changed(cell("D2", "=4+6")), lang="en"))
    assert "never computed" in english["#/Statistik/D2"]


def mutate(rng: random.Random) -> tuple[bytes, dict[tuple[str, str], int]]:
    """Return a file changed at random, and the figures that a person sees in it."""
    months = rng.sample([f"2024-{month:02}" for month in range(1, 13)], rng.randrange(1, 5))
    figures = {
        (month, measure): rng.randrange(500)
        for month in months
        for measure in ("submitted", "completed")
    }
    rows = [
        ["ktp", "loket", month, figures[month, "submitted"], figures[month, "completed"], None]
        for month in months
    ]
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Statistik"
    for row in (HEADS, *rows):
        sheet.append(row)
    last = len(rows) + 1
    change = rng.randrange(8)
    if change == 0:
        sheet[f"D{rng.randrange(2, last + 1)}"] = "=1+1"
    elif change == 1:
        sheet.insert_rows(1, rng.randrange(1, 6))
    elif change == 2:
        sheet.merge_cells(start_row=2, end_row=last, start_column=4, end_column=4)
    elif change == 3:
        hidden(sheet)
    elif change == 4:
        sheet.cell(rng.randrange(1, 40), rng.randrange(7, 260), rng.randrange(9))
    elif change == 5:
        sheet[f"C{rng.randrange(2, last + 1)}"] = date(2024, rng.randrange(1, 13), 1)
    elif change == 6:
        return table(*rows, between=rng.choice(";,\t")).replace("None", "").encode(
            rng.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"])
        ), figures
    content = saved(book)
    if change == 7:
        content = rewritten(
            content,
            "xl/worksheets/sheet1.xml",
            lambda text: text.replace("<dimension ref=", '<dimension ref="A1:B1" x='),
        )
    return content, figures


def test_of_500_changed_files_everything_is_read_or_something_is_named() -> None:
    """What is stored is what `read_statistics` returns: the tests above send it over HTTP."""
    services = [ReportedService("ktp", "KTP", ("counter",))]
    read = named = 0
    for seed in range(500):
        content, figures = mutate(random.Random(seed))
        try:
            rows = read_statistics(
                read_sheets(content, name="Statistik"),
                agency="dukcapil",
                services=services,
                latest=date(2026, 1, 1),
                language="id",
            )
        except SpreadsheetError as error:
            named += bool(error.issues)
            continue
        found = [value for row in rows for value in row.statistic.counters.recorded().values()]
        assert sorted(found) == sorted(figures.values()), seed
        read += 1
    assert read > 100
    assert named > 100
