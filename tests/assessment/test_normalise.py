"""Each normalisation against scipy or a closed form, and the laws that all of them keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.assessment.methods.rules import (
    DistanceToTarget,
    Goalposts,
    Logarithm,
    MinMax,
    Normalisation,
    PercentileRank,
    ZScore,
)
from services.assessment.scoring.normalise import normalise, percentile_rank, z_score

HIGHER = Goalposts(min=0, max=1)
LOWER = Goalposts(min=0, max=1, direction="lower")
NUMBERS = st.floats(-1e3, 1e3).map(lambda number: round(number, 3))
GROUPS = st.lists(NUMBERS, min_size=2, max_size=40)
RULES: st.SearchStrategy[Normalisation] = st.one_of(
    st.just(MinMax()),
    GROUPS.map(lambda group: PercentileRank(kind="rank", among=group)),
    st.tuples(NUMBERS, st.floats(0.1, 100)).map(lambda p: ZScore(kind="z", mean=p[0], sd=p[1])),
    st.floats(0.1, 1e3).map(lambda target: DistanceToTarget(kind="target", target=target)),
)


@given(GROUPS, NUMBERS)
def test_a_rank_agrees_with_scipys_percentile_of_score(group: list[float], value: float) -> None:
    theirs = stats.percentileofscore(group, value, kind="mean")
    assert normalise(value, HIGHER, PercentileRank(kind="rank", among=group)) == pytest.approx(
        theirs
    )
    assert np.asarray(percentile_rank(np.array([value]), np.array(group)))[0] == pytest.approx(
        theirs / 100
    )


@given(GROUPS.filter(lambda group: max(group) - min(group) > 0.1))
def test_z_scores_agree_with_scipy(group: list[float]) -> None:
    values = np.array(group)
    ours = z_score(values, mean=float(values.mean()), sd=float(values.std()))
    assert ours == pytest.approx(stats.zscore(values), abs=1e-9)


@pytest.mark.parametrize(
    ("value", "score"), [(10, 0), (100, 50), (1000, 100), (10**4, 100), (1, 0), (0, 0), (-5, 0)]
)
def test_the_same_ratio_is_the_same_gain_of_a_logarithm(value: float, score: float) -> None:
    posts, rule = Goalposts(min=10, max=1000), Logarithm(kind="log")
    assert normalise(value, posts, rule) == pytest.approx(score)
    assert normalise(np.array([value]), posts, rule) == pytest.approx([score])
    lower = Goalposts(min=10, max=1000, direction="lower")
    assert normalise(value, lower, rule) == pytest.approx(100 - score)


@pytest.mark.parametrize(
    ("value", "score"), [(10, 50), (12, 66.6667), (4, 0), (16, 100), (100, 100), (-100, 0)]
)
def test_a_z_score_spans_three_standard_deviations_either_way(value: float, score: float) -> None:
    rule = ZScore(kind="z", mean=10, sd=2)
    assert normalise(value, HIGHER, rule) == pytest.approx(score, abs=5e-5)
    assert normalise(value, LOWER, rule) == pytest.approx(100 - score, abs=5e-5)


@pytest.mark.parametrize(
    ("value", "direction", "score"),
    [
        *((2, "higher", 50), (4, "higher", 100), (9, "higher", 100), (0, "higher", 0)),
        *((8, "lower", 50), (4, "lower", 100), (1, "lower", 100), (0, "lower", 100)),
    ],
)
def test_distance_to_a_target_of_four(value: float, direction: str, score: float) -> None:
    posts = HIGHER if direction == "higher" else LOWER
    rule = DistanceToTarget(kind="target", target=4)
    assert normalise(value, posts, rule) == score
    assert normalise(np.array([value], dtype=np.float64), posts, rule)[0] == score


def test_min_max_is_a_straight_line_between_its_ends() -> None:
    posts = Goalposts(min=2, max=6)
    assert [normalise(raw, posts) for raw in (1.0, 3.0, 6.0, 8.0)] == [0, 25, 100, 100]


@given(RULES, NUMBERS, NUMBERS, st.booleans())
def test_every_rule_follows_its_direction_and_stays_in_0_to_100(
    rule: Normalisation, one: float, other: float, higher: bool
) -> None:
    posts = HIGHER if higher else LOWER
    worse, better = sorted((one, other), reverse=not higher)
    low, high = normalise(worse, posts, rule), normalise(better, posts, rule)
    assert 0 <= low <= high <= 100


@given(RULES, st.lists(NUMBERS, min_size=1, max_size=20), st.booleans())
def test_a_number_and_an_array_score_the_same(
    rule: Normalisation, values: list[float], higher: bool
) -> None:
    posts = HIGHER if higher else LOWER
    together = normalise(np.array(values), posts, rule)
    assert together.tolist() == [normalise(value, posts, rule) for value in values]


@pytest.mark.parametrize(
    ("rule", "direction", "scores"),
    [
        (MinMax(), "higher", (20, 18.1818, 22.2222)),
        (MinMax(), "lower", (80, 72.7273, 88.8889)),
        (ZScore(kind="z", mean=0, sd=1, span=1), "higher", (60, 59.0909, 61.1111)),
        (DistanceToTarget(kind="target", target=0.5), "higher", (40, 36.3636, 44.4444)),
        (DistanceToTarget(kind="target", target=0.1), "lower", (50, 45.4545, 55.5556)),
    ],
)
def test_a_stretch_moves_what_scores_100_and_leaves_what_scores_0(
    rule: Normalisation, direction: str, scores: tuple[float, ...]
) -> None:
    posts = HIGHER if direction == "higher" else LOWER
    found = [normalise(0.2, posts, rule, stretch=stretch) for stretch in (1, 1.1, 0.9)]
    assert found == pytest.approx(scores, abs=5e-5)
