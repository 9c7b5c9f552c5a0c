"""Counts, months and channels as people in Indonesia write them."""

from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.statistics.counters import MAX_COUNT
from services.feedback.statistics.number_parsing import (
    CellValueError,
    parse_channel,
    parse_count,
    parse_month,
)
from services.platform.translation import translator


@given(st.integers(0, MAX_COUNT))
def test_a_count_is_read_in_every_way_in_which_indonesians_write_it(count: int) -> None:
    grouped = f"{count:,}"
    written = [count, str(count), grouped.replace(",", "."), grouped.replace(",", " ")]
    written += [f"{grouped.replace(',', '.')},00", f"{count},0", f"{count}.0", f" {count}\u00a0"]
    assert {parse_count(cell) for cell in written} == {count}


@pytest.mark.parametrize(("cell", "count"), [("nihil", 0), ("NIHIL", 0), ("0", 0), ("007", 7)])
def test_zero_can_be_written_in_words(cell: str, count: int) -> None:
    assert parse_count(cell) == count


@pytest.mark.parametrize(
    ("cell", "trouble"),
    [
        (1.5, "fraction"),
        ("1,5", "fraction"),
        ("1.5", "fraction"),
        ("1,234", "fraction"),
        ("1.234,5", "fraction"),
        (-3, "negative"),
        ("-3", "negative"),
        ("−3", "negative"),
        ("-", "dash"),
        ("–", "dash"),
        ("tidak ada", "not_a_number"),
        ("12 berkas", "not_a_number"),
        ("1.23.456", "not_a_number"),
        ("١٢", "not_a_number"),
        (True, "not_a_number"),
        (date(2024, 3, 1), "not_a_number"),
        (MAX_COUNT + 1, "too_many"),
        ("9" * 40, "too_many"),
        (1e300, "too_many"),
    ],
)
def test_what_is_no_count_is_refused_and_never_guessed(cell: Any, trouble: str) -> None:
    with pytest.raises(CellValueError) as refused:
        parse_count(cell)
    assert refused.value.code == trouble


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_month_is_read_in_every_way_in_which_spreadsheets_show_it(day: date) -> None:
    name = translator("id").month_name(day.month)
    written = [
        day,
        f"{day:%Y-%m}",
        f"{day:%Y-%m-%d}",
        f"{day:%Y/%m}",
        f"{day:%m/%Y}",
        f"{day.month}/{day.year}",
        f"{day:%d/%m/%Y}",
        int(f"{day:%Y%m}"),
        translator("id").month(day),
        translator("en").month(day),
        f"{name.upper()}  {day.year}",
        f"{name[:3]} {day.year}",
        f"{name[:3]}-{day:%y}",
        f"{day.day} {name} {day.year}",
    ]
    assert {parse_month(cell) for cell in written} == {day.replace(day=1)}


@pytest.mark.parametrize("cell", ["Pebruari 2024", "Nopember 2024", "Sept 2024", "Agt-24"])
def test_older_spellings_and_short_forms_are_known(cell: str) -> None:
    assert parse_month(cell).year == 2024


@pytest.mark.parametrize(
    "cell", ["2024", "13/2024", "2024-00", "Maret", "Marit 2024", "1999-03", "", 45352.5, True]
)
def test_what_is_no_month_is_refused(cell: Any) -> None:
    with pytest.raises(CellValueError):
        parse_month(cell)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(cell: str) -> None:
    for read in (parse_count, parse_month, parse_channel):
        with suppress(CellValueError):
            read(cell)


def test_a_channel_is_known_by_its_code_and_its_indonesian_name() -> None:
    assert {parse_channel(cell) for cell in ("Loket", "counter", " LOKET ")} == {"counter"}
    with pytest.raises(CellValueError):
        parse_channel("merpati")
