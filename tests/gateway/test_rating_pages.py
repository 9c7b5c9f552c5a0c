"""A citizen rates a service that was used, once, by the address that the agency gave."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.service import API
from tests.conftest import Hub, Server, form_bundles


@pytest.fixture(scope="module")
def hub(server: Server, toba: str) -> Iterator[Hub]:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield Hub(client, settings)


def pages(hub: Hub, count: int) -> list[str]:
    answer = hub.client.post(
        f"{API}/usage/rating-tokens",
        json={"service": "ktp-el", "channel": "counter", "count": count},
        headers=hub.auth("dukcapil", "usage:write"),
    )
    assert answer.status_code == 201, answer.text
    return [item["path"] for item in answer.json()["items"]]


def test_five_citizens_rate_a_service_each_once(hub: Hub) -> None:
    given = pages(hub, 5)
    for path in given:
        form = hub.client.get(path)
        assert form.status_code == 200
        assert "KTP" in form.text
        assert form.headers["referrer-policy"] == "same-origin"
        assert form.headers["cache-control"] == "private, no-store"
        [action] = re.findall(r'action="([^"]+)"', form.text)
        [given_id] = re.findall(r'name="id" value="([0-9a-f-]{36})"', form.text)
        sent = {"id": given_id, "overall": "4", "ease": "3"}
        empty = hub.client.post(action, content=urlencode({"id": given_id}))
        assert empty.status_code == 422
        assert re.findall(r'id="q-(\w+)"[^>]*aria-invalid="true"', empty.text) == ["overall"]
        answer = hub.client.post(action, content=urlencode(sent))
        assert (answer.status_code, answer.headers["location"]) == (303, "/nilai/terima-kasih")
    thanks = hub.client.get("/nilai/terima-kasih").text
    assert "Terima kasih" in thanks
    assert "Isi lagi" not in thanks
    for path in given[:1]:
        for answer in (hub.client.get(path), hub.client.post(path, content="overall=1")):
            assert answer.status_code == 404
            assert "Penilaian ini sudah selesai" in answer.text
    form_bundles(hub.settings)
    found = hub.client.get(f"{API}/surveys/penilaian/results?service=ktp-el&channel=counter").json()
    assert found["n"] == 5
    assert {q["code"]: q["mean"] for q in found["questions"]} == {"overall": 4.0, "ease": 3.0}


def test_a_rating_is_opened_only_by_a_token(hub: Hub) -> None:
    assert 'href="/survei/penilaian' not in hub.client.get("/survei").text
    html = {"Accept": "text/html"}
    for path in ("/survei/penilaian", "/survei/penilaian/petugas", f"/nilai/{'a' * 16}"):
        assert hub.client.get(path, headers=html).status_code == 404
    assert hub.client.get("/nilai/x", headers=html).status_code in {404, 422}
    [path] = pages(hub, 1)
    assert "Rate the service" in hub.client.get(f"{path}?lang=en").text
