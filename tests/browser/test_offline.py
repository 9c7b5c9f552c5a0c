"""The portal on a phone without a network: services are found and read, messages are sent once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.app import create_app
from services.gateway.portal.assets import STATIC
from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_enumerator import phone
from tests.conftest import new_key
from tests.gateway.test_arms import DRAWING, store_arms
from tests.rows import rows
from tests.servers import LOOPBACK, free_port, serving
from tests.toba.search_quality import Answer, measure, read_questions

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AGE = "#stored-age"
CATALOG = "/api/v1/offline-catalog"
MESSAGE = "Loket tutup sebelum jam istirahat."
CHANGED_ARMS = DRAWING.replace("M0 0h9v9z", "M0 0h9v9h-9z")
SUMMARY = "Kartu yang sejak hari ini dijelaskan begini."
SAVES_DATA = "Object.defineProperty(navigator.connection, 'saveData', { get: () => true });"


@dataclass
class CatalogueReads:
    """A hub, with the status of each read of the catalogue that devices store."""

    app: ASGIApp
    statuses: list[int] = field(default_factory=list[int])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["path"] == CATALOG:
                self.statuses.append(message["status"])
            await send(message)

        await self.app(scope, receive, note)


def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns that the main thread of a browser test, which has a running
    event loop, cannot call."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work, *arguments).result()


def stored(settings: Settings, query: str) -> list[Any]:
    return in_thread(rows, settings, query)


def open_and_store(page: Page, hub: str) -> None:
    """Open the front page once and wait until the phone has the catalogue."""
    page.goto(hub)
    page.wait_for_selector("html[data-offline]", state="attached", timeout=60_000)


def poster_code(settings: Settings) -> str:
    query = "SELECT code FROM gateway.poster WHERE kind = 'layanan' AND slug = 'ktp-el'"
    return str(stored(settings, query)[0]["code"])


TRIED = """() => new Promise((resolve) => {
  indexedDB.open("emall-offline").onsuccess = ({ target }) => {
    const catalogs = target.result.transaction("catalogs").objectStore("catalogs");
    catalogs.get("id").onsuccess = (event) => resolve(event.target.result?.tried);
  };
})"""
"""When the phone last asked for the catalogue; undefined if it never did."""

HOURS_LATER = """() => new Promise((resolve) => {
  indexedDB.open("emall-offline").onsuccess = ({ target }) => {
    const transaction = target.result.transaction("catalogs", "readwrite");
    const catalogs = transaction.objectStore("catalogs");
    catalogs.get("id").onsuccess = (event) =>
      catalogs.put({ ...event.target.result, tried: Date.now() - 2 * 60 * 60 * 1000 }, "id");
    transaction.oncomplete = () => resolve();
  };
})"""
"""Let two hours have passed since the phone asked for the catalogue."""


def store_when_asked_to(phone: BrowserContext, hub: str, reads: CatalogueReads) -> None:
    """Open the hub in a browser that saves data, which stores nothing unless somebody wants it."""
    page = phone.new_page()
    page.add_init_script(SAVES_DATA)
    open_and_store(page, hub)
    assert page.evaluate(TRIED) is None
    assert reads.statuses == []
    open_and_store(page, f"{hub}/luring")
    page.locator("#luring-store").click()
    expect(page.locator("#luring-stored")).to_be_visible(timeout=60_000)
    assert reads.statuses == [200]
    page.close()


def change_summary(settings: Settings, hub: str) -> None:
    """Publish a service in other words."""
    key = in_thread(new_key, settings, "dukcapil", "catalog:write")
    address = f"{hub}/api/v1/services/ktp-el"
    found = LOOPBACK.get(address)
    headers = {"Authorization": f"Bearer {key}", "If-Match": found.headers["etag"]}
    body = found.json()["service"] | {"summary": SUMMARY}
    assert LOOPBACK.put(address, json=body, headers=headers).status_code == 200


def follow_the_catalogue(page: Page, settings: Settings, hub: str, reads: CatalogueReads) -> None:
    """Ask for a catalogue that changed, once, and then for the same again."""
    change_summary(settings, hub)
    in_thread(store_arms, settings, CHANGED_ARMS)
    before = len(reads.statuses)
    page.evaluate(HOURS_LATER)
    open_and_store(page, hub)
    open_and_store(page, f"{hub}/layanan/nib")
    assert reads.statuses[before:] == [200]
    page.evaluate(HOURS_LATER)
    open_and_store(page, hub)
    assert reads.statuses[before:] == [200, 304]


def find_and_read(page: Page, hub: str, code: str) -> None:
    """Go from the front page to a service, and from a poster."""
    # An address that the browser's own cache does not have, where the front page is still fresh.
    page.goto(f"{hub}/?lang=id")
    expect(page.locator(AGE)).to_contain_text("harga dan jam dapat berubah")
    arms = page.locator("header img.arms")
    assert arms.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    assert page.evaluate("fetch('/lambang').then((answer) => answer.text())") == CHANGED_ARMS
    page.fill("input[name=q]", "ktp hilagn")
    page.get_by_role("button", name="Cari").click()
    page.locator(".services a").first.click()
    assert page.url == f"{hub}/layanan/ktp-el"
    page.locator("summary", has_text="Hilang").click()
    expect(page.locator("details[open]")).to_contain_text("polisi")
    expect(page.locator(".places")).to_contain_text("Disdukcapil")
    assert overflow(page) == []
    page.goto(f"{hub}/s/{code.upper()}")
    assert page.url == f"{hub}/layanan/ktp-el"
    expect(page.locator("h1")).to_contain_text("KTP")


def write_messages(page: Page, hub: str) -> None:
    """File a complaint and answer a survey, which wait on the phone."""
    page.get_by_text("Sampaikan pengaduan").click()
    expect(page.locator("#form-offline")).to_contain_text("akan dikirim saat ada sinyal")
    assert page.locator("select[name=service]").input_value() == "ktp-el"
    page.locator("textarea").fill(MESSAGE)
    page.get_by_role("button", name="Kirim").click()
    expect(page.locator("#luring-entries")).to_contain_text("akan dikirim saat ada sinyal")
    assert overflow(page) == []
    page.goto(f"{hub}/survei/skm?service=ktp-el")
    for question in page.locator(".question:not([hidden])[data-required='1']").all():
        question.locator("label").last.click()
    page.get_by_role("button", name="Kirim jawaban").click()
    expect(page.locator("#luring-entries li")).to_have_count(2)


def test_services_are_found_and_messages_sent_once_without_a_network(
    settings: Settings, chromium: str, tmp_path: Path
) -> None:
    port = free_port()
    hub, code = f"http://127.0.0.1:{port}", poster_code(settings)
    errors: list[str] = []
    reads = CatalogueReads(create_app(settings))
    store_arms(settings)
    with serving(reads, port=port), phone(chromium, tmp_path) as first:
        store_when_asked_to(first, hub, reads)
        page = first.new_page()
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        open_and_store(page, hub)
        tried = page.evaluate(TRIED)
        open_and_store(page, f"{hub}/layanan/nib")
        assert page.evaluate(TRIED) == tried
        follow_the_catalogue(page, settings, hub, reads)
        assert errors == []
        # The hub answers, but not through this phone's network.
        first.set_offline(True)
        page.goto(f"{hub}/layanan/nib?lang=en")
        expect(page.locator(AGE)).to_be_visible()
        expect(page.locator("h1")).to_contain_text("Nomor Induk Berusaha")
        page.goto(f"{hub}/layanan/ktp-el?lang=id")
        expect(page.locator(".lead")).to_have_text(SUMMARY)
        first.set_offline(False)
        page.goto(f"{hub}/layanan/nib")
        expect(page.locator(AGE)).to_have_count(0)

    # The hub is out of reach, and the phone was switched off meanwhile.
    with phone(chromium, tmp_path) as second:
        page = second.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        find_and_read(page, hub, code)
        write_messages(page, hub)
        with serving(create_app(settings), port=port):
            page.evaluate("dispatchEvent(new Event('online'))")
            sent = page.locator("#luring-entries strong", has_text="terkirim")
            expect(sent).to_have_count(2, timeout=60_000)
            ticket = page.locator("#luring-entries a").inner_text()
            page.evaluate("dispatchEvent(new Event('online'))")
            page.goto(f"{hub}/luring")
            expect(sent).to_have_count(2)
            page.locator("#luring-entries a").click()
            expect(page.locator("main")).to_contain_text(MESSAGE)
            comments = stored(settings, "SELECT ticket, service, content FROM feedback.comment")
            assert [tuple(one.values()) for one in comments] == [(ticket, "ktp-el", MESSAGE)]
            assert len(stored(settings, "SELECT id FROM feedback.response")) == 1

            # A phone that is shared keeps nothing.
            page.goto(f"{hub}/luring")
            page.get_by_role("button", name="Hapus semua").click()
            expect(page.locator("#luring-entries li")).to_have_count(0)
            expect(page.locator("#luring-absent")).to_be_visible()
    assert errors == []


def test_a_phone_finds_what_the_hub_finds(open_tab: OpenTab, site: str) -> None:
    catalog = httpx.get(f"{site}/api/v1/offline-catalog", timeout=60).json()
    questions, asked = read_questions(), set[str]()

    def note(question: str) -> Answer:
        asked.add(question)
        return Answer([])

    measure(note, questions)
    with open_tab() as tab:
        tab.page.add_script_tag(content=(STATIC / "offline-search.js").read_text())
        found: dict[str, list[str]] = tab.page.evaluate(
            """([index, asked]) => {
              const search = new OfflineSearch(index);
              return Object.fromEntries(asked.map((one) => [one, search.search(one).slice(0, 10)]));
            }""",
            [catalog["search"], sorted(asked)],
        )
    quality = measure(lambda question: Answer(found[question]), questions)
    wrong = "\n".join([*quality.lines(), *quality.wrong])
    assert quality.precision_at_1 >= 0.92, wrong
    assert quality.recall_at_5 >= 0.98, wrong
    assert quality.precision_with_one_error >= 0.90, wrong
    assert quality.empty == 0, wrong
    assert quality.changed_empty <= 3, wrong
