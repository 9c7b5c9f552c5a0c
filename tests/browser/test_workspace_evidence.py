"""Evidence on a telephone without script: an agreement signed and renewed, a risk, a decree."""

import pytest
from playwright.sync_api import Browser, Page

from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.test_workspace import look
from tests.browser.test_workspace_cases import accept
from tests.gateway.people import invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIDENCE = "/kelola/bukti"


@pytest.fixture(scope="module")
def invitation(site_settings: Settings) -> str:
    """Invite the lead before the browser starts, and return the link."""
    return invite_to(site_settings, "pengampu@diskominfo.test", ("lead", "diskominfo")).path


def test_evidence_is_kept_on_a_telephone_without_script(
    invitation: str, open_tab: OpenTab, browser: Browser, site: str
) -> None:
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        page: Page = tab.page
        tab.open(invitation)
        accept(page)
        tab.open("/kelola")
        agreement = sign_agreement(page)
        renewal = renew_agreement(page)
        risk = keep_risk(page)
        for kind, fields in (
            ("keputusan", {"nama": "Keputusan Tim E-Mall", "nomor": "101/2025", "sejak": "2025"}),
            ("pelatihan", {"nama": "Pelatihan petugas loket", "sejak": "5 Mei 2025"}),
        ):
            tab.open(f"{EVIDENCE}/{kind}/baru")
            save(page, fields | {"dokumen": f"Dokumen {kind}"})
            assert page.inner_text("h1") == fields["nama"]
        tab.open("/kelola")
        page.get_by_text("Tinjau risiko Jaringan putus").click()
        assert page.url == risk
        state = page.context.storage_state()
    with browser.new_context(storage_state=state) as context:
        looked = context.new_page()
        kinds = ("perjanjian", "keputusan", "program", "pelatihan", "risiko", "penghargaan")
        for path in (
            EVIDENCE,
            f"{EVIDENCE}/menunggu",
            *(f"{EVIDENCE}/{kind}/baru" for kind in (*kinds, "pengamatan")),
            *(address.removeprefix(site) for address in (agreement, renewal, risk)),
            f"{agreement.removeprefix(site)}/riwayat",
            f"{agreement.removeprefix(site)}/perpanjang",
        ):
            for language in ("", "?lang=en"):
                look(looked, site, path + language)


def save(page: Page, fields: dict[str, str]) -> None:
    for name, text in fields.items():
        page.fill(f"#{name}", text)
    page.get_by_role("button", name="Simpan sebagai usulan").click()


def sign_agreement(page: Page) -> str:
    """Record an agreement after two faults, and return the address of its page."""
    page.get_by_role("link", name="Bukti", exact=True).click()
    page.click("text=Catat bukti")
    page.get_by_role("link", name="Catat perjanjian").click()
    page.check("[name=pihak-it-del]")
    page.select_option("#sektor", "community")
    fields = {"nama": "PKS dengan IT Del", "pokok": "Jaringan desa.", "sampai": "16-12-2025"}
    save(page, fields | {"sejak": "kemarin", "dokumen": "PKS 12/2023"})
    assert page.locator(".summary a").count() == 2
    page.get_by_role("link", name="Pihak: pilih paling sedikit 2.").click()
    assert page.input_value("#sejak") == "kemarin"
    assert page.is_checked("[name=pihak-it-del]")
    page.check("[name=pihak-pemerintah-kabupaten-toba]")
    save(page, {"sejak": "17 Desember 2023"})
    assert page.inner_text("h1") == "PKS dengan IT Del"
    assert "sejak 17 Desember 2023" in page.inner_text("main")
    return page.url


def renew_agreement(page: Page) -> str:
    """Renew the agreement that is open, and return the address of the new one."""
    page.get_by_role("link", name="Perpanjang", exact=True).click()
    assert page.input_value("#sejak") == "17 Desember 2025"
    save(page, {"nama": "PKS kedua dengan IT Del", "sampai": "2030", "dokumen": "PKS 9/2025"})
    assert page.inner_text("h1") == "PKS kedua dengan IT Del"
    assert "Meneruskan perjanjian" in page.inner_text("main")
    return page.url


def keep_risk(page: Page) -> str:
    """Record a risk whose day of review has come, and return the address of its page."""
    page.get_by_role("link", name="Bukti", exact=True).click()
    page.select_option("#jenis", "risiko")
    page.get_by_role("button", name="Saring").click()
    page.get_by_role("link", name="Catat risiko").click()
    page.select_option("#kemungkinan", "4")
    page.select_option("#pemilik", "kepala-diskominfo")
    save(
        page, {"nama": "Jaringan putus", "tinjau": "1-2-2026", "sejak": "2025", "dokumen": "Daftar"}
    )
    assert "1 Februari 2026" in page.inner_text("main")
    return page.url
