"""Visits are counted once, whatever happens to the service that counts them."""

import asyncio
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from services.feedback.app import create_app as create_feedback
from services.gateway.app import create_app
from services.gateway.link_monitoring.clicks.outbox import ClickOutbox
from services.gateway.link_monitoring.link_directory import LinkDirectory
from services.platform.disk_spool import DiskSpool
from services.platform.settings import Settings
from tests.conftest import Hub
from tests.gateway.click_rows import (
    allow_queueing,
    counted_clicks,
    forbid_queueing,
    queue_delivered_click_again,
    remove_service,
    stored_events,
    waiting_clicks,
    waiting_words,
)
from tests.gateway.parts import app_of, run
from tests.rows import hidden_table
from tests.servers import free_port, hanging_up, line_to_database, serving
from tests.waiting import until

SILENCE = 1.0


def elsewhere(settings: Settings, address: str) -> Settings:
    return settings.model_copy(update={"feedback_url": address})


def test_a_click_is_counted_once_with_its_link_and_its_service(hub: Hub) -> None:
    assert hub.client.get("/go/simbg?service=pbg").status_code == 302
    assert hub.client.get("/go/oss").status_code == 302

    def counted() -> list[tuple[str, str | None, int]]:
        answer = hub.client.get("/api/v1/usage/summary?group_by=link,service")
        return [
            (cell["link"], cell["service"], cell["value"])
            for cell in answer.json()["items"]
            if cell["measure"] == "click_out"
        ]

    until(lambda: len(counted()) == 2)
    assert counted() == [("oss", None, 1), ("simbg", "pbg", 1)]
    assert waiting_clicks(hub.settings) == []


def test_a_click_that_a_proxy_sends_again_is_counted_once(hub: Hub) -> None:
    milliseconds = int(time.time() * 1000)
    nginx = {"X-Request-ID": "5" * 32, "X-Request-Start": f"t={milliseconds / 1000:.3f}"}
    caddy = {"X-Request-ID": str(UUID(int=7)), "X-Request-Start": f"t={milliseconds}"}
    for headers in (nginx, nginx, caddy, caddy):
        assert hub.client.get("/go/simbg?service=pbg", headers=headers).status_code == 302
    # Another request, other content, and what is no name of a request of now.
    others: tuple[dict[str, str], ...] = (
        {**nginx, "X-Request-ID": "6" * 32},
        {**nginx, "X-Request-Start": "t=1732912345.678"},
        {**nginx, "X-Request-Start": "now"},
        {"X-Request-ID": "5" * 32},
    )
    for headers in others:
        assert hub.client.get("/go/simbg?service=pbg", headers=headers).status_code == 302
    assert hub.client.get("/go/oss", headers=nginx).status_code == 302
    until(lambda: not waiting_clicks(hub.settings))
    assert sum(count for _, _, count in counted_clicks(hub.settings)) == 2 + len(others) + 1


@pytest.mark.slow
@pytest.mark.parametrize("feedback", ["here", "away"])
@pytest.mark.parametrize("word", ["layanan-palsu", "pbgg", "dukcapil", "simbg"])
def test_a_click_about_no_service_is_counted_without_the_word_which_is_never_stored(
    hub: Hub, word: str, feedback: str
) -> None:
    with hidden_table(hub.settings, "feedback.event") if feedback == "away" else nullcontext():
        answer = hub.client.get(f"/go/simbg?service={word}")
        assert (answer.status_code, answer.headers["location"]) == (302, "https://simbg.pu.go.id")
        if feedback == "away":
            until(lambda: waiting_clicks(hub.settings) == ["simbg"])
            assert waiting_words(hub.settings) == [None]
    until(lambda: counted_clicks(hub.settings) == [("simbg", "", 1)])


@pytest.mark.slow
def test_a_click_about_a_removed_service_is_counted_without_it(hub: Hub) -> None:
    directory: LinkDirectory = app_of(hub.client).state.link_directory
    remove_service(hub.settings, "pbg")
    until(lambda: not directory.has_service("pbg"))
    hub.client.get("/go/simbg?service=pbg")
    hub.client.get("/go/simbg?service=ktp-el")
    until(lambda: counted_clicks(hub.settings) == [("simbg", "", 1), ("simbg", "ktp-el", 1)])


