"""Weighted means against scipy, their order, and weights that sum to one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.assessment.methods.rules import Mean
from services.assessment.scoring.aggregate import mean
from services.assessment.scoring.uncertainty import RandomStreams
from services.assessment.scoring.weights import dirichlet

POSITIVE = st.floats(0.01, 100)
WEIGHTED = st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1, max_size=12)
KINDS: tuple[Mean, ...] = ("arithmetic", "geometric", "harmonic")
THEIRS = {
    "arithmetic": lambda x, w: np.average(x, weights=w),
    "geometric": lambda x, w: stats.gmean(x, weights=w),
    "harmonic": lambda x, w: stats.hmean(x, weights=w),
}


@given(WEIGHTED, st.sampled_from(KINDS))
def test_each_mean_agrees_with_numpy_or_scipy(parts: list[tuple[float, float]], kind: Mean) -> None:
    scores, weights = [score for score, _ in parts], [weight for _, weight in parts]
    assert mean(kind, scores, weights) == pytest.approx(THEIRS[kind](scores, weights))


@given(WEIGHTED)
def test_the_less_is_compensated_the_lower_the_mean(parts: list[tuple[float, float]]) -> None:
    scores, weights = [score for score, _ in parts], [weight for _, weight in parts]
    low, middle, high = (float(mean(k, scores, weights)) for k in reversed(KINDS))
    assert min(scores) - 1e-9 <= low <= middle + 1e-9
    assert middle <= high + 1e-9 <= max(scores) + 2e-9


@given(WEIGHTED, st.sampled_from(KINDS))
def test_draws_are_averaged_one_by_one(parts: list[tuple[float, float]], kind: Mean) -> None:
    weights = [weight for _, weight in parts]
    draws = [np.array([score, score / 2]) for score, _ in parts]
    both = np.asarray(mean(kind, draws, weights))
    for n in (0, 1):
        assert both[n] == pytest.approx(mean(kind, [float(d[n]) for d in draws], weights))


@pytest.mark.parametrize("kind", ["geometric", "harmonic"])
def test_one_zero_makes_a_mean_zero_that_compensates_nothing(kind: Mean) -> None:
    assert mean(kind, [0.0, 100.0], [1.0, 1.0]) == 0
    assert np.asarray(mean(kind, [np.array([0.0, 4.0]), 4.0], [1.0, 3.0])).tolist() == [
        0,
        pytest.approx(4),
    ]


def test_nothing_has_no_mean() -> None:
    with pytest.raises(ValueError, match="nothing has no mean"):
        mean("arithmetic", [], [])


@pytest.mark.slow
@pytest.mark.parametrize("concentration", [0.5, 1, 10])
def test_random_weights_have_the_moments_of_a_dirichlet_distribution(concentration: float) -> None:
    draws = dirichlet(RandomStreams(1, 100_000).uniforms("w", 4), concentration)
    theirs = stats.dirichlet([concentration] * 4)
    assert draws.sum(axis=0) == pytest.approx(1)
    assert draws.min() >= 0
    assert draws.mean(axis=1) == pytest.approx(theirs.mean(), abs=3e-3)
    assert draws.var(axis=1) == pytest.approx(theirs.var(), abs=3e-3)
