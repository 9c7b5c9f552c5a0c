"""An index of levels: exact against hand computation, lawful on anything."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assessment.methods.definition import LevelsMethod
from services.assessment.methods.library import read_methods
from services.assessment.scoring.levels import (
    InvalidLevelsError,
    Level,
    path_to_target,
    score_levels,
)


def method(method_id: str) -> LevelsMethod:
    found = read_methods()[method_id]
    assert isinstance(found, LevelsMethod)
    return found


SPBE = method("spbe-2020")
METHODS = st.sampled_from(["spbe-2020", "pemdi-2026"]).map(method)
GIVEN = METHODS.flatmap(
    lambda one: st.tuples(
        st.just(one),
        st.fixed_dictionaries({i.number: st.integers(*one.levels) for i in one.indicators}),
    )
)


def by_domain(policy: int, governance: int, management: int, services: int) -> dict[int, Level]:
    """Levels that are the same within a domain: indicators 1-10, 11-20, 21-31 and 32-47."""
    sizes = ((10, policy), (10, governance), (11, management), (16, services))
    levels = [level for size, level in sizes for _ in range(size)]
    return dict(enumerate(levels, start=1))


def test_spbe_from_47_levels_agrees_with_the_weights_of_the_regulation_by_hand() -> None:
    # Domains weigh 13, 25, 16.5 and 45.5: (13 x 2 + 25 x 3 + 16.5 x 1 + 45.5 x 4) / 100 = 2.995.
    scores = score_levels(SPBE, by_domain(2, 3, 1, 4))
    assert (scores.value, scores.predicate, scores.missing) == (2.995, "Baik", [])
    assert [(domain.weight, domain.value) for domain in scores.domains] == [
        (13, 2),
        (25, 3),
        (16.5, 1),
        (45.5, 4),
    ]


def test_spbe_from_mixed_levels_by_hand() -> None:
    # Levels 1, 2, 3, 4, 5, 1, ... in the order of the indicators. By block of equal weight:
    # 10 x 1.3: sum 30; 10 x 2.5: sum 30; 11 x 1.5: 31; 10 x 2.75 from level 2 on: 30; 6 x 3.0: 17.
    # 39 + 75 + 46.5 + 82.5 + 51 = 294, over 100.
    levels: dict[int, Level] = {n: (n - 1) % 5 + 1 for n in range(1, 48)}
    assert score_levels(SPBE, levels).value == 2.94


def test_pemdi_from_20_levels_by_hand() -> None:
    # Aspect by aspect 1, 2, 3, 4, 5, 1, 2: 10 + 20 + 45 + 60 + 50 + 15 + 50 = 250, over 100.
    sizes = (2, 2, 4, 4, 2, 4, 2)
    flat = [
        level for size, level in zip(sizes, (1, 2, 3, 4, 5, 1, 2), strict=True) for _ in range(size)
    ]
    scores = score_levels(method("pemdi-2026"), dict(enumerate(flat, start=1)))
    assert (scores.value, scores.predicate) == (2.5, "Baik")
    assert [aspect.value for aspect in scores.aspects] == [1, 2, 3, 4, 5, 1, 2]


@given(GIVEN)
def test_the_index_agrees_with_decimal_arithmetic_to_4_decimals(
    given_levels: tuple[LevelsMethod, dict[int, int]],
) -> None:
    one, levels = given_levels
    exact = sum(Decimal(str(i.weight)) * levels[i.number] for i in one.indicators) / 100
    assert score_levels(one, levels).value == pytest.approx(float(exact), abs=5e-5)


@pytest.mark.slow
@given(GIVEN, st.data())
def test_a_higher_level_never_lowers_the_index_its_aspect_or_the_predicate(
    given_levels: tuple[LevelsMethod, dict[int, int]], data: st.DataObject
) -> None:
    one, levels = given_levels
    number = data.draw(st.sampled_from(sorted(levels)))
    raised = levels | {number: data.draw(st.integers(levels[number], one.levels[1]))}
    before, after = score_levels(one, levels), score_levels(one, raised)
    assert before.value is not None
    assert after.value is not None
    assert one.levels[0] <= before.value <= after.value <= one.levels[1]
    words = [predicate.name for predicate in one.predicates]
    assert before.predicate is not None
    assert after.predicate is not None
    assert words.index(before.predicate) <= words.index(after.predicate)
    for low, high in zip(before.aspects, after.aspects, strict=True):
        assert (low.value or 0) <= (high.value or 0)


@pytest.mark.parametrize("one", [SPBE, method("pemdi-2026")], ids=lambda one: one.id)
def test_weights_sum_to_100_and_the_ends_of_the_scale_are_reached(one: LevelsMethod) -> None:
    assert sum(Decimal(str(i.weight)) for i in one.indicators) == 100
    for level in one.levels:
        assert score_levels(one, {i.number: level for i in one.indicators}).value == level


def test_a_missing_level_is_not_the_lowest_one() -> None:
    levels = by_domain(3, 3, 3, 3) | {47: None}
    del levels[1]
    scores = score_levels(SPBE, levels)
    assert (scores.value, scores.predicate, scores.missing) == (None, None, [1, 47])
    assert scores.reason == "2 of 47 levels are missing: 1, 47"
    # Indicators 1 and 47 weigh 1.3 and 3.0: 4.3 x 2 / 100 = 0.086 either way.
    assert (scores.low, scores.high) == (2.914, 3.086)


def test_a_range_of_levels_gives_its_middle_and_its_ends() -> None:
    scores = score_levels(SPBE, by_domain(3, 3, 3, 3) | {47: (2, 5)})
    assert (scores.low, scores.value, scores.high) == (2.97, 3.015, 3.06)


def test_a_wrong_level_is_refused_by_its_number() -> None:
    with pytest.raises(InvalidLevelsError) as refused:
        score_levels(SPBE, by_domain(3, 3, 3, 3) | {5: 6, 48: 1, 7: (4, 2)})
    assert refused.value.faults == {
        5: "a level lies between 1 and 5, the lower one first",
        48: "spbe-2020 has no indicator 48; it has 1 to 47",
        7: "a level lies between 1 and 5, the lower one first",
    }


def test_the_path_from_2_98_in_2024_to_3_39_in_2026() -> None:
    path = path_to_target(SPBE, last=(2024, 2.98), target=(2026, 3.39))
    assert (path.per_year, path.reached) == (0.205, False)
    assert [(step.year, step.value, step.predicate) for step in path.steps] == [
        (2025, 3.185, "Baik"),
        (2026, 3.39, "Baik"),
    ]
    assert path_to_target(SPBE, last=(2025, 3.4), target=(2026, 3.39)).reached
    with pytest.raises(ValueError, match="must lie after"):
        path_to_target(SPBE, last=(2026, 2.98), target=(2026, 3.39))
