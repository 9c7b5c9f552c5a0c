"""From the dashboard to the report, on a phone without JavaScript."""

from collections.abc import Iterator

import pytest

from services.gateway.app import create_app
from services.platform.service import API
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.conftest import Server, new_key
from tests.servers import LOOPBACK, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURES_SEEN = "() => [...document.images].map(one => one.complete && one.naturalWidth)"
STYLED = "() => getComputedStyle(document.querySelector('table')).borderCollapse"


@pytest.fixture(scope="module")
def site(server: Server, toba: str) -> Iterator[str]:
    """Return the address of a hub with the Toba pack on which 2024 was assessed."""
    with server.database_from(toba) as name:
        settings = server.settings(name)
        key = new_key(settings, "diskominfo", "metrics:draft")
        with serving(create_app(settings)) as address:
            LOOPBACK.post(
                f"{address}{API}/assessments",
                json={"period": 2024, "draws": 500},
                headers={"Authorization": f"Bearer {key}"},
            ).raise_for_status()
            yield address


def test_a_reader_goes_from_the_dashboard_to_the_report_and_sees_its_charts(
    open_tab: OpenTab,
) -> None:
    with open_tab(width=360) as tab:
        tab.open("/dasbor")
        page = tab.page
        assert page.locator("h1").inner_text() == "Dasbor kolaborasi 2024"
        assert overflow(page) == []
        index = page.locator("b.index").inner_text()
        page.get_by_role("link", name="Laporan", exact=True).click()
        page.wait_for_url("**/report")
        assert page.locator("h1").inner_text() == "Laporan Dinamika Kolaborasi Tahun 2024"
        assert page.locator(".key b").first.inner_text() == index
        pictures = page.evaluate(PICTURES_SEEN)
        assert len(pictures) >= 3
        assert all(pictures)
        assert page.evaluate(STYLED) == "collapse"  # the policy lets the page's own style pass
        assert overflow(page) == []
        assert tab.console_errors == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", ["/dasbor", "/dasbor?tahun=2025", "/dasbor?tahun=2025&lang=en"])
def test_a_year_with_and_without_an_index_fits_a_phone_and_a_desk(
    open_tab: OpenTab, path: str, width: int
) -> None:
    with open_tab(width=width) as tab:
        tab.open(path)
        lead = tab.page.locator("p.lead")
        assert lead.is_visible()
        box = lead.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 640  # on the first screen of a phone
        assert overflow(tab.page) == []
        assert tab.console_errors == []
