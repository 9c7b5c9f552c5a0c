"""Weighted kappa: published worked examples, and what any agreement must satisfy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assessment.scoring.agreement import linear_weights, weighted_kappa

COHEN_1968 = [[88, 10, 2], [14, 40, 6], [18, 10, 12]]
"""Cohen (1968), table 1: two judges and 200 cases."""
DISAGREEMENTS = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
"""His weights of disagreement for its cells."""

SEXUAL_FUN = [[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]]
"""Hout, Duncan and Sobel (1987), table 1: 91 couples, in R's package vcd."""


def test_the_example_of_cohen() -> None:
    weights = [[1 - v / 6 for v in row] for row in DISAGREEMENTS]
    found = weighted_kappa(COHEN_1968, weights)
    assert found is not None
    assert round(found.kappa, 3) == 0.348
    plain = weighted_kappa(COHEN_1968, [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert plain is not None
    assert round(plain.kappa, 3) == 0.492


def test_linear_weights_and_their_standard_error_as_vcd_prints_them() -> None:
    found = weighted_kappa(SEXUAL_FUN, linear_weights(4))
    assert found is not None
    assert (round(found.kappa, 4), round(found.standard_error, 5)) == (0.2374, 0.07832)
    low, high = found.interval
    assert (round(low, 4), round(high, 4)) == (0.0839, 0.3909)


TABLES = st.lists(
    st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3
).filter(lambda table: sum(map(sum, table)) > 0)


@pytest.mark.slow
@given(TABLES)
def test_kappa_is_symmetric_and_within_its_interval(table: list[list[int]]) -> None:
    weights = linear_weights(3)
    found = weighted_kappa(table, weights)
    turned = weighted_kappa([list(row) for row in zip(*table, strict=True)], weights)
    if found is None or turned is None:
        assert found is turned
        return
    assert found.kappa == pytest.approx(turned.kappa)
    assert found.standard_error == pytest.approx(turned.standard_error)
    assert found.kappa <= 1 + 1e-12
    low, high = found.interval
    assert -1 <= low <= max(found.kappa, -1) + 1e-12
    assert found.kappa <= high + 1e-12


@given(st.integers(1, 9), st.integers(1, 9))
def test_perfect_agreement_is_1_and_one_category_alone_says_nothing(first: int, last: int) -> None:
    found = weighted_kappa([[first, 0, 0], [0, 0, 0], [0, 0, last]], linear_weights(3))
    assert found is not None
    assert found.kappa == pytest.approx(1)
    assert weighted_kappa([[first, 0], [0, 0]], linear_weights(2)) is None
    assert weighted_kappa([[0, 0], [0, 0]], linear_weights(2)) is None
