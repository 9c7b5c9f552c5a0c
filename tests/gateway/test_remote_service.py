"""Requests to a service in another process, over real sockets on both sides."""

import asyncio
import json
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from services.catalog.app import create_app as create_catalog
from services.cli.server import DEFAULT_PROTOCOL
from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Server
from tests.servers import LOOPBACK, exchange, free_port, hanging_up, responding, serving, silent

HERE = "/api/v1/services"
BIG = 3_000_000
OLD = "Tue, 01 Dec 2020 00:00:00 GMT"


async def upstream(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve an application that returns the request, or misbehaves as its path says."""
    if scope["type"] != "http":
        return
    match scope["path"].rpartition("/")[2]:
        case "slow":
            await asyncio.sleep(2.5)
        case "drip":
            await answer(send, headers=[(b"content-type", b"text/plain")], more=True)
            for _ in range(8):
                await send({"type": "http.response.body", "body": b"drop ", "more_body": True})
                await asyncio.sleep(0.2)
            await send({"type": "http.response.body", "body": b"."})
        case "big":
            await answer(send, b"x" * BIG)
        case "cut":
            await answer(send, b"half", headers=[(b"content-length", b"100")], more=True)
            await asyncio.sleep(0.1)
            raise RuntimeError("the connection ends here")
        case "headers":
            own = [
                (b"connection", b"close, X-Secret"),
                (b"x-secret", b"1"),
                (b"keep-alive", b"timeout=5"),
                (b"proxy-authenticate", b"Basic"),
                (b"set-cookie", b"a=1"),
                (b"set-cookie", b"b=2"),
                (b"content-encoding", b"gzip"),
                (b"x-name", "Té".encode()),
            ]
            await answer(send, b"not really gzip", headers=own)
        case "redirect":
            host = dict(scope["headers"])[b"host"]
            location = b"http://" + host + b"/api/v1/services/x?y=%20"
            await answer(send, status=307, headers=[(b"location", location)])
        case "empty":
            await answer(send, status=204)
        case "dated":
            await answer(send, b"old", headers=[(b"date", OLD.encode())])
        case "early":
            await answer(send, b"no", status=413)
        case _:
            said = json.dumps(await asked(scope, receive)).encode()
            await answer(send, said, headers=[(b"content-length", b"%d" % len(said))])


async def asked(scope: Scope, receive: Receive) -> dict[str, Any]:
    size, pieces = 0, 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        pieces += 1
        if not message.get("more_body"):
            break
    return {
        "method": scope["method"],
        "target": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
        "size": size,
        "pieces": pieces,
    }


async def answer(
    send: Send,
    body: bytes = b"",
    *,
    status: int = 200,
    headers: Any = (),
    more: bool = False,
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body, "more_body": more})


@contextmanager
def hub_in_front_of(settings: Settings, address: str, *, timeout: float = 10) -> Generator[str]:
    """Address of a hub whose catalog is at this address."""
    away = settings.model_copy(update={"catalog_url": address, "upstream_timeout_seconds": timeout})
    with serving(create_app(away), http=DEFAULT_PROTOCOL) as hub_address:
        yield hub_address


@pytest.fixture(scope="module")
def hub_address(server: Server, migrated: str) -> Iterator[str]:
    """Address of a hub whose catalog is the odd service."""
    with (
        server.database_from(migrated) as name,
        serving(upstream, grace=0, http=DEFAULT_PROTOCOL) as service,
        hub_in_front_of(server.settings(name), service, timeout=1) as address,
    ):
        yield address


def header(asked: dict[str, Any], name: str) -> list[str]:
    return [value for given, value in asked["headers"] if given == name]


def assert_unavailable(got: httpx.Response, service: str = "catalog") -> None:
    assert got.status_code == 503
    assert got.headers["content-type"] == "application/problem+json"
    assert got.headers["retry-after"] == "5"
    problem = got.json()
    assert problem["type"] == "urn:emall:problem:unavailable"
    assert problem["service"] == service
    assert service in problem["detail"]


@pytest.mark.slow
def test_a_remote_service_answers_through_the_proxy_as_a_local_one(
    settings: Settings,
) -> None:
    with (
        serving(create_catalog(settings)) as service,
        hub_in_front_of(settings, service) as away,
        serving(create_app(settings), http=DEFAULT_PROTOCOL) as home,
        httpx.Client() as client,
    ):
        for path in (
            HERE,
            f"{HERE}?query=akta+kelahiran&limit=3",
            f"{HERE}/pbg",
            f"{HERE}/nowhere",
            f"{HERE}?limit=0",
            "/api/v1/agencies",
            "/api/v1/services/pbg/versions",
        ):
            trace = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
            far, near = (client.get(to + path, headers=trace) for to in (away, home))
            assert (far.status_code, far.content) == (near.status_code, near.content)
            assert far.headers["x-request-id"] == near.headers["x-request-id"] == "ab" * 16
            names = {"content-type", "content-length", "etag", "cache-control", "date"}
            for got in (far, near):
                assert len(got.headers.get_list("date")) == 1
                assert len(got.headers.get_list("content-length")) == 1
                assert "server" not in got.headers
            assert {name: far.headers.get(name) for name in names - {"date"}} == {
                name: near.headers.get(name) for name in names - {"date"}
            }
            if "etag" in far.headers:
                wanted = {"If-None-Match": near.headers["etag"]}
                assert client.get(away + path, headers=wanted).status_code == 304
        assert client.delete(away + HERE).status_code == 405
        assert client.delete(away + HERE).headers["allow"] == "GET"


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb",
        "/%C3%A9",
        "/a%20b+c",
        "/..%2f..%2flinks",
        "/a?x=%2F%20+&y=%C3%A9&x=2",
        "/a?",
        "/a?x",
        "/a?a=b?c&d=%26",
        "/%7Euser/~user/(x)'!*;=:@,",
        "/a//b/",
        "?q=%00%ff",
    ],
)
def test_an_address_arrives_as_it_was_sent(hub_address: str, target: str) -> None:
    request = f"GET {HERE}{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    got = exchange(hub_address, request.encode())
    seen = json.loads(got.partition(b"\r\n\r\n")[2])
    path, _, query = target.partition("?")
    assert (seen["target"], seen["query"]) == (HERE + path, query)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_and_a_body_arrive_as_they_were_sent(hub_address: str, method: str) -> None:
    seen = LOOPBACK.request(method, f"{hub_address}{HERE}/a", content=b"x" * 70_000).json()
    assert (seen["method"], seen["size"]) == (method, 70_000)
    assert header(seen, "content-length") == ["70000"]
    assert header(seen, "transfer-encoding") == []
    bare = LOOPBACK.request(method, f"{hub_address}{HERE}/a").json()
    assert (bare["method"], bare["size"]) == (method, 0)


def test_a_body_without_a_length_is_passed_on_as_it_comes(hub_address: str) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(12):
            yield b"x" * 100_000
            time.sleep(0.02)

    seen = LOOPBACK.post(f"{hub_address}{HERE}/a", content=pieces()).json()
    assert seen["size"] == 1_200_000
    assert seen["pieces"] > 3
    assert header(seen, "content-length") == []


@pytest.mark.slow
def test_a_sender_may_take_longer_than_a_service_may(hub_address: str) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(8):
            yield b"x"
            time.sleep(0.2)

    seen = LOOPBACK.post(
        f"{hub_address}{HERE}/a", content=pieces(), headers={"Content-Length": "8"}
    ).json()
    assert seen["size"] == 8


@pytest.mark.slow
def test_an_answer_is_passed_on_as_it_comes(hub_address: str) -> None:
    with httpx.stream("GET", f"{hub_address}{HERE}/drip") as got:
        pieces = got.iter_bytes()
        assert next(pieces).startswith(b"drop")
        began = time.monotonic()
        assert b"".join(pieces).endswith(b".")
    assert time.monotonic() - began > 0.5


def test_a_big_answer_arrives_whole(hub_address: str) -> None:
    assert len(LOOPBACK.get(f"{hub_address}{HERE}/big").content) == BIG


def test_headers_of_one_connection_are_not_passed_on(hub_address: str) -> None:
    given = {
        "Connection": "keep-alive, X-Mine",
        "X-Mine": "1",
        "Keep-Alive": "timeout=5",
        "TE": "trailers",
        "Proxy-Authorization": "Basic x",
        "Upgrade": "h2c",
        "Expect": "100-continue",
        "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "X-Other": "Té",
    }
    raw = {name.encode(): value.encode() for name, value in given.items()}
    seen = LOOPBACK.get(f"{hub_address}{HERE}/a", headers=raw).json()
    for name in ("x-mine", "keep-alive", "te", "proxy-authorization", "upgrade", "expect"):
        assert header(seen, name) == []
    assert header(seen, "traceparent")[0].startswith("00-0af7")
    assert header(seen, "x-other")[0].encode("latin-1").decode() == "Té"
    assert header(seen, "host")[0].startswith("127.0.0.1:")


def test_a_client_cannot_remove_headers_of_the_proxy(hub_address: str) -> None:
    given = {
        "Connection": "close, Authorization, X-Forwarded-For, Forwarded, X-Mine",
        "X-Mine": "1",
    }
    seen = LOOPBACK.get(f"{hub_address}{HERE}/a", headers=given).json()
    assert header(seen, "authorization")[0].startswith("Bearer ")
    assert header(seen, "forwarded") == ["for=127.0.0.1;proto=http"]
    assert header(seen, "x-mine") == []


def test_the_proxy_adds_no_headers_that_a_client_did_not_send(hub_address: str) -> None:
    got = exchange(
        hub_address, f"GET {HERE}/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    seen = json.loads(got.partition(b"\r\n\r\n")[2])
    for name in ("accept", "accept-encoding", "user-agent", "content-type", "cookie"):
        assert header(seen, name) == []


def test_headers_of_an_answer_come_back_but_for_those_of_its_connection(hub_address: str) -> None:
    with httpx.stream("GET", f"{hub_address}{HERE}/headers") as got:
        assert b"".join(got.iter_raw()) == b"not really gzip"
    for name in ("x-secret", "keep-alive", "proxy-authenticate"):
        assert name not in got.headers
    assert got.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert got.headers["content-encoding"] == "gzip"
    assert dict(got.headers.raw)[b"x-name"].decode() == "Té"


def test_the_proxy_determines_the_client_address(empty: Settings) -> None:
    lies = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
    }
    with serving(upstream) as service:
        away = empty.model_copy(update={"catalog_url": service})
        with TestClient(create_app(away), client=("10.1.2.3", 4567)) as client:
            seen = client.get(f"{HERE}/a", headers=lies).json()
    said = {name: header(seen, name.lower()) for name in lies}
    assert said.pop("X-Forwarded-For") == ["10.1.2.3"]
    assert said.pop("X-Forwarded-Proto") == ["http"]
    assert said.pop("Forwarded") == ["for=10.1.2.3;proto=http"]
    assert set(map(tuple, said.values())) == {()}


def test_a_redirect_of_a_service_leads_to_the_proxy(hub_address: str) -> None:
    got = LOOPBACK.get(f"{hub_address}{HERE}/redirect")
    assert (got.status_code, got.headers["location"]) == (307, "/api/v1/services/x?y=%20")


def test_an_answer_without_content_has_none(hub_address: str) -> None:
    got = LOOPBACK.get(f"{hub_address}{HERE}/empty")
    assert (got.status_code, got.content) == (204, b"")


def test_an_answer_before_the_end_of_the_request_is_passed_on(hub_address: str) -> None:
    got = LOOPBACK.post(f"{hub_address}{HERE}/early", content=b"x" * 2_000_000)
    assert (got.status_code, got.content) == (413, b"no")
    assert LOOPBACK.get(f"{hub_address}{HERE}/a").status_code == 200


def test_a_service_that_is_down_is_503_and_named(empty: Settings) -> None:
    with hub_in_front_of(empty, f"http://127.0.0.1:{free_port()}") as hub_address:
        for method in ("GET", "POST"):
            got = LOOPBACK.request(method, f"{hub_address}{HERE}", content=b"x" * 100_000)
            assert_unavailable(got)
        assert LOOPBACK.get(f"{hub_address}/api/v1/links").status_code == 200


def test_a_service_that_comes_back_answers_again(empty: Settings) -> None:
    port = free_port()
    with hub_in_front_of(empty, f"http://127.0.0.1:{port}") as hub_address:
        for _ in range(2):
            assert_unavailable(LOOPBACK.get(f"{hub_address}{HERE}/a"))
            with serving(upstream, port=port):
                assert LOOPBACK.get(f"{hub_address}{HERE}/a").status_code == 200


@pytest.mark.slow
def test_a_service_that_is_too_slow_is_503_within_the_time(hub_address: str) -> None:
    began = time.monotonic()
    assert_unavailable(LOOPBACK.get(f"{hub_address}{HERE}/slow"))
    assert 0.9 < time.monotonic() - began < 3


@pytest.mark.slow
def test_a_silent_service_is_503_within_the_timeout(empty: Settings) -> None:
    with silent() as address, hub_in_front_of(empty, address, timeout=0.5) as hub_address:
        for body in (b"", b"x" * 1000):
            began = time.monotonic()
            assert_unavailable(LOOPBACK.post(f"{hub_address}{HERE}", content=body))
            assert time.monotonic() - began < 2


def test_a_service_that_hangs_up_is_503_and_named(empty: Settings) -> None:
    with hanging_up() as address, hub_in_front_of(empty, address) as hub_address:
        for method in ("GET", "POST"):
            assert_unavailable(LOOPBACK.request(method, f"{hub_address}{HERE}"))


def test_an_answer_that_breaks_off_is_not_passed_on_as_whole(hub_address: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        LOOPBACK.get(f"{hub_address}{HERE}/cut")
    assert LOOPBACK.get(f"{hub_address}{HERE}/a").status_code == 200


def test_a_disconnected_client_does_not_block_the_proxy(hub_address: str) -> None:
    for _ in range(3):
        with httpx.stream("GET", f"{hub_address}{HERE}/drip") as got:
            next(got.iter_bytes())
        with pytest.raises(httpx.ReadTimeout):
            LOOPBACK.get(f"{hub_address}{HERE}/slow", timeout=0.1)
    assert LOOPBACK.get(f"{hub_address}{HERE}/a").status_code == 200


def test_pages_of_a_hub_whose_catalog_is_down_report_it(empty: Settings) -> None:
    with hub_in_front_of(empty, f"http://127.0.0.1:{free_port()}") as hub_address:
        for path in ("/", "/layanan", "/layanan/pbg", "/cari?q=akta"):
            got = LOOPBACK.get(f"{hub_address}{path}", headers={"Accept": "text/html"})
            assert got.status_code == 503
            assert got.headers["content-type"].startswith("text/html")


def test_an_error_that_browsers_get_as_a_page_varies_by_accept(hub_address: str) -> None:
    for path in ("/tiada", "/layanan/pbg/tiada", "/pengumuman?halaman=a"):
        kinds: set[str] = set()
        for accept in ("text/html", "application/json", "*/*"):
            got = LOOPBACK.get(hub_address + path, headers={"Accept": accept})
            kinds.add(got.headers["content-type"].partition(";")[0])
            if got.status_code != 200:
                assert got.headers["vary"] == "Accept"
        assert kinds <= {"text/html", "application/problem+json"}
    assert "vary" not in LOOPBACK.get(f"{hub_address}/api/v1/tiada").headers


def test_an_answer_keeps_the_date_of_the_service(hub_address: str) -> None:
    assert LOOPBACK.get(f"{hub_address}{HERE}/dated").headers.get_list("date") == [OLD]


@pytest.mark.slow
@pytest.mark.parametrize("status", [b"600", b"999"])
def test_a_status_that_is_none_is_a_service_that_fails(settings: Settings, status: bytes) -> None:
    response = b"HTTP/1.1 " + status + b" What\r\nContent-Length: 2\r\n\r\nno"
    with responding(response) as service, hub_in_front_of(settings, service, timeout=1) as hub:
        assert_unavailable(LOOPBACK.get(f"{hub}{HERE}/a"))
