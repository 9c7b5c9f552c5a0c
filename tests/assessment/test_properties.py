"""What holds for every method that can be written and whatever the evidence is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.rules import Mean
from services.assessment.scoring.assess import assess
from services.assessment.scoring.items import Item
from services.assessment.scoring.scores import Scores
from tests.assessment.evidence_builders import facts, observation
from tests.assessment.test_assess import SUBJECTS, small_method

SHARE = st.integers(0, 100).map(lambda percent: percent / 100)
MEANS: st.SearchStrategy[Mean] = st.sampled_from(["arithmetic", "geometric", "harmonic"])
RULES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"kind": "minmax"}),
    st.lists(SHARE, min_size=2, max_size=6).map(lambda group: {"kind": "rank", "among": group}),
    st.tuples(SHARE, st.floats(0.05, 0.5)).map(lambda p: {"kind": "z", "mean": p[0], "sd": p[1]}),
    st.floats(0.1, 1).map(lambda target: {"kind": "target", "target": target}),
)
WEIGHTS = st.floats(0.1, 10)


@st.composite
def methods(draw: st.DrawFn) -> CollaborationMethod:
    """Two dimensions of one element with two indicators, by any rules and weights."""
    document = small_method().model_dump(mode="json")
    document["weights"] = {"kind": "given"}
    document["aggregation"] = {level: draw(MEANS) for level in ("element", "dimension", "index")}
    for dimension in document["dimensions"]:
        dimension["weight"] = draw(WEIGHTS)
        for indicator in dimension["elements"][0]["indicators"]:
            indicator["weight"] = draw(WEIGHTS)
            indicator["normalisation"] = draw(RULES)
            indicator["goalposts"]["direction"] = draw(st.sampled_from(["higher", "lower"]))
    return CollaborationMethod.model_validate(document)


VALUES = st.fixed_dictionaries(dict.fromkeys(SUBJECTS, SHARE))
SOME = st.fixed_dictionaries({}, optional=dict.fromkeys(SUBJECTS, SHARE))


def observed(values: dict[str, float]) -> list[Item]:
    return [
        observation(subject.replace("_", "-"), subject, value=value)
        for subject, value in values.items()
    ]


def scored(method: CollaborationMethod, items: list[Item]) -> Scores:
    return assess(method, facts(*items), seed=1, draws=100)


def value(scores: Scores, code: str) -> float | None:
    node = scores.node(code)
    assert node is not None
    return node.value


@given(methods(), VALUES, st.sampled_from(SUBJECTS), SHARE)
@settings(max_examples=150, deadline=None)
def test_no_node_falls_when_an_indicator_gets_better_by_its_direction(
    method: CollaborationMethod, values: dict[str, float], subject: str, other: float
) -> None:
    indicator = next(i for i in method.indicators() if i.code.replace(".", "_") == subject)
    ends = sorted((values[subject], other))
    worse, better = ends if indicator.goalposts.direction == "higher" else ends[::-1]
    before = scored(method, observed(values | {subject: worse}))
    after = scored(method, observed(values | {subject: better}))
    for low, high in zip(before.nodes(), after.nodes(), strict=True):
        assert low.value is not None
        assert high.value is not None
        assert 0 <= low.value <= high.value + 1e-4 <= 100 + 2e-4, low.code


@pytest.mark.slow
@given(methods(), SOME, st.sampled_from(SUBJECTS))
@settings(max_examples=150, deadline=None)
def test_an_unknown_indicator_acts_as_one_that_is_not_there(
    method: CollaborationMethod, values: dict[str, float], unknown: str
) -> None:
    """The element is that of the other indicator alone, or null: never that of a zero."""
    values.pop(unknown, None)
    scores = scored(method, observed(values))
    element = unknown[0]
    sibling = f"{element}.{'y' if unknown.endswith('x') else 'x'}"
    assert value(scores, element) == value(scores, sibling)
    assert value(scores, unknown.replace("_", ".")) is None
    if value(scores, f"d_{element}") is None:
        assert scores.index.value is None


@pytest.mark.slow
@given(methods(), VALUES, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_the_order_of_evidence_does_not_matter(
    method: CollaborationMethod, values: dict[str, float], rng: Any
) -> None:
    items = observed(values)
    shuffled = list(items)
    rng.shuffle(shuffled)
    assert scored(method, items) == scored(method, shuffled)


@pytest.mark.slow
@given(methods(), st.fixed_dictionaries(dict.fromkeys(SUBJECTS, st.tuples(SHARE, SHARE))))
@settings(max_examples=150, deadline=None)
def test_a_range_contains_the_value_of_its_middle_at_every_node(
    method: CollaborationMethod, ranges: dict[str, tuple[float, float]]
) -> None:
    items = [
        observation(subject.replace("_", "-"), subject, low=min(ends), high=max(ends))
        for subject, ends in ranges.items()
    ]
    middles = {subject: sum(ends) / 2 for subject, ends in ranges.items()}
    exact = scored(method, observed(middles))
    for node, middle in zip(scored(method, items).nodes(), exact.nodes(), strict=True):
        assert node.value == middle.value
        assert node.interval is not None
        assert node.value is not None
        assert node.interval.low <= node.value <= node.interval.high, node.code


def test_a_method_without_known_weights_is_as_uncertain_as_they_are() -> None:
    document = small_method().model_dump(mode="json") | {"weights": {"kind": "random"}}
    method = CollaborationMethod.model_validate(document)
    items = observed({"a_x": 0.2, "a_y": 0.8, "b_x": 0.5, "b_y": 0.5})
    scores = assess(method, facts(*items), seed=1, draws=20_000)
    first, second = scores.node("a"), scores.node("b")
    assert first is not None
    assert second is not None
    # One weight of two is uniform between 0 and 1: 95% of 20-80 is 21.5-78.5.
    assert first.value == 50
    assert first.interval is not None
    assert abs(first.interval.low - 21.5) < 0.6
    assert abs(first.interval.high - 78.5) < 0.6
    assert second.interval is not None
    assert (second.interval.low, second.interval.high) == (50, 50)


def test_coverage_rules_of_dimensions_and_of_the_index_hold() -> None:
    values = observed({"a_x": 0.4, "a_y": 0.4})
    strict = small_method()
    assert scored(strict, values).index.value is None
    lenient = strict.model_copy(update={"minimum_dimensions": 0.5})
    assert scored(lenient, values).index.value == 40
