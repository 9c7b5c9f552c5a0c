"""Intervals against an independent implementation; draws that depend on nothing but their name."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.assessment.scoring.uncertainty import (
    BootstrapMean,
    RandomStreams,
    beta_posterior,
    central_interval,
    normal,
    uniform_between,
)
from services.platform.confidence import wilson_interval

SAMPLES = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(SAMPLES)
def test_wilson_agrees_with_scipy(sample: tuple[int, int]) -> None:
    hits, n = sample
    theirs = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(hits, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(SAMPLES)
def test_wilson_contains_the_share_and_stays_between_0_and_1(sample: tuple[int, int]) -> None:
    hits, n = sample
    low, high = wilson_interval(hits, n)
    assert 0 <= low <= hits / n <= high <= 1


@pytest.mark.parametrize(("hits", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_wilson_refuses_what_is_no_share(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="a share needs"):
        wilson_interval(hits, n)


def test_the_same_name_and_seed_give_the_same_draws_and_another_name_others() -> None:
    streams = RandomStreams(7, 100)
    draw = uniform_between(0, 1, "a")
    assert np.array_equal(draw(streams), draw(RandomStreams(7, 100)))
    assert not np.array_equal(draw(streams), uniform_between(0, 1, "b")(streams))
    assert not np.array_equal(draw(streams), draw(RandomStreams(8, 100)))


def test_draws_do_not_depend_on_what_was_drawn_before() -> None:
    streams = RandomStreams(7, 100)
    uniform_between(0, 1, "other")(streams)
    assert np.array_equal(
        uniform_between(0, 1, "a")(streams), uniform_between(0, 1, "a")(RandomStreams(7, 100))
    )


def test_a_share_of_a_sample_is_drawn_from_jeffreys_posterior() -> None:
    low, high = central_interval(beta_posterior(12, 40, "s")(RandomStreams(1, 200_000)))
    exact = stats.beta(12.5, 28.5).interval(0.95)
    assert (low, high) == pytest.approx(exact, abs=2e-3)


def test_a_mean_of_levels_is_bootstrapped_around_the_mean() -> None:
    counts = [2, 5, 10, 12]
    draws = BootstrapMean(counts).sampler("m")(RandomStreams(1, 200_000))
    answers = np.repeat([1, 2, 3, 4], counts)
    assert draws.mean() == pytest.approx(answers.mean(), abs=2e-3)
    assert draws.std() == pytest.approx(answers.std() / np.sqrt(len(answers)), abs=2e-3)


def test_the_bootstrap_of_a_mean_has_the_distribution_of_resampled_answers() -> None:
    counts = [3, 0, 4, 5]
    ours = BootstrapMean(counts).sampler("m")(RandomStreams(1, 100_000))
    rng = np.random.default_rng(5)
    answers = np.repeat([1, 2, 3, 4], counts)
    theirs = rng.choice(answers, (100_000, len(answers))).mean(axis=1)
    found: Any = stats.ks_2samp(ours.round(9), theirs.round(9))
    assert found.statistic < 0.01


@pytest.mark.parametrize("counts", [[2, 5, 10, 12], [0, 0, 7], [1], [90, 0, 3, 200]])
def test_drawn_means_are_the_exact_quantiles(counts: list[int]) -> None:
    n = sum(counts)
    of_sum = np.ones(1)
    for _ in range(n):
        of_sum = np.convolve(of_sum, np.array(counts) / n)
    streams = RandomStreams(3, 5000)
    exact = 1 + np.searchsorted(np.cumsum(of_sum), streams.uniform("m")) / n
    assert BootstrapMean(counts).sampler("m")(streams) == pytest.approx(exact, abs=1e-12)


@given(SAMPLES)
def test_drawn_shares_follow_the_exact_quantiles(sample: tuple[int, int]) -> None:
    hits, n = sample
    streams = RandomStreams(9, 100)
    exact = stats.beta(hits + 0.5, n - hits + 0.5).ppf(streams.uniform("s"))
    assert beta_posterior(hits, n, "s")(streams) == pytest.approx(exact, abs=1e-4)


def test_a_normal_figure_has_its_own_interval() -> None:
    draws = normal(80, 76, 84, "ikm")(RandomStreams(2, 100_000))
    assert central_interval(draws) == pytest.approx((76, 84), abs=0.05)


def test_uniform_numbers_are_uniform_and_never_0_or_1() -> None:
    numbers = RandomStreams(4, 100_000).uniforms("u", 2)
    assert 0 < numbers.min() < numbers.max() < 1
    assert stats.kstest(numbers[0], "uniform").statistic < 0.01
    assert abs(np.asarray(np.corrcoef(numbers))[0, 1]) < 0.01
