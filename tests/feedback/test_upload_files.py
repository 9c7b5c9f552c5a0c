"""Files as offices really save them: read as they are meant, or refused by sheet and cell."""

import io
import os
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import httpx
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Border, Side
from openpyxl.worksheet.worksheet import Worksheet

from services.feedback.statistics import upload_routes
from services.platform.bounded_process import Limits
from services.platform.spreadsheets.model import CSV, ODS, XLSX
from services.platform.spreadsheets.reading import ENCRYPTED, OLE_SIGNATURE
from tests.conftest import Room, agency_caller
from tests.feedback.conftest import new_agency
from tests.feedback.sending import USAGE, expect_reports, summary
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

pytestmark = pytest.mark.slow

ROW = ("ktp", "loket", "2024-03", 10, 9, None)
CHANGED_FILES = int(os.environ.get("EMALL_EXAMPLES", "25"))


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
    "ODS with rows in groups, one within the other": lambda: ods(
        "<table:table-row-group><table:future-group>",
        ods_row(*map(ods_cell, ROW)),
        "</table:future-group></table:table-row-group>",
    ),
    "ODS with a month and a figure only in attributes or only as text": lambda: ods(
        ods_row(
            ods_cell("ktp"),
            ods_cell("loket"),
            '<table:table-cell office:value-type="string" office:string-value="2024-03"/>',
            '<table:table-cell office:value-type="float"><text:p>10</text:p></table:table-cell>',
            ods_cell(9),
        )
    ),
    "ODS with a tab and blanks as elements": lambda: ods(
        ods_row(
            ods_cell("ktp"),
            ods_cell("loket"),
            '<table:table-cell office:value-type="string"><text:p>Maret<text:tab/><text:s/>2024'
            "</text:p></table:table-cell>",
            *map(ods_cell, (10, 9)),
        )
    ),
    "a service, a channel and a figure with marks that nobody sees": lambda: workbook(
        ("\u200bktp\u00a0", "\ufeffloket", "2024-03\u200e", "\u200e10", "9\u2060", None)
    ),
    "CSV with line breaks and quotation marks in a reason": lambda: table(
        (*ROW[:5], '"satu\r\n""dua"""')
    ).encode(),
    "CSV with commas and thousands in quotation marks": lambda: table(
        ("ktp", "loket", "2024-03", '"10,00"', '"9"', ""), between=","
    ).encode(),
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
    "figures and months that merged cells cover": (
        lambda: rewritten(
            workbook(ROW, (*ROW[:2], "2024-04", 5, 4, None)),
            "xl/worksheets/sheet1.xml",
            lambda text: text.replace(
                "</sheetData>",
                '</sheetData><mergeCells count="2"><mergeCell ref="C2:C3"/>'
                '<mergeCell ref="D2:E2"/></mergeCells>',
            ),
        ),
        {"#/Statistik/C3": "C2:C3", "#/Statistik/E2": "D2:E2"},
    ),
    "a figure that a merged cell of ODS covers": (
        lambda: ods(
            ods_row(
                *map(ods_cell, ROW[:3]),
                ods_cell(10, ' table:number-columns-spanned="2"'),
                ods_cell(9).replace("table:table-cell", "table:covered-table-cell"),
            )
        ),
        {"#/Statistik/E2": "D2:E2"},
    ),
    "two rows with one number": (
        lambda: rewritten(
            workbook(ROW, (*ROW[:2], "2024-04", 5, 4, None)),
            "xl/worksheets/sheet1.xml",
            lambda text: re.sub(r'r="([A-F]?)3"', r'r="\g<1>2"', text),
        ),
        {"#/Statistik/A2": "dua kali"},
    ),
    "cells that are not in order": (
        lambda: rewritten(
            workbook(ROW),
            "xl/worksheets/sheet1.xml",
            lambda text: text.replace('r="E2"', 'r="C2"'),
        ),
        {"#/Statistik/C2": "tidak urut"},
    ),
    "an error beside which an older program stored 0": (
        lambda: ods(
            ods_row(
                *map(ods_cell, ROW[:3]),
                ods_cell(0, ' table:formula="of:=x"').replace("<text:p>0", "<text:p>#NAME?"),
                ods_cell(0, ' table:formula="of:=y"').replace("<text:p>0", "<text:p>Err:508"),
            )
        ),
        {"#/Statistik/D2": "#NAME?", "#/Statistik/E2": "Err:508"},
    ),
    "a row of ODS that is repeated less than once": (
        lambda: ods(ods_row(*map(ods_cell, ROW), more=' table:number-rows-repeated="-1"')),
        {"#/(file)/A1": "bukan buku kerja"},
    ),
    "a workbook of ODF as one XML file": (
        lambda: zipfile.ZipFile(io.BytesIO(ods(ods_row(*map(ods_cell, ROW))))).read("content.xml"),
        {"#/(file)/A1": "XML"},
    ),
    "a quotation mark in CSV that is not closed": (
        lambda: table((*ROW[:5], '"satu'), (*ROW[:2], "2024-04", 5, 4, "")).encode(),
        {"#/(file)/A1": "baris 2"},
    ),
    "a comma in a figure of CSV with commas": (
        lambda: table((*ROW[:3], "1,234", 9, ""), between=",").encode(),
        {"#/Statistik/A2": "koma"},
    ),
    "a span of months": (
        lambda: workbook((*ROW[:2], "2024-01 s.d. 2024-03", 10, 9, None)),
        {"#/Statistik/C2": "bukan bulan"},
    ),
    "a reason without figures": (
        lambda: workbook(ROW, (*ROW[:2], "2024-04", None, None, "kantor tutup")),
        {"#/Statistik/F3": "tidak berisi angka"},
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


Figures = dict[tuple[str, str], int]
"""Figures by month and measure."""


def mutate(rng: random.Random) -> tuple[bytes, Figures]:
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
    kind = rng.choice(["xlsx", "ods", "csv"])
    if kind == "ods":
        return mutated_ods(rng, rows, figures)
    if kind == "csv":
        return mutated_csv(rng, rows, figures)
    return mutated_xlsx(rng, rows, figures)


def mutated_xlsx(  # noqa: PLR0912 - a list of changes
    rng: random.Random, rows: list[list[Any]], figures: Figures
) -> tuple[bytes, Figures]:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Statistik"
    for row in (HEADS, *rows):
        sheet.append(row)
    last = len(rows) + 1
    change = rng.randrange(14)
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
        number = rng.randrange(2, last + 1)
        year, month = map(int, rows[number - 2][2].split("-"))
        sheet[f"C{number}"] = date(year, month, 1)
    elif change == 6:
        sheet.append(["JUMLAH", None, None, 7, 7])
    elif change == 7:
        sheet.append(rows[0])  # the same row twice
    elif change == 9:
        sheet.row_dimensions[rng.randrange(1, last + 1)].hidden = True
    elif change == 10:
        sheet[f"{rng.choice('ABCDEF')}{rng.randrange(1, last + 1)}"] = rng.choice(
            ["\u200b", " ", "#N/A", "?", "-", 3.5, True]
        )
        # What stands in the cell now is what a person sees.
        return saved(book), seen_in(sheet)
    content = saved(book)
    if change == 11:  # a row number twice, or a cell
        number = rng.randrange(2, last + 1)
        return rewritten(
            content,
            "xl/worksheets/sheet1.xml",
            lambda text: text.replace(f'r="E{number}"', f'r="{rng.choice("CD")}{number}"'),
        ), figures
    if change == 12 and last > 2:
        return rewritten(
            content,
            "xl/worksheets/sheet1.xml",
            lambda text: re.sub(r'r="([A-F]?)3"', r'r="\g<1>2"', text),
        ), figures
    if change == 13:
        return content[: rng.randrange(100, len(content))], figures
    if change == 8:
        content = rewritten(
            content,
            "xl/worksheets/sheet1.xml",
            lambda text: text.replace("<dimension ref=", '<dimension ref="A1:B1" x='),
        )
    return content, figures


def seen_in(sheet: Worksheet) -> Figures:
    """Return the whole numbers of a table, as far as their row has a month."""
    return {
        (str(row[2]), measure): value
        for row in sheet.iter_rows(min_row=2, values_only=True)
        for measure, value in zip(("submitted", "completed"), row[3:5], strict=True)
        if isinstance(value, int) and not isinstance(value, bool)
    }


def mutated_ods(
    rng: random.Random, rows: list[list[Any]], figures: Figures
) -> tuple[bytes, Figures]:
    cells = [[ods_cell(value) for value in row] for row in rows]
    row = rng.choice(cells)
    change = rng.randrange(10)
    more: dict[str, str] = {}
    if change == 0:
        row[3] = ods_cell(None, ' table:formula="of:=1+1"')
    elif change == 1:
        row.append(ods_cell(rng.randrange(9)))
        row.append(ods_cell(rng.randrange(9)))
    elif change == 2:
        year, month = map(int, rows[cells.index(row)][2].split("-"))
        row[2] = ods_cell(date(year, month, 1))
    elif change == 3:
        cells.insert(0, [ods_cell("REKAP")])
    elif change == 4:
        more = {
            "style": ' table:style-name="ta2"',
            "styles": '<style:style style:name="ta2"><style:table-properties '
            'table:display="false"/></style:style>',
        }
    elif change == 5:
        row[3] = ods_cell("banyak")
    elif change == 6:
        row[3] = ods_cell(0, ' table:formula="of:=x"').replace("<text:p>0", "<text:p>Err:502")
    elif change == 7:
        row[3] = ods_cell(7, ' table:number-columns-spanned="2"')
        row[4] = row[4].replace("table:table-cell", "table:covered-table-cell")
    elif change == 8:
        row[4] = row[4].replace(
            " office", f' table:number-columns-repeated="{rng.choice([0, -1])}" office', 1
        )
    elif change == 9:
        wrapped = [f"<table:some-group>{ods_row(*each)}</table:some-group>" for each in cells]
        return ods(*wrapped), figures
    return ods(*(ods_row(*each) for each in cells), **more), figures


def mutated_csv(
    rng: random.Random, rows: list[list[Any]], figures: Figures
) -> tuple[bytes, Figures]:
    between = rng.choice(";,\t")
    text = table(*rows, between=between).replace("None", "")
    change = rng.randrange(9)
    if change == 0:
        text = f"REKAP 2024\r\n\r\n{text}"
    elif change == 1:
        text = f"sep={between}\r\n{text}"
    elif change == 2:
        text += f"ktp{between}loket{between}2024-13{between}1\r\n"
    elif change == 3:
        text = text.replace("\r\n", rng.choice(["\n", "\r", "\n\n"]))
    elif change == 4:
        text = text.replace("\r\n", f'{between}"a\r\nb"\r\n', 1)  # a heading too many
    elif change == 5:
        text = text.replace("2024-", '"2024-', 1)  # never closed
    elif change == 6:
        number = next(iter(figures.values()))
        text = text.replace(f"{between}{number}{between}", f"{between}1,{number:03}{between}", 1)
    elif change == 7:
        text = text.replace(between, ";" if between == "," else ",")
    return text.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"])), figures


def send_mutated(
    office: Room, agency: str, rng: random.Random, content: bytes
) -> tuple[httpx.Response, list[str]]:
    """Upload a file as some client does, and return how it was sent."""
    kind = rng.choice([XLSX, ODS, CSV, "application/octet-stream"])
    headers = office.token(agency_caller(agency, "usage:write"))
    path = f"{USAGE}/statistics/upload"
    if rng.random() < 0.4:
        name = rng.choice(["file", "berkas"])
        part = {name: ("rekap.xls", content, kind)}
        return office.client.post(path, files=part, headers=headers), [name, kind]
    headers["Content-Type"] = kind
    return office.client.post(path, content=content, headers=headers), [kind]


async def read_here(_: Limits, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Read a file in this process: to start one for each takes most of the time."""
    return function(*given, **named)


def test_of_changed_files_what_is_stored_is_what_was_told(
    office: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`EMALL_EXAMPLES=500` is the thorough run."""
    monkeypatch.setattr(upload_routes, "call_bounded", read_here)
    agencies = [new_agency() for _ in range(CHANGED_FILES)]
    expect_reports(office, *((agency, "ktp") for agency in agencies))
    read = named = 0
    for seed, agency in enumerate(agencies):
        rng = random.Random(seed)
        content, figures = mutate(rng)
        answer, way = send_mutated(office, agency, rng, content)
        span = {"from": "2024-01-01", "to": "2024-12-31", "agency": agency}
        found = {
            (item["month"], item["measure"]): item["value"]
            for item in summary(office, **span, group_by="month").json()["items"]
        }
        context = seed, way, answer.text
        if answer.status_code == 200:
            told = {
                (item["period"], item["measure"]): item["value"] for item in answer.json()["items"]
            }
            assert found == told == figures, context
            read += 1
        else:
            errors = answer.json().get("errors", [])
            assert answer.status_code in {415, 422}, context
            assert answer.status_code == 415 or all(error["detail"] for error in errors), context
            assert errors, context
            assert found == {}, context
            named += 1
    assert min(read, named) > CHANGED_FILES // 5
