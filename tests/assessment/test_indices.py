"""Methods and published indices over HTTP, on the Toba pack."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assessment.methods.definition import LevelsMethod
from services.assessment.methods.library import read_methods
from tests.conftest import Hub

API = "/api/v1"


def spbe(hub: Hub) -> dict[tuple[int | None, str], dict[str, Any]]:
    """Return the values of SPBE by year and role."""
    values = hub.client.get(f"{API}/indices/spbe-2020").json()["values"]
    return {(value["year"], value["role"]): value for value in values}


def test_the_published_predicate_is_shown_beside_the_computed_one(toba_hub: Hub) -> None:
    value = spbe(toba_hub)[2021, "published"]
    assert value["value"] == 1.69
    assert (value["predicate_published"], value["predicate_by_ranges"]) == ("Cukup", "Kurang")
    assert value["agrees"] is False


def test_the_path_to_the_target_begins_where_it_is_asked_to(toba_hub: Hub) -> None:
    def path(**parameters: int) -> dict[str, Any] | None:
        answer = toba_hub.client.get(f"{API}/indices/spbe-2020", params=parameters)
        assert answer.status_code == 200
        return answer.json()["path"]

    newest = path()
    assert newest is not None
    assert (newest["first_year"], newest["first_value"], newest["per_year"]) == (2024, 2.98, 0.205)
    from_2023 = path(**{"from": 2023})
    assert from_2023 is not None
    assert (from_2023["first_year"], from_2023["first_value"]) == (2023, 2.16)
    assert [step["value"] for step in from_2023["steps"]] == [2.57, 2.98, 3.39]
    assert path(**{"from": 2020}) is None


@pytest.mark.parametrize(
    ("year", "value", "predicate"),
    [(2022, 1.89, "Cukup"), (2023, 2.16, "Cukup"), (2024, 2.98, "Baik")],
)
def test_a_word_that_the_ranges_give_too_agrees(
    toba_hub: Hub, year: int, value: float, predicate: str
) -> None:
    found = spbe(toba_hub)[year, "published"]
    assert found["value"] == value
    assert found["predicate_published"] == found["predicate_by_ranges"] == predicate
    assert found["agrees"] is True


def test_a_target_and_the_minimum_have_no_printed_word(toba_hub: Hub) -> None:
    target = spbe(toba_hub)[2026, "target"]
    assert (target["value"], target["predicate_published"], target["agrees"]) == (3.39, None, None)
    assert target["predicate_by_ranges"] == "Baik"
    minimum = spbe(toba_hub)[None, "national_minimum"]
    assert (minimum["value"], minimum["predicate_by_ranges"]) == (2.6, "Baik")
    assert minimum["method_in_force"] is None


def test_every_value_leads_to_its_sources(toba_hub: Hub) -> None:
    for value in spbe(toba_hub).values():
        assert value["source_hrefs"]
        for href in value["source_hrefs"]:
            assert toba_hub.client.get(href).status_code == 200


def test_indices_are_listed_each_at_its_address_with_its_method(toba_hub: Hub) -> None:
    items = toba_hub.client.get(f"{API}/indices").json()["items"]
    assert [item["id"] for item in items] == ["pemdi-2026", "spbe-2020"]
    assert [item["provisional"] for item in items] == [True, False]
    for item in items:
        assert toba_hub.client.get(item["href"]).json() == item
        assert toba_hub.client.get(item["method_href"]).json()["definition"]["kind"] == "levels"


@pytest.mark.parametrize("name", ["moon", "cgr-2015", "skm-2017"])
def test_what_is_no_index_is_not_found(toba_hub: Hub, name: str) -> None:
    assert toba_hub.client.get(f"{API}/indices/{name}").status_code == 404


def test_methods_are_listed_each_in_full_at_its_address(toba_hub: Hub) -> None:
    items = toba_hub.client.get(f"{API}/methods").json()["items"]
    assert [item["id"] for item in items] == ["cgr-2015", "pemdi-2026", "skm-2017", "spbe-2020"]
    for item in items:
        detail = toba_hub.client.get(item["href"]).json()
        assert detail["hash"] == item["hash"]
        assert detail["definition"]["kind"] == item["kind"]
        assert detail["definition"]["version"] == item["version"]
    assert len({item["hash"] for item in items}) == len(items)
    assert toba_hub.client.get(f"{API}/methods/moon").status_code == 404


@pytest.mark.parametrize("index", ["spbe-2020", "pemdi-2026"])
@given(lower=st.floats(0, 5), higher=st.floats(0, 5))
def test_a_higher_value_never_has_a_lower_word(index: str, lower: float, higher: float) -> None:
    method = read_methods()[index]
    assert isinstance(method, LevelsMethod)
    words = [predicate.name for predicate in method.predicates]
    lower, higher = sorted((lower, higher))
    assert words.index(method.predicate_of(lower)) <= words.index(method.predicate_of(higher))
