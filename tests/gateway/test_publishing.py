"""What is published is seen at every replica at once, and readable while its owner is down."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from services.catalog.app import create_app as create_catalog
from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Hub, Server
from tests.gateway.parts import cache_store
from tests.rows import close_connections, rename_agency
from tests.servers import free_port, serving
from tests.waiting import until

PBG = "/api/v1/services/pbg"
PAGE = "/layanan/pbg"


@pytest.fixture(scope="module")
def own(server: Server, toba: str) -> Iterator[Settings]:
    with server.database_from(toba) as name:
        yield server.settings(name)


@pytest.fixture(scope="module")
def replicas(own: Settings) -> Iterator[tuple[Hub, Hub]]:
    """Two gateways on one database, which hear of changes."""
    with TestClient(create_app(own)) as one, TestClient(create_app(own)) as other:
        for client in (one, other):
            until(lambda client=client: cache_store(client).is_connected)
        yield Hub(one, own), Hub(other, own)


def is_cached(answer: httpx.Response) -> bool:
    return "; hit" in answer.headers.get("cache-status", "")


def read_until_cached(client: TestClient, path: str) -> Any:
    """Read until the response comes from the cache."""
    until(lambda: is_cached(client.get(path)))
    return client.get(path)


def change(hub: Hub, **fields: Any) -> httpx.Response:
    read = hub.client.get(PBG)
    service = read.json()["service"] | fields
    headers = hub.auth("diskominfo", "admin") | {"If-Match": read.headers["etag"]}
    return hub.client.put(PBG, json=service, headers=headers)


@pytest.mark.slow
def test_a_change_is_seen_at_once_where_it_was_made_and_soon_at_the_other_replica(
    replicas: tuple[Hub, Hub],
) -> None:
    here, there = replicas
    for client in (here.client, there.client):
        read_until_cached(client, PBG)
        read_until_cached(client, PAGE)
    assert change(here, summary="Diurus daring.").status_code == 200
    assert here.client.get(PBG).json()["service"]["summary"] == "Diurus daring."
    until(lambda: there.client.get(PBG).json()["service"]["summary"] == "Diurus daring.")
    until(lambda: "Diurus daring." in there.client.get("/cari?q=pbg").text)


def test_a_change_on_the_command_line_invalidates_the_cache_too(
    own: Settings, replicas: tuple[Hub, Hub]
) -> None:
    here, _ = replicas
    read_until_cached(here.client, "/api/v1/agencies")
    rename_agency(own, "dukcapil", "Dinas Baru")
    until(lambda: "Dinas Baru" in here.client.get("/api/v1/agencies").text)


def test_an_incident_is_on_the_page_at_once(replicas: tuple[Hub, Hub]) -> None:
    here, there = replicas
    before = read_until_cached(there.client, PAGE)
    assert "terganggu" not in before.text
    incident = {"link": "simbg", "title": "Tidak dapat dibuka", "title_en": "Cannot be opened"}
    made = here.client.post(
        "/api/v1/incidents", json=incident, headers=here.auth("diskominfo", "admin")
    )
    assert made.status_code < 300, made.text
    until(lambda: "terganggu" in there.client.get(PAGE).text)


@pytest.mark.slow
def test_while_the_listener_is_disconnected_nothing_is_fresh_and_it_reconnects(
    own: Settings, replicas: tuple[Hub, Hub]
) -> None:
    here, _ = replicas
    read_until_cached(here.client, PBG)
    store = cache_store(here.client)
    before = store.generation(("catalog",))
    close_connections(own, "emall gateway: invalidate-cache")
    # It counts as changed whatever was said meanwhile.
    until(lambda: store.is_connected and store.generation(("catalog",)) > before)
    assert not is_cached(here.client.get(PBG))
    assert is_cached(here.client.get(PBG))


def test_a_catalogue_that_is_down_is_still_readable_with_its_age(own: Settings) -> None:
    port = free_port()
    away = own.model_copy(update={"catalog_url": f"http://127.0.0.1:{port}"})
    with TestClient(create_app(away)) as client:
        store = cache_store(client)
        with serving(create_catalog(own), port=port):
            for path in (PBG, PAGE):
                read_until_cached(client, path)
        store.invalidate("catalog")
        for path in (PBG, PAGE):
            for _ in range(2):
                answer = client.get(path)
                assert answer.status_code == 200
                assert int(answer.headers["age"]) >= 0
        assert client.get("/api/v1/services/imb").status_code in {404, 503}
        assert client.get("/api/v1/agencies").status_code == 503


def test_what_a_key_reads_is_its_own(replicas: tuple[Hub, Hub]) -> None:
    here, _ = replicas
    auth = here.auth("diskominfo", "admin")
    read_until_cached(here.client, PBG)
    answer = here.client.get(PBG, headers=auth)
    assert answer.headers["cache-control"] == "private, no-store"
    assert "cache-status" not in answer.headers
    assert here.client.get("/api/v1/surveys").headers["cache-control"] == "no-cache"
    assert here.client.get(PBG).headers["cache-control"].startswith("public, max-age=")
    wrong = here.client.get(PBG, headers={"Authorization": "Bearer emk_no_key"})
    assert wrong.status_code == 401
