"""Many regencies at once: the same figures as one by one, on any number of processes."""

import numpy as np
import pytest

from bench._synthetic import synthetic_facts
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.library import read_method, read_methods
from services.assessment.scoring.assess import round_score
from services.assessment.scoring.batch import BatchScores, Case, assess_batch, node_codes
from services.assessment.scoring.pipeline import compute_scores
from services.assessment.scoring.uncertainty import RandomStreams
from services.platform.settings import ROOT

CASES = [Case(f"12.{n:02}", period) for n in range(1, 36) for period in (2023, 2024)]


def method() -> CollaborationMethod:
    found = read_methods()["cgr-2015"]
    assert isinstance(found, CollaborationMethod)
    return found


def version_1() -> CollaborationMethod:
    found = read_method(ROOT / "tests" / "assessment" / "version_1" / "cgr-2015.yaml")
    assert isinstance(found, CollaborationMethod)
    return found


def figures(
    by: CollaborationMethod | None = None, *, workers: int = 1, seed: int = 1
) -> BatchScores:
    return assess_batch(
        by or method(), CASES, synthetic_facts, seed=seed, draws=200, workers=workers
    )


@pytest.mark.slow
def test_one_worker_and_four_give_the_same_digits() -> None:
    one, four = figures(workers=1), figures(workers=4)
    for name in ("values", "lows", "highs"):
        assert np.array_equal(getattr(one, name), getattr(four, name), equal_nan=True), name


@pytest.mark.slow
def test_a_case_in_a_batch_has_the_figures_of_its_own_assessment() -> None:
    found = figures()
    for at in (0, 17, 69):
        case = CASES[at]
        alone = compute_scores(method(), synthetic_facts(case), RandomStreams(1, 200, case.scope))
        index = found.nodes.index("collaboration_dynamics")
        assert found.values[at, index] == alone.values["collaboration_dynamics"]
        assert (found.lows[at, index], found.highs[at, index]) == alone.interval(
            "collaboration_dynamics"
        )


@pytest.mark.slow
def test_every_interval_holds_its_value_and_regencies_do_not_share_their_draws() -> None:
    found, other = figures(), figures(seed=2)
    known = ~np.isnan(found.values)
    assert known.sum() > 0.9 * known.size
    assert (found.lows <= found.values)[known].all()
    assert (found.values <= found.highs)[known].all()
    assert np.array_equal(found.values, other.values, equal_nan=True)
    assert not np.array_equal(found.lows, other.lows, equal_nan=True)
    first, second = (RandomStreams(1, 1000, case.scope).uniform("x") for case in CASES[:2])
    assert abs(np.asarray(np.corrcoef(first, second))[0, 1]) < 0.2


@pytest.mark.slow
def test_the_digits_are_the_ones_of_every_other_machine_and_python() -> None:
    """Written down once; a release of Python or numpy that gives others has to be looked into."""
    found = figures(version_1())
    at = [found.nodes.index(code) for code in ("collaboration_dynamics", "trust", "discovery")]
    digits = [
        [round_score(table[0, node]) for table in (found.values, found.lows, found.highs)]
        for node in at
    ]
    assert digits == [
        [55.3131, 53.939, 56.7748],
        [40.5384, 34.9411, 45.4758],
        [81.0706, 78.4928, 83.1387],
    ]


def test_the_nodes_are_the_whole_tree() -> None:
    nodes = node_codes(method())
    assert len(nodes) == len(set(nodes)) == 1 + 3 + 12 + 4 + len(list(method().indicators()))


@pytest.mark.parametrize("draws", [100, 101, 9999, 10_000])
def test_the_central_span_is_numpys(draws: int) -> None:
    from services.assessment.scoring.uncertainty import central_interval

    numbers = RandomStreams(3, draws).uniform("n")
    assert central_interval(numbers) == pytest.approx(
        np.quantile(numbers, [0.025, 0.975]), abs=1e-15
    )
