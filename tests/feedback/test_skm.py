"""The satisfaction index: exact by the regulation's example, lawful on any answers."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.surveys.skm import (
    ELEMENTS,
    WEIGHTS,
    Grade,
    Weight,
    grade,
    ikm_of_totals,
    ikm_result,
    two_decimals,
)

TOTALS = (105, 101, 100, 116, 102, 105, 106, 105, 115)
N = 29

WEIGHT = st.sampled_from(sorted(WEIGHTS))
RESPONSES = st.lists(
    # Nine levels in one number: drawn one by one they would take most of the time.
    st.integers(0, 4**9 - 1).map(
        lambda number: {code: 1 + number // 4**n % 4 for n, code in enumerate(ELEMENTS)}
    ),
    min_size=1,
    max_size=20,
)


@pytest.mark.parametrize(("weight", "ikm"), [("1/9", "91.48"), ("0.11", "90.56")])
def test_the_worked_example(weight: Weight, ikm: str) -> None:
    assert ikm_of_totals(TOTALS, N, weight=weight) == Decimal(ikm)


@pytest.mark.parametrize(
    ("ikm", "expected"),
    [
        ("25.00", "D"),
        ("64.99", "D"),
        ("65.00", "C"),
        ("76.60", "C"),
        ("76.61", "B"),
        ("88.30", "B"),
        ("88.31", "A"),
        ("100.00", "A"),
    ],
)
def test_grades_change_at_the_limits_of_the_regulation(ikm: str, expected: Grade) -> None:
    assert grade(Decimal(ikm)) == expected


def test_below_the_scale_there_is_no_grade() -> None:
    with pytest.raises(ValueError, match=r"at least 25\.00"):
        grade(Decimal("24.99"))


def test_without_a_response_there_is_no_index() -> None:
    with pytest.raises(ValueError, match="at least one response"):
        ikm_of_totals([0] * 9, 0)
    with pytest.raises(ValueError, match="at least one response"):
        ikm_result([])


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        (Fraction(1, 200), "0.01"),
        (Fraction(1, 200) - Fraction(1, 10**9), "0.00"),
        (Fraction(7665, 100) + Fraction(5, 1000), "76.66"),
        (Fraction(1, 3), "0.33"),
        (Fraction(2, 3), "0.67"),
    ],
)
def test_halves_are_rounded_up(exact: Fraction, rounded: str) -> None:
    assert two_decimals(exact) == Decimal(rounded)


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_rounding_is_off_by_at_most_half_a_hundredth_and_half_is_up(over: int, under: int) -> None:
    exact = Fraction(over, under)
    rounded = two_decimals(exact)
    assert rounded.as_tuple().exponent == -2
    assert Fraction(-1, 200) < Fraction(rounded) - exact <= Fraction(1, 200)


@given(RESPONSES, WEIGHT)
def test_an_index_lies_on_its_scale_and_in_its_interval(
    responses: list[dict[str, int]], weight: Weight
) -> None:
    result = ikm_result(responses, weight=weight)
    lowest, highest = (
        (Decimal("25.00"), Decimal("100.00"))
        if weight == "1/9"
        else (Decimal("24.75"), Decimal("99.00"))
    )
    assert lowest <= result.low <= result.ikm <= result.high <= highest
    assert result.n == len(responses)


@given(RESPONSES, WEIGHT)
def test_an_index_is_the_mean_of_all_answers_on_its_scale(
    responses: list[dict[str, int]], weight: Weight
) -> None:
    result = ikm_result(responses, weight=weight)
    answers = sum(sum(response.values()) for response in responses)
    exact = (
        Fraction(25 * answers, len(responses))
        * {
            "1/9": Fraction(1, 9),
            "0.11": Fraction(11, 100),
        }[weight]
    )
    scaled = Decimal(exact.numerator * 100) / Decimal(exact.denominator)
    assert result.ikm * 100 == scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    for element in result.elements:
        assert element.total == sum(response[element.code] for response in responses)
        assert 1 <= element.nrr == Fraction(element.total, len(responses)) <= 4


@given(RESPONSES, WEIGHT, st.data())
def test_a_better_answer_never_lowers_the_index_or_its_grade(
    responses: list[dict[str, int]], weight: Weight, data: st.DataObject
) -> None:
    whose = data.draw(st.integers(0, len(responses) - 1))
    which = data.draw(st.sampled_from(ELEMENTS))
    better = [dict(response) for response in responses]
    better[whose][which] = min(4, better[whose][which] + 1)
    before, after = ikm_result(responses, weight=weight), ikm_result(better, weight=weight)
    assert before.ikm <= after.ikm
    assert before.grade >= after.grade  # A is the best and the first letter


@given(RESPONSES, WEIGHT)
def test_the_order_of_respondents_and_their_repetition_do_not_move_the_index(
    responses: list[dict[str, int]], weight: Weight
) -> None:
    result = ikm_result(responses, weight=weight)
    assert ikm_result(responses[::-1], weight=weight) == result
    twice = ikm_result(responses * 2, weight=weight)
    assert (twice.ikm, twice.grade) == (result.ikm, result.grade)
    if len(responses) > 1:
        assert twice.high - twice.low <= result.high - result.low


def test_respondents_who_agree_leave_no_doubt() -> None:
    satisfied: dict[str, int] = dict.fromkeys(ELEMENTS, 3)
    result = ikm_result([satisfied] * 10)
    assert result.low == result.ikm == result.high == Decimal("75.00")


def test_one_respondent_leaves_the_whole_scale_open() -> None:
    result = ikm_result([dict.fromkeys(ELEMENTS, 3)])
    assert (result.low, result.ikm, result.high) == (25, 75, 100)


@given(st.decimals("25.00", "100.00", places=2))
def test_every_index_of_the_scale_has_one_grade(ikm: Decimal) -> None:
    edges = [("D", "25.00", "64.99"), ("C", "65.00", "76.60"), ("B", "76.61", "88.30")]
    edges.append(("A", "88.31", "100.00"))
    assert [name for name, low, high in edges if Decimal(low) <= ikm <= Decimal(high)] == [
        grade(ikm)
    ]
