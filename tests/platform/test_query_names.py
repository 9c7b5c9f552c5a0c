"""Query parameters that an operation does not have."""

import pytest

from tests.conftest import Hub


@pytest.mark.parametrize(
    ("address", "name", "words"),
    [
        (
            "/api/v1/services?modified_since=2026-01-01T00:00:00Z",
            "modified_since",
            "modified_after",
        ),
        ("/api/v1/services?agencies=dukcapil", "agencies", "agency"),
        ("/api/v1/usage/summary?group=service", "group", "group_by"),
        ("/api/v1/metrics/collaboration-dynamics?periode=2024", "periode", "period"),
        ("/api/v1/links?zzz=1", "zzz", "is not a parameter here"),
        ("/hsds/services?per-page=5", "per-page", "per_page"),
        ("/hsds/services?taxonomy_term_id=1", "taxonomy_term_id", "is not a parameter here"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest(
    shared: Hub, address: str, name: str, words: str
) -> None:
    answer = shared.client.get(address)
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["parameter"] == name
    assert words in error["detail"]


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/services?agency=dukcapil",
        "/api/v1/services?lang=id",
        "/layanan?utm_source=x",
        "/?fbclid=1",
    ],
)
def test_known_parameters_and_pages_are_answered(shared: Hub, address: str) -> None:
    assert shared.client.get(address).status_code == 200
