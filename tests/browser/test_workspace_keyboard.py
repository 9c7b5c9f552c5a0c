"""The workspace by keyboard alone: Tab, Enter, Space and typing, on a phone and at a desk.

Nothing is clicked, focused or filled by script. A control that Tab does not reach, or that does not
show that it has the focus, fails the test.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Download, Locator, Page
from playwright.sync_api import TimeoutError as TimedOut
from pydantic import AnyHttpUrl
from pyotp.totp import TOTP

from services.gateway.people.roles import Role
from services.platform.settings import Settings, SmtpTls
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.conftest import Server, new_key
from tests.gateway.links import new_link, wrong_code
from tests.gateway.people import PASSWORD, invite_to
from tests.rows import oblige_since

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n0\n%%EOF\n"
IS_FOCUSED = "element => element === document.activeElement"
IS_SHOWN = """element => {
  const box = element.getBoundingClientRect(), style = getComputedStyle(element)
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
    && box.bottom > 0 && box.top < innerHeight
}"""
YEAR = date.today().year - 1
ATTEMPTS = 3
MOST_TABS = 120
"""Far more than any page of these tasks takes."""


@dataclass
class Keyboard:
    """Somebody who uses a page by its keys, and how much that took."""

    page: Page
    tabs: int = 0
    letters: int = 0
    fields: list[str] = field(default_factory=list[str])
    pages: int = 0

    @property
    def seconds(self) -> float:
        """How long somebody takes who types slowly and thinks before each field and link.

        By the keystroke-level model (Card, Moran and Newell, 1980): 0.28 s for a key, 1.35 s to
        prepare each field and each press that leads on; and 3 s to see a page.
        """
        keys = self.tabs + self.letters + self.pages
        return 0.28 * keys + 1.35 * (len(self.fields) + self.pages) + 3 * self.pages

    def reach(self, target: Locator) -> None:
        """Press Tab until a control has the focus, which it has to show."""
        for _ in range(MOST_TABS):
            if target.evaluate(IS_FOCUSED):
                assert target.evaluate(IS_SHOWN), "the focus is not visible"
                return
            self.page.keyboard.press("Tab")
            self.tabs += 1
        raise AssertionError(f"Tab does not reach {target}")

    def type(self, target: Locator, text: str) -> None:
        """Type into a field."""
        self.reach(target)
        self.page.keyboard.type(text)
        self.letters += len(text)
        self.fields.append(target.get_attribute("name") or "")

    def tick(self, target: Locator) -> None:
        """Tick a box."""
        self.reach(target)
        self.page.keyboard.press("Space")
        self.letters += 1
        assert target.is_checked()
        self.fields.append(target.get_attribute("name") or "")

    def attach(self, target: Locator, file: Path) -> None:
        """Choose a file, in the window of the operating system that Enter opens.

        So does Space, but when it is released. Chromium opens it only within five seconds of a
        key, which a machine that is busy may need: then the key is pressed again.
        """
        self.reach(target)
        for attempt in range(ATTEMPTS):
            try:
                with self.page.expect_file_chooser(timeout=10_000) as opened:
                    self.page.keyboard.press("Enter")
            except TimedOut:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                opened.value.set_files(file)
                break
        self.fields.append(target.get_attribute("name") or "")

    def follow(self, target: Locator) -> None:
        """Open a link or send a form, and wait for the page that it leads to."""
        self.reach(target)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.pages += 1

    def link(self, name: str) -> None:
        self.follow(self.page.get_by_role("link", name=name, exact=True).first)

    def button(self, name: str) -> None:
        self.follow(self.page.get_by_role("button", name=name, exact=True))

    def open_fold(self, name: str) -> None:
        """Open what is folded away."""
        self.reach(self.page.locator("summary", has_text=name))
        self.page.keyboard.press("Enter")

    def download(self, target: Locator) -> Download:
        """Take a file away."""
        self.reach(target)
        with self.page.expect_download() as taken:
            self.page.keyboard.press("Enter")
        return taken.value


@pytest.fixture(scope="module")
def site_settings(server: Server, toba: str) -> Iterator[Settings]:
    """Provide the settings of a hub that sends mail, to a server that never answers."""
    with server.database_from(toba) as name:
        yield server.settings(
            name,
            public_url=AnyHttpUrl("http://127.0.0.1"),
            smtp_host="127.0.0.1",
            smtp_port=9,
            smtp_tls=SmtpTls.none,
            smtp_from="hub@toba.test",
        )


@pytest.fixture(scope="module")
def reported(site_settings: Settings, site: str) -> None:
    """Report seven months of an agency with one service, the last of them hard to believe."""
    key = new_key(site_settings, "setda", "usage:write")
    figures = (401, 398, 404, 399, 402, 397, 4010)
    statistics = [
        {
            "agency": "setda",
            "service": "jdih",
            "channel": "counter",
            "period": f"{YEAR}-{month:02}",
            "counters": {"submitted": figure},
        }
        for month, figure in enumerate(figures, start=1)
    ]
    sent = httpx.post(
        f"{site}/api/v1/usage/statistics",
        json={"statistics": statistics},
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    assert sent.status_code == 200, sent.text


@pytest.fixture(scope="module")
def invitations(site_settings: Settings, reported: None) -> dict[str, str]:
    """Invite people before the browser starts, and return the links by name."""
    oblige_since(site_settings, date(YEAR, 1, 1))
    roles: dict[str, tuple[Role, str]] = {
        "baru": ("editor", "dukcapil"),
        "pengampu": ("lead", "diskominfo"),
        "pengingat": ("lead", "diskominfo"),
        "pelapor": ("reporter", "setda"),
        "penyetuju": ("approver", "setda"),
    }
    return {
        name: invite_to(site_settings, f"{name}@toba.test", role).path
        for name, role in roles.items()
    }


def accept(keys: Keyboard) -> None:
    """Go from the page of an invitation to the desk."""
    page = keys.page
    keys.type(page.get_by_label("Nama Anda"), "Pegawai Baru")
    keys.type(page.get_by_label("Kata sandi"), PASSWORD)
    keys.button("Lanjutkan")
    # Read as an authenticator scans it, without opening the fold.
    secret = re.sub(r"\s", "", page.locator(".secret").text_content() or "")
    keys.type(page.get_by_label("Kode", exact=True), TOTP(secret).now())
    keys.button("Selesai")
    keys.link("Sudah saya simpan, ke meja kerja")
    assert page.inner_text("h1").startswith("Meja kerja")


def test_a_new_employee_records_yesterdays_meeting_by_keyboard_on_a_phone(
    invitations: dict[str, str], open_tab: OpenTab
) -> None:
    with open_tab(width=360, height=640) as tab:
        page: Page = tab.page
        keys = Keyboard(page)
        tab.open(invitations["baru"])
        accept(keys)
        signed_in = (len(keys.fields), keys.pages, keys.tabs)

        keys.link("Rapat")
        keys.link("Catat rapat")
        # Who spoke is asked only of those who are present.
        assert page.locator(".spoke:visible").count() == 0
        keys.type(page.locator("#nama"), "Rapat koordinasi layanan adminduk")
        keys.tick(page.locator("[name=hadir-instansi-dukcapil]"))  # their own agency is the first
        keys.tick(page.locator("[name=hadir-instansi-bapenda]"))
        keys.tick(page.locator("[name=hadir-instansi-diskominfo]"))
        keys.tick(page.locator("[name=bicara-instansi-diskominfo]"))
        keys.type(page.locator("#keputusan"), "Jadwal jemput bola ke kecamatan disepakati")
        keys.type(page.locator("#apa-0"), "Kirim jadwal ke semua kecamatan")
        keys.type(page.locator("#kapan-0"), "01012099")
        keys.button("Simpan sebagai usulan")
        assert page.inner_text("h1") == "Rapat koordinasi layanan adminduk"
        main = page.inner_text("main")
        assert "Tersimpan." in main
        assert "Jadwal jemput bola" in main
        assert "tanpa dokumen" in main
        assert main.count("– berbicara") == 1
        recorded = (len(keys.fields), keys.pages, keys.tabs)
        assert recorded[0] - signed_in[0] <= 8
        assert recorded[1] - signed_in[1] <= 3
        assert keys.seconds < 180  # from the link of the invitation to the record

        # The skip link leads past the menu.
        tab.open("/kelola/rapat")
        keys.reach(page.get_by_role("link", name="Langsung ke isi"))
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")
        assert tab.console_errors == []


def test_somebody_with_a_link_signs_in_by_its_code_and_ends_the_session_by_keyboard(
    site_settings: Settings, site: str, open_tab: OpenTab, tmp_path: Path
) -> None:
    upload, device = (new_link(site_settings, use) for use in ("upload", "device"))
    file = tmp_path / "statistik.csv"
    file.write_text("layanan;kanal;bulan;masuk;selesai\nktp-el;loket;Januari 2023;4;4\n")
    with open_tab(width=360, height=640) as tab:
        page: Page = tab.page
        keys = Keyboard(page)
        code = page.get_by_label("Kode enam angka")
        tab.open(upload.path)
        keys.type(code, wrong_code(upload))
        keys.button("Masuk")
        assert "Sisa percobaan: 4" in page.inner_text(".fault")
        assert overflow(page) == []
        keys.type(code, upload.readable_code)
        keys.button("Masuk")
        keys.attach(page.locator("[name=berkas]"), file)
        keys.button("Periksa")
        keys.button("Kirim (2)")
        keys.link("Unggah lagi")
        keys.link("Sesi")
        keys.reach(page.locator("[name=sesi]").first)
        assert page.locator("[name=sesi]").first.is_checked()
        keys.type(code, upload.code)
        assert overflow(page) == []
        keys.button("Akhiri")
        page.get_by_label("Tautan unggah").wait_for()
        assert overflow(page) == []

        tab.open("/survei/skm?mode=kiosk")
        keys.type(page.get_by_label("Tautan perangkat"), device.token)
        keys.type(code, device.code)
        keys.button("Daftarkan perangkat")
        keys.link("Petugas: keluarkan perangkat ini")
        assert overflow(page) == []
        # Nothing leads whoever stands at the kiosk further.
        assert page.locator("footer a:visible, .menu a:visible").count() == 0
        keys.type(code, device.code)
        keys.button("Keluarkan")
        page.get_by_label("Tautan perangkat").wait_for()
        assert "lanjut=" in page.url  # and back to the kiosk's survey, once registered again


def test_evidence_is_kept_and_chased_by_keyboard_at_a_desk(
    invitations: dict[str, str], open_tab: OpenTab, tmp_path: Path
) -> None:
    photograph = tmp_path / "sk.pdf"
    photograph.write_bytes(PDF)
    with open_tab(width=1280, height=800) as tab:
        page: Page = tab.page
        keys = Keyboard(page)
        tab.open(invitations["pengampu"])
        accept(keys)
        # Record budget and staff.
        keys.link("Bukti")
        tab.open("/kelola/bukti/program/baru")
        keys.type(page.locator("#nama"), "Perluasan loket")
        keys.type(page.locator("#anggaran"), "250 juta")
        keys.type(page.locator("#pegawai"), "12")
        keys.type(page.locator("#sejak"), "2025")
        keys.type(page.locator("#dokumen"), "DPA 2025")
        keys.button("Simpan sebagai usulan")
        main = page.inner_text("main")
        assert "250.000.000" in main
        assert "12" in main
        keys.attach(page.locator("#lampiran"), photograph)
        keys.button("Lampirkan")
        assert "sk.pdf" in page.inner_text("main")
        keys.button("Hapus lampiran: sk.pdf")
        assert "Belum ada lampiran." in page.inner_text("main")
        # Chase an action.
        tab.open("/kelola/rapat/baru")
        keys.tick(page.locator("[name=hadir-it-del]"))
        keys.type(page.locator("#apa-0"), "Pasang papan petunjuk")
        keys.type(page.locator("#kapan-0"), "01012099")
        keys.button("Simpan sebagai usulan")
        keys.button("Tandai selesai: Pasang papan petunjuk")
        assert "Selesai" in page.inner_text("main")
        assert tab.console_errors == []


def test_a_month_is_explained_corrected_approved_and_reminded_of_by_keyboard(
    invitations: dict[str, str], open_tab: OpenTab
) -> None:
    cell = '[id="jdih.counter.submitted"]'
    with open_tab(width=360, height=640) as tab:
        page: Page = tab.page
        keys = Keyboard(page)
        tab.open(invitations["pelapor"])
        accept(keys)
        # Explain a doubt.
        keys.link(f"1 angka Juli {YEAR} perlu dijelaskan")
        keys.type(page.get_by_label("Penjelasan"), "Pekan pelayanan keliling.")
        keys.button("Simpan penjelasan")
        assert page.get_by_label("Penjelasan").count() == 0
        # Correct a month.
        keys.link("Semua bulan")
        keys.link(str(YEAR))
        keys.follow(page.locator(f'a[href="/kelola/laporan/{YEAR}-06"]'))
        keys.type(page.locator(cell), "379")
        keys.type(page.locator("#alasan"), "Salah ketik")
        keys.button("Simpan dan ajukan")
        assert "Menunggu persetujuan" in page.inner_text("main")
        # Print a poster.
        keys.link("Survei")
        keys.follow(page.get_by_role("link", name="Survei Kepuasan Masyarakat").first)
        poster = keys.download(page.get_by_role("link", name=re.compile("Poster kantor Anda")))
        assert poster.suggested_filename == "poster-kantor-setda.pdf"
        assert tab.console_errors == []
    with open_tab(width=1280, height=800) as tab:
        page = tab.page
        keys = Keyboard(page)
        tab.open(invitations["penyetuju"])
        accept(keys)
        keys.link("Laporan")
        keys.link(str(YEAR))
        keys.follow(page.locator(f'a[href="/kelola/laporan/{YEAR}-06"]'))
        keys.button("Setujui")
        assert "tersimpan dan terkunci" in page.inner_text("main")
        assert page.locator(cell).inner_text() == "379"
        # Open it again, with the reason.
        keys.open_fold("Buka lagi untuk diperbaiki")
        keys.type(page.get_by_label("Alasan"), "Angka loket belum masuk")
        keys.button("Buka lagi")
        assert page.locator(cell).input_value() == "379"
        assert tab.console_errors == []
    with open_tab(width=360, height=640) as tab:
        page = tab.page
        keys = Keyboard(page)
        tab.open(invitations["pengingat"])
        accept(keys)
        keys.follow(page.get_by_role("link", name=re.compile("instansi belum melaporkan")))
        keys.button("Ingatkan lewat surel")
        assert "1 instansi diingatkan lewat surel." in page.inner_text("main")
        assert tab.console_errors == []
