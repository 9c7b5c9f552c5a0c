"""The proxy: every response is one that HTTP and the OpenAPI document allow."""

import gc
import re
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from services.catalog.app import create_app as create_catalog
from services.feedback.app import create_app as create_feedback
from services.gateway.app import create_app
from services.gateway.proxy.request_log import RequestLog
from services.gateway.rate_limits.admission import Admission
from services.platform.settings import Settings
from tests.conftest import Hub, Server
from tests.servers import exchange, serving

LIMIT = 4096
EVENTS = "/api/v1/usage/events"

READS = (
    "/",
    "/layanan",
    "/static/emall.css",
    "/openapi.json",
    "/api/v1/links",
    "/api/v1/services",
    "/api/v1/services/pbg",
    "/api/v1/surveys",
    "/api/v1/methods",
)
"""Reads of the gateway and of each service."""


def assert_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]


def chunks(size: int) -> Iterator[bytes]:
    """Yield a body in pieces, without a declared length."""
    for _ in range(size // 256):
        yield b" " * 256


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/services",
        "/api/v1//services",
        "/go",
    ],
)
def test_an_unknown_address_is_404(shared: Hub, path: str) -> None:
    answer = shared.client.get(path)
    assert_problem(answer, 404)
    assert "/openapi.json" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/go/simbg", "GET, HEAD"),
        ("PUT", "/api/v1/links", "GET"),
        ("POST", "/", "GET"),
        ("TRACE", "/", "GET"),
        ("TRACE", "/api/v1/links", "GET"),
        ("PATCH", "/api/v1/agencies", "GET"),
        ("GET", EVENTS, "POST"),
        ("DELETE", "/api/v1/usage/statistics", "GET, POST"),
        ("PUT", "/api/v1/assessments", "GET, POST"),
    ],
)
def test_a_method_that_is_not_possible_is_405_and_names_those_that_are(
    shared: Hub, method: str, path: str, allowed: str
) -> None:
    answer = shared.client.request(method, path)
    assert_problem(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", READS)
def test_a_head_has_the_headers_of_a_get_and_no_body(shared: Hub, path: str) -> None:
    got, looked = shared.client.get(path), shared.client.head(path)
    assert got.status_code == looked.status_code == 200
    assert looked.content == b""
    for name in ("etag", "content-type", "content-length"):
        assert looked.headers[name] == got.headers[name]


@pytest.mark.parametrize("path", READS)
def test_a_read_that_did_not_change_is_304(shared: Hub, path: str) -> None:
    first = shared.client.get(path)
    tag = first.headers["etag"]
    for wanted in (tag, f"W/{tag}", f'"other", {tag}'):
        again = shared.client.get(path, headers={"If-None-Match": wanted})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    changed = shared.client.get(path, headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.content) == (200, first.content)


def test_a_write_and_an_error_have_no_tag(shared: Hub) -> None:
    assert "etag" not in shared.client.get("/api/v1/services/nowhere").headers
    assert "etag" not in shared.client.get("/go/simbg").headers


@pytest.mark.slow
@pytest.mark.parametrize("path", [EVENTS, "/api/v1/surveys/skm/responses", "/api/v1/links", "/"])
def test_a_body_over_the_limit_is_413_at_every_address(settings: Settings, path: str) -> None:
    small = settings.model_copy(update={"max_body_bytes": LIMIT})
    with TestClient(create_app(small)) as client:
        assert_problem(client.post(path, content=b" " * (LIMIT + 1)), 413)
        assert client.post(path, content=b" " * LIMIT).status_code in {401, 404, 405, 415, 422}


def test_a_body_that_grows_over_the_limit_as_it_comes_is_413(settings: Settings) -> None:
    small = settings.model_copy(update={"max_body_bytes": LIMIT})
    with TestClient(create_app(small)) as client:
        auth = Hub(client, small).auth("dukcapil", "usage:write")
        assert_problem(client.post(EVENTS, content=chunks(LIMIT * 2), headers=auth), 413)


def test_a_body_that_grows_over_the_limit_is_413_for_a_service_elsewhere_too(
    settings: Settings,
) -> None:
    with serving(create_feedback(settings)) as address:
        small = settings.model_copy(update={"max_body_bytes": LIMIT, "feedback_url": address})
        with TestClient(create_app(small)) as client:
            auth = Hub(client, small).auth("dukcapil", "usage:write")
            assert_problem(client.post(EVENTS, content=chunks(LIMIT * 2), headers=auth), 413)
            assert_problem(client.post(EVENTS, content=b" " * (LIMIT + 1), headers=auth), 413)


def awkward(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every address of the document with text in it that no database stores.

    Each place gets one of the texts; each text comes to every kind of place.
    """
    texts = cycle(("%00", "%ff", "a%00b", "%ed%a0%80", "%F0%9F%98%80", "%", "%2e%2e%2f"))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            plain = re.sub(r"\{\w+\}", "pbg", path)
            if plain != path:
                yield method, re.sub(r"\{\w+\}", next(texts), path)
            for given in operation.get("parameters", ()):
                if given["in"] == "query":
                    yield method, f"{plain}?{given['name']}={next(texts)}"
            text = next(texts)
            yield method, f"{plain}?{text}={text}"


@pytest.mark.slow
def test_text_that_cannot_be_stored_is_never_a_500(hub: Hub) -> None:
    document = hub.client.get("/openapi.json").json()
    document["paths"] |= {
        path: {"get": {"parameters": [{"in": "query", "name": n} for n in names]}}
        for path, names in (
            ("/", ["lang"]),
            ("/layanan", ["agency", "life_event", "cursor", "lang"]),
            ("/layanan/{slug}", ["case", "lang"]),
            ("/peristiwa/{slug}", ["lang"]),
            ("/instansi/{slug}", ["lang"]),
            ("/cari", ["q", "lang"]),
            ("/status", ["lang"]),
            ("/static/{path}", []),
            ("/{anything}", []),
        )
    }
    tried = 0
    for method, address in awkward(document):
        # A character outside ASCII stands in an address only as bytes: httpx sends them as given.
        answer = hub.client.request(method, address)
        assert answer.status_code < 500, (method, address, answer.text)
        tried += 1
    assert tried > 500


@pytest.fixture(scope="module")
def hub_address(server: Server, toba: str) -> Iterator[str]:
    """Address of a hub on a real socket, whose catalog is behind another one."""
    with (
        server.database_from(toba) as name,
        serving(create_catalog(server.settings(name))) as catalog,
        serving(create_app(server.settings(name, catalog_url=catalog))) as address,
    ):
        yield address


@pytest.mark.parametrize(
    "target",
    [
        b"/api/v1/services/\xff\xfe",
        b"/api/v1/services?query=\xff",
        b"/api/v1/services?query=\xc3\xa9",
        b"/go/\x80",
        b"/api/v1/services/%ff%00",
        b"/api/v1/services/%",
        b"%2Fapi/v1/services",
        b"@evil.example/api/v1/services",
        b"//evil.example/api/v1/services",
        b"http://evil.example/api/v1/services/nowhere",
        b"*",
        b"/api/v1/services#fragment",
        b"/api/v1/services/" + b"a" * 9000,
    ],
)
def test_a_target_that_is_odd_on_the_wire_is_answered_below_500(
    hub_address: str, target: bytes
) -> None:
    answer = exchange(
        hub_address, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    status = int(answer.split(b" ", 2)[1])
    assert 200 <= status < 500, answer


@pytest.mark.parametrize("host", [b"", b"[::", b"a b", b"x:y:z", b"\xff", b"..", b"http://x/"])
def test_an_odd_host_is_answered_below_500(hub_address: str, host: bytes) -> None:
    for path in (b"/api/v1/services/nowhere", b"/nothing", b"/?lang=en"):
        answer = exchange(
            hub_address,
            b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n",
        )
        assert int(answer.split(b" ", 2)[1]) < 500, answer


def test_two_answers_follow_each_other_on_one_connection(hub_address: str) -> None:
    head = b"HEAD /api/v1/services/pbg HTTP/1.1\r\nHost: x\r\n\r\n"
    get = b"GET /api/v1/links/simbg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = exchange(hub_address, head + get)
    looked, _, got = answer.partition(b"\r\n\r\n")
    assert looked.startswith(b"HTTP/1.1 200")
    assert got.startswith(b"HTTP/1.1 200")
    assert got.endswith(b"}")


def test_an_error_of_the_gateway_itself_is_a_problem_document(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Admission, "decide", broken)
    client = TestClient(create_app(hub.settings), raise_server_exceptions=False)
    for path in ("/api/v1/services", "/layanan"):
        assert_problem(client.get(path), 500)


@pytest.mark.slow
def test_what_a_request_needed_is_freed_without_the_collector(shared: Hub) -> None:
    # Not the front page: a template whose macros know its context leaves a cycle to the collector.
    reads = READS[1:]
    gc.collect()
    gc.disable()
    try:
        for path in reads:
            assert shared.client.get(path).status_code == 200
        refused = shared.client.get("/api/v1/services", headers={"Authorization": "Basic YTpi"})
        assert refused.status_code == 401
        assert not [left for left in gc.get_objects() if isinstance(left, RequestLog)]
    finally:
        gc.enable()
