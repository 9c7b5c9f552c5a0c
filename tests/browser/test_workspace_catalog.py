"""The catalogue on a phone without script: written by one person, published by another."""

import re

import pytest

from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_workspace_cases import accept
from tests.gateway.people import invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SUMMARY = "Perekaman KTP-el tanpa antre."


@pytest.fixture(scope="module")
def invitations(site_settings: Settings) -> tuple[str, str, str]:
    """Invite an editor, an approver and an administrator before the browser starts."""
    editor = invite_to(site_settings, "penyunting@dukcapil.test", ("editor", "dukcapil"))
    approver = invite_to(site_settings, "penyetuju@dukcapil.test", ("approver", "dukcapil"))
    administrator = invite_to(
        site_settings, "pengelola@toba.test", ("administrator", None), ("lead", "diskominfo")
    )
    return editor.path, approver.path, administrator.path


def test_a_service_is_changed_on_a_phone_and_published_by_a_second_person(
    invitations: tuple[str, str, str], open_tab: OpenTab
) -> None:
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        tab.open(invitations[0])
        accept(tab.page)
        tab.open("/kelola/layanan")
        tab.page.get_by_role("link", name=re.compile(r"\(KTP-el\)")).click()
        tab.page.get_by_role("link", name="Ubah", exact=True).click()
        tab.page.get_by_label("Keterangan singkat").fill("")
        tab.page.get_by_role("button", name="Simpan konsep").click()
        tab.page.get_by_role("link", name="Keterangan singkat wajib diisi.").click()
        tab.page.get_by_label("Keterangan singkat").fill(SUMMARY)
        tab.page.get_by_text("Biaya, waktu, dan hasil").click()
        rows = tab.page.locator("#tariffs > .entry").count()
        tab.page.locator("button[name=tambah][value=tariffs]").click()
        assert tab.page.locator("#tariffs > .entry").count() == rows + 1
        tab.page.get_by_role("button", name="Simpan konsep").click()
        tab.page.get_by_text(SUMMARY).wait_for()
        tab.page.get_by_role("button", name="Kirim untuk diperiksa").click()
        tab.page.get_by_text("Menunggu pemeriksaan").first.wait_for()
    with open_tab(width=360, height=640) as tab:
        tab.open(invitations[1])
        accept(tab.page)
        tab.open("/kelola")
        tab.page.get_by_role("link", name=re.compile("menunggu pemeriksaan Anda")).click()
        assert tab.page.locator("ins").inner_text() == SUMMARY
        assert overflow(tab.page) == []
        tab.page.get_by_role("button", name="Terbitkan", exact=True).click()
        tab.page.get_by_text("Terbit sejak").wait_for()
        tab.open("/layanan/ktp-el")
        tab.page.get_by_text(SUMMARY).wait_for()
        assert tab.console_errors == []


def test_an_agency_a_place_and_a_portal_are_added_and_citizens_are_told(
    invitations: tuple[str, str, str], open_tab: OpenTab
) -> None:
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        page = tab.page
        tab.open(invitations[2])
        accept(page)
        tab.open("/kelola/katalog/instansi/dukcapil")
        source = page.locator('[id="sources.0"]').input_value()
        tab.open("/kelola/katalog/instansi/baru")
        page.get_by_label("Nama lengkap").fill("Dinas Danau")
        page.get_by_label("Dalam bahasa Inggris").fill("Lake agency")
        page.get_by_label("Nama pendek").fill("Disdanau")
        page.get_by_label("Jenis").select_option("dinas")
        page.locator('[id="sources.0"]').fill(source)
        page.get_by_role("button", name="Simpan dan terbitkan").click()
        page.get_by_role("link", name="Dinas Danau").wait_for()
        tab.open("/kelola/katalog/tempat/baru")
        page.get_by_label("Nama tempat").fill("Dermaga Balige")
        page.locator("#name_en").fill("Balige pier")
        page.get_by_label("Instansi", exact=True).select_option("dinas-danau")
        page.locator('[id="sources.0"]').fill(source)
        page.get_by_role("button", name="Simpan dan terbitkan").click()
        page.get_by_role("link", name="Dermaga Balige").wait_for()
        tab.open("/kelola/tautan/baru")
        for name, text in {
            "title": "Wisata Toba",
            "title_en": "Toba tourism",
            "url": "https://wisata.example/",
            "operator": "Dinas Pariwisata",
            "description": "Tiket danau.",
            "description_en": "Lake tickets.",
            "sources.0": source,
        }.items():
            page.locator(f'[id="{name}"]').fill(text)
        page.locator("#kind").select_option("portal")
        page.get_by_role("button", name="Simpan dan terbitkan").click()
        page.get_by_role("heading", name="Wisata Toba").wait_for()
        tab.open("/kelola/tautan/simbg/pemeliharaan")
        page.get_by_label("Mulai").fill("2099-01-01T08:00")
        page.get_by_label("Selesai", exact=True).fill("2099-01-01T10:00")
        page.get_by_label("Yang perlu diketahui warga").fill("Server dipindahkan.")
        page.get_by_role("button", name="Umumkan pemeliharaan").click()
        page.get_by_text("Server dipindahkan.").wait_for()
        page.get_by_role("link", name="Umumkan gangguan").click()
        page.get_by_label("Apa yang terganggu").fill("Berkas tidak terkirim")
        page.locator("#title_en").fill("Files are not sent")
        page.get_by_role("button", name="Umumkan gangguan").click()
        page.get_by_text("Berkas tidak terkirim").wait_for()
        tab.open("/tempat/dermaga-balige")
        page.get_by_role("heading", name="Dermaga Balige").wait_for()
        tab.open("/status")
        page.get_by_text("Server dipindahkan.").first.wait_for()
        page.get_by_text("Berkas tidak terkirim").first.wait_for()
