"""What moved a score: contributions that sum to the printed difference, whatever the mean."""

from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.scoring.decomposition import (
    compare_years,
    forward_backward,
    largest_remainder,
    shapley,
)
from services.assessment.scoring.scores import Scores
from tests.assessment.test_assess import SUBJECTS, small, small_method
from tests.assessment.test_properties import SOME, VALUES, methods, observed, scored
from tests.conftest import Hub


def test_two_parts_of_a_geometric_mean_by_hand() -> None:
    # d_a from 36 to 64 and d_b from 49 to 81: index 42 to 72. d_a first gives 56 - 42 = 14, last
    # 72 - 54 = 18: 16 on average; d_b first gives 54 - 42 = 12, last 72 - 56 = 16: 14.
    before = small({"a_x": 0.36, "a_y": 0.36, "b_x": 0.49, "b_y": 0.49})
    after = small({"a_x": 0.64, "a_y": 0.64, "b_x": 0.81, "b_y": 0.81})
    index = compare_years(small_method(), before, after).changes[0]
    assert (index.code, index.difference) == ("index", 30)
    assert [(part.code, part.contribution) for part in index.parts] == [("d_a", 16), ("d_b", 14)]


def test_parts_of_an_arithmetic_mean_contribute_their_own_share() -> None:
    values: dict[str, float] = dict.fromkeys(SUBJECTS, 0.5)
    after = small(values | {"a_x": 0.9, "a_y": 0.4})
    found = compare_years(small_method(), small(values), after).changes
    element = next(one for one in found if one.code == "a")
    assert element.difference == 15
    assert [part.contribution for part in element.parts] == [20, -5]


@pytest.mark.parametrize("earlier_has_more", [False, True])
def test_what_is_known_in_one_year_only_is_listed_and_moves_nothing(earlier_has_more: bool) -> None:
    values: dict[str, float] = dict.fromkeys(SUBJECTS, 0.5)
    more, fewer = values | {"a_y": 1.0}, {code: x for code, x in values.items() if code != "a_y"}
    before, after = (more, fewer) if earlier_has_more else (fewer, more)
    found = compare_years(small_method(), small(before), small(after))
    gone, come = (["a.y"], []) if earlier_has_more else ([], ["a.y"])
    assert (found.no_longer_known, found.came_to_be_known) == (gone, come)
    assert "a.y" not in found.compared
    assert found.changes
    for one in found.changes:
        assert one.difference == 0
        assert all(part.contribution == 0 for part in one.parts)


def incomplete(scores: Scores, code: str, proven: float, possible: float) -> Scores:
    """Return scores in which one indicator was counted from what may not be all."""
    content = scores.model_dump()
    elements = [one for dimension in content["dimensions"] for one in dimension["elements"]]
    [found] = [one for element in elements for one in element["indicators"] if one["code"] == code]
    found |= {"proven": proven, "possible": possible, "no_interval_because": "incomplete"}
    return Scores.model_validate(content)


@pytest.mark.parametrize(
    ("earlier", "later", "compared"),
    [
        ((40, 100), (20, 100), False),  # fewer were written down
        ((0, 50), (50, 100), False),
        ((0, 40), (60, 100), True),  # proven, whatever is missing
        ((60, 100), (0, 40), True),
    ],
)
def test_what_may_be_incomplete_moves_a_trend_only_if_the_change_is_proven(
    earlier: tuple[float, float], later: tuple[float, float], compared: bool
) -> None:
    values: dict[str, float] = dict.fromkeys(SUBJECTS, 0.5)
    before = incomplete(small(values), "a.y", *earlier)
    after = incomplete(small(values | {"a_y": 0.1}), "a.y", *later)
    found = compare_years(small_method(), before, after)
    assert ("a.y" in found.compared, "a.y" in found.incomplete) == (compared, not compared)
    changes = {change.code: change.difference for change in found.changes}
    assert (changes["a"] < 0) == compared


