"""Links at the door: the list, one link, and the way to it."""

from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Hub


def test_the_links_of_the_pack_are_listed_by_slug(hub: Hub) -> None:
    page = hub.client.get("/api/v1/links").json()
    slugs = [item["slug"] for item in page["items"]]
    assert slugs == sorted(slugs)
    assert {"simbg", "oss", "website"} <= set(slugs)
    assert page["next"] is None


def test_a_link_names_its_operator_and_its_addresses_at_this_hub(hub: Hub) -> None:
    link = hub.client.get("/api/v1/links/simbg").json()
    assert link["url"] == "https://simbg.pu.go.id"
    assert link["operator"] == "Kementerian Pekerjaan Umum"
    assert (link["href"], link["go"]) == ("/api/v1/links/simbg", "/go/simbg")
    assert hub.client.get(link["href"]).json() == link
    assert hub.client.get(link["go"]).status_code == 302


def test_pages_of_links_follow_each_other_to_the_end(hub: Hub) -> None:
    every = [item["slug"] for item in hub.client.get("/api/v1/links").json()["items"]]
    seen: list[str] = []
    address: str | None = "/api/v1/links?limit=4"
    while address is not None:
        page = hub.client.get(address).json()
        assert 1 <= len(page["items"]) <= 4
        seen += [item["slug"] for item in page["items"]]
        address = page["next"]
    assert seen == every


def test_a_page_of_none_or_of_too_many_links_is_422(hub: Hub) -> None:
    for wrong in ("limit=0", "limit=101", "limit=x", "cursor=%00", "cursor=A"):
        answer = hub.client.get(f"/api/v1/links?{wrong}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == wrong.partition("=")[0]


def test_an_unknown_link_is_404_with_the_address_of_the_list(hub: Hub) -> None:
    for path in ("/api/v1/links/nowhere", "/go/nowhere"):
        answer = hub.client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert "/api/v1/links" in answer.json()["detail"]
    assert hub.client.head("/go/nowhere").status_code == 404


def test_the_redirect_to_a_link_is_an_uncacheable_302_without_a_cookie(hub: Hub) -> None:
    answer = hub.client.get("/go/simbg?service=pbg")
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://simbg.pu.go.id"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert hub.client.head("/go/simbg").headers["location"] == "https://simbg.pu.go.id"


def test_the_way_leads_only_to_what_the_pack_names(hub: Hub) -> None:
    for path in (
        "/go/https:%2F%2Fevil.example",
        "/go/%2F%2Fevil.example",
        "/go/simbg%0d%0aLocation:%20https:%2F%2Fevil.example",
        "/go/simbg?service=https://evil.example",
    ):
        answer = hub.client.get(path)
        assert answer.status_code in {404, 422}
        assert "location" not in answer.headers


def test_links_of_another_region_are_not_seen(settings: Settings) -> None:
    with TestClient(create_app(settings.model_copy(update={"region": "12.13"}))) as client:
        assert client.get("/api/v1/links").json()["items"] == []
        assert client.get("/go/simbg", follow_redirects=False).status_code == 404
