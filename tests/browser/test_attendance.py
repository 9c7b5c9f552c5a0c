"""A planned meeting on telephones without script: partners scan the code, the recorder checks."""

from datetime import datetime

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.test_workspace import look
from tests.browser.test_workspace_cases import accept
from tests.gateway.people import invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE: ViewportSize = {"width": 360, "height": 640}


@pytest.fixture(scope="module")
def invitation(site_settings: Settings) -> str:
    """Invite the recorder before the browser starts, and return the link."""
    return invite_to(site_settings, "pencatat@diskominfo.test", ("editor", "diskominfo")).path


def test_a_partner_scans_the_code_and_the_recorder_finds_the_name_in_the_form(
    invitation: str, open_tab: OpenTab, browser: Browser, site: str
) -> None:
    with open_tab(**PHONE, java_script_enabled=False) as tab:
        page: Page = tab.page
        tab.open(invitation)
        accept(page)
        tab.open("/kelola/rapat")
        plan = plan_meeting(page).removeprefix(site)
        page.get_by_role("link", name="Buka daftar hadir").click()
        page.get_by_role("button", name="Buka daftar hadir").click()
        assert page.locator("img.qr").evaluate("picture => picture.naturalWidth") > 0
        address = page.inner_text("code.secret")
        assert address.startswith(f"{site.partition('://')[2]}/hadir/")

        with browser.new_context(viewport=PHONE, java_script_enabled=False) as guest:
            sign(guest.new_page(), f"http://{address}")
            guest_state = guest.storage_state()

        page.get_by_role("link", name="Muat ulang").click()
        assert "Ibu Sitorus" in page.inner_text("main")
        tab.open(plan)
        page.get_by_role("link", name="Catat rapat ini").click()
        assert page.is_checked("[name=hadir-it-del]")
        assert not page.is_checked("[name=hadir-kepala-diskominfo]")
        assert "Ibu Sitorus" in page.inner_text("main")
        record = page.url.removeprefix(site)
        state = page.context.storage_state()
        pages = [plan, f"{plan}/ubah", f"{plan}/daftar-hadir", record]
        with browser.new_context(storage_state=state) as context:
            looked = context.new_page()
            for path in (*pages, "/kelola/rapat/rencana/baru", "/kelola/rapat"):
                look(looked, site, path)
        with browser.new_context(storage_state=guest_state) as context:
            looked = context.new_page()
            for path in ("/hadir", "/hadir?lang=en", "/hadir/terima-kasih", "/hadir/salah"):
                look(looked, site, path)

        page.click("text=Simpan sebagai usulan")
        assert page.inner_text("h1").startswith("Rapat forum, ")
        main = page.inner_text("main")
        assert "Institut Teknologi Del" in main
        assert "tidak hadir" in main
        assert "Ibu Sitorus" not in main
        tab.open(f"{plan}/daftar-hadir")
        assert "Ibu Sitorus" not in page.inner_text("body")


def plan_meeting(page: Page) -> str:
    """Plan a meeting of this whole day, after a fault, and return the address of its page."""
    page.get_by_role("link", name="Rencanakan rapat").click()
    page.fill("#tanggal", datetime.now(DEFAULT_ZONE).date().isoformat())
    page.fill("#mulai", "00:00")
    page.fill("#selesai", "23:59")
    page.get_by_role("button", name="Simpan rencana").click()
    assert page.locator(".summary a").count() == 1
    page.check("[name=diundang-it-del]")
    page.get_by_text("Yang masa jabatannya").click()
    page.check("[name=diundang-kepala-diskominfo]")
    page.get_by_role("button", name="Simpan rencana").click()
    assert page.inner_text("h1").startswith("Rapat forum, ")
    return page.url


def sign(page: Page, address: str) -> None:
    """Enter a name in the list at an address, after a fault."""
    page.goto(address)
    assert page.url.endswith("/hadir")
    page.fill("#nama", "Ibu Sitorus")
    page.get_by_role("button", name="Saya hadir").click()
    assert page.locator(".summary a").count() == 1
    assert page.input_value("#nama") == "Ibu Sitorus"
    page.get_by_label("Institut Teknologi Del").check()
    page.get_by_role("button", name="Saya hadir").click()
    assert "Nama Anda ada di daftar hadir" in page.inner_text("main")
