"""The whole hub with the fast path and without it: switched off, it is slower and nothing else."""

import json
import logging
import re
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from services.cli.server import DEFAULT_PROTOCOL, PROTOCOLS
from services.gateway.app import create_app
from services.gateway.http_cache.middleware import HttpCache
from services.gateway.http_cache.store import ALL_AREAS
from services.gateway.rate_limits.gcra import Policy
from services.gateway.rate_limits.policies import MINUTE
from services.platform.settings import Service, Settings
from tests.conftest import Server, new_key
from tests.gateway.key_rows import consumption_by_agency
from tests.servers import serving
from tests.waiting import until

pytestmark = pytest.mark.slow

SERVICES = "/api/v1/services"
PBG = f"{SERVICES}/pbg"
PAGE = "/layanan/pbg"
STYLE = "/static/emall.css"
LIVE = "/health/live"
HELD = "held"
"""In `If-None-Match`: the tag with which the target was answered last."""


class Answer(NamedTuple):
    """The response as a client receives it, its header fields in order."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def says(self, name: str) -> str:
        return dict(self.fields).get(name, "")

    @property
    def timeless(self) -> "Answer":
        """The same without the time, the request's id and the fill of a bucket."""
        left = [
            (name, "" if name in {"ratelimit", "x-request-id"} else value)
            for name, value in self.fields
            if name != "date"
        ]
        assert len(self.fields) - len(left) == 1
        request_id = self.says("x-request-id")
        assert re.fullmatch("[0-9a-f]{32}", request_id)
        return self._replace(fields=left, body=self.body.replace(request_id.encode(), b""))


@dataclass
class Way:
    """A hub on a socket, the clock of its cache, and one connection to it."""

    app: FastAPI
    settings: Settings
    connection: HTTPConnection
    ahead: float = 0.0
    tags: dict[str, str] = field(default_factory=dict[str, str])

    def ask(self, method: str, target: str, body: str | None = None, **said: str) -> Answer:
        headers = {"Host": "emall.example"} | {
            name.replace("_", "-"): self.tags.get(target, '"none"') if value == HELD else value
            for name, value in said.items()
        }
        self.connection.request(method, target, body, headers)
        got = self.connection.getresponse()
        answer = Answer(got.status, got.getheaders(), got.read())
        if tag := answer.says("etag"):
            self.tags[target] = tag
        return answer

    def get(self, target: str, **said: str) -> Answer:
        return self.ask("GET", target, **said)

    def wait(self, seconds: float) -> None:
        """Advance the cache's clock, which stands otherwise."""
        self.ahead += seconds
        # The fast path writes its answers anew each second, by the server's clock.
        self.cache.store.on_change()

    @property
    def fast(self) -> int:
        """Number of responses that the server's protocol sent by itself."""
        return self.cache.counts.fast_path

    @property
    def cache(self) -> HttpCache:
        return self.app.state.cache


@contextmanager
def way(settings: Settings, *, is_fast: bool, **more: Any) -> Generator[Way]:
    """Serve a hub as `emall serve` does, with EMALL_FAST_PATH on or off."""
    own = settings.model_copy(update={"fast_path": is_fast})
    app = create_app(own)
    protocol = PROTOCOLS[Service.gateway] if is_fast else DEFAULT_PROTOCOL
    with (
        serving(app, http=protocol, **more) as address,
        closing(HTTPConnection(address.removeprefix("http://"), timeout=30)) as connection,
    ):
        made, now = Way(app, own, connection), time.time()
        made.cache.clock = lambda: now + made.ahead
        until(lambda: made.cache.store.is_connected)
        yield made


@pytest.fixture
def two(server: Server, toba: str) -> Iterator[tuple[Settings, Settings]]:
    """Provide settings of two hubs with the same data, each on a database of its own."""
    with server.database_from(toba) as one, server.database_from(toba) as other:
        yield server.settings(one), server.settings(other)


@contextmanager
def both(two: Sequence[Settings], **limits: int) -> Generator[tuple[Way, Way]]:
    """Serve a hub with the fast path, and one without it."""
    with ExitStack() as stack:
        fast, slow = (
            stack.enter_context(way(own.model_copy(update=limits), is_fast=is_fast))
            for own, is_fast in zip(two, (True, False), strict=True)
        )
        yield fast, slow


