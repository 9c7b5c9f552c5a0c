"""A form that another site's page sends in a visitor's name is refused, whichever form it is."""

import re
from collections.abc import Iterator

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.service import API
from tests.conftest import Hub, Server
from tests.gateway.parts import app_of

SAFE = {"GET", "HEAD", "OPTIONS"}
OTHER_SITES = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    {"Origin": "https://other.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.other.example"},
    {"Origin": "http://testserver:8443"},
    {"Origin": "http://[testserver"},
    {"Origin": "data://testserver"},
    {"Origin": ""},
)
OWN_SITES = (
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Origin": "http://testserver"},
    {"Origin": "http://TestServer:80"},
    {"Origin": "https://emall.toba.example"},
    {"Origin": "https://emall.toba.example:443"},
)
CROSS_SITE = "Formulir dari situs lain ditolak"


@pytest.fixture(scope="module")
def hub(server: Server, toba: str) -> Iterator[Hub]:
    """Start a hub that also has a public address."""
    with server.database_from(toba) as name:
        settings = server.settings(name, public_url="https://emall.toba.example")
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield Hub(client, settings)


def forms(hub: Hub) -> list[tuple[str, str]]:
    """Return method and path of every page that is not only read, from the table of routes."""
    found = [
        (method, re.sub(r"\{[^}]+\}", "skm", route.path))
        for route in app_of(hub.client).routes
        if isinstance(route, Route) and not route.path.startswith(API)
        for method in sorted((route.methods or set()) - SAFE)
    ]
    assert {path for _, path in found} >= {"/survei/skm", "/aduan", "/nilai", "/unggah/masuk"}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("headers", OTHER_SITES, ids=str)
def test_no_form_is_taken_from_another_site(hub: Hub, headers: dict[str, str]) -> None:
    for method, path in forms(hub):
        answer = hub.client.request(method, path, content="U1=4", headers=headers)
        assert answer.status_code == 403, path
        assert CROSS_SITE in answer.text
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.slow
@pytest.mark.parametrize("headers", OWN_SITES, ids=str)
def test_every_form_is_taken_from_the_hub_and_from_browsers_that_say_nothing(
    hub: Hub, headers: dict[str, str]
) -> None:
    for method, path in forms(hub):
        answer = hub.client.request(method, path, content="U1=4", headers=headers)
        assert CROSS_SITE not in answer.text, path


def test_the_refusal_speaks_the_language_of_the_page(hub: Hub) -> None:
    answer = hub.client.post("/aduan?lang=en", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.headers["content-language"]) == (403, "en")
    assert "another site" in answer.text


def test_the_api_refuses_what_a_page_elsewhere_sends_without_a_key(hub: Hub) -> None:
    other = {"Sec-Fetch-Site": "cross-site"}
    paths = (f"{API}/surveys/skm/responses", f"{API}/comments", "/open311/v2/requests.json")
    for path in paths:
        answer = hub.client.post(path, content=b"{}", headers=other)
        assert answer.status_code == 403
        assert answer.headers["content-type"] in {
            "application/problem+json",
            "application/json",  # errors of Open311 have a form of their own
        }
    events = {"events": []}
    answer = hub.client.post(
        f"{API}/usage/events", json=events, headers=other | hub.auth("dukcapil", "usage:write")
    )
    assert answer.status_code != 403


def test_a_page_is_read_from_another_site(hub: Hub) -> None:
    other = {"Sec-Fetch-Site": "cross-site", "Origin": "https://other.example"}
    assert hub.client.get("/survei/skm", headers=other).status_code == 200