def test_a_click_is_stored_without_personal_data(hub: Hub) -> None:
    hub.client.get("/go/simbg", headers={"User-Agent": "Somebody", "Cookie": "who=1"})
    until(lambda: len(stored_events(hub.settings)) == 1)
    assert stored_events(hub.settings) == [("click_out", "gateway", "simbg", "", "", "online", "")]


def test_a_head_request_or_a_failed_redirect_is_no_click(hub: Hub) -> None:
    assert hub.client.head("/go/simbg").status_code == 302
    assert hub.client.get("/go/nowhere").status_code == 404
    assert hub.client.get("/go/simbg?service=A%00").status_code == 422
    assert hub.client.post("/go/simbg").status_code == 405
    hub.client.get("/go/oss")
    until(lambda: len(counted_clicks(hub.settings)) == 1)
    assert counted_clicks(hub.settings) == [("oss", "", 1)]


def test_many_clicks_at_once_are_all_counted(hub: Hub) -> None:
    with ThreadPoolExecutor(60) as pool:
        answers = pool.map(lambda _: hub.client.get("/go/simbg").status_code, range(120))
        assert set(answers) == {302}
    until(lambda: counted_clicks(hub.settings) == [("simbg", "", 120)])


@pytest.mark.slow
def test_clicks_wait_while_feedback_is_down_and_are_then_delivered_once(
    settings: Settings,
) -> None:
    port = free_port()
    away = elsewhere(settings, f"http://127.0.0.1:{port}")
    with TestClient(create_app(away), follow_redirects=False) as client:
        assert client.get("/go/simbg?service=pbg").status_code == 302
        assert client.get("/go/oss").status_code == 302
        until(lambda: waiting_clicks(settings) == ["simbg", "oss"])
        assert counted_clicks(settings) == []
        with serving(create_feedback(settings), port=port):
            until(lambda: waiting_clicks(settings) == [])
            assert counted_clicks(settings) == [("oss", "", 1), ("simbg", "pbg", 1)]
            client.get("/go/oss")
            until(lambda: ("oss", "", 2) in counted_clicks(settings))
    assert counted_clicks(settings) == [("oss", "", 2), ("simbg", "pbg", 1)]


def test_a_click_that_was_delivered_but_not_confirmed_is_not_counted_twice(
    settings: Settings,
) -> None:
    """Feedback stores the visit, and the answer is lost on the way."""
    with TestClient(create_app(settings), follow_redirects=False) as client:
        client.get("/go/simbg")
        until(lambda: counted_clicks(settings) == [("simbg", "", 1)])
        queue_delivered_click_again(settings)
        client.get("/go/oss")
        until(lambda: waiting_clicks(settings) == [])
    assert counted_clicks(settings) == [("oss", "", 1), ("simbg", "", 1)]


@pytest.mark.slow
def test_a_shutdown_stores_undelivered_clicks_and_the_next_start_delivers_them(
    settings: Settings,
) -> None:
    with hanging_up() as address:
        away = elsewhere(settings, address)
        with TestClient(create_app(away), follow_redirects=False) as client:
            assert client.get("/go/simbg").status_code == 302
    assert waiting_clicks(settings) == ["simbg"]
    with TestClient(create_app(settings)):
        pass
    assert waiting_clicks(settings) == []
    assert counted_clicks(settings) == [("simbg", "", 1)]


@pytest.mark.slow
def test_a_shutdown_right_after_a_click_delivers_it(settings: Settings) -> None:
    for number in range(1, 6):
        with TestClient(create_app(settings), follow_redirects=False) as client:
            client.get("/go/simbg")
        assert counted_clicks(settings) == [("simbg", "", number)]
        assert waiting_clicks(settings) == []


