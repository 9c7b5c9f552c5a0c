"""The pages in a real browser, at the sizes of a small phone and of a desk."""

import time
from collections.abc import Sequence
from typing import Literal

import pytest
from playwright.sync_api import Response

from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.servers import LOOPBACK

pytestmark = pytest.mark.browser

MISSING = "/tidak-ada"
MAIN_PAGES = (
    "/",
    "/layanan",
    "/layanan/pbg?lang=en",
    "/layanan/ktp-el?case=hilang",
    "/cari?q=izin+bangunan",
    "/dasbor?tahun=2024",
    MISSING,
)
FURTHER_PAGES = (
    "/?lang=en",
    "/layanan?life_event=menikah",
    "/layanan/pbg",
    "/peristiwa",
    "/peristiwa/dokumen-hilang?lang=en",
    "/cari?q=zzzz",
    "/docs",
    "/poster",
    "/survei",
    "/survei/skm/hasil",
    "/status",
    "/komponen",
    "/pengumuman",
    "/unggah",
    "/unggah?lang=en",
    "/kelola/masuk",
    "/dasbor/pelaporan?tahun=2023",
    "/dasbor?tahun=2024&lang=en",
    "/dasbor/2024/unsur/leadership",
    "/dasbor/2024/indikator/determination.instruments",
    "/dasbor/2024/indikator/determination.instruments?lang=en",
)
LOOKS: Sequence[tuple[int, int, Literal["light", "dark"]]] = (
    (320, 640, "light"),
    (360, 740, "dark"),
    (768, 1024, "light"),
    (1280, 800, "light"),
)

