"""Numbers and words as Indonesian writes them."""

from datetime import UTC, datetime

import pytest

from services.assessment.reports.wording import (
    as_title,
    band,
    bounds_in_words,
    bounds_text,
    compact_number,
    date_text,
    interval_text,
    join_words,
    lower_first,
    number,
    number_or_dash,
    percent,
    signed,
    whole,
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
        (49.4, None, "Belum memadai"),
        (49.6, None, "Belum optimal"),  # shown as 50
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


def test_ranges_are_rounded_outward_and_a_missing_error_is_named() -> None:
    node = Node(
        code="trust", name="", name_en="", href=None, proven=13.49, possible=87.01, value=40.66,
        interval=Interval(low=39.9, high=42.05, by="simulation"), coverage=0.5, reason=None,
    )  # fmt: skip
    assert (whole(node.value), interval_text(node), bounds_text(node)) == ("41", "39–43", "13–88")
    assert bounds_in_words(node) == "terbukti 13, paling tinggi 88"
    counted = node.model_copy(update={"interval": None})
    unknown = counted.model_copy(update={"value": None, "proven": None})
    assert interval_text(counted) == "tidak diperkirakan"
    assert (interval_text(unknown), bounds_text(unknown), bounds_in_words(unknown)) == (
        "–",
        "–",
        "",
    )
