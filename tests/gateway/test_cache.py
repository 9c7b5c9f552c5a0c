"""The cache over real sockets: with the fast path and without it, it behaves the same."""

import asyncio
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from services.gateway.http_cache.fast_path import STATE_KEY, CachedReadProtocol, FastPathCache
from services.gateway.http_cache.middleware import HttpCache, with_identity_etags
from services.gateway.http_cache.store import CacheStore
from services.gateway.rate_limits.policies import SAFE_METHODS
from services.platform.fast_path_protocol import UVICORN_VERSION
from services.platform.header_timeout import HeaderTimeoutProtocol
from services.platform.security_headers import SecurityHeadersMiddleware
from tests.servers import exchange, serving
from tests.waiting import until

HERE = "/api/v1/services"
BODY = b'{"items": [' + b'"a service of the regency", ' * 100 + b"0]}"
FRESH = "public, max-age=60"
LONG_WAY = HeaderTimeoutProtocol
"""The server's protocol without the fast path."""
VARYING = {
    b"date",
    b"age",
    b"x-request-id",
    b"access-control-allow-origin",
    b"access-control-expose-headers",
}
"""Fields that differ between two answers, and those that the application gives outside the cache:
the id, and who may read it from another site."""

LIVE = "/api/v1/usage/summary"
LIVE_BODY = json.dumps(["berjalan"] * 500).encode()
"""What an address that is never stored answers."""


@dataclass
class Origin:
    """The application behind the cache: it responds as configured and counts its requests."""

    status: int = 200
    body: bytes = BODY
    says: dict[str, str] = field(default_factory=lambda: {"cache-control": FRESH, "etag": '"1"'})
    asked: list[Scope] = field(default_factory=list[Scope])
    wait: threading.Event | None = None
    fails: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope)
        if self.wait is not None:
            await asyncio.to_thread(self.wait.wait, 10)
        if self.fails is not None:
            raise self.fails
        said = {"content-type": "application/json", **self.says}
        fields = [(name.encode(), value.encode()) for name, value in said.items()]
        named = dict(scope["headers"])
        status, body = self.status, self.body
        if status == 200 and named.get(b"if-none-match", b"").decode() == self.says.get("etag"):
            status, body = 304, b""
        if status != 304:
            fields.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    def header(self, name: str) -> str | None:
        """Return this header field of the last request."""
        return dict(self.asked[-1]["headers"]).get(name.encode(), b"").decode() or None


@dataclass
class CacheServer:
    """A server with a cache in front of an origin."""

    address: str
    origin: Origin
    cache: HttpCache
    hits: FastPathCache
    is_fast: bool
    ahead: list[float]
    client: httpx.Client

    def get(self, path: str = HERE, **fields: str) -> httpx.Response:
        """Send a read with only these header fields."""
        return self.client.get(self.address + path, headers=named(fields))

    def wait(self, seconds: float) -> None:
        """Advance the cache's clock."""
        self.ahead[0] += seconds
        # The fast path writes its answers anew each second, by the server's clock.
        self.cache.store.on_change()

    def was_fast(self, times: int) -> None:
        """So many answers went the fast path, if there is one."""
        assert self.cache.counts.fast_path == (times if self.is_fast else 0)


def named(fields: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in fields.items()}


@contextmanager
def cache_server(http: Any, **more: Any) -> Generator[CacheServer]:
    origin, ahead = Origin(), [0.0]
    store = CacheStore(max_bytes=10**6)
    store.set_connected(connected=True)
    cache = HttpCache(store, max_entry_bytes=200_000, clock=lambda: time.time() + ahead[0])
    hits = FastPathCache(cache)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"][STATE_KEY] = hits
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await cache.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        is_anonymous = all(name != b"authorization" for name, _ in scope["headers"])
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        inner = {**scope, "method": method}
        if method in SAFE_METHODS:
            await cache.handle(inner, receive, send, forward=origin, is_anonymous=is_anonymous)
        else:
            await origin(
                with_identity_etags(inner), receive, cache.invalidating(inner["path"], send)
            )

    bare = {"Accept-Encoding": "identity"}
    with (
        serving(SecurityHeadersMiddleware(app), http=http, **more) as address,
        httpx.Client(headers=bare, timeout=15, trust_env=False) as client,
    ):
        yield CacheServer(address, origin, cache, hits, http is CachedReadProtocol, ahead, client)


