"""What people come for, walked on a phone with a slow network and at a desk, and without a network.

Journeys with files of their own: an enumerator (`test_enumerator.py`), messages that wait for a
network (`test_offline.py`), and officials (`test_workspace_*.py`).
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from services.gateway.app import create_app
from services.platform.service import API
from tests.browser.conftest import BrowserTab, OpenTab
from tests.browser.overflow import overflow
from tests.conftest import Server, new_key
from tests.servers import LOOPBACK, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WEAK = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 400_000 // 8,
    "uploadThroughput": 400_000 // 8,
}
"""400 kbit/s and 400 ms, as in the villages at the edge of a cell."""
PATIENCE = 60_000
"""Milliseconds that a page may take on a weak network and a busy machine."""
DESK = 1280


@pytest.fixture(scope="module")
def site(server: Server, toba: str) -> Iterator[str]:
    """Return the address of a hub with the Toba pack on which 2024 was assessed."""
    with server.database_from(toba) as name:
        settings = server.settings(name)
        key = new_key(settings, "diskominfo", "metrics:draft")
        with serving(create_app(settings)) as address:
            LOOPBACK.post(
                f"{address}{API}/assessments",
                json={"period": 2024, "draws": 200},
                headers={"Authorization": f"Bearer {key}"},
            ).raise_for_status()
            yield address


def lose_a_card(tab: BrowserTab) -> None:
    """From needs in words to what to bring to the counter, in two taps."""
    page = tab.page
    tab.open("/")
    page.get_by_role("link", name="Dokumen hilang atau rusak").click()
    card = page.get_by_role("listitem").filter(
        has=page.get_by_role("link", name="Kartu Tanda Penduduk Elektronik")
    )
    card.get_by_role("link", name="Hilang", exact=True).click()
    page.get_by_label("Surat keterangan hilang").check()


def build_a_house(tab: BrowserTab) -> None:
    """From needs in words to the portal that gives the permit."""
    page = tab.page
    tab.open("/")
    page.get_by_role("link", name="Membangun atau merenovasi bangunan").click()
    page.get_by_role("link", name=re.compile("Persetujuan Bangunan Gedung")).first.click()
    expect(page.locator("main")).to_contain_text("Bawa", timeout=PATIENCE)
    before = len(tab.outbound_redirects)
    page.get_by_role("link", name="Buka SIMBG").click()
    page.wait_for_url("**/go/simbg?service=pbg")
    assert tab.outbound_redirects[before:] == [(302, "https://simbg.pu.go.id")]


def complain(tab: BrowserTab) -> None:
    """From the front page to a ticket, and from its link to one more message."""
    page = tab.page
    tab.open("/")
    page.get_by_role("link", name="Adukan atau tanyakan").click()
    page.locator("textarea").fill("Loket tutup sebelum jam istirahat.")
    page.get_by_role("button", name="Kirim").click()
    page.get_by_text("Pesan Anda sudah kami terima.").wait_for()
    page.goto(page.locator(".kept input").input_value())
    page.locator("textarea").fill("Sudah dibuka lagi, terima kasih.")
    page.get_by_role("button", name="Kirim").click()
    page.locator(".timeline", has_text="Sudah dibuka lagi").wait_for()


def answer_a_survey(tab: BrowserTab) -> None:
    """From the front page to the thanks for an answer."""
    page = tab.page
    tab.open("/")
    page.get_by_role("link", name="Beri penilaian").click()
    page.locator("main a[href^='/survei/skm']").first.click()
    send = page.get_by_role("button", name="Kirim jawaban")
    send.wait_for()  # below all questions; a list of them does not wait for the page
    for question in page.locator(".question:not([hidden])[data-required='1']").all():
        question.locator("label").last.click()
    send.click()
    expect(page.locator("h1")).to_have_text("Terima kasih!", timeout=PATIENCE)


def trace_a_figure(tab: BrowserTab) -> None:
    """From the sentence about a year to an element, an indicator, and sources of its evidence."""
    page = tab.page
    tab.open("/dasbor")
    expect(page.locator("p.lead")).to_contain_text("2024", timeout=PATIENCE)
    page.locator("a[href^='/dasbor/2024/unsur/']").first.click()
    expect(page.get_by_role("heading", name="Artinya")).to_be_visible(timeout=PATIENCE)
    parts = page.get_by_role("table", name="Bagiannya")
    while parts.is_visible():
        known = parts.get_by_role("row").filter(has_not_text="bukti belum cukup")
        known.get_by_role("link").first.click()
        expect(page.get_by_role("heading", name="Artinya")).to_be_visible(timeout=PATIENCE)
    evidence = page.locator(".evidence li").first
    expect(evidence).to_contain_text("Sumber", timeout=PATIENCE)
    record = evidence.get_by_role("link", name="Catatan lengkap (JSON)").get_attribute("href")
    assert LOOPBACK.get(f"{tab.site}{record}").json()["sources"]


def try_a_scenario(tab: BrowserTab) -> None:
    """From the dashboard to sliders, and to what the index would be."""
    page = tab.page
    tab.open("/dasbor")
    page.locator("a[href^='/dasbor/skenario']").first.click()
    page.locator(".scenario details:not([open]) > summary").first.click()
    slider = page.locator("input[type=range]:visible").first
    slider.focus()
    page.keyboard.press("End")
    expect(page.locator("#hasil")).to_contain_text("Yang diandaikan", timeout=PATIENCE)
    expect(page.locator("#hasil b.index").first).to_be_visible(timeout=PATIENCE)


JOURNEYS: tuple[Callable[[BrowserTab], None], ...] = (
    lose_a_card,
    build_a_house,
    complain,
    answer_a_survey,
    trace_a_figure,
    try_a_scenario,
)


def walk(tab: BrowserTab) -> None:
    for journey in JOURNEYS:
        journey(tab)
        if "/go/" not in tab.page.url:
            assert overflow(tab.page) == [], journey.__name__
        assert tab.console_errors == [], journey.__name__


def test_they_are_walked_on_a_phone_with_a_weak_network(open_tab: OpenTab) -> None:
    with open_tab(width=360, height=640, has_touch=True) as tab:
        tab.page.set_default_timeout(PATIENCE)
        session = tab.page.context.new_cdp_session(tab.page)
        session.send("Network.emulateNetworkConditions", WEAK)
        walk(tab)


def test_they_are_walked_at_a_desk(open_tab: OpenTab) -> None:
    with open_tab(width=DESK, height=800) as tab:
        walk(tab)


@pytest.mark.parametrize("width", [360, DESK])
def test_without_a_network_they_lead_as_far_as_they_can(open_tab: OpenTab, width: int) -> None:
    with open_tab(width=width) as tab:
        page = tab.page
        tab.open("/")
        page.wait_for_selector("html[data-offline]", state="attached", timeout=60_000)
        page.unroute_all()  # requests that Playwright routes do not reach a worker
        page.context.set_offline(True)
        open_permit(page, tab.site)
        for path in ("/dasbor", "/dasbor/skenario?tahun=2024", "/status", "/instansi/dukcapil"):
            page.goto(tab.site + path)
            expect(page.locator("h1")).to_have_text("Halaman ini memerlukan sinyal.")
            assert overflow(page) == []
        page.context.set_offline(False)
        page.goto(f"{tab.site}/dasbor")
        expect(page.locator("h1")).to_have_text("Dasbor kolaborasi 2024")


def open_permit(page: Page, site: str) -> None:
    page.goto(f"{site}/?lang=id")
    page.fill("input[name=q]", "izin bangunan")
    page.get_by_role("button", name="Cari").click()
    page.locator(".services a[href*='/layanan/pbg']").first.click()
    expect(page.locator("h1")).to_contain_text("Bangunan Gedung")
    expect(page.locator("main")).to_contain_text("SIMBG")
