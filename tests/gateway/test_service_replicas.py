"""A service in several processes: one that is away costs no request that another can answer."""

import asyncio
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.servers import LOOPBACK, free_port, hanging_up, serving, silent

pytestmark = pytest.mark.slow

SILENCE = 0.8
LONGEST_SECONDS = 3.0
PATH = "/api/v1/services/x"


def answering(
    name: str, *, live_after: float = 0, after: float = 0, asked: Counter[str] | None = None
) -> ASGIApp:
    """Return a service that answers with its name, and to probes, after so many seconds."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].startswith("/health"):
            await asyncio.sleep(live_after)
        else:
            if asked is not None:
                asked[scope["method"]] += 1
            await asyncio.sleep(after)
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name.encode()})

    return app


@contextmanager
def hub_before(empty: Settings, *urls: str) -> Generator[str]:
    """Serve a gateway before processes of the catalog."""
    settings = empty.model_copy(
        update={"catalog_url": " ".join(urls), "silence_seconds": SILENCE, "cache_max_bytes": 0}
    )
    with serving(create_app(settings)) as address:
        yield address


def ask(address: str, method: str) -> httpx.Response:
    body = b"{}" if method == "POST" else None
    return LOOPBACK.request(method, f"{address}{PATH}", content=body, timeout=60)


def test_a_service_that_answers_requests_but_no_probe_in_time_is_not_refused(
    empty: Settings,
) -> None:
    with serving(answering("busy", live_after=60), grace=0) as busy, hub_before(empty, busy) as hub:
        end = time.monotonic() + 4 * SILENCE
        while time.monotonic() < end:
            assert ask(hub, "GET").status_code == 200
            assert ask(hub, "POST").status_code == 200
            time.sleep(0.02)


def test_requests_are_shared_and_those_that_one_refuses_are_sent_to_the_other(
    empty: Settings,
) -> None:
    with serving(answering("one"), grace=0) as one:
        with serving(answering("two"), grace=0) as two, hub_before(empty, one, two) as hub:
            assert Counter(ask(hub, "POST").text for _ in range(8)) == {"one": 4, "two": 4}
        refused = f"http://127.0.0.1:{free_port()}"
        with hub_before(empty, refused, one) as hub:
            for method in ("GET", "POST") * 5:
                answer = ask(hub, method)
                assert (answer.status_code, answer.text) == (200, "one")


def test_reads_of_a_silent_process_are_answered_by_the_other_one(empty: Settings) -> None:
    asked: Counter[str] = Counter()
    with (
        silent() as away,
        serving(answering("well", asked=asked), grace=0) as well,
        hub_before(empty, away, well) as hub,
    ):
        for _ in range(4):
            began = time.monotonic()
            assert ask(hub, "GET").text == "well"
            assert time.monotonic() - began < LONGEST_SECONDS
        for method in ("GET", "POST") * 4:  # its breaker alone is open
            began = time.monotonic()
            assert ask(hub, method).text == "well"
            assert time.monotonic() - began < SILENCE / 2
    assert asked["POST"] == 4


def test_a_write_that_may_have_arrived_is_not_sent_again(empty: Settings) -> None:
    asked: Counter[str] = Counter()
    with hanging_up() as lost, serving(answering("well", asked=asked), grace=0) as well:
        with hub_before(empty, lost, well) as hub:
            assert ask(hub, "GET").text == "well"
        with hub_before(empty, lost, well) as hub:
            answers = [ask(hub, "POST").status_code for _ in range(3)]
    assert answers.count(503) == 3 - asked["POST"]
    assert set(answers) <= {200, 503}


def test_a_process_that_ends_answers_what_it_has_begun(empty: Settings) -> None:
    slow = answering("slow", after=3 * SILENCE)
    with serving(answering("well"), grace=0) as well, ThreadPoolExecutor(2) as threads:
        with ExitStack() as running:
            ending = running.enter_context(serving(slow, grace=20))
            hub = ExitStack()
            address = hub.enter_context(hub_before(empty, ending, well))
            begun = [threads.submit(ask, address, "POST") for _ in range(2)]
            time.sleep(SILENCE / 2)  # and then it takes no more requests
        with hub:
            answers = [each.result() for each in begun]
    assert {answer.text for answer in answers} == {"slow", "well"}


def test_all_processes_silent_end_a_read_in_time(empty: Settings) -> None:
    with silent() as one, silent() as two, hub_before(empty, one, two) as hub:
        began = time.monotonic()
        assert ask(hub, "GET").status_code == 503
        assert time.monotonic() - began < LONGEST_SECONDS