@pytest.fixture(params=["fast path", "application"])
def server(request: pytest.FixtureRequest) -> Generator[CacheServer]:
    with cache_server(CachedReadProtocol if request.param == "fast path" else LONG_WAY) as made:
        yield made


def test_the_server_is_the_one_whose_protocol_is_extended() -> None:
    assert version("uvicorn") == UVICORN_VERSION


def test_one_request_fills_the_cache_and_the_others_are_hits(
    server: CacheServer,
) -> None:
    first = server.get()
    assert (first.content, first.headers["cache-status"]) == (
        BODY,
        "emall; fwd=uri-miss; fwd-status=200; stored",
    )
    assert "age" not in first.headers
    server.wait(10)
    for _ in range(3):
        again = server.get()
        assert (again.status_code, again.content) == (200, BODY)
        assert again.headers["age"] in {"10", "11"}
        assert again.headers["cache-status"].startswith("emall; hit; ttl=")
        assert again.headers["cache-control"] == FRESH
        assert len(again.headers.get_list("date")) == 1
    assert len(server.origin.asked) == 1
    server.was_fast(3)


def test_a_hit_is_the_same_both_ways_but_for_the_time() -> None:
    seen: list[dict[str, Any]] = []
    for http in (CachedReadProtocol, LONG_WAY):
        with cache_server(http) as server:
            server.get()
            for method, fields in (
                ("GET", {}),
                ("HEAD", {}),
                ("GET", {"Accept-Encoding": "gzip, br"}),
                ("GET", {"If-None-Match": '"1"'}),
                ("GET", {"If-None-Match": '"1-br"', "Accept-Encoding": "br"}),
            ):
                server.client.request(method, server.address + HERE, headers=fields)
                server.client.request(method, server.address + HERE, headers=fields)
                got = server.client.request(method, server.address + HERE, headers=fields)
                stable = [(n, v) for n, v in got.headers.raw if n not in VARYING]
                reported = [
                    v.rpartition(b"ttl=")[0] if n == b"cache-status" else v for n, v in stable
                ]
                seen.append({"status": got.status_code, "names": stable, "values": reported})
                seen[-1]["body"], seen[-1]["names"] = got.content, [n for n, _ in stable]
    half = len(seen) // 2
    assert seen[:half] == seen[half:]
    assert [one["status"] for one in seen[:half]] == [200, 200, 200, 304, 304]


def test_the_id_of_the_request_that_filled_is_not_stored(server: CacheServer) -> None:
    server.origin.says["x-request-id"] = "0" * 32
    for _ in range(3):
        assert "0" * 32 not in server.get().headers.get_list("x-request-id")


def test_what_is_over_is_asked_for_again_with_its_tag_and_confirmed(server: CacheServer) -> None:
    server.get()
    server.wait(61)
    again = server.get()
    assert (again.status_code, again.content) == (200, BODY)
    assert server.origin.header("if-none-match") == '"1"'
    assert again.headers["cache-status"] == "emall; fwd=stale; fwd-status=304; stored"
    server.get()
    assert len(server.origin.asked) == 2


def test_what_is_over_and_changed_is_replaced(server: CacheServer) -> None:
    server.get()
    server.origin.body, server.origin.says["etag"] = b"new", '"2"'
    server.wait(61)
    assert server.get().content == b"new"
    assert server.get().content == b"new"
    assert len(server.origin.asked) == 2


def test_stale_while_revalidate_answers_at_once_and_asks_behind(server: CacheServer) -> None:
    server.origin.says["cache-control"] = "max-age=10, stale-while-revalidate=30"
    server.get()
    server.origin.body, server.origin.says["etag"] = b"new", '"2"'
    server.wait(20)
    stale = server.get()
    assert (stale.content, int(stale.headers["age"]) >= 20) == (BODY, True)
    assert stale.headers["cache-status"].startswith("emall; hit; ttl=-1")
    until(lambda: server.get().content == b"new")
    assert len(server.origin.asked) == 2