INPUTS_WITHOUT_LABEL = """
() => [...document.querySelectorAll('input, select, textarea')]
    .filter(field => field.type !== 'hidden' && field.labels.length === 0)
    .map(field => field.outerHTML)
"""
IDS_GIVEN_TWICE = """
() => [...document.querySelectorAll('[id]')].map(element => element.id)
    .filter((id, place, all) => all.indexOf(id) !== place)
"""
TEXT_COLOURS = """
() => {
    const solid = colour => colour !== 'rgba(0, 0, 0, 0)' && colour !== 'transparent';
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (solid(colour)) return colour;
        }
        return null;
    };
    const pairs = new Map();
    for (const element of document.body.querySelectorAll('*')) {
        const own = [...element.childNodes].some(
            node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
        const placeholder = element.matches('input[placeholder]');
        if (!(own || placeholder) || !element.checkVisibility()) continue;
        const style = getComputedStyle(element, placeholder ? '::placeholder' : null);
        pairs.set(style.color + ' on ' + behind(element), [style.color, behind(element)]);
    }
    return [...pairs.values()];
}
"""


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    parts = [float(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colours: Sequence[str]) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted(luminance(colour) for colour in colours)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast(["rgb(0, 0, 0)", "rgb(255, 255, 255)"]) == pytest.approx(21)
    assert contrast(["rgb(118, 118, 118)", "rgb(255, 255, 255)"]) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(
    "path", [*MAIN_PAGES, *(pytest.param(path, marks=pytest.mark.slow) for path in FURTHER_PAGES)]
)
def test_a_page_fits_the_screen_stands_out_and_can_be_read_aloud(
    open_tab: OpenTab, path: str
) -> None:
    with open_tab() as tab:
        tab.open(path)
        page = tab.page
        for width, height, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            assert overflow(page) == [], width

            pairs = page.evaluate(TEXT_COLOURS)
            assert len(pairs) >= 3
            faint = {" on ".join(pair): contrast(pair) for pair in pairs if contrast(pair) < 4.5}
            assert faint == {}, (width, scheme)

        expected = 1 if path == MISSING else 0  # the console notes the status of the page itself
        assert len(tab.console_errors) == expected, tab.console_errors
        assert all("404" in complaint for complaint in tab.console_errors)

        language = "en" if "lang=en" in path else "id"
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == 1
        assert page.title().endswith("Toba" if language == "id" else "Toba Regency")
        assert page.evaluate(INPUTS_WITHOUT_LABEL) == []
        assert page.evaluate(IDS_GIVEN_TWICE) == []
        assert page.locator("img:not([alt])").count() == 0


def test_the_keyboard_skips_to_the_content_and_walks_in_reading_order(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open("/")
        page = tab.page
        focused = page.locator(":focus")
        page.keyboard.press("Tab")
        assert focused.text_content() == "Langsung ke isi"
        box = focused.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert focused.get_attribute("id") == "q"
        page.keyboard.press("Tab")
        assert focused.text_content() == "Cari"
        page.keyboard.press("Shift+Tab")
        page.keyboard.type("akta")
        page.keyboard.press("Enter")
        page.wait_for_url("**/cari?q=akta")
        assert page.locator("ul.services > li").count() > 1


def test_a_citizen_without_script_goes_from_a_word_to_the_right_portal(open_tab: OpenTab) -> None:
    with open_tab(java_script_enabled=False) as tab:
        tab.open("/")
        page = tab.page
        page.get_by_label("Apa yang Anda perlukan?").fill("izin bangunan")
        page.get_by_role("button", name="Cari").click()
        page.locator("ul.services a").first.click()
        page.wait_for_url("**/layanan/pbg")
        page.get_by_text("Standar pelayanan lengkap").click()
        assert "Persyaratan" in page.locator(".standard").inner_text()
        assert "komponen belum dipublikasikan" in page.locator(".missing").inner_text()
        page.get_by_role("link", name="Buka SIMBG").click()
        page.wait_for_url("**/go/simbg?service=pbg")
        assert tab.outbound_redirects == [(302, "https://simbg.pu.go.id")]
        assert clicks_on(tab.site, "simbg") == 1


def clicks_on(site: str, link: str) -> int:
    """Return the counted visits of a link, once feedback has them."""
    address = f"{site}/api/v1/usage/summary?from=2020-01-01&to=2100-01-01&group_by=link"
    end = time.monotonic() + 15
    while time.monotonic() < end:
        cells = LOOPBACK.get(address).raise_for_status().json()["items"]
        if counted := [cell["value"] for cell in cells if cell["link"] == link]:
            return sum(counted)
        time.sleep(0.1)
    return 0


def test_a_page_in_english_leads_to_pages_in_english(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open("/layanan/pbg")
        page = tab.page
        page.get_by_role("link", name="English").click()
        page.wait_for_url("**/layanan/pbg?lang=en")
        page.get_by_role("link", name="Services").first.click()
        page.wait_for_url("**/layanan?lang=en")
        assert page.get_by_role("heading", level=1).text_content() == "All services"


@pytest.mark.parametrize("path", ["/", "/layanan", "/layanan/pbg", "/cari?q=izin+bangunan"])
def test_a_page_is_light_and_its_style_is_fetched_once(open_tab: OpenTab, path: str) -> None:
    with open_tab() as tab:
        answers: list[Response] = []

        def answered(answer: Response) -> None:
            answers.append(answer)

        tab.page.on("response", answered)
        tab.open(path)
        tab.page.wait_for_load_state("networkidle")
        fetched = [(answer.url, len(answer.body())) for answer in answers]
        assert any("emall.css" in url for url, _ in fetched)
        assert sum(size for _, size in fetched) < 35_000, fetched
        assert sum(size for url, size in fetched if ".js" in url) < 10_000, fetched
        # Structured data is no script, although it stands in an element of that name.
        inline = "script:not([src]):not([type='application/ld+json'])"
        assert tab.page.locator(inline).count() == 0
        style = next(url for url, _ in fetched if "emall.css" in url)
        assert "immutable" in LOOPBACK.get(style).headers["cache-control"]
        other = LOOPBACK.get(f"{tab.site}/static/emall.css?v=0")
        assert "immutable" not in other.headers["cache-control"]