@contextmanager
def access_log() -> Generator[list[str]]:
    """Collect the lines of the servers' access logs, without the client's address."""
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage().partition(" - ")[2])

    logger, handler = logging.getLogger("uvicorn.access"), Lines()
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


def story(hub: Way) -> Iterator[Answer]:
    """Citizens, programs and an agency read; the same requests come again and again."""
    key = new_key(hub.settings, "dukcapil", "usage:write", life=timedelta(days=300))
    packed = {"Accept_Encoding": "gzip, br"}
    for target in (
        "/",
        PAGE,
        "/cari?q=izin%20bangunan",
        SERVICES,
        f"{SERVICES}?limit=2",
        f"{SERVICES}/tiada",
        "/api/v1/agencies",
        "/api/v1/links",
        STYLE,
        LIVE,
        "/tiada",
    ):
        for said in ({}, packed, {"If_None_Match": HELD}, packed | {"If_None_Match": HELD}):
            for _ in range(3):
                yield hub.get(target, **said)
        for _ in range(2):
            yield hub.ask("HEAD", target)
    hub.wait(10)
    for said in (
        {},
        {"Cache_Control": "max-age=5"},
        {"Cache_Control": "no-cache"},
        {"Cache_Control": "only-if-cached"},
        {"Range": "bytes=0-9"},
        {"X_Forwarded_For": "192.0.2.7"},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": "Bearer emk_none"},
        {"Connection": "keep-alive"},
        {"Host": "other.example"},
    ):
        for _ in range(3):
            yield hub.get(PBG, **said)
    yield hub.ask("POST", "/api/v1/usage/events", "{}", Content_Type="application/json")
    for _ in range(2):
        yield hub.get(SERVICES)
    hub.wait(100)
    for _ in range(3):
        yield hub.get(SERVICES)


def test_the_same_story_gets_the_same_answers_counts_and_lines_both_ways(
    two: tuple[Settings, Settings],
) -> None:
    answers, lines, counts, fast = [], [], [], []
    for settings, is_fast in zip(two, (True, False), strict=True):
        limited = settings.model_copy(update={"address_reads_per_minute": 100_000})
        with access_log() as written, way(limited, is_fast=is_fast, log_config=None) as hub:
            logging.getLogger("uvicorn.access").setLevel(logging.INFO)
            hub.connection.connect()
            hub.connection.auto_open = 0  # it stays open, or the next request fails
            answers.append([answer.timeless for answer in story(hub)])
            fast.append(hub.fast)
        lines.append(written)
        counts.append(consumption_by_agency(settings))
    for one, other in zip(*answers, strict=True):
        assert one == other
    assert lines[0] == lines[1]
    assert len(lines[0]) == len(answers[0])
    assert counts[0] == counts[1]
    seen = {(agency, area, status) for agency, area, status, _ in counts[0]}
    assert {("", "pages", 2), ("", "services", 3), ("dukcapil", "services", 2)} <= seen
    assert fast[0] > len(answers[0]) / 4
    assert fast[1] == 0


def test_a_limit_counts_down_and_refuses_at_the_same_request_both_ways(
    two: tuple[Settings, Settings],
) -> None:
    policy = Policy("reads", 40, MINUTE)
    with both(two, address_reads_per_minute=policy.quota) as hubs:
        for hub in hubs:
            began = time.monotonic()
            answers = [hub.get(SERVICES)]
            while answers[-1].status == 200:
                hub.get(LIVE)  # free; meanwhile the database gives the next share of the bucket
                answers.append(hub.get(SERVICES))
            took = time.monotonic() - began
            *through, refused = answers
            # On a slow machine the bucket gains while it is emptied.
            gained = int(took / policy.interval)
            assert policy.burst <= len(through) <= policy.burst + gained
            for number, answer in enumerate(through, start=1):
                assert answer.says("ratelimit-policy") == '"reads";q=40;w=60'
                left, reset = bucket_in(answer)
                assert policy.burst - number <= left <= policy.burst - number + gained
                assert number * policy.interval - took <= reset <= number * policy.interval
            assert (refused.status, bucket_in(refused)[0]) == (429, 0)
            assert json.loads(refused.body)["type"] == "urn:emall:problem:too-many-requests"
            assert hub.get(SERVICES, If_None_Match=HELD).status == 429
            assert hub.get(PAGE).status == 429
            assert hub.get(STYLE).status == 200
        fast, slow = hubs
        assert fast.fast > 0
        assert slow.fast == 0


