"""A citizen rates a service that was used, once, by the address that the agency gave."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.service import API
from tests.conftest import Hub, Server, form_bundles
from tests.feedback.answering import form_token, new_address
from tests.feedback.feedback_rows import date_issues_back


@pytest.fixture(scope="module")
def hub(server: Server, toba: str) -> Iterator[Hub]:
    with server.database_from(toba) as name:
        settings, proxy = server.settings(name), ("127.0.0.1", 50000)
        with TestClient(create_app(settings), follow_redirects=False, client=proxy) as client:
            yield Hub(client, settings)


def pages(hub: Hub, count: int) -> list[str]:
    answer = hub.client.post(
        f"{API}/usage/rating-tokens",
        json={"service": "ktp-el", "channel": "counter", "count": count},
        headers=hub.auth("dukcapil", "usage:write"),
    )
    assert answer.status_code == 201, answer.text
    return [item["path"] for item in answer.json()["items"]]


@pytest.mark.slow
def test_citizens_of_two_days_rate_a_service_each_once(hub: Hub) -> None:
    earlier = pages(hub, 5)
    date_issues_back(hub.settings)
    given = earlier + pages(hub, 5)
    for path in given:
        form = opened(hub, path)
        assert form.status_code == 200
        assert "KTP" in form.text
        assert form.headers["cache-control"] == "private, no-store"
        [action] = re.findall(r'action="([^"]+)"', form.text)
        [given_id] = re.findall(r'name="id" value="([0-9a-f-]{36})"', form.text)
        token = {"token": path.rpartition("/")[2]}
        assert re.findall(r'name="token" value="(\w+)"', form.text) == [token["token"]]
        assert token["token"] not in action
        assert re.findall(r'name="form_token" value="([^"]+)"', form.text)
        token["form_token"] = form_token(hub.settings, "survey penilaian")
        sent = {"id": given_id, "overall": "4", "ease": "3"} | token
        hub.client.cookies.clear()  # it may expire: the form is enough
        empty = hub.client.post(action, content=urlencode({"id": given_id} | token))
        assert empty.status_code == 422
        assert re.findall(r'id="q-(\w+)"[^>]*aria-invalid="true"', empty.text) == ["overall"]
        address = {"X-Forwarded-For": new_address()}
        answer = hub.client.post(action, content=urlencode(sent), headers=address)
        assert (answer.status_code, answer.headers["location"]) == (303, "/nilai/terima-kasih")
    thanks = hub.client.get("/nilai/terima-kasih").text
    assert "Terima kasih" in thanks
    assert "Isi lagi" not in thanks
    used = {"overall": "1", "token": given[0].rpartition("/")[2]}
    for answer in (opened(hub, given[0]), hub.client.post("/nilai", content=urlencode(used))):
        assert answer.status_code == 404
        assert "Penilaian ini sudah selesai" in answer.text
    form_bundles(hub.settings)
    found = hub.client.get(f"{API}/surveys/penilaian/results?service=ktp-el&channel=counter").json()
    assert found["n"] == 10
    assert {q["code"]: q["mean"] for q in found["questions"]} == {"overall": 4.0, "ease": 3.0}


@pytest.mark.slow
def test_a_rating_is_opened_only_by_a_token(hub: Hub) -> None:
    assert 'href="/survei/penilaian' not in hub.client.get("/survei").text
    html = {"Accept": "text/html"}
    for path in ("/survei/penilaian", "/survei/penilaian/petugas", "/nilai", f"/nilai/{'a' * 16}"):
        assert hub.client.get(path, headers=html, follow_redirects=True).status_code == 404
        hub.client.cookies.clear()
    assert hub.client.get("/nilai/x", headers=html).status_code in {404, 422}
    [path] = pages(hub, 1)
    assert "Rate the service" in opened(hub, f"{path}?lang=en").text


def test_a_token_leaves_the_address_at_once(hub: Hub) -> None:
    [path] = pages(hub, 1)
    moved = hub.client.get(f"https://testserver{path}")
    assert (moved.status_code, moved.headers["location"]) == (303, "/nilai")
    assert moved.headers["referrer-policy"] == "no-referrer"
    assert moved.headers["cache-control"] == "no-store"
    cookie = moved.headers["set-cookie"]
    assert cookie.startswith("__Secure-emall_nilai=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/nilai"} <= set(cookie.split("; "))
    hub.client.cookies.clear()


def opened(hub: Hub, path: str) -> httpx.Response:
    """Return the page to which an address with a token leads."""
    return hub.client.get(path, follow_redirects=True)
