"""A database or a service that falls silent holds no citizen up."""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.rows import count_rows, locked_tables
from tests.servers import LOOPBACK, free_port, line_to_database, serving
from tests.system.processes import environment_of, forked
from tests.waiting import until

pytestmark = pytest.mark.slow

SILENCE = 1.0
LONGEST_SECONDS = 3.0
CACHED = ("/api/v1/services", "/layanan", "/")
UNCACHED = ("/layanan/pbg", "/api/v1/services/pbg", "/api/v1/links", "/pengumuman")


def get(address: str, path: str) -> httpx.Response:
    """Read as a citizen's browser does."""
    kind = "application/json" if path.startswith("/api") else "text/html"
    return LOOPBACK.get(f"{address}{path}", headers={"Accept": kind}, timeout=60)


@contextmanager
def silenced(address: str) -> Generator[None]:
    """Check what a hub answers in this block, in which a part that it needs is silent."""
    with ThreadPoolExecutor(len(CACHED + UNCACHED)) as threads:
        began = time.monotonic()
        answers = dict(
            zip(
                CACHED + UNCACHED,
                threads.map(lambda path: get(address, path), CACHED + UNCACHED),
                strict=True,
            )
        )
        assert time.monotonic() - began < LONGEST_SECONDS
    for path in CACHED:
        assert answers[path].status_code == 200, path
    yield
    for path in UNCACHED:
        if answers[path].status_code != 200:
            assert answers[path].status_code == 503, answers[path].text
            kind = "application/problem+json" if path.startswith("/api") else "text/html"
            assert answers[path].headers["content-type"].startswith(kind)
    again = time.monotonic()
    assert get(address, "/api/v1/services").status_code == 200
    assert get(address, "/layanan/pbg").status_code == 503
    assert time.monotonic() - again < LONGEST_SECONDS


def is_well(address: str) -> bool:
    return get(address, "/layanan/pbg").status_code == 200


def test_a_silent_database_leaves_stale_answers_and_pages_that_say_so(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with line_to_database(settings) as (line, url):
        over_line = {"database_url": SecretStr(url), "silence_seconds": SILENCE}
        with serving(create_app(settings.model_copy(update=over_line))) as address:
            for path in CACHED:
                assert get(address, path).status_code == 200
            line.silence()
            with silenced(address):
                assert get(address, "/health/ready").status_code == 503
            line.restore()
            until(lambda: is_well(address))
    messages = [record.getMessage() for record in caplog.records]
    assert sum("database unavailable" in message for message in messages) == 1
    assert sum("database available again" in message for message in messages) == 1
    assert len(messages) < 100, messages


def test_a_service_that_was_stopped_leaves_stale_answers_and_pages_that_say_so(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert settings.database_url is not None
    port = free_port()
    catalog = f"http://127.0.0.1:{port}"
    environment = environment_of(
        settings.database_url.get_secret_value(),
        tmp_path / "catalog",
        EMALL_IDENTITY_PUBLIC_KEY_FILE=str(settings.public_key_file),
    )
    arguments = ("serve", "catalog", "--port", str(port))
    with forked(*arguments, environment=environment, log=tmp_path / "log") as running:
        running.wait_until(catalog)
        away = settings.model_copy(update={"catalog_url": catalog, "silence_seconds": SILENCE})
        with serving(create_app(away)) as address:
            for path in CACHED:
                assert get(address, path).status_code == 200
            os.kill(running.running.pid, signal.SIGSTOP)
            try:
                with silenced(address):
                    pass
            finally:
                os.kill(running.running.pid, signal.SIGCONT)
            until(lambda: is_well(address))
    messages = [record.getMessage() for record in caplog.records]
    assert sum("service catalog unavailable" in message for message in messages) == 1
    assert sum("service catalog available again" in message for message in messages) == 1


def test_a_hub_that_is_told_to_end_while_its_database_is_silent_ends(settings: Settings) -> None:
    """It gives up what its jobs had still to store; `serving` allows it 20 seconds."""
    with line_to_database(settings) as (line, url):
        hub = settings.model_copy(
            update={"database_url": SecretStr(url), "silence_seconds": SILENCE}
        )
        with serving(create_app(hub)) as address:
            for path in (*CACHED, *UNCACHED):
                assert get(address, path).status_code == 200
            line.silence()
        line.restore()


def test_an_answer_that_came_before_its_service_fell_silent_is_passed_on_and_audited_once(
    empty: Settings,
) -> None:
    """The line of the audit log waits meanwhile, for a lock or a slow disk."""
    is_silent, asked_when_silent = threading.Event(), threading.Event()

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if is_silent.is_set():
            if scope["path"] == "/health/live":
                asked_when_silent.set()
            await asyncio.sleep(60)
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"stored"})
        if scope["method"] == "POST":
            is_silent.set()

    with serving(service, grace=0) as catalog:
        hub = empty.model_copy(update={"catalog_url": catalog, "silence_seconds": 0.4})
        with (
            serving(create_app(hub)) as address,
            ThreadPoolExecutor(1) as thread,
            locked_tables(empty, "gateway.audit_pending"),
        ):
            answer = thread.submit(LOOPBACK.post, f"{address}/api/v1/services", timeout=60)
            assert asked_when_silent.wait(30)
            until(lambda: LOOPBACK.get(f"{address}/api/v1/services/x").status_code == 503)
    assert (answer.result().status_code, answer.result().text) == (201, "stored")
    assert count_rows(empty, "gateway.audit_pending") == 1
