"""Sobol indices against SALib's on the same design, and against closed forms."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from services.assessment.scoring.sobol import estimate_sobol_indices, sobol_indices
from services.assessment.scoring.uncertainty import Draws, RandomStreams


def ishigami(numbers: Draws) -> Draws:
    """sin x + 7 sin^2 y + 0.1 z^4 sin x, each between -pi and pi (Ishigami and Homma 1990)."""
    x, y, z = np.pi * (2 * numbers - 1)
    return np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)


def exact_ishigami() -> tuple[list[float], list[float]]:
    x = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2
    y = 7**2 / 8
    xz = 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = x + y + xz
    first = [x / variance, y / variance, 0]
    return first, [(x + xz) / variance, y / variance, xz / variance]


@pytest.mark.slow
def test_ishigami_has_the_indices_of_its_closed_form() -> None:
    shares = estimate_sobol_indices(ishigami, 3, RandomStreams(1, 65_536))
    first, total = exact_ishigami()
    assert shares.first == pytest.approx(first, abs=0.02)
    assert shares.total == pytest.approx(total, abs=0.02)
    for error in (shares.first_error, shares.total_error):
        assert (error > 0).all()
        assert (error < 0.01).all()


def test_the_standard_errors_cover_the_truth() -> None:
    first, total = exact_ishigami()
    shares = estimate_sobol_indices(ishigami, 3, RandomStreams(2, 4096))
    assert (np.abs(shares.first - first) < 4 * shares.first_error).all()
    assert (np.abs(shares.total - total) < 4 * shares.total_error).all()


@pytest.mark.slow
def test_the_estimators_are_those_of_salib() -> None:
    analysis: Any = import_module("SALib.analyze.sobol")
    problem = {"num_vars": 3, "names": ["x", "y", "z"], "bounds": [[0, 1]] * 3}
    numbers = RandomStreams(3, 2048).uniforms("design", 6)
    a, b = numbers[:3], numbers[3:]
    mixed = [np.where(np.arange(3)[:, None] == row, b, a) for row in range(3)]
    f_a, f_b = ishigami(a), ishigami(b)
    f_ab = np.stack([ishigami(one) for one in mixed])
    in_their_order = np.stack([f_a, *f_ab, f_b], axis=1).ravel()
    theirs = analysis.analyze(problem, in_their_order, calc_second_order=False, seed=1)
    first, total = sobol_indices(f_a, f_b, f_ab)
    assert first == pytest.approx(theirs["S1"], abs=1e-10)
    assert total == pytest.approx(theirs["ST"], abs=1e-10)


@pytest.mark.slow
def test_an_additive_model_gives_each_factor_its_own_variance() -> None:
    shares = estimate_sobol_indices(
        lambda numbers: 2 * numbers[0] + numbers[1] + 5, 3, RandomStreams(4, 32_768)
    )
    assert shares.first == pytest.approx([0.8, 0.2, 0], abs=0.02)
    assert shares.total == pytest.approx([0.8, 0.2, 0], abs=0.02)
    assert shares.total[2] == 0


def test_where_nothing_varies_nothing_has_a_share() -> None:
    shares = estimate_sobol_indices(
        lambda numbers: np.full(numbers.shape[1], 42.0), 2, RandomStreams(5, 64)
    )
    assert shares.first.tolist() == shares.total.tolist() == [0, 0]