@pytest.mark.slow
@pytest.mark.parametrize("failure", [500, 502, 503, 504, "exception"])
def test_an_entry_is_served_stale_while_its_owner_fails(
    server: CacheServer, failure: int | str
) -> None:
    server.origin.says["cache-control"] = "max-age=10, stale-if-error=1000"
    server.get()
    server.wait(20)
    if failure == "exception":
        server.origin.fails = RuntimeError("down")
    else:
        server.origin.status, server.origin.body = int(failure), b"down"
    got = server.get()
    assert (got.status_code, got.content, int(got.headers["age"]) >= 20) == (200, BODY, True)
    assert "detail=stale-if-error" in got.headers["cache-status"]
    # Nobody waits for the next failure; whether it is over is looked at behind their backs.
    assert server.get().content == BODY
    server.origin.status, server.origin.fails, server.origin.body = 200, None, b"back"
    server.origin.says["etag"] = '"2"'
    until(lambda: server.get().content == b"back")
    server.origin.status, server.origin.body = 503, b"down"
    server.wait(2000)
    assert server.get().status_code == 503


def test_an_error_without_leave_is_passed_on(server: CacheServer) -> None:
    server.get()
    server.wait(61)
    del server.origin.says["cache-control"]
    for status in (503, 404):
        server.origin.status = status
        assert server.get().status_code == status


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"cache_control": "no-cache"},
        {"cache_control": "max-age=0"},
        {"pragma": "no-cache"},
    ],
)
def test_a_client_may_ask_for_what_is_of_this_moment(
    server: CacheServer, fields: dict[str, str]
) -> None:
    server.get()
    server.get(**fields)
    server.get(**fields)
    assert len(server.origin.asked) == 3
    server.get()
    assert len(server.origin.asked) == 3


def test_only_if_cached_without_an_entry_is_504(
    server: CacheServer,
) -> None:
    assert server.get(cache_control="only-if-cached").status_code == 504
    server.get()
    assert server.get(cache_control="only-if-cached").status_code == 200
    assert len(server.origin.asked) == 1


def test_a_request_with_a_key_goes_to_the_owner_and_leaves_nothing_behind(
    server: CacheServer,
) -> None:
    for _ in range(2):
        server.get(authorization="Bearer emk_1_2")
    assert len(server.origin.asked) == 2
    server.get()
    assert len(server.origin.asked) == 3
    server.get(authorization="Bearer emk_1_2")
    assert len(server.origin.asked) == 4


@pytest.mark.parametrize(
    "says",
    [
        {"cache-control": "no-store"},
        {"cache-control": "private, max-age=60"},
        {"cache-control": "no-cache"},
        {},
    ],
)
def test_an_uncacheable_response_is_requested_each_time(
    server: CacheServer, says: dict[str, str]
) -> None:
    server.origin.says = says
    for _ in range(3):
        assert server.get().content == BODY
    assert len(server.origin.asked) == 3
    assert len(server.cache.store) == 0


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/go/simbg", "/s/abc", "/api/v1/usage/summary", "/survei/skm"])
def test_counters_and_live_data_are_never_cached(server: CacheServer, path: str) -> None:
    server.get(path)
    server.get(path)
    assert len(server.origin.asked) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_invalidates_entries_unless_it_fails(server: CacheServer, method: str) -> None:
    server.cache._owner = lambda _: "catalog"  # pyright: ignore[reportPrivateUsage]
    server.get()
    server.origin.status = 409
    server.client.request(method, f"{server.address}{HERE}/other", content=b"{}")
    server.get()
    assert len(server.origin.asked) == 2
    server.origin.status = 200
    server.client.request(method, f"{server.address}{HERE}/other", content=b"{}")
    server.get()
    assert len(server.origin.asked) == 4


def test_a_response_from_before_an_invalidation_is_not_stored(server: CacheServer) -> None:
    server.origin.wait = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(server.get)
        until(lambda: len(server.origin.asked) == 1)
        server.cache.store.invalidate("catalog")  # committed after the owner had read
        after = pool.submit(server.get)
        server.origin.wait.set()
        assert before.result().status_code == after.result().status_code == 200
    assert len(server.origin.asked) == 2
    server.get()
    assert len(server.origin.asked) == 2


def test_nothing_is_fresh_while_the_listener_is_disconnected(server: CacheServer) -> None:
    server.get()
    server.cache.store.set_connected(connected=False)
    server.get()
    server.get()
    assert len(server.origin.asked) == 3
    assert server.origin.header("if-none-match") == '"1"'


def test_many_who_ask_at_once_ask_the_owner_once(server: CacheServer) -> None:
    server.origin.wait = threading.Event()
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(server.get) for _ in range(20)]
        until(lambda: len(server.origin.asked) == 1)
        time.sleep(0.2)
        server.origin.wait.set()
        answers = [one.result() for one in waiting]
    assert {answer.content for answer in answers} == {BODY}
    assert len(server.origin.asked) == 1
    ways = {answer.headers["cache-status"] for answer in answers}
    assert "emall; fwd=uri-miss; fwd-status=200; collapsed" in ways


