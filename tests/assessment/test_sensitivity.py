"""What a critic would question, and what it does to the index."""

import pytest

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.library import read_methods
from services.assessment.scoring.results import Sensitivity
from services.assessment.scoring.sensitivity import FACTORS, analyse_sensitivity, without_indicator
from tests.assessment.evidence_builders import facts, observation, toba_items
from tests.assessment.test_assess import CATALOG, SUBJECTS, small_method, toba


def method() -> CollaborationMethod:
    found = read_methods()["cgr-2015"]
    assert isinstance(found, CollaborationMethod)
    return found


def of_toba(seed: int = 1) -> Sensitivity:
    return analyse_sensitivity(method(), facts(*toba_items(), CATALOG), seed=seed)


def of_small(**values: float) -> Sensitivity:
    items = [
        observation(subject.replace("_", "-"), subject, value=value)
        for subject, value in values.items()
    ]
    return analyse_sensitivity(small_method(), facts(*items), seed=1)


def test_the_analysis_is_of_the_index_that_was_assessed() -> None:
    found = of_toba()
    assert found.value == toba().index.value
    assert [factor.code for factor in found.factors] == list(FACTORS)
    own = next(one for one in found.choices if one.choice.startswith("geometric"))
    assert (own.value, own.difference) == (found.value, 0)
    assert found.spread is not None
    assert found.value is not None
    assert found.spread.low < found.value < found.spread.high


@pytest.mark.slow
def test_shares_are_shares() -> None:
    for factor in of_toba().factors:
        assert -3 * factor.first_error <= factor.first <= factor.total + 3 * factor.total_error
        assert 0 <= factor.total <= 1
    assert sum(factor.first for factor in of_toba().factors) <= 1.1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_analysis() -> None:
    assert of_toba() == of_toba()
    assert of_toba() != of_toba(seed=2)


def test_choices_of_a_small_tree_by_hand() -> None:
    # Elements a: 0.36 and 0.36, b: 0.64 and 1: dimensions 36 and 82, index sqrt(36 x 82).
    found = of_small(a_x=0.36, a_y=0.36, b_x=0.64, b_y=1)
    choices = {one.choice: one.value for one in found.choices}
    assert found.value == pytest.approx((36 * 82) ** 0.5, abs=5e-5)
    assert choices["arithmetic mean of the dimensions"] == 59
    assert choices["harmonic mean of the dimensions"] == pytest.approx(50.0339, abs=5e-5)
    # A fifth nearer: 45, 45, 80 and 100 (clipped); a fifth farther: 30, 30, 53.3333 and 83.3333.
    assert choices["goalposts 20% nearer"] == pytest.approx((45 * 90) ** 0.5, abs=5e-5)
    assert choices["goalposts 20% farther"] == pytest.approx((30 * 68.33333) ** 0.5, abs=5e-5)
    excluded = {one.choice: one.value for one in found.excluded}
    assert excluded["b.x"] == 60
    assert excluded["b.y"] == 48


def test_without_uncertain_evidence_the_evidence_has_no_share() -> None:
    factors = {one.code: one for one in of_small(a_x=0.3, a_y=0.4, b_x=0.6, b_y=0.9).factors}
    assert (factors["evidence"].first, factors["evidence"].total) == (0, 0)
    assert factors["weights"].total > 0


def test_an_indicator_without_which_there_is_no_index_is_named_and_not_left_out() -> None:
    found = of_small(a_x=0.3, b_x=0.6, b_y=0.9)
    excluded = {one.choice: one.value for one in found.excluded}
    assert excluded["a.x"] is None
    assert excluded["b.x"] is not None


def test_without_an_index_there_is_a_reason() -> None:
    found = of_small(a_x=0.3)
    assert (found.value, found.spread, found.factors) == (None, None, [])
    assert found.reason == "the index has no value, so it has no spread"


def test_a_method_without_an_indicator_knows_nothing_of_it() -> None:
    one = without_indicator(small_method(), "a.x")
    assert [indicator.code for indicator in one.indicators()] == ["a.y", "b.x", "b.y"]
    none = without_indicator(one, "a.y")
    assert isinstance(none, CollaborationMethod)
    assert [dimension.code for dimension in none.dimensions] == ["d_b"]
    assert len(SUBJECTS) == 4