def test_of_a_year_of_which_too_little_is_known_nothing_is_said_to_have_changed() -> None:
    values: dict[str, float] = dict.fromkeys(SUBJECTS, 0.5)
    found = compare_years(small_method(), small(values), small({"a_x": 0.0}))
    assert found.compared == ["a.x"]
    assert {change.code: change.difference for change in found.changes} == {"d_a": -50, "a": -50}


@given(methods(), st.one_of(VALUES, SOME), st.one_of(VALUES, SOME))
@settings(max_examples=150, deadline=None)
def test_contributions_sum_exactly_to_the_printed_difference(
    method: CollaborationMethod, first: dict[str, float], last: dict[str, float]
) -> None:
    before, after = scored(method, observed(first)), scored(method, observed(last))
    for one in compare_years(method, before, after).changes:
        total = sum(round(part.contribution * 10_000) for part in one.parts)
        assert total == round(one.after * 10_000) - round(one.before * 10_000), one.code


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=6))
def test_whole_shares_stay_next_to_the_exact_ones(shares: list[float]) -> None:
    total = round(sum(shares))
    whole = largest_remainder(total, shares)
    assert sum(whole) == total
    for one, share in zip(whole, shares, strict=True):
        assert abs(one - share) <= 1 + 1e-6


def test_shapley_values_of_the_glove_game() -> None:
    """One left glove and two right ones; a pair is worth 1: 2/3, 1/6, 1/6 (textbook)."""
    worth = {frozenset({0, 1}), frozenset({0, 2}), frozenset({0, 1, 2})}
    found = shapley(3, lambda group: 1.0 if frozenset(group) in worth else 0.0)
    assert found == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_of_many_parts_two_orders_are_averaged_and_nothing_is_left_over() -> None:
    def worth(group: Collection[int]) -> float:
        return float(len(group) ** 2 + 3 * (0 in group))

    assert forward_backward(4, worth) == pytest.approx(shapley(4, worth))
    assert sum(forward_backward(14, worth)) == 14**2 + 3


@pytest.mark.slow
def test_the_trend_of_two_years_shows_its_drivers(hub: Hub) -> None:
    key = hub.auth("diskominfo", "metrics:draft")
    for period in (2023, 2024):
        body = {"period": period, "draws": 200}
        assert hub.client.post("/api/v1/assessments", json=body, headers=key).status_code == 201
    answer = hub.client.get("/api/v1/metrics/trend?from=2023&to=2024")
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["items"]
    assert (first["period"], first["since"], first["comparison"]) == (2023, None, None)
    assert (second["period"], second["since"], second["method_changed"]) == (2024, 2023, False)
    found = second["comparison"]
    known = [
        {
            node["code"]
            for node in year["nodes"]
            if "." in node["code"] and node["value"] is not None
        }
        for year in (first, second)
    ]
    assert set(found["compared"]) | set(found["incomplete"]) == known[0] & known[1]
    assert set(found["came_to_be_known"]) == known[1] - known[0]
    assert set(found["no_longer_known"]) == known[0] - known[1]
    assert found["changes"]
    for one in found["changes"]:
        parts = sum(round(part["contribution"] * 10_000) for part in one["parts"])
        assert parts == round(one["difference"] * 10_000)
    href = second["nodes"][0]["href"]
    assert hub.client.get(href).json()["node"]["value"] == second["nodes"][0]["value"]
    empty = hub.client.get("/api/v1/metrics/trend?method=nothing").json()
    assert empty == {"method": "nothing", "current_hash": None, "items": []}


@pytest.mark.slow
def test_toba_records_nothing_and_declines_in_nothing(toba_hub: Hub) -> None:
    key = toba_hub.auth("diskominfo", "metrics:draft")
    for period in (2024, 2025):
        body = {"period": period, "draws": 200}
        answer = toba_hub.client.post("/api/v1/assessments", json=body, headers=key)
        assert answer.status_code == 201, answer.text
    found = toba_hub.client.get("/api/v1/metrics/trend?from=2024&to=2025").json()["items"][1]
    assert "determination.instruments" in found["comparison"]["incomplete"]
    assert [one for one in found["comparison"]["changes"] if one["difference"] < 0] == []
