"""Pages of citizens at 320 px: with text of twice the size, and with targets for fingers."""

from collections.abc import Sequence

import pytest

from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "/",
    "/?lang=en",
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
    " .ticks label, .places li > a, .hubs a, .portals th a, input[type=search], select"
)
SMALL = """(targets) => [...document.querySelectorAll(targets)]
    .filter((element) => element.checkVisibility() && !element.matches(".skip"))
    .filter((element) => element.getBoundingClientRect().height < 43.5)
    .map((element) => element.outerHTML.slice(0, 80))"""


def broken_with_large_text(open_tab: OpenTab, pages: Sequence[str]) -> dict[str, list[str]]:
    """Return what is wider than a phone with text of twice the size, by page."""
    found: dict[str, list[str]] = {}
    with open_tab(width=320, height=640, bypass_csp=True) as tab:
        for path in pages:
            tab.open(path)
            tab.page.add_style_tag(content="html { font-size: 200%; }")
            if wider := overflow(tab.page):
                found[path] = wider
    return found


def small_targets(open_tab: OpenTab, pages: Sequence[str]) -> dict[str, list[str]]:
    """Return what is lower than a finger, by page."""
    found: dict[str, list[str]] = {}
    with open_tab(width=320, height=640) as tab:
        for path in pages:
            tab.open(path)
            if small := tab.page.evaluate(SMALL, TARGETS):
                found[path] = small
    return found


def test_nothing_breaks_with_text_of_twice_the_size(open_tab: OpenTab) -> None:
    assert broken_with_large_text(open_tab, PAGES) == {}


def test_what_is_tapped_has_room_for_a_finger(open_tab: OpenTab) -> None:
    assert small_targets(open_tab, PAGES) == {}


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