def test_a_stop_during_a_click_is_not_missed(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        outbox: ClickOutbox = app_of(client).state.click_outbox

        async def visit_and_stop() -> None:
            await outbox.record_click(link="simbg", service=None, headers={})
            async with asyncio.timeout(5):
                await outbox.outbox.deliver_waiting()

        run(client, visit_and_stop)
    assert counted_clicks(settings) == [("simbg", "", 1)]


@pytest.mark.slow
def test_two_gateways_deliver_each_click_once(settings: Settings) -> None:
    with (
        TestClient(create_app(settings), follow_redirects=False) as one,
        TestClient(create_app(settings), follow_redirects=False) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        clients = [one, other] * 20
        assert set(pool.map(lambda client: client.get("/go/simbg").status_code, clients)) == {302}
    assert counted_clicks(settings) == [("simbg", "", 40)]
    assert waiting_clicks(settings) == []


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["feedback.event", "feedback.monthly_usage"])
def test_a_failing_feedback_delays_no_redirect_and_loses_no_click(
    settings: Settings, broken: str
) -> None:
    with TestClient(create_app(settings), follow_redirects=False) as client:
        with hidden_table(settings, broken):
            assert client.get("/go/simbg").status_code == 302
            until(lambda: waiting_clicks(settings) == ["simbg"])
            time.sleep(0.3)  # a delivery fails
        assert client.get("/go/oss").status_code == 302
        until(lambda: waiting_clicks(settings) == [])
    assert counted_clicks(settings) == [("oss", "", 1), ("simbg", "", 1)]


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Provide settings of a hub with a data folder of its own, in which visits may wait."""
    folder = tmp_path / "data"
    shutil.copytree(settings.data_dir, folder, ignore=shutil.ignore_patterns("gateway"))
    return settings.model_copy(update={"data_dir": folder})


def spool_of(client: TestClient) -> DiskSpool:
    outbox: ClickOutbox = app_of(client).state.click_outbox
    return outbox.spool


def files_on_disk(settings: Settings) -> list[Path]:
    return sorted((settings.data_dir / "gateway" / "visits").glob("*"))


@pytest.mark.slow
def test_a_click_that_cannot_be_stored_waits_on_disk_and_is_counted_once(own: Settings) -> None:
    """Also if the process ends, and if it had ended before it deleted the file."""
    forbid_queueing(own)
    with TestClient(create_app(own), follow_redirects=False) as client:
        for link in ("simbg", "simbg", "oss"):
            answer = client.get(f"/go/{link}?service=pbg")
            assert answer.status_code == 302
        assert answer.headers["location"].startswith("https://")
        assert client.get("/api/v1/status").json()["visits"] == {"on_disk": 3, "lost": 0}
    files = {path: path.read_bytes() for path in files_on_disk(own)}
    assert sum(content.count(b"\n") for content in files.values()) == 3
    allow_queueing(own)
    for _ in range(2):
        with TestClient(create_app(own)):
            until(lambda: files_on_disk(own) == [])
        assert counted_clicks(own) == [("oss", "pbg", 1), ("simbg", "pbg", 2)]
        assert waiting_clicks(own) == []
        for path, content in files.items():
            # The last line is one that was being written when the machine lost its power.
            path.write_bytes(content + content[:40])


def test_a_click_that_neither_database_nor_disk_takes_is_counted_as_lost(own: Settings) -> None:
    forbid_queueing(own)
    (own.data_dir / "gateway").mkdir()
    (own.data_dir / "gateway" / "visits").touch()  # no folder
    with TestClient(create_app(own), follow_redirects=False) as client:
        assert client.get("/go/simbg").status_code == 302
        assert client.get("/api/v1/status").json()["visits"] == {"on_disk": 0, "lost": 1}
        until(lambda: "started: 1." in client.get("/health/ready").text)


@pytest.mark.slow
def test_redirects_need_no_database_also_after_a_start(own: Settings) -> None:
    with line_to_database(own) as (line, url):
        over_line = own.model_copy(
            update={"database_url": SecretStr(url), "silence_seconds": SILENCE}
        )
        for _ in range(2):
            with TestClient(create_app(over_line), follow_redirects=False) as client:
                line.silence()
                for _ in range(4):
                    began = time.monotonic()
                    assert client.get("/go/simbg?service=pbg").status_code == 302
                    assert time.monotonic() - began < 2
                assert client.get("/go/nowhere").status_code in {404, 503}
            with TestClient(create_app(over_line), follow_redirects=False) as client:
                answer = client.get("/go/simbg")
                assert answer.headers["location"] == "https://simbg.pu.go.id"
                line.restore()
                until(lambda: spool_of(client).waiting == 0)
    until(lambda: files_on_disk(own) == [])
    assert counted_clicks(own) == [("simbg", "", 2), ("simbg", "pbg", 8)]


def test_a_hub_that_never_read_its_links_says_that_it_does_not_know_them(own: Settings) -> None:
    with line_to_database(own) as (line, url):
        line.cut()
        away = own.model_copy(update={"database_url": SecretStr(url)})
        with TestClient(create_app(away), follow_redirects=False) as client:
            assert client.get("/go/simbg").status_code == 503