def test_many_who_wait_for_what_is_not_for_all_ask_for_themselves(server: CacheServer) -> None:
    server.origin.says = {"cache-control": "private"}
    with ThreadPoolExecutor(5) as pool:
        answers = [one.result() for one in [pool.submit(server.get) for _ in range(5)]]
    assert {answer.content for answer in answers} == {BODY}
    assert len(server.origin.asked) == 5


def test_a_head_is_answered_by_what_a_get_left_and_fills_for_it(server: CacheServer) -> None:
    looked = server.client.head(server.address + HERE)
    assert (looked.status_code, looked.content) == (200, b"")
    assert server.get().content == BODY
    looked = server.client.head(server.address + HERE)
    assert (looked.headers["content-length"], looked.content) == (str(len(BODY)), b"")
    assert len(server.origin.asked) == 1


@pytest.mark.parametrize(
    "fields",
    [{"if_match": '"1"'}, {"if_unmodified_since": "now"}],
)
def test_a_condition_of_its_own_is_the_owners(server: CacheServer, fields: dict[str, str]) -> None:
    server.get()
    server.get(**fields)
    assert len(server.origin.asked) == 2
    [name] = fields
    assert server.origin.header(name.replace("_", "-")) == fields[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "content", "content_range"),
    [
        ("bytes=0-1", BODY[:2], f"bytes 0-1/{len(BODY)}"),
        ("bytes=5-", BODY[5:], f"bytes 5-{len(BODY) - 1}/{len(BODY)}"),
        ("bytes=-3", BODY[-3:], f"bytes {len(BODY) - 3}-{len(BODY) - 1}/{len(BODY)}"),
        ("bytes=10-999999", BODY[10:], f"bytes 10-{len(BODY) - 1}/{len(BODY)}"),
    ],
)
def test_a_part_is_cut_out_of_the_whole_that_is_stored(
    server: CacheServer, asked: str, content: bytes, content_range: str
) -> None:
    server.get()
    got = server.get(range=asked)
    assert (got.status_code, got.content) == (206, content)
    assert got.headers["content-range"] == content_range
    assert got.headers["content-length"] == str(len(content))
    assert (got.headers["etag"], got.headers["vary"]) == ('"1"', "accept-encoding")
    assert "hit" in got.headers["cache-status"]
    assert len(server.origin.asked) == 1


def test_parts_of_a_packed_form_are_parts_of_its_bytes(server: CacheServer) -> None:
    def ask(**fields: str) -> tuple[int, bytes]:
        fields = named({"accept_encoding": "br"} | fields)
        with server.client.stream("GET", server.address + HERE, headers=fields) as got:
            return got.status_code, b"".join(got.iter_raw())

    _, packed = ask()
    for if_range, status in (
        ('"1-br"', 206),
        ('"1"', 200),
        ('W/"1-br"', 200),
        ("Tue, 01 Dec 2026 00:00:00 GMT", 200),
    ):
        got = ask(range="bytes=0-4", if_range=if_range)
        assert got == (status, packed[:5] if status == 206 else packed)


def test_other_parts_are_refused_or_answered_with_the_whole(server: CacheServer) -> None:
    server.get()
    for beyond in (f"bytes={len(BODY)}-", "bytes=-0"):
        got = server.get(range=beyond)
        assert (got.status_code, got.content) == (416, b"")
        assert got.headers["content-range"] == f"bytes */{len(BODY)}"
    for whole in ("bytes=0-1,4-5", "bytes=5-2", "lines=0-1", "bytes=a-b", "bytes"):
        assert server.get(range=whole).content == BODY
    assert server.get(range="bytes=0-1", if_none_match='"1"').status_code == 304
    assert server.client.head(server.address + HERE).headers["content-length"] == str(len(BODY))
    assert len(server.origin.asked) == 1


def test_a_part_of_what_is_not_stored_is_the_owners(server: CacheServer) -> None:
    got = server.get(range="bytes=0-1")
    assert got.headers["cache-status"] == "emall; fwd=bypass"
    assert got.headers["vary"] == "accept-encoding"  # as the same address does from the cache
    assert server.origin.header("range") == "bytes=0-1"
    assert server.get(range="bytes=0-1").content == BODY
    assert len(server.origin.asked) == 2


