"""Pages of other sites read what needs no key, and nothing else (CORS)."""

import httpx
import pytest

from tests.conftest import Hub

API = "/api/v1"
MAP = {"Origin": "https://peta.example"}


def preflight(hub: Hub, path: str, method: str, headers: str = "") -> httpx.Response:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return hub.client.request("OPTIONS", path, headers=MAP | asked)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{API}/services?limit=1", 200),
        (f"{API}/announcements", 200),
        (f"{API}/usage/completeness", 200),
        (f"{API}/evidence/calendar.ics", 200),
        ("/open311/v2/requests.json", 200),
        ("/open311/v2/services.xml", 200),
        ("/openapi.json", 200),
        ("/hsds/services?per_page=1", 200),
        (f"{API}/exports/services.csv", 200),
        ("/status.atom", 200),
        (f"{API}/services/nothing", 404),
        (f"{API}/services?limit=0", 422),
    ],
)
def test_an_open_read_is_given_to_any_page(shared: Hub, path: str, status: int) -> None:
    for headers in ({}, MAP):
        answer = shared.client.get(path, headers=headers)
        assert answer.status_code == status
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert "ETag" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        # The value is the same for every origin.
        assert "origin" not in answer.headers.get("vary", "").lower()
    answer = preflight(shared, path, "GET", "if-none-match")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert "if-none-match" in answer.headers["access-control-allow-headers"].lower()
    assert "Access-Control-Request-Method" in answer.headers["vary"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/aduan",
        "/unggah",
        f"{API}/keys",
        f"{API}/comments/form",
        f"{API}/comments/exports/sp4n.csv",
        f"{API}/network/ties.csv?period=2024",
    ],
)
def test_pages_forms_and_what_needs_a_key_are_not_given(shared: Hub, path: str) -> None:
    assert "access-control-allow-origin" not in shared.client.get(path, headers=MAP).headers


def test_an_answer_to_a_key_is_not_given(shared: Hub) -> None:
    for path in (f"{API}/services", f"{API}/keys"):
        answer = shared.client.get(path, headers=MAP | shared.auth("diskominfo", "admin"))
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_write_is_not_allowed_from_another_page(shared: Hub, method: str) -> None:
    answer = preflight(shared, f"{API}/comments", method, "content-type")
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("header", ["authorization", "ticket-token", "idempotency-key"])
def test_no_secret_is_allowed_from_another_page(shared: Hub, header: str) -> None:
    answer = preflight(shared, f"{API}/services", "GET", header)
    assert header not in answer.headers["access-control-allow-headers"].lower()


def test_what_is_not_modified_may_be_read_too(shared: Hub) -> None:
    tag = shared.client.get(f"{API}/services").headers["etag"]
    again = shared.client.get(f"{API}/services", headers=MAP | {"If-None-Match": tag})
    assert (again.status_code, again.headers["access-control-allow-origin"]) == (304, "*")
