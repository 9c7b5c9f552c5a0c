"""An announcement on a phone, by keyboard: written by one person, published by another."""

import re

import pytest

from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_workspace_cases import accept
from tests.gateway.people import invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TITLE = "Loket KTP-el tutup hari Jumat"


@pytest.fixture(scope="module")
def invitations(site_settings: Settings) -> tuple[str, str]:
    """Invite an editor and an approver before the browser starts."""
    editor = invite_to(site_settings, "penyunting@dukcapil.test", ("editor", "dukcapil"))
    approver = invite_to(site_settings, "penyetuju@dukcapil.test", ("approver", "dukcapil"))
    return editor.path, approver.path


def test_an_announcement_reaches_citizens_by_keyboard_on_a_phone(
    invitations: tuple[str, str], open_tab: OpenTab
) -> None:
    with open_tab(width=320, height=640, java_script_enabled=False) as tab:
        page = tab.page
        tab.open(invitations[0])
        accept(page)
        tab.open("/kelola/pengumuman")
        page.get_by_role("link", name="Tulis pengumuman").press("Enter")
        page.get_by_label("Judul", exact=True).press("Enter")
        page.get_by_role("link", name="Isi pengumuman wajib diisi.").press("Enter")
        page.keyboard.insert_text("Loket tutup karena perbaikan jaringan.\n- Balige\n- Porsea")
        page.get_by_role("link", name="Judul wajib diisi.").press("Enter")
        page.keyboard.insert_text(TITLE)
        page.locator('[id="services.0"]').fill("Kartu Tanda Penduduk Elektronik (KTP-el)")
        page.get_by_role("button", name="Lihat pratinjau").press("Enter")
        page.get_by_role("heading", name=TITLE).wait_for()
        assert overflow(page) == []
        page.get_by_role("button", name="Simpan konsep").press("Enter")
        page.get_by_role("button", name="Kirim untuk diperiksa").press("Enter")
        page.get_by_text("Menunggu pemeriksaan").first.wait_for()
        assert overflow(page) == []
    with open_tab(width=320, height=640) as tab:
        page = tab.page
        tab.open(invitations[1])
        accept(page)
        tab.open("/kelola")
        page.get_by_role("link", name=re.compile(f"{TITLE}.*menunggu")).press("Enter")
        page.get_by_role("button", name="Terbitkan", exact=True).press("Enter")
        page.get_by_role("link", name="Lihat halamannya").press("Enter")
        page.get_by_role("heading", name=TITLE).wait_for()
        assert overflow(page) == []
        for path in ("/", "/layanan/ktp-el", "/pengumuman", "/kelola/pengumuman"):
            tab.open(path)
            page.get_by_role("link", name=re.compile(TITLE)).first.wait_for()
            assert overflow(page) == [], path
        assert tab.console_errors == []
