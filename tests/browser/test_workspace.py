"""An invited official on a telephone, without script, and signing in by keyboard."""

import re

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright
from pyotp.totp import TOTP

from services.gateway.app import create_app
from tests.browser.conftest import BROWSER_ARGUMENTS
from tests.browser.overflow import overflow
from tests.browser.test_pages import (
    IDS_GIVEN_TWICE,
    INPUTS_WITHOUT_LABEL,
    LOOKS,
    TEXT_COLOURS,
    contrast,
)
from tests.conftest import Server, new_key
from tests.gateway.people import PASSWORD
from tests.servers import serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EMAIL = "kepala@diskominfo.test"
PAGES = (
    "/kelola",
    "/kelola/akun",
    "/kelola/akun/sandi",
    "/kelola/orang",
    "/kelola/orang/undang",
    "/kelola/konfirmasi",
    "/kelola/rapat",
    "/kelola/rapat/baru",
    "/kelola?lang=en",
)


def test_an_invited_person_works_on_a_telephone_without_script_and_signs_in_by_keyboard(
    server: Server, toba: str, chromium: str
) -> None:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        key = new_key(settings, "diskominfo", "admin")
        with serving(create_app(settings)) as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
            context = browser.new_context(
                viewport={"width": 360, "height": 640}, java_script_enabled=False
            )
            page = context.new_page()
            page.goto(site + invite(site, key))
            page.fill("#nama", "Kepala Bidang")
            page.fill("#sandi", PASSWORD)
            page.click("main button")
            page.click("main summary")
            secret = page.inner_text("code.secret").replace(" ", "")
            page.fill("#kode", TOTP(secret).now())
            page.click("main button")
            assert page.locator(".codes li").count() == 10
            code = page.inner_text(".codes li >> nth=0")
            page.click("a.button")
            assert page.inner_text("h1").startswith("Meja kerja")

            page.click("text=Orang")
            page.click("text=Undang orang")
            page.fill("#surel", "pelapor@dukcapil.test")
            page.select_option("#peran", "reporter")
            page.select_option("#instansi", "dukcapil")
            page.click("form.narrow button")
            assert re.search(r"/kelola/undangan/emi_", page.inner_text("main"))

            meeting = record_meeting(page).removeprefix(site)

            page.click("text=Keluar")
            assert page.url == f"{site}/kelola/masuk"
            page.focus("#surel")
            for text in (EMAIL, PASSWORD):
                page.keyboard.type(text)
                page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.wait_for_url("**/kelola/masuk/kode*")
            page.focus("#kode")
            page.keyboard.type(code)
            page.keyboard.press("Enter")
            page.wait_for_url(f"{site}/kelola")

            looked = browser.new_context(storage_state=context.storage_state()).new_page()
            for path in (*PAGES, meeting, f"{meeting}/ubah"):
                look(looked, site, path)
            browser.close()


def invite(site: str, key: str) -> str:
    """Invite the administrator over the API, and return the path of the link."""
    body = {"email": EMAIL, "roles": [{"role": "administrator", "agency": "diskominfo"}]}
    headers = {"Authorization": f"Bearer {key}"}
    made = httpx.post(f"{site}/api/v1/invitations", json=body, headers=headers)
    assert made.status_code == 201, made.text
    return made.json()["link"]


def record_meeting(page: Page) -> str:
    """Record yesterday's meeting, after a fault, and return the address of its page."""
    page.click("text=Rapat")
    page.click("text=Catat rapat")
    page.check("[name=hadir-it-del]")
    page.fill("#apa-0", "Ukur jaringan")
    page.click("text=Simpan sebagai usulan")
    assert page.locator(".summary a").count() == 1
    page.fill("#kapan-0", "2099-01-31")
    page.click("text=Simpan sebagai usulan")
    assert page.inner_text("h1").startswith("Rapat koordinasi antarinstansi, ")
    assert "Tersimpan." in page.inner_text("main")
    assert "Institut Teknologi Del" in page.inner_text("main")
    return page.url


def look(page: Page, site: str, path: str) -> None:
    """Open a page and check that it fits the screen, can be read, and names its fields."""
    page.goto(site + path)
    for width, height, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        assert overflow(page) == [], (path, width)
        pairs = page.evaluate(TEXT_COLOURS)
        faint = {" on ".join(pair): contrast(pair) for pair in pairs if contrast(pair) < 4.5}
        assert faint == {}, (path, width, scheme)
    assert page.locator("h1").count() == 1
    assert page.evaluate(INPUTS_WITHOUT_LABEL) == []
    assert page.evaluate(IDS_GIVEN_TWICE) == []
