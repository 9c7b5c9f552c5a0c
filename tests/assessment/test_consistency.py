"""Correlations and Cronbach's alpha against independent formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from services.assessment.scoring.consistency import consistency, cronbach_alpha
from services.assessment.scoring.uncertainty import Draws

TABLES = arrays(
    np.float64,
    st.tuples(st.integers(3, 12), st.integers(2, 6)),
    elements=st.integers(0, 100).map(float),
).filter(lambda table: np.ptp(table, axis=0).min() > 0 and np.ptp(table.sum(axis=1)) > 0)


@pytest.mark.slow
@given(TABLES)
def test_alpha_agrees_with_the_variances_of_the_items_and_of_their_sum(table: Draws) -> None:
    k = table.shape[1]
    items, whole = table.var(axis=0, ddof=1).sum(), table.sum(axis=1).var(ddof=1)
    expected = k / (k - 1) * (1 - items / whole)
    assert cronbach_alpha(np.cov(table.T)) == pytest.approx(expected, abs=1e-6, rel=1e-6)


@pytest.mark.slow
@given(TABLES)
def test_correlations_agree_with_scipy(table: Draws) -> None:
    names = [f"n{column}" for column in range(table.shape[1])]
    for found in consistency(names, table).correlations:
        pair = table[:, [names.index(found.one), names.index(found.other)]].T
        assert found.r == pytest.approx(stats.pearsonr(*pair)[0], abs=6e-5)
        assert found.n == len(table)


def test_parts_that_are_one_and_the_same_are_wholly_consistent() -> None:
    column = np.array([1.0, 5, 3, 9])
    found = consistency(["a", "b", "c"], np.stack([column, column, column], axis=1))
    assert (found.alpha, found.reason) == (1, None)
    assert [one.r for one in found.correlations] == [1, 1, 1]


def test_gaps_are_excluded_and_too_few_cases_reported() -> None:
    table = np.array([[1.0, 2, np.nan], [2, 4, np.nan], [4, 7, 1], [6, 9, 2]])
    found = consistency(["a", "b", "c"], table)
    assert (found.alpha, found.cases) == (None, 2)
    assert found.reason == "2 cases have every value, at least 3 are needed"
    assert [(one.n, one.r is None) for one in found.correlations] == [
        (4, False),
        (2, True),
        (2, True),
    ]


def test_what_does_not_vary_has_no_consistency() -> None:
    assert consistency(["a", "b"], np.ones((5, 2))).reason == (
        "the values do not vary, or there is a single node"
    )
