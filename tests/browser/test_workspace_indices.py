"""SPBE is prepared on a telephone without script, by keyboard, and assessed by a second person."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.test_workspace import look
from tests.browser.test_workspace_cases import accept
from tests.gateway.people import invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORKBOOK = "/kelola/penilaian/indeks/spbe-2020"
NOTE = "Sesuai dokumen; belum semua perangkat daerah."


@pytest.fixture(scope="module")
def invitations(site_settings: Settings) -> tuple[str, str]:
    """Invite the lead and an assessor before the browser starts, and return their links."""
    lead = invite_to(site_settings, "pengampu@diskominfo.test", ("lead", "diskominfo"))
    assessor = invite_to(site_settings, "asesor@setda.test", ("approver", "setda"))
    return lead.path, assessor.path


def test_spbe_is_prepared_on_a_telephone_and_assessed(
    invitations: tuple[str, str], open_tab: OpenTab, browser: Browser, site: str, tmp_path: Path
) -> None:
    decree = tmp_path / "perbup.pdf"
    decree.write_bytes(b"Peraturan Bupati tentang Arsitektur SPBE")
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        tab.open(invitations[0])
        accept(tab.page)
        recorded = record_level(tab.page, site, decree)
        state = tab.page.context.storage_state()
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        tab.open(invitations[1])
        accept(tab.page)
        tab.open("/kelola/bukti/menunggu")
        tab.page.get_by_role("link", name="SPBE 2025, indikator 11").click()
        tab.page.get_by_label("Catatan asesor internal").fill(NOTE)
        press(tab.page, "Konfirmasi")
        assert NOTE in tab.page.inner_text("main")
    with browser.new_context(storage_state=state) as looked:
        page = looked.new_page()
        page.goto(f"{site}{WORKBOOK}?tahun=2025")
        assert "1 dari 47 indikator" in page.inner_text("main")
        assert page.locator("#i11 .tag").inner_text() == "Tingkat 2"
        with page.expect_download() as download:
            page.get_by_role("link", name="XLSX").click()
        assert download.value.suggested_filename == "spbe-2020-2025.xlsx"
        for path in (
            f"{WORKBOOK}?tahun=2025",
            f"{WORKBOOK}/11?tahun=2025",
            f"{WORKBOOK}/12?tahun=2025",
            "/kelola/penilaian/indeks/pemdi-2026",
            "/kelola/bukti/impor",
            recorded.removeprefix(site),
            *(f"/kelola/bukti/{kind}/baru" for kind in ("tingkat", "putusan", "kelengkapan")),
        ):
            for language in ("id", "en"):
                look(page, site, f"{path}{'&' if '?' in path else '?'}lang={language}")


def record_level(page: Page, site: str, decree: Path) -> str:
    """Record the level of an indicator after a fault, and return the address of its page."""
    page.goto(site + "/kelola/bukti")
    page.get_by_role("link", name="Buku kerja SPBE").click()
    page.select_option("#tahun", "2025")
    press(page, "Tampilkan")
    page.get_by_role("link", name="11. Arsitektur SPBE").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Catat tingkat").focus()
    page.keyboard.press("Enter")
    assert page.input_value("#tahun") == "2025"
    page.fill("#bukti-alamat", "jdih.example.go.id")
    page.fill("#catatan", "Arsitektur ditetapkan.")
    page.set_input_files("#bukti-berkas", decree)
    press(page, "Simpan sebagai usulan")
    assert page.locator(".summary a").count() == 2
    page.get_by_role("link", name="Tingkat: isian ini wajib.").click()
    assert len(page.input_value("#bukti-sidik")) == 64, "the file needs not be chosen again"
    page.select_option("#tingkat", "2")
    page.fill("#bukti-alamat", "https://jdih.example.go.id/perbup.pdf")
    press(page, "Simpan sebagai usulan")
    assert page.inner_text("h1") == "SPBE 2025, indikator 11: tingkat 2"
    return page.url


def press(page: Page, button: str) -> None:
    """Press a button by the keyboard."""
    page.get_by_role("button", name=button, exact=True).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
