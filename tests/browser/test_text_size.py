"""Pages of citizens at 320 px: with text of twice the size, and with targets for fingers."""

import pytest

from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/layanan",
    "/layanan/ktp-el?case=hilang",
    "/layanan/pbg",
    "/layanan/pbg?lang=en",
    "/peristiwa",
    "/peristiwa/dokumen-hilang",
    "/instansi",
    "/instansi/dukcapil",
    "/tempat/kantor-pln",
    "/tentang",
    "/kontak",
    "/bantuan",
    "/aksesibilitas",
    "/cari?q=ktp+hilang",
    "/status",
    "/pengumuman",
    "/aduan",
    "/survei",
    "/privasi",
    "/komponen",
    "/layanan/ktp-el/membantu",
    "/tidak-ada",
)
TARGETS = (
    "header a, footer li a, summary, button, .button, .crumb a, .chips a, .actions a, .contacts a,"
    " .ticks label, .places li > a, input[type=search]"
)
SMALL = """(targets) => [...document.querySelectorAll(targets)]
    .filter((element) => element.checkVisibility() && !element.matches(".skip"))
    .filter((element) => element.getBoundingClientRect().height < 43.5)
    .map((element) => element.outerHTML.slice(0, 80))"""


def test_nothing_breaks_with_text_of_twice_the_size(open_tab: OpenTab) -> None:
    found: dict[str, list[str]] = {}
    with open_tab(width=320, height=640, bypass_csp=True) as tab:
        for path in PAGES:
            tab.open(path)
            tab.page.add_style_tag(content="html { font-size: 200%; }")
            if wider := overflow(tab.page):
                found[path] = wider
    assert found == {}


def test_what_is_tapped_has_room_for_a_finger(open_tab: OpenTab) -> None:
    found: dict[str, list[str]] = {}
    with open_tab(width=320, height=640) as tab:
        for path in PAGES:
            tab.open(path)
            if small := tab.page.evaluate(SMALL, TARGETS):
                found[path] = small
    assert found == {}


@pytest.mark.parametrize("width", [320, 360])
def test_the_head_of_a_page_is_one_row_with_a_menu_that_needs_no_script(
    open_tab: OpenTab, width: int
) -> None:
    with open_tab(width=width, height=640, java_script_enabled=False) as tab:
        page = tab.page
        for path in ("/", "/?lang=en"):
            tab.open(path)
            box = page.locator("header.top > .wide").bounding_box()
            assert box is not None
            assert box["height"] < 60
        tab.open("/")
        complaints = page.locator("header").get_by_role("link", name="Pengaduan")
        assert not complaints.is_visible()
        page.get_by_text("Menu", exact=True).click()
        complaints.click()
        page.wait_for_url("**/aduan")
