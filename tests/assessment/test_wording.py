"""Numbers and words as Indonesian writes them."""

from datetime import UTC, datetime

import pytest

from services.assessment.reports.wording import (
    as_title,
    band,
    compact_number,
    date_text,
    join_words,
    lower_first,
    number,
    number_or_dash,
    percent,
    signed,
)
from services.assessment.scoring.scores import Interval, Node


def test_numbers_have_a_decimal_comma_and_points_between_thousands() -> None:
    assert (number(48.0922), number(1234567.891, 2), number(0, 0)) == ("48,1", "1.234.567,89", "0")
    assert (number_or_dash(None), percent(0.5625), percent(0.125, 1)) == ("–", "56%", "12,5%")
    assert (
        compact_number(3.185),
        compact_number(0.4),
        compact_number(100.0),
        compact_number(0.205),
    ) == (
        "3,185",
        "0,40",
        "100",
        "0,205",
    )


def test_a_difference_has_its_sign_and_one_that_is_shown_as_zero_has_none() -> None:
    assert (signed(1.25), signed(-1.26, 2), signed(-0.001), signed(None)) == (
        "+1,2",
        "−1,26",
        "0,0",
        "–",
    )


def test_a_day_is_that_of_the_regency() -> None:
    evening = datetime(2025, 3, 31, 20, tzinfo=UTC)
    assert date_text(evening, "Asia/Jakarta") == "1 April 2025"
    assert date_text(evening, "UTC") == "31 Maret 2025"


def test_words_are_joined_and_set_as_in_a_sentence_and_in_a_title() -> None:
    assert join_words([]) == ""
    assert join_words(["a", "b"]) == "a dan b"
    assert join_words(["a", "b", "c"]) == "a, b, dan c"
    assert lower_first("Saling percaya") == "saling percaya"
    assert lower_first("SPBE") == "SPBE"
    assert as_title("Nilai menurut dimensi dan unsur") == "Nilai Menurut Dimensi dan Unsur"


@pytest.mark.parametrize(
    ("value", "ends", "expected"),
    [
        (None, None, "Bukti belum cukup"),
        (49.99, None, "Belum memadai"),
        (50, None, "Belum optimal"),
        (75, None, "Baik"),
        (44, (29, 58), "Belum memadai hingga belum optimal"),
        (62, (51, 74), "Belum optimal"),
    ],
)
def test_the_word_for_a_score_covers_its_interval(
    value: float | None, ends: tuple[float, float] | None, expected: str
) -> None:
    interval = Interval(low=ends[0], high=ends[1], by="simulation") if ends else None
    node = Node(
        code="trust",
        name="",
        name_en="",
        value=value,
        interval=interval,
        coverage=1,
        reason=None,
        href=None,
    )
    assert band(node) == expected