def test_an_answer_past_the_cache_says_what_others_vary_by(server: CacheServer) -> None:
    condition = {"if_match": '"1"'}
    assert server.get(**condition).headers["vary"] == "accept-encoding"
    server.origin.says["vary"] = "Accept"
    assert server.get(**condition).headers["vary"] == "Accept, accept-encoding"
    server.origin.says["cache-control"] = "private"
    assert server.get(**condition).headers["vary"] == "Accept"
    server.origin.says |= {"cache-control": FRESH, "content-type": "image/png"}
    assert server.get(f"{HERE}/png", **condition).headers["vary"] == "Accept"


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
def test_what_is_public_is_compressed_though_it_is_not_stored(
    server: CacheServer, coding: str
) -> None:
    server.origin.says = {"cache-control": "no-cache", "etag": '"1"', "vary": "Accept"}
    server.origin.body = LIVE_BODY
    answer = server.get(LIVE, accept_encoding=coding)
    assert answer.json() == json.loads(LIVE_BODY)
    assert answer.headers["content-encoding"] == coding
    assert answer.headers["etag"] == f'"1-{coding}"'
    assert answer.headers["vary"] == "Accept, accept-encoding"
    assert int(answer.headers["content-length"]) < len(LIVE_BODY) // 4
    assert len(server.cache.store) == 0
    plain = server.get(LIVE)
    assert (plain.content, plain.headers["etag"]) == (LIVE_BODY, '"1"')
    assert plain.headers["vary"] == "Accept, accept-encoding"


def test_a_form_that_is_known_is_confirmed_under_its_own_tag(server: CacheServer) -> None:
    server.origin.says = {"cache-control": "no-cache", "etag": '"1"'}
    for known, confirmed in (('"1-br"', '"1-br"'), ('"1"', '"1"'), ('"1-gzip"', '"1"')):
        answer = server.get(LIVE, accept_encoding="br", if_none_match=known)
        assert (answer.status_code, answer.headers["etag"]) == (304, confirmed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("says", "fields"),
    [
        ({"cache-control": "private"}, {}),
        ({"cache-control": "private, no-store"}, {}),
        ({"cache-control": "no-store"}, {}),
        ({"cache-control": "no-cache, no-transform"}, {}),
        ({"cache-control": "no-cache", "set-cookie": "a=b"}, {}),
        ({"cache-control": "no-cache", "content-encoding": "gzip"}, {}),
        ({"cache-control": "no-cache", "content-type": "image/png"}, {}),
        ({"cache-control": "no-cache", "content-type": "text/event-stream"}, {}),
        ({"cache-control": "no-cache"}, {"cookie": "a=b"}),
        ({"cache-control": "no-cache"}, {"authorization": "Bearer key"}),
    ],
)
def test_what_may_hold_a_secret_or_is_compressed_already_is_sent_as_it_is(
    server: CacheServer, says: dict[str, str], fields: dict[str, str]
) -> None:
    server.origin.says, server.origin.body = says, LIVE_BODY
    with server.client.stream(
        "GET", server.address + LIVE, headers={**fields, "Accept-Encoding": "br"}
    ) as answer:
        assert b"".join(answer.iter_raw()) == LIVE_BODY


def test_a_live_body_that_is_too_long_to_be_held_is_sent_as_it_comes(server: CacheServer) -> None:
    server.origin.says = {"cache-control": "no-cache"}
    server.origin.body = json.dumps("a" * 300_000).encode()
    answer = server.get(LIVE, accept_encoding="br")
    assert "content-encoding" not in answer.headers
    assert answer.content == server.origin.body


@pytest.mark.parametrize("own", [None, "Tue, 01 Dec 2020 00:00:00 GMT"])
def test_an_answer_keeps_the_date_of_its_owner(server: CacheServer, own: str | None) -> None:
    server.origin.says["cache-control"] = "max-age=999999999"
    if own is not None:
        server.origin.says["date"] = own
    first = server.get()
    assert first.headers.get_list("date") == [own or first.headers["date"]]
    server.wait(30)
    for fields in ({}, {}, {"if_none_match": '"1"'}, {"range": "bytes=0-1"}):
        got = server.get(**fields)
        assert got.headers.get_list("date") == [first.headers["date"]]
        assert int(got.headers["age"]) >= (30 if own is None else 10**8)
    server.get(cache_control="no-cache")
    confirmed = server.get()
    if own is None:  # the owner confirmed it now
        assert confirmed.headers["date"] != first.headers["date"]
        assert int(confirmed.headers["age"]) < 5


