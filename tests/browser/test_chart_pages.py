"""Charts of citizens' pages with what agencies, citizens and checks really give, and long names."""

from collections.abc import Mapping
from datetime import datetime

import httpx
import pytest

from services.platform.scopes import Scope
from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_dashboard_pictures import LETTERS, MISPLACED
from tests.conftest import DEFAULT_ZONE, new_key
from tests.gateway.chart_records import (
    Auth,
    lengthen_names,
    oblige,
    store_answers,
    store_days,
    store_events,
    store_statistics,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TODAY = datetime.now(DEFAULT_ZONE).date()
YEAR = TODAY.year
STATISTICS = 2023
PAGES = (
    f"/dasbor/{STATISTICS}/penggunaan",
    f"/dasbor/{YEAR}/penggunaan",
    f"/dasbor/{STATISTICS}/bagan/kecamatan",
    f"/dasbor/pelaporan?tahun={STATISTICS}",
    f"/dasbor/{STATISTICS}/bagan/pelaporan?lang=en",
    "/status",
    "/status/bagan/simbg?lang=en",
    f"/survei/skm/hasil?period={YEAR}",
    f"/survei/awareness/hasil?period={YEAR}",
    f"/survei/skm/hasil/bagan/putaran?period={YEAR}&lang=en",
)

NETWORK = "/dasbor/2024/jejaring"
FILES = """() => [...document.querySelectorAll('main a[href*=".svg"]')].map((link) => link.href)"""
ALONE = """() => {
  const {scale, width} = visualViewport;
  const drawing = document.documentElement.getBoundingClientRect();
  const small = [...document.querySelectorAll("text")]
      .map((text) => [parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a * scale,
          text.textContent])
      .filter(([size]) => size < 11.9);
  return drawing.right > width + 1 ? [[drawing.right, "wider than the screen"], ...small] : small;
}"""
"""Texts of a file that are too small on the screen, and whether it is wider than that."""

SMALLEST = """() => Math.min(
    ...[...document.querySelectorAll("text")].map((text) =>
        parseFloat(getComputedStyle(text).fontSize))
) / document.documentElement.viewBox.baseVal.width"""
"""The smallest letters of a drawing, as a share of its width."""


def auth_of(settings: Settings) -> Auth:
    """Return what issues keys and returns them as headers."""

    def auth(agency: str, scope: Scope) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {new_key(settings, agency, scope)}"}

    return auth


@pytest.fixture(scope="module")
def records(site_settings: Settings, site: str) -> None:
    """Store what the charts are drawn of, before the browser starts."""
    auth = auth_of(site_settings)
    oblige(site_settings, STATISTICS)
    with httpx.Client(base_url=site, trust_env=False) as client:
        store_statistics(client, auth, STATISTICS)
        store_events(client, auth, STATISTICS)
        store_answers(client, site_settings, auth, TODAY)
    store_days(site_settings, "simbg", TODAY)
    lengthen_names(site_settings)


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (360, "dark"), (1280, "light")])
def test_no_words_of_a_chart_lie_on_others_or_leave_it(
    records: None, open_tab: OpenTab, width: int, scheme: str
) -> None:
    with open_tab(width=width, color_scheme=scheme) as tab:
        for path in PAGES:
            tab.open(path)
            assert tab.page.locator("svg.picture text").count() > 0, path
            assert tab.page.evaluate(MISPLACED) == [], path
            assert tab.page.evaluate(LETTERS) == [], path
            assert overflow(tab.page) == [], path
        assert tab.console_errors == []


@pytest.mark.parametrize("width", [320, 360])
def test_a_chart_that_a_phone_opens_alone_fills_its_screen_and_can_be_read(
    records: None, open_tab: OpenTab, width: int
) -> None:
    size = {"width": width, "height": 740}
    with open_tab(width=width, is_mobile=True, screen=size) as tab:
        files: list[str] = []
        for path in (*PAGES, NETWORK, "/dasbor?tahun=2024"):
            tab.open(path)
            files += tab.page.evaluate(FILES)
        assert len(set(files)) > 10
        for file in sorted(set(files)):
            tab.page.goto(file)
            assert tab.page.locator("text").count() > 0
            assert tab.page.evaluate(ALONE) == [], file
        assert tab.console_errors == []


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_the_picture_of_the_network_can_be_read_on_its_page(open_tab: OpenTab, width: int) -> None:
    with open_tab(width=width) as tab:
        for path in (NETWORK, "/dasbor?tahun=2024"):
            tab.open(path)
            picture = tab.page.locator("figure.network img")
            picture.scroll_into_view_if_needed()
            shown, address = picture.bounding_box(), picture.get_attribute("src")
            assert shown is not None
            tab.open(str(address))
            share = tab.page.evaluate(SMALLEST)
            assert share * shown["width"] >= 11.9
