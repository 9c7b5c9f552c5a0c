"""Headers that limit what a browser does with a response, on every kind of response."""

import httpx
import pytest

from services.cli.server import DEFAULT_PROTOCOL
from tests.conftest import Hub
from tests.servers import exchange, serving

API = "/api/v1"
TLS = "https://testserver"
HTML = {"Accept": "text/html"}
LIMITS = frozenset({"x-content-type-options", "content-security-policy", "referrer-policy"})


def assert_secured(answer: httpx.Response, *, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer"}
    for name in LIMITS:
        assert len(answer.headers.get_list(name)) == 1, name


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/layanan/pbg",
        "/docs",
        "/openapi.json",
        "/static/emall.css",
        "/status.atom",
        "/health/live",
        "/survei/worker.js",
        "/poster/layanan/ktp-el.svg",
        "/poster/layanan/ktp-el.pdf",
        f"{API}/links",
        f"{API}/services",
        f"{API}/links/simbg/badge.svg",
        f"{API}/network.svg?period=2024",
        f"{API}/usage/completeness",
        f"{API}/usage/reminders.ics?agency=dukcapil",
        f"{API}/links/sla.csv?year=2024",
    ],
)
def test_every_kind_of_resource_has_them(shared: Hub, path: str) -> None:
    answer = shared.client.get(TLS + path)
    assert_secured(answer, status=200)
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    again = shared.client.get(
        TLS + path, headers={"If-None-Match": answer.headers.get("etag", '"none"')}
    )
    if "etag" in answer.headers:
        assert again.status_code == 304
        # Those of the response that the browser has stay in effect unless these replace them.
        for name in LIMITS:
            assert again.headers.get(name, answer.headers[name]) == answer.headers[name]
    else:
        assert_secured(again, status=200)
    assert again.headers["strict-transport-security"]


def test_what_is_not_modified_repeats_none_of_them(shared: Hub) -> None:
    for path in ("/layanan/pbg", f"{API}/services", f"{API}/links"):
        tag = shared.client.get(path).headers["etag"]
        again = shared.client.get(path, headers={"If-None-Match": tag})
        assert again.status_code == 304
        assert not LIMITS.intersection(again.headers)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/nothing", HTML, 404),
        ("GET", f"{API}/services/nothing", {}, 404),
        ("GET", "/layanan/", {}, 307),
        ("GET", "/go/simbg", {}, 302),
        ("DELETE", f"{API}/services", {}, 405),
        ("GET", f"{API}/services?limit=x", {}, 422),
        ("GET", f"{API}/services", {"Authorization": "Bearer emk_x_y"}, 401),
        ("GET", f"{API}/keys", {}, 401),
        ("GET", f"{API}/services?q=stored", {"Cache-Control": "only-if-cached"}, 504),
        ("POST", f"{API}/comments", {"Content-Length": "9000000"}, 413),
        ("POST", "/aduan", {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_refusals_and_redirects_have_them(
    shared: Hub, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = shared.client.request(method, TLS + path, headers=headers)
    assert_secured(answer, status=status)
    assert answer.headers["strict-transport-security"]


def test_without_tls_no_host_is_bound_to_it(shared: Hub) -> None:
    for path in ("/", f"{API}/services", "/nothing"):
        claimed = shared.client.get(path, headers={"X-Forwarded-Proto": "https"})
        assert "strict-transport-security" not in claimed.headers


def test_the_server_itself_sends_them_with_what_is_not_http() -> None:
    with serving(lambda: None, http=DEFAULT_PROTOCOL, lifespan="off") as address:
        answer = exchange(address, b"nonsense\r\n\r\n")
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 400")
    for name in (b"x-content-type-options: nosniff", b"content-security-policy: default-src"):
        assert name in head


@pytest.mark.parametrize(
    ("method", "path", "location"),
    [
        ("GET", "/layanan/?q=a%20b", "/layanan?q=a%20b"),
        ("GET", "/static", "/static/"),
        ("GET", f"{API}/services/", f"{API}/services"),
        ("GET", f"{API}/usage/completeness/", f"{API}/usage/completeness"),
        ("POST", f"{API}/comments/", f"{API}/comments"),
    ],
)
def test_a_redirect_never_repeats_the_host_that_a_client_names(
    shared: Hub, method: str, path: str, location: str
) -> None:
    for host in ("evil.example", 'evil.example"<', "evil.example/x"):
        answer = shared.client.request(method, path, headers={"Host": host})
        assert answer.status_code == 307
        assert answer.headers["location"] == location


def test_a_path_that_looks_like_a_host_is_not_redirected_to(shared: Hub) -> None:
    for path in ("//evil.example/", "//evil.example/layanan/", "//layanan/"):
        answer = shared.client.get(f"http://testserver{path}")
        assert answer.status_code == 404
        assert "location" not in answer.headers


def test_a_page_may_be_examined_from_inside(shared: Hub) -> None:
    # Lighthouse reads `/robots.txt` as the page would; a page without scripts asks nothing itself.
    for path, has_scripts in (("/", True), ("/dasbor", False)):
        policy = shared.client.get(path).headers["content-security-policy"].split("; ")
        assert policy.count("connect-src 'self'") == 1
        assert ("script-src 'self'" in policy) is has_scripts
