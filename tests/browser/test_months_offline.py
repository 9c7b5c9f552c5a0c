"""A month on a phone without a network: nothing is lost, nothing counts twice."""

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Route, expect

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.browser.test_enumerator import phone
from tests.browser.test_workspace_cases import accept
from tests.conftest import new_key
from tests.gateway.people import invite_to
from tests.servers import free_port, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MONTH = "/kelola/laporan/2025-03"
CELL = '[id="ktp-el.counter.submitted"]'
STORED = """() => new Promise((resolve) => {
  indexedDB.open("emall-months").onsuccess = ({ target }) => {
    const entries = target.result.transaction("entries").objectStore("entries");
    entries.count().onsuccess = (event) => resolve(event.target.result);
  };
})"""
"""How many months the phone has that the hub has not."""


def take_battery_out(folder: Path) -> None:
    """Kill the browser that keeps its data in this folder."""
    for process in psutil.process_iter(["cmdline"]):
        if f"--user-data-dir={folder}" in (process.info["cmdline"] or ()):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def key_of(settings: Settings) -> str:
    # In a thread: the main thread of a browser test has a running event loop.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(new_key, settings, "dukcapil", "usage:write").result()


def test_a_month_is_entered_without_a_network_and_sent_once(
    settings: Settings, chromium: str, tmp_path: Path
) -> None:
    link = invite_to(settings, "pelapor@dukcapil.test", ("reporter", "dukcapil")).path
    port = free_port()
    hub, waiting = f"http://127.0.0.1:{port}", "#month-waiting"
    with serving(create_app(settings), port=port), phone(chromium, tmp_path) as first:
        page = first.new_page()
        page.goto(hub + link)
        accept(page)
        page.goto(hub + MONTH)
        page.wait_for_selector("#month[data-ready]", state="attached")

    # The hub is out of reach, and the battery is taken out while somebody types.
    with phone(chromium, tmp_path) as second:
        page = second.new_page()
        page.goto(hub + MONTH)
        page.locator(CELL).fill("1.500")
        expect(page.locator("#month-stored")).to_be_visible()
        take_battery_out(tmp_path)

    with phone(chromium, tmp_path) as third:
        page = third.new_page()
        page.goto(hub + MONTH)
        expect(page.locator("#month-restored")).to_be_visible()
        assert page.locator(CELL).input_value() == "1.500"
        page.get_by_role("button", name="Simpan dan ajukan").click()
        expect(page.locator(waiting)).to_be_in_viewport()
        take_battery_out(tmp_path)

    with phone(chromium, tmp_path) as fourth, serving(create_app(settings), port=port):
        page = fourth.new_page()
        lost: list[str] = []

        def lose_answer(route: Route) -> None:
            if route.request.method == "POST" and not lost:
                lost.append(route.request.url)
                route.fetch(max_redirects=0)
                route.abort()
            else:
                route.continue_()

        page.route(re.compile(MONTH), lose_answer)
        page.goto(hub + MONTH)
        expect(page.locator(waiting)).to_be_visible()
        assert lost
        page.evaluate("dispatchEvent(new Event('online'))")
        page.get_by_text("Menunggu persetujuan").wait_for()
        assert page.evaluate(STORED) == 0
        page.get_by_role("button", name="Keluar").click()
        page.wait_for_url("**/kelola/masuk*")
        page.wait_for_function("async () => !(await caches.has('emall-months'))")
        draft = page.request.get(
            f"{hub}/api/v1/usage/statistics/drafts/2025-03",
            headers={"Authorization": f"Bearer {key_of(settings)}"},
        ).json()
    # Saved once and submitted once.
    assert (draft["state"], draft["revision"]) == ("submitted", 2)
    assert [each["counters"]["submitted"] for each in draft["figures"]] == [1500]
