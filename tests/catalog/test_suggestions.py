"""What the catalogue suggests while somebody types."""

from tests.conftest import Hub

ADDRESS = "/api/v1/catalog/suggestions"


def suggested(hub: Hub, query: str, **more: int) -> list[tuple[str, str]]:
    answer = hub.client.get(ADDRESS, params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return [(one["kind"], one["slug"]) for one in answer.json()["items"]]


def test_services_agencies_and_places_are_suggested_by_the_beginning_of_a_word(
    shared: Hub,
) -> None:
    assert suggested(shared, "akta kel")[0] == ("service", "akta-kelahiran")
    assert ("agency", "dukcapil") in suggested(shared, "disdukcapil")
    assert ("place", "kantor-pln") in suggested(shared, "kantor pln")
    assert suggested(shared, "KTP hilng")[0] == ("service", "ktp-el")
    assert suggested(shared, "qqqqzzzz") == []


def test_suggestions_are_few_and_cached(shared: Hub) -> None:
    assert len(suggested(shared, "surat", limit=3)) == 3
    assert len(suggested(shared, "kantor pln", limit=1)) == 1
    again = shared.client.get(ADDRESS, params={"query": "surat", "limit": 3})
    assert "hit" in again.headers["cache-status"]
    for wrong in ({"query": ""}, {"query": "x" * 201}, {"query": "a", "limit": 11}, {}):
        assert shared.client.get(ADDRESS, params=wrong).status_code == 422
