"""A passkey of Chromium's virtual authenticator: made on the account page, used to sign in."""

import pytest
from playwright.sync_api import Page, sync_playwright
from pyotp.totp import TOTP

from services.gateway.app import create_app
from tests.browser.conftest import BROWSER_ARGUMENTS
from tests.browser.overflow import overflow
from tests.browser.test_workspace import EMAIL, invite
from tests.conftest import Server, new_key
from tests.gateway.people import PASSWORD
from tests.servers import serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TELEPHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_person_makes_a_passkey_and_signs_in_with_it(
    server: Server, toba: str, chromium: str
) -> None:
    with server.database_from(toba) as name:
        settings = server.settings(name)
        key = new_key(settings, "diskominfo", "admin")
        with serving(create_app(settings)) as address, sync_playwright() as playwright:
            site = address.replace("127.0.0.1", "localhost")
            browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
            context = browser.new_context(viewport={"width": 320, "height": 640})
            page = context.new_page()
            telephone = context.new_cdp_session(page)
            telephone.send("WebAuthn.enable")
            added = telephone.send("WebAuthn.addVirtualAuthenticator", {"options": TELEPHONE})
            set_up(page, site + invite(site, key))

            page.click("text=Akun")
            page.click("text=Tambah kunci sandi")
            page.fill("#nama", "telepon kantor")
            assert overflow(page) == []
            page.keyboard.press("Enter")
            page.wait_for_url("**/kelola/akun")
            assert "telepon kantor" in page.inner_text("main")

            page.click("text=Keluar")
            give_password(page)
            assert overflow(page) == []
            page.click("text=Pakai kunci sandi")
            page.wait_for_url(f"{site}/kelola")

            page.click("text=Keluar")
            telephone.send(
                "WebAuthn.setUserVerified",
                {"authenticatorId": added["authenticatorId"], "isUserVerified": False},
            )
            telephone.send(
                "WebAuthn.clearCredentials", {"authenticatorId": added["authenticatorId"]}
            )
            give_password(page)
            page.click("text=Pakai kunci sandi")
            page.wait_for_selector("form[data-passkey] [role=alert]:not([hidden])")
            assert page.url.startswith(f"{site}/kelola/masuk/kode")
            assert page.is_enabled("#kode")  # the code still leads in
            browser.close()


def set_up(page: Page, link: str) -> None:
    """Accept an invitation."""
    page.goto(link)
    page.fill("#nama", "Kepala Bidang")
    page.fill("#sandi", PASSWORD)
    page.click("main button")
    page.click("main summary")
    secret = page.inner_text("code.secret").replace(" ", "")
    page.fill("#kode", TOTP(secret).now())
    page.click("main button")
    page.click("a.button")


def give_password(page: Page) -> None:
    page.fill("#surel", EMAIL)
    page.fill("#sandi", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/kelola/masuk/kode*")