def test_an_age_is_handed_on_and_grows(server: CacheServer) -> None:
    server.origin.says["age"] = "40"
    assert server.get().headers.get_list("age") == ["40"]
    server.wait(10)
    assert server.get().headers["age"] in {"50", "51"}
    server.wait(10)
    assert "fwd=stale" in server.get().headers["cache-status"]


def test_what_is_to_be_confirmed_each_time_is_stored_with_its_tag(server: CacheServer) -> None:
    server.origin.says["cache-control"] = "no-cache"
    assert server.get().content == BODY
    for _ in range(2):
        again = server.get()
        assert (again.content, server.origin.header("if-none-match")) == (BODY, '"1"')
    assert server.get(if_none_match='"1"').status_code == 304
    assert len(server.origin.asked) == 4
    server.origin.fails = RuntimeError("down")
    assert server.get().status_code == 500


def test_those_who_wait_for_one_that_is_to_be_confirmed_ask_themselves(
    server: CacheServer,
) -> None:
    server.origin.says["cache-control"] = "no-cache"
    server.origin.wait = threading.Event()
    with ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(server.get) for _ in range(5)]
        until(lambda: len(server.origin.asked) == 1)
        time.sleep(0.1)
        server.origin.wait.set()
        assert {one.result().content for one in asked} == {BODY}
    assert len(server.origin.asked) == 5


def test_a_date_of_change_is_a_condition_both_ways(server: CacheServer) -> None:
    changed, before, after = (f"Tue, 01 Dec 2026 00:00:{s} GMT" for s in ("30", "29", "31"))
    del server.origin.says["etag"]
    server.origin.says["last-modified"] = changed
    assert server.get(if_modified_since=changed).status_code == 304  # filled and compared
    for since, status in ((changed, 304), (after, 304), (before, 200), ("soon", 200)):
        got = server.get(if_modified_since=since)
        assert got.status_code == status, since
        assert got.headers["last-modified"] == changed
    assert len(server.origin.asked) == 1
    server.wait(61)
    server.get()
    assert server.origin.header("if-modified-since") == changed
    # A tag tells more than a date.
    server.origin.says["etag"] = '"1"'
    server.get(cache_control="no-cache")
    assert server.get(if_modified_since=changed, if_none_match='"0"').status_code == 200
    assert server.get(if_modified_since=before, if_none_match='"1"').status_code == 304


def test_a_confirmation_updates_what_is_stored(server: CacheServer) -> None:
    server.origin.says |= {"x-a": "old", "x-b": "kept"}
    server.get()
    server.wait(61)
    server.origin.says |= {"x-a": "new", "content-length": "2", "content-encoding": "gzip"}
    del server.origin.says["x-b"]
    for _ in range(2):
        got = server.get()
        assert (got.headers["x-a"], got.headers["x-b"], got.content) == ("new", "kept", BODY)
        assert "content-encoding" not in got.headers
    assert len(server.origin.asked) == 2


def test_a_confirmation_may_withdraw_what_is_stored(server: CacheServer) -> None:
    server.get()
    server.wait(61)
    server.origin.says["cache-control"] = "no-store"
    for number in (2, 3):
        assert server.get().content == BODY
        assert len(server.origin.asked) == number
    assert len(server.cache.store) == 0


def test_a_field_for_shared_caches_goes_before_the_one_for_all(server: CacheServer) -> None:
    server.origin.says |= {"cache-control": "max-age=1", "cdn-cache-control": "max-age=100"}
    server.get()
    server.wait(50)
    got = server.get()
    assert "hit" in got.headers["cache-status"]
    assert got.headers["cache-control"] == "max-age=1"


def test_errors_that_say_how_long_they_hold_are_stored(server: CacheServer) -> None:
    server.origin.status = 410
    for _ in range(2):
        assert server.get().status_code == 410
    assert len(server.origin.asked) == 1
    server.origin.status = 429
    server.wait(61)
    for _ in range(2):
        assert server.get().status_code == 429
    assert len(server.origin.asked) == 3


def test_a_tag_of_a_packed_form_reaches_the_owner_as_its_own(server: CacheServer) -> None:
    tag = server.get(accept_encoding="br").headers["etag"]
    assert tag == '"1-br"'
    server.client.put(f"{server.address}{HERE}/a", headers={"If-Match": tag}, content=b"{}")
    assert server.origin.header("if-match") == '"1"'


