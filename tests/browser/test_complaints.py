"""A complaint from a phone: filed with a photo, its ticket read."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow

pytestmark = pytest.mark.browser


def test_a_complaint_is_filed_on_a_phone_without_a_script(
    open_tab: OpenTab, tmp_path: Path
) -> None:
    photo = tmp_path / "antrean.jpg"
    Image.new("RGB", (800, 600), "teal").save(photo)
    with open_tab(width=360, java_script_enabled=False) as tab:
        tab.open("/layanan/ktp-el")
        tab.page.get_by_text("Sampaikan pengaduan").click()
        trap = tab.page.locator("input[name=website]").bounding_box()
        assert trap is not None
        assert trap["x"] + trap["width"] < 0
        tab.page.locator("textarea").fill("Sudah tiga minggu belum selesai.")
        tab.page.locator("input[type=file]").set_input_files(photo)
        tab.page.get_by_role("button", name="Kirim").click()
        tab.page.get_by_text("Pesan Anda sudah kami terima.").wait_for()
        assert re.search(r"/aduan/[0-9A-Z-]{14}\?baru=1$", tab.page.url)
        saved = tab.page.locator(".kept input").input_value()
        tab.page.wait_for_load_state("load")
        assert tab.page.locator(".photos img").evaluate("image => image.naturalWidth") == 800
        assert tab.console_errors == []
    with open_tab(width=360, java_script_enabled=False) as tab:
        tab.page.goto(saved)
        assert re.search(r"/aduan/[0-9A-Z-]{14}$", tab.page.url)
        tab.page.locator("textarea").fill("Terima kasih, sudah selesai.")
        tab.page.get_by_role("button", name="Kirim").click()
        tab.page.locator(".timeline", has_text="Terima kasih, sudah selesai.").wait_for()
        assert "kunci" not in tab.page.url
    with open_tab(width=360) as tab:
        for path in ("/aduan", "/aduan?lang=en"):
            tab.open(path)
            assert overflow(tab.page) == []
        assert tab.console_errors == []
