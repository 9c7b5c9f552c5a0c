"""A complaint from a phone: filed with a photo, its ticket read."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NO_WIDER = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def test_a_complaint_is_filed_on_a_phone_without_a_script(
    visiting: Visitor, tmp_path: Path
) -> None:
    photo = tmp_path / "antrean.jpg"
    Image.new("RGB", (800, 600), "teal").save(photo)
    with visiting(width=360, java_script_enabled=False) as visit:
        visit.open("/layanan/ktp-el")
        visit.page.get_by_text("Sampaikan pengaduan").click()
        trap = visit.page.locator("input[name=website]").bounding_box()
        assert trap is not None
        assert trap["x"] + trap["width"] < 0
        visit.page.locator("textarea").fill("Sudah tiga minggu belum selesai.")
        visit.page.locator("input[type=file]").set_input_files(photo)
        visit.page.get_by_role("button", name="Kirim").click()
        visit.page.get_by_text("Pesan Anda sudah kami terima.").wait_for()
        assert re.search(r"/aduan/[0-9A-Z-]{14}\?kunci=", visit.page.url)
        visit.page.wait_for_load_state("load")
        assert visit.page.locator(".photos img").evaluate("image => image.naturalWidth") == 800
        assert visit.complaints == []
    with visiting(width=360) as visit:
        for path in ("/aduan", "/aduan?lang=en"):
            visit.open(path)
            assert visit.page.evaluate(NO_WIDER)
        assert visit.complaints == []
