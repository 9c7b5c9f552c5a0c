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
