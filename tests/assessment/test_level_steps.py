"""Steps from a published total: by hand for SPBE, by trying everything on small indices."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assessment.methods.definition import LevelsMethod
from services.assessment.scoring.level_steps import HALF_UNIT, count_steps
from tests.assessment.test_levels import SPBE
from tests.assessment.test_scenarios import SPLITS, four_levels


def counts(method: LevelsMethod, value: float, target: float) -> tuple[int, int, int] | None:
    found = count_steps(method, value=value, target=target, levels={})
    return None if found is None else (found.least, found.enough_by_weight, found.most)


def test_toba_s_2_98_to_the_3_39_of_its_plan() -> None:
    """0.41 are 41 points of weight.

    The heaviest weigh 3.0: 13 of them are 39, so 14. Levels with this total may have all their room
    in light indicators, 4 steps in each of those of 1.3 and 1.5 (118 points) and the other 84 of
    202 in those of 2.5: 16 of these are 40, so 17. The lightest weigh 1.3: 31 of them are 40.3, so
    32; and with half a unit of the printed total 0.5 points more, 31.92, 32 still.
    """
    assert counts(SPBE, 2.98, 3.39) == (14, 17, 32)


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [(2.98, 2.98, (0, 0, 0)), (2.98, 2.6, (0, 0, 0)), (5, 5, (0, 0, 0)), (0.5, 3, None)],
)
def test_a_target_that_is_reached_needs_none_and_an_impossible_total_has_no_answer(
    value: float, target: float, expected: tuple[int, int, int] | None
) -> None:
    assert counts(SPBE, value, target) == expected


def test_known_levels_leave_less_open() -> None:
    """With everything known but the total's rounding, the heaviest indicators decide."""
    levels = dict.fromkeys(range(1, 48), 3)
    found = count_steps(SPBE, value=3, target=3.39, levels=levels)
    assert found is not None
    assert (found.least, found.enough_by_weight, found.most) == (14, 14, 29)
    other = dict.fromkeys(range(1, 48), 2)
    assert count_steps(SPBE, value=3, target=3.39, levels=other) is None


@pytest.mark.slow
@given(SPLITS.map(four_levels), st.integers(100, 400), st.integers(100, 400))
@settings(max_examples=25, deadline=None)
def test_the_numbers_of_steps_are_those_of_trying_everything(
    method: LevelsMethod, value: int, target: int
) -> None:
    weights = [Fraction(repr(one.weight)) for one in method.indicators]
    every = list(product(range(1, 5), repeat=4))
    index = {
        levels: sum((w * n for w, n in zip(weights, levels, strict=True)), Fraction(0)) / 100
        for levels in every
    }
    at_value = [one for one in every if abs(index[one] - Fraction(value, 100)) <= HALF_UNIT]
    found = counts(method, value / 100, target / 100)
    if not at_value:
        assert found is None
        return
    if value >= target:
        assert found == (0, 0, 0)
        return
    best: list[int] = []
    short = -1
    for start in at_value:
        above = [end for end in every if all(a <= b for a, b in zip(start, end, strict=True))]
        steps = {end: sum(end) - sum(start) for end in above}
        best.append(min(steps[end] for end in above if index[end] * 100 >= target))
        short = max((short, *(steps[end] for end in above if index[end] * 100 < target)))
    assert found == (min(best), max(best), short + 1)