def test_answers_vary_by_what_they_name(server: CacheServer) -> None:
    server.origin.says["vary"] = "Accept"
    server.get(accept="a")
    server.origin.body = b"other"
    server.origin.says["etag"] = '"2"'
    other = server.get(accept="b")
    assert other.content == b"other"
    assert other.headers["cache-status"] == "emall; fwd=vary-miss; fwd-status=200; stored"
    assert server.get(accept="a").content == BODY
    assert server.get(accept="b").content == b"other"
    assert len(server.origin.asked) == 2
    assert server.get(accept="a").headers["vary"] == "Accept, accept-encoding"


def test_addresses_and_hosts_have_separate_entries(server: CacheServer) -> None:
    for path in (HERE, f"{HERE}?", f"{HERE}?a=1", f"{HERE}?a=2", f"{HERE}/"):
        server.get(path)
    server.get(host="other")
    server.get(host="OTHER")
    targets = {(s["path"], s["query_string"]) for s in server.origin.asked}
    assert len(targets) == 4
    assert len(server.origin.asked) == 5


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("where", ["query", "path", "host", "vary"])
def test_what_a_client_writes_into_an_entry_counts_as_its_memory(
    server: CacheServer, where: str, status: int
) -> None:
    server.origin.status, server.origin.body = status, b"{}"
    if where == "vary":
        server.origin.says["vary"] = "accept"
    for number in range(60):
        long = f"{number:03}" + "a" * 20_000
        match where:
            case "query":
                server.get(f"{HERE}?{long}")
            case "path":
                server.get(f"{HERE}/{long}")
            case "host":
                server.get(host=long)
            case _:
                server.get(f"{HERE}?{number}", accept=long)
    assert 0 < len(server.cache.store) <= server.cache.store.max_bytes // 20_000
    assert server.cache.store.size <= server.cache.store.max_bytes


def test_long_addresses_are_answered_without_the_fast_path(server: CacheServer) -> None:
    for length in (100, 600, 20_000):
        for _ in range(3):
            assert server.get(f"{HERE}?{'a' * length}").status_code == 200
    server.was_fast(2)
    assert len(server.origin.asked) == 3


def test_a_body_that_is_too_long_flows_through(server: CacheServer) -> None:
    server.origin.body = b"x" * 300_000
    for _ in range(2):
        assert len(server.get().content) == 300_000
    assert len(server.origin.asked) == 2
    assert len(server.cache.store) == 0


GET = b"GET " + HERE.encode() + b" HTTP/1.1\r\nHost: x\r\n"
LAST = GET + b"Connection: close\r\n\r\n"


def statuses(answer: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 ([2-5]\d\d) ", answer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (GET + b"\r\n" + GET + b"\r\n" + LAST, [b"200"] * 3),
        (GET + b"\r\n" + b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" + LAST,
         [b"200"] * 3),
        (GET + b"Content-Length: 5\r\n\r\nhello" + LAST, [b"200"] * 2),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + LAST, [b"200"] * 2),
        (GET.replace(b"1.1", b"1.0") + b"\r\n", [b"200"]),
        (GET + b"Expect: 100-continue\r\n\r\n" + LAST, [b"200"] * 2),
        (GET.replace(b"GET /", b"GET http://x/") + b"Connection: close\r\n\r\n", [b"200"]),
        (GET + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [b"400"]),
        (GET + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", [b"400"]),
        (GET + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", [b"400"]),
        (GET + b"Content-Length: +2\r\n\r\n{}", [b"400"]),
        (GET + b"X-A : 1\r\n\r\n", [b"400"]),
        (GET + b" folded: 1\r\n\r\n", [b"400"]),
        (b"GET " + HERE.encode() + b" HTTP/1.1\nHost: x\n\n", [b"400"]),
        (b"\r\n" + LAST, [b"200"]),
    ],
)  # fmt: skip
def test_requests_that_are_odd_on_the_wire_are_answered_the_same(
    server: CacheServer, sent: bytes, expected: list[bytes]
) -> None:
    server.get(host="x")
    for _ in range(2):
        assert statuses(exchange(server.address, sent)) == expected


