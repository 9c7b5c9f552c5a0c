"""Indices through the hub: Toba's values as published, and an index computed from levels."""

from typing import Any

import pytest

from tests.conftest import Hub

INDEX = "/api/v1/indices/spbe-2020"


def index(hub: Hub) -> dict[str, Any]:
    answer = hub.client.get(INDEX)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_spbe_of_toba_has_its_published_and_its_computed_predicate(hub: Hub) -> None:
    published = [value for value in index(hub)["values"] if value["role"] == "published"]
    assert [
        (v["year"], v["value"], v["predicate_published"], v["predicate_by_ranges"], v["agrees"])
        for v in published
    ] == [
        (2021, 1.69, "Cukup", "Kurang", False),
        (2022, 1.89, "Cukup", "Cukup", True),
        (2023, 2.16, "Cukup", "Cukup", True),
        (2024, 2.98, "Baik", "Baik", True),
    ]
    assert all(value["method_in_force"] for value in published)


def test_the_target_of_2026_has_a_path_and_lies_past_the_end_of_its_index(hub: Hub) -> None:
    document = index(hub)
    path = document["path"]
    assert (path["first_year"], path["target_year"], path["per_year"]) == (2024, 2026, 0.205)
    assert [step["value"] for step in path["steps"]] == [3.185, 3.39]
    target = next(value for value in document["values"] if value["role"] == "target")
    assert (target["year"], target["method_in_force"]) == (2026, False)
    assert (document["valid_from"], document["valid_to"]) == ("2021-01-01", "2025-12-31")


def test_an_index_is_computed_from_levels(hub: Hub) -> None:
    levels: dict[str, Any] = {str(number): 3 for number in range(1, 48)}
    answer = hub.client.post(f"{INDEX}/calculation", json={"levels": levels | {"47": [2, 5]}})
    assert answer.status_code == 200, answer.text
    scores = answer.json()
    assert (scores["low"], scores["value"], scores["high"]) == (2.97, 3.015, 3.06)
    assert (scores["predicate"], scores["missing"]) == ("Baik", [])


@pytest.mark.slow
def test_a_wrong_level_is_named_by_pointer(hub: Hub) -> None:
    answer = hub.client.post(f"{INDEX}/calculation", json={"levels": {"5": 6, "48": 1}})
    assert answer.status_code == 422
    assert [(error["pointer"], error["detail"]) for error in answer.json()["errors"]] == [
        ("#/levels/5", "a level lies between 1 and 5, the lower one first"),
        ("#/levels/48", "spbe-2020 has no indicator 48; it has 1 to 47"),
    ]
    assert hub.client.post("/api/v1/indices/x/calculation", json={"levels": {}}).status_code == 404


def test_the_schema_of_methods_and_their_dates_are_published(hub: Hub) -> None:
    schema = hub.client.get("/api/v1/methods/schema.json").json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    listed = {item["id"]: item for item in hub.client.get("/api/v1/methods").json()["items"]}
    assert (listed["spbe-2020"]["valid_from"], listed["spbe-2020"]["valid_to"]) == (
        "2021-01-01",
        "2025-12-31",
    )
    assert listed["pemdi-2026"]["provisional"]
