"""The workspace on a phone: from an invitation to a citizen's answer."""

import re

import pytest
from playwright.sync_api import Page
from pyotp.totp import TOTP

from services.platform.settings import Settings
from tests.browser.conftest import BrowserTab, OpenTab
from tests.browser.overflow import overflow
from tests.gateway.people import PASSWORD, invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def invitation(site_settings: Settings) -> str:
    """Invite a responder before the browser starts, and return the link."""
    return invite_to(site_settings, "penjawab@dukcapil.test", ("responder", "dukcapil")).path


def accept(page: Page) -> None:
    """Fill in what the invitation asks for."""
    page.get_by_label("Nama").fill("Penjawab")
    page.locator("input[type=password]").first.fill(PASSWORD)
    page.locator("main button").last.click()
    secret = re.sub(r"\s", "", page.locator(".secret").text_content() or "")
    page.get_by_label("Kode").fill(TOTP(secret).now())
    page.locator("main form button").last.click()
    page.locator(".codes").wait_for()


def complain(tab: BrowserTab) -> str:
    """File a complaint as a citizen does, and return its ticket."""
    tab.open("/aduan?service=ktp-el")
    tab.page.wait_for_timeout(3100)  # a form that is filled in faster is reviewed first
    tab.page.locator("textarea").fill("Loket tutup pukul sepuluh pagi.")
    tab.page.locator("[name=public]").check()
    tab.page.get_by_role("button", name="Kirim").click()
    tab.page.get_by_text("Pesan Anda sudah kami terima.").wait_for()
    found = re.search(r"/aduan/([0-9A-Z-]{14})", tab.page.url)
    assert found is not None
    return found[1]


def do_the_rest(page: Page) -> None:
    """Forward, publish and close the case that is open, open it again and hand it over."""
    for fold, field, text, button, done in (
        (
            "Teruskan ke SP4N-LAPOR!",
            "nomor",
            "9876543",
            "Catat sebagai diteruskan",
            ".tag >> text=Diteruskan ke SP4N-LAPOR!",
        ),
        ("Terbitkan", "terbit", "Loket tutup [...].", "Terbitkan", "text=Sudah terbit"),
        ("Tutup pengaduan", "selesai", "Sudah dijelaskan.", "Tutup", ".tag >> text=Selesai"),
    ):
        page.locator("summary", has_text=fold).click()
        page.locator(f"#{field}").fill(text)
        page.get_by_role("button", name=button, exact=True).click()
        page.locator(done).first.wait_for(state="attached")
    page.get_by_role("button", name="Buka lagi").click()
    page.locator("summary", has_text="Serahkan ke instansi lain").click()
    page.locator("#instansi").select_option("dinkes")
    page.get_by_role("button", name="Serahkan", exact=True).click()
    page.get_by_role("heading", name="Pengaduan").wait_for()
    assert page.get_by_role("link", name=re.compile("Loket tutup")).count() == 0


def test_a_complaint_is_answered_from_a_phone_and_the_citizens_page_shows_it(
    invitation: str, open_tab: OpenTab
) -> None:
    with open_tab(width=360, java_script_enabled=False) as citizen:
        ticket = complain(citizen)
        with open_tab(width=360, height=640, java_script_enabled=False) as tab:
            tab.open(invitation)
            accept(tab.page)
            tab.open("/kelola")
            tab.page.get_by_role("link", name=re.compile("pengaduan baru")).click()
            tab.page.get_by_role("link", name=re.compile("Loket tutup")).click()
            assert tab.page.locator("h1").inner_text().endswith(ticket)
            # By keyboard: the field, the box beside it, the button.
            tab.page.get_by_label("Jawaban untuk pengirim").focus()
            tab.page.keyboard.type("Loket kini buka sampai pukul empat.")
            tab.page.keyboard.press("Tab")
            tab.page.keyboard.press("Tab")
            tab.page.keyboard.press("Enter")
            tab.page.locator(".timeline", has_text="sampai pukul empat").wait_for()
            do_the_rest(tab.page)
            assert tab.console_errors == []
        citizen.open(f"/aduan/{ticket}")
        citizen.page.locator(".timeline", has_text="sampai pukul empat").wait_for()
    with open_tab(width=360, height=640) as tab:
        tab.open("/kelola/masuk")
        assert overflow(tab.page) == []
