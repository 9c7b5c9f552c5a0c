"""Administration on a phone: a key is given, replaced and ended; work goes to a successor."""

import re

import pytest
from playwright.sync_api import Page
from pyotp.totp import TOTP

from services.gateway.people.roles import Role
from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.gateway.people import PASSWORD, invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def invitations(site_settings: Settings) -> dict[str, str]:
    """Invite people before the browser starts, and return the links by name."""
    roles: dict[str, tuple[Role, str]] = {
        "Kepala": ("administrator", "diskominfo"),
        "Pindah": ("reporter", "dukcapil"),
        "Penerus": ("editor", "dukcapil"),
    }
    return {
        name: invite_to(site_settings, f"{name}@toba.test".lower(), role).path
        for name, role in roles.items()
    }


def accept(page: Page, name: str) -> None:
    """Fill in what an invitation asks for."""
    page.get_by_label("Nama").fill(name)
    page.locator("input[type=password]").first.fill(PASSWORD)
    page.locator("main button").last.click()
    secret = re.sub(r"\s", "", page.locator(".secret").text_content() or "")
    page.get_by_label("Kode").fill(TOTP(secret).now())
    page.locator("main form button").last.click()
    page.locator(".codes").wait_for()


def test_a_key_is_given_replaced_and_ended_and_work_goes_to_a_successor(
    invitations: dict[str, str], open_tab: OpenTab
) -> None:
    for name in ("Pindah", "Penerus"):
        with open_tab(width=360, java_script_enabled=False) as tab:
            tab.open(invitations[name])
            accept(tab.page, name)
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        page: Page = tab.page
        tab.open(invitations["Kepala"])
        accept(page, "Kepala")
        tab.open("/kelola")
        page.get_by_role("link", name="Kunci", exact=True).click()
        page.get_by_role("link", name="Terbitkan kunci").click()
        page.get_by_label("Instansi", exact=True).select_option("pupr")
        page.get_by_label("Melaporkan statistik").check()
        page.get_by_role("button", name="Terbitkan dan tampilkan sekali").click()
        key = page.locator("code.secret").inner_text()
        assert re.fullmatch(r"emk_[0-9a-f]{12}_[0-9a-f]{64}", key)
        page.get_by_role("link", name=key.split("_")[1]).click()
        page.get_by_role("button", name="Terbitkan pengganti").click()
        successor = page.locator("code.secret").inner_text()
        assert successor != key
        page.get_by_role("link", name=successor.split("_")[1]).click()
        page.get_by_role("button", name="Cabut sekarang").click()
        page.get_by_text("Dicabut").first.wait_for()

        page.get_by_role("link", name="Orang", exact=True).click()
        page.get_by_role("link", name=re.compile("Pindah")).click()
        page.get_by_role("link", name="Serahkan pekerjaannya kepada penerus").click()
        page.get_by_label("Penerus", exact=True).select_option(label="Penerus (penerus@toba.test)")
        page.get_by_label("Nonaktifkan juga akunnya").check()
        page.get_by_role("button", name="Serahkan kepada penerus").click()
        page.get_by_role("heading", name="Berita acara serah terima").wait_for()
        assert page.get_by_text("Pelapor statistik").is_visible()
        paths = ("", "/kunci", "/kunci/baru", "/webhook", "/jejak", "/orang/serah-terima")
        for path in (*paths, "/sistem"):
            for language in ("", "?lang=en"):
                tab.open(f"/kelola{path}{language}")
                page.locator("main details").evaluate_all("all => all.forEach(e => e.open = true)")
                assert overflow(page) == [], path
        assert tab.console_errors == []