def test_a_head_that_comes_in_pieces_is_the_same_request(server: CacheServer) -> None:
    server.get(host="x")
    host, _, port = server.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(3):
            connection.sendall(GET + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            for at in (1, 4, 20, len(GET) - 1, len(GET) + 1):
                whole = GET + b"\r\n"
                connection.sendall(whole[:at])
                time.sleep(0.01)
                connection.sendall(whole[at:])
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert len(server.origin.asked) == 1


@pytest.mark.slow
def test_a_client_that_reads_slowly_gets_every_answer_in_order(server: CacheServer) -> None:
    server.origin.body = bytes(100_000)
    server.get(host="x")
    host, _, port = server.address.removeprefix("http://").partition(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect((host, int(port)))
        for _ in range(60):
            connection.sendall(GET + b"\r\n")
            time.sleep(0.001)
        connection.sendall(LAST)
        time.sleep(0.2)
        answer = b""
        while chunk := connection.recv(1 << 20):
            answer += chunk
    assert len(statuses(answer)) == 61
    assert len(answer) > 61 * 100_000


@pytest.mark.slow
def test_a_slow_reader_delays_no_other_client(server: CacheServer) -> None:
    server.origin.body = bytes(190_000)
    host, _, port = server.address.removeprefix("http://").partition(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        asked = 0
        while len(server.origin.asked) == asked:  # until an answer waits for its reader
            path = f"{HERE}?query={asked}"
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            asked += 1
            for _ in range(100):
                if len(server.origin.asked) == asked:
                    break
                time.sleep(0.005)
        stuck = f"{HERE}?query={asked - 2}"
        assert server.get(stuck, Cache_Control="no-cache").status_code == 200
        server.wait(61)
        assert server.get(stuck).status_code == 200
        assert server.get(stuck).status_code == 200


@pytest.mark.slow
def test_a_connection_stays_open_after_a_hit_and_is_closed_when_idle() -> None:
    for http in (CachedReadProtocol, LONG_WAY):
        with cache_server(http, timeout_keep_alive=1) as server:
            server.get(host="x")
            host, _, port = server.address.removeprefix("http://").partition(":")
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                for _ in range(5):
                    connection.sendall(GET + b"\r\n")
                    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
                    time.sleep(0.4)
                assert connection.recv(65536) == b""


@pytest.mark.slow
def test_a_server_that_stops_ends_its_connections_after_their_answers() -> None:
    for http in (CachedReadProtocol, LONG_WAY):
        with cache_server(http) as server:
            server.get(host="x")
            host, _, port = server.address.removeprefix("http://").partition(":")
            connection = socket.create_connection((host, int(port)), timeout=10)
            for _ in range(2):
                connection.sendall(GET + b"\r\n")
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        assert connection.recv(65536) == b""
        connection.close()


def test_limits_see_fast_answers_and_may_send_them_the_long_way() -> None:
    with cache_server(CachedReadProtocol) as server:
        seen: list[tuple[str, str, str]] = []
        counted: list[tuple[str, int]] = []
        words: list[bytes | None] = [b"ratelimit: left=1\r\n", None, b""]

        def admit(method: str, path: str, client: str) -> bytes | None:
            seen.append((method, path, client))
            return words.pop(0)

        server.hits.limit_of = lambda method, path: partial(admit, method, path)
        server.hits.counter_of = lambda _, path, status: partial(counted.append, (path, status))
        server.get()
        assert not seen
        assert server.get().headers["ratelimit"] == "left=1"
        long_way, free = server.get(), server.get()
        assert "ratelimit" not in long_way.headers
        assert (long_way.content, free.content) == (BODY, BODY)
        assert seen == [("GET", HERE, "127.0.0.1")] * 3
        assert counted == [(HERE, 200)] * 2
        assert (server.cache.counts.fresh, server.cache.counts.fast_path) == (3, 2)


def test_both_ways_write_the_same_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[list[str]] = []
    for http in (CachedReadProtocol, LONG_WAY):
        caplog.clear()
        with caplog.at_level(logging.INFO, "uvicorn.access"):
            logging.getLogger("uvicorn.access").disabled = False
            with cache_server(http, log_config=None) as server:
                logging.getLogger("uvicorn.access").setLevel(logging.INFO)
                for _ in range(2):
                    server.get(f"{HERE}?a=%20b")
                client = r"127.0.0.1"
        reported = [
            record.getMessage() for record in caplog.records if client in record.getMessage()
        ]
        lines.append([line.partition(" - ")[2] for line in reported])
    assert lines[0] == lines[1]
    assert len(lines[0]) == 2
