"""Tables as CSV, for spreadsheets in Indonesian and for programs."""

import csv
import io
from datetime import date

import pytest

from services.platform.spreadsheets.csv_export import CsvValue, write_csv
from services.platform.spreadsheets.reading import read_sheets

HEADER = ["kode", "nilai"]
ROW: list[CsvValue] = ["a;b,c", 1234.5]


def test_spreadsheets_in_indonesian_open_columns_and_decimal_commas() -> None:
    content = write_csv(HEADER, [ROW])
    assert content == b'\xef\xbb\xbfkode;nilai\r\n"a;b,c";1234,5\r\n'
    [sheet] = read_sheets(content, name="kode")
    assert [len(line.cells) for line in sheet.lines] == [2, 2]


def test_programs_get_the_form_of_rfc_4180() -> None:
    content = write_csv(HEADER, [ROW], delimiter="comma")
    assert content == b'kode,nilai\r\n"a;b,c",1234.5\r\n'
    assert list(csv.reader(io.StringIO(content.decode()))) == [HEADER, ["a;b,c", "1234.5"]]


@pytest.mark.parametrize("delimiter", ["semicolon", "comma"])
@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+62", "'+62"),
        ("@a", "'@a"),
        ("\t=1", "'\t=1"),
        ("-", "'-"),
        (-3, "-3"),
        (True, "true"),
        (None, ""),
        (date(2026, 1, 5), "2026-01-05"),
    ],
)
def test_a_text_like_a_formula_stays_a_text(value: CsvValue, written: str, delimiter: str) -> None:
    content = write_csv(["x"], [[value]], delimiter=delimiter)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    text = content.decode("utf-8-sig").removeprefix("x\r\n")
    assert next(csv.reader(io.StringIO(text)), [""]) == [written]


def test_a_negative_number_is_no_formula() -> None:
    assert write_csv(["x"], [[-0.5]]).endswith(b"\r\n-0,5\r\n")
    assert write_csv(["x"], [[1e-7]]).endswith(b"\r\n1e-07\r\n")