def bucket_in(answer: Answer) -> tuple[int, int]:
    """Return the requests left in the bucket of a response, and the seconds until it is full."""
    reported = re.fullmatch(r'"reads";r=(\d+);t=(\d+)', answer.says("ratelimit"))
    assert reported is not None
    return int(reported[1]), int(reported[2])


def test_what_is_published_ends_hits_both_ways(two: tuple[Settings, Settings]) -> None:
    with both(two) as hubs:
        for hub in hubs:
            key = new_key(hub.settings, "diskominfo", "admin")
            for target in (PBG, PAGE):
                until(lambda hub=hub, target=target: is_fast_if_it_may(hub, target))
            found = hub.get(PBG)
            service = json.loads(found.body)["service"] | {"summary": "Diurus daring."}
            put = hub.ask(
                "PUT",
                PBG,
                json.dumps(service),
                If_Match=found.says("etag"),
                Content_Type="application/json",
                Authorization=f"Bearer {key}",
            )
            assert put.status == 200, put.body
            for target in (PBG, PAGE):
                changed = hub.get(target, If_None_Match=found.says("etag"))
                assert (changed.status, "hit" in changed.says("cache-status")) == (200, False)
                assert b"Diurus daring." in changed.body
                until(lambda hub=hub, target=target: is_fast_if_it_may(hub, target))
                assert b"Diurus daring." in hub.get(target).body


def is_fast_if_it_may(hub: Way, target: str) -> bool:
    """Return whether the next response is a hit, on the fast path if there is one."""
    before = hub.fast
    is_hit = "; hit" in hub.get(target).says("cache-status")
    return is_hit and hub.fast - before == hub.settings.fast_path


SAID: tuple[dict[str, str], ...] = (
    {},
    {"Accept_Encoding": "gzip"},
    {"Accept_Encoding": "zstd, br;q=0.5"},
    {"Accept_Encoding": "gzip;q=0, *"},
    {"If_None_Match": HELD},
    {"If_None_Match": HELD, "Accept_Encoding": "br"},
    {"If_None_Match": '*, "other"'},
    {"Cache_Control": "max-age=1"},
    {"Cache_Control": "only-if-cached"},
    {"Connection": "keep-alive"},
    {"Connection": "close"},
    {"Host": "EMALL.example"},
    {"Accept": "text/html", "Accept_Language": "en", "Cookie": "a=b"},
)


class Read(NamedTuple):
    """A request that comes so many times."""

    method: str
    target: str
    said: dict[str, str]
    times: int


READS = st.builds(
    Read,
    st.sampled_from(("GET", "GET", "GET", "HEAD", "OPTIONS")),
    st.sampled_from((PBG, f"{PBG}?", f"{SERVICES}?limit=2", PAGE, STYLE)),
    st.sampled_from(SAID),
    st.integers(1, 3),
)
LONG = 100.0
"""Seconds after which nothing is sent any more while it is asked for anew, behind a test's back."""
Step = Read | float | None
STEPS = st.lists(
    st.one_of(READS, READS, READS, st.sampled_from((1.0, LONG)), st.none()),
    min_size=2,
    max_size=12,
)


def test_whatever_is_asked_in_whatever_order_the_answers_are_the_same_both_ways(
    two: tuple[Settings, Settings],
) -> None:
    with both(two) as hubs:

        @examples(deadline=None, max_examples=50)
        @given(STEPS)
        def same(steps: Sequence[Step]) -> None:
            fast, slow = ([answer.timeless for answer in walk(hub, steps)] for hub in hubs)
            assert fast == slow

        same()
        fast, slow = hubs
        assert fast.fast > 0
        assert slow.fast == 0


def walk(hub: Way, steps: Sequence[Step]) -> Iterator[Answer]:
    """From an empty cache: reads, seconds that go by, and changes of all that is published."""
    hub.cache.store.clear()
    hub.tags.clear()
    for step in steps:
        if isinstance(step, Read):
            for _ in range(step.times):
                yield hub.ask(step.method, step.target, **step.said)
        elif step is None:
            hub.cache.store.invalidate(ALL_AREAS)
        else:
            hub.wait(step)
