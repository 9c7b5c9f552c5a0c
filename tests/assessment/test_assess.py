"""From indicators to the index: exact on the Toba pack, lawful on anything."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.library import read_methods
from services.assessment.methods.rules import Goalposts
from services.assessment.scoring.assess import assess
from services.assessment.scoring.items import Item
from services.assessment.scoring.normalise import normalise
from services.assessment.scoring.scores import Scores
from tests.assessment.evidence_builders import facts, observation, report, toba_items

CATALOG = report(
    "catalog",
    "summary",
    {"services": 50, "standard_share": 0.2, "digital_services": 10, "digital_in_operation": 9},
)


def toba(*more: Item) -> Scores:
    method = read_methods()["cgr-2015"]
    assert isinstance(method, CollaborationMethod)
    return assess(method, facts(*toba_items(), CATALOG, *more), seed=1, draws=2000)


def value(scores: Scores, code: str) -> float | None:
    node = scores.node(code)
    assert node is not None, code
    return node.value


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("discovery.forum", 25),
        ("discovery.breadth", 100),
        ("definition.roles", 88.0952),
        ("determination.instruments", 40),
        ("trust.agencies", 63),
        ("trust.partners", 25),
        ("trust", 44),
        ("understanding", 50),
        ("legitimation.recognition", 100),
        ("commitment.agreements", 20),
        ("arrangements.procedures", 0),
        ("arrangements.standards", 20),
        ("resources.connectivity", 94.2623),
        ("resources", 47.1311),
        ("leadership_driver.index", 75.8824),
        ("leadership_driver.mandate", 100),
        ("leadership_driver", 87.9412),
    ],
)
def test_toba_2024_by_hand(code: str, expected: float) -> None:
    assert value(toba(), code) == pytest.approx(expected, abs=5e-5)


def test_a_value_lies_in_its_interval_and_every_null_has_a_reason() -> None:
    for node in toba().nodes():
        assert (node.value is None) == (node.reason is not None), node.code
        if node.value is None:
            assert node.interval is None
        elif node.interval is not None:
            assert 0 <= node.interval.low <= node.value <= node.interval.high <= 100


def test_an_indicator_with_evidence_links_to_it() -> None:
    for node in toba().nodes():
        links = getattr(node, "evidence", None)
        if links is not None:
            assert bool(links) == (node.value is not None), node.code


def test_the_same_seed_gives_the_same_digits_and_the_order_of_evidence_none() -> None:
    method = read_methods()["cgr-2015"]
    assert isinstance(method, CollaborationMethod)
    items = [*toba_items(), CATALOG]
    one = assess(method, facts(*items), seed=3, draws=500)
    other = assess(method, facts(*reversed(items)), seed=3, draws=500)
    assert one == other
    assert one != assess(method, facts(*items), seed=4, draws=500)


def small_method(minimum: float = 0.5) -> CollaborationMethod:
    """Two dimensions of one element each, with two observed indicators per element."""

    def element(code: str) -> dict[str, Any]:
        indicators = [
            {
                "code": f"{code}.{name}",
                "name": name,
                "name_en": name,
                "measure": {"kind": "observed", "subject": f"{code}_{name}"},
            }
            for name in ("x", "y")
        ]
        return {"code": code, "name": code, "name_en": code, "indicators": indicators}

    return CollaborationMethod.model_validate(
        {
            "id": "small",
            "version": 1,
            "kind": "collaboration",
            "name": "small",
            "name_en": "small",
            "description": "",
            "description_en": "",
            "sources": ["none"],
            "minimum_coverage": minimum,
            "index": {"code": "index", "name": "index", "name_en": "index"},
            "dimensions": [
                {"code": f"d_{code}", "name": code, "name_en": code, "elements": [element(code)]}
                for code in ("a", "b")
            ],
        }
    )


SHARE = st.integers(0, 100).map(lambda percent: percent / 100)
SUBJECTS = ("a_x", "a_y", "b_x", "b_y")


def small(values: dict[str, float], *, minimum: float = 0.5) -> Scores:
    items = [
        observation(subject.replace("_", "-"), subject, value=found)
        for subject, found in values.items()
    ]
    return assess(small_method(minimum), facts(*items), seed=1, draws=100)


@given(st.fixed_dictionaries(dict.fromkeys(SUBJECTS, SHARE)), st.sampled_from(SUBJECTS), SHARE)
@settings(max_examples=60)
def test_the_index_rises_with_every_indicator(
    values: dict[str, float], subject: str, better: float
) -> None:
    before = small(values)
    after = small(values | {subject: max(values[subject], better)})
    for low, high in zip(before.nodes(), after.nodes(), strict=True):
        assert low.value is not None
        assert high.value is not None
        assert low.value <= high.value + 1e-9, low.code


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(SUBJECTS, SHARE)))
@settings(max_examples=60)
def test_null_never_acts_as_zero(values: dict[str, float]) -> None:
    scores = small(values)
    for element in ("a", "b"):
        known = [values[name] for name in (f"{element}_x", f"{element}_y") if name in values]
        found = value(scores, element)
        if known:
            assert found == pytest.approx(100 * sum(known) / len(known))
        else:
            assert found is None
    if any(value(scores, code) is None for code in ("d_a", "d_b")):
        assert scores.index.value is None


def test_a_weak_dimension_cannot_be_bought_off() -> None:
    scores = small(dict.fromkeys(SUBJECTS, 1.0) | {"b_x": 0, "b_y": 0})
    assert (value(scores, "d_a"), value(scores, "d_b"), scores.index.value) == (100, 0, 0)


def test_under_the_minimum_coverage_an_element_is_insufficient_and_exactly_on_it_it_counts() -> (
    None
):
    assert value(small({"a_x": 0.4}), "a") == 40
    scores = small({"a_x": 0.4}, minimum=0.51)
    node = scores.node("a")
    assert node is not None
    assert (node.value, node.coverage) == (None, 0.5)
    assert node.reason is not None
    assert "1 of 2 indicators" in node.reason


@given(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(0.001, 1e3), st.booleans())
def test_normalising_is_clipped_and_mirrors(raw: float, low: float, width: float, up: bool) -> None:
    posts = Goalposts(min=low, max=low + width, direction="higher" if up else "lower")
    score = normalise(raw, posts)
    assert 0 <= score <= 100
    mirrored = Goalposts(min=low, max=low + width, direction="lower" if up else "higher")
    assert score + normalise(raw, mirrored) == pytest.approx(100)
