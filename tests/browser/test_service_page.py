"""The page of a service on a phone and on paper."""

import io

import pytest
from pypdf import PdfReader

from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow

pytestmark = pytest.mark.browser


def test_a_person_with_a_lost_card_ticks_what_to_bring_without_a_script(open_tab: OpenTab) -> None:
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        page = tab.page
        tab.open("/layanan/ktp-el")
        page.get_by_text("Hilang", exact=True).click()
        report = page.get_by_label("Surat Keterangan Hilang")
        report.check()
        assert report.is_checked()
        box = report.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 640  # on the first screen
        page.get_by_text("Rusak", exact=True).click()
        assert not report.is_visible()
        assert tab.console_errors == []


def test_from_the_front_page_to_a_lost_card_are_two_taps(open_tab: OpenTab) -> None:
    with open_tab(width=360, height=640, java_script_enabled=False, has_touch=True) as tab:
        page = tab.page
        tab.open("/")
        need = page.get_by_role("link", name="Dokumen hilang atau rusak")
        box = need.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 640  # on the first screen
        need.tap()
        card = page.get_by_role("listitem").filter(
            has=page.get_by_role("link", name="Kartu Tanda Penduduk Elektronik")
        )
        card.get_by_role("link", name="Hilang", exact=True).tap()
        page.get_by_label("Surat keterangan hilang").wait_for(state="visible")
        assert overflow(page) == []
        assert tab.console_errors == []


def test_a_source_is_one_tap_away(open_tab: OpenTab) -> None:
    with open_tab(width=320) as tab:
        tab.open("/layanan/ktp-el")
        assert not tab.page.locator("#sumber-1").is_visible()
        tab.page.locator(".terms > div > dd > a.note").first.click()
        tab.page.locator(".sources li").first.wait_for(state="visible")
        assert overflow(tab.page) == []


@pytest.mark.parametrize("path", ["/layanan/ktp-el", "/layanan/ktp-el?case=hilang", "/layanan/pbg"])
def test_it_prints_on_one_page(open_tab: OpenTab, path: str) -> None:
    with open_tab() as tab:
        tab.open(path)
        printed = PdfReader(io.BytesIO(tab.page.pdf(format="A4")))
    assert len(printed.pages) == 1
    text = printed.pages[0].extract_text()
    assert "Bawa" in text
    assert "Biaya" in text
    assert path in text or "?case" in path
    assert "komponen belum dipublikasikan" not in text
