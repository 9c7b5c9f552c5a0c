"""A month on a phone without script, approved at a desk by keyboard."""

import httpx
import pytest

from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_workspace_cases import accept
from tests.conftest import new_key
from tests.gateway.people import invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MONTH = "/kelola/laporan/2025-03"
CELL = '[id="ktp-el.counter.submitted"]'


@pytest.fixture(scope="module")
def invitations(site_settings: Settings) -> tuple[str, str]:
    """Invite a reporter and an approver before the browser starts, and return their links."""
    reporter = invite_to(site_settings, "pelapor@dukcapil.test", ("reporter", "dukcapil"))
    approver = invite_to(site_settings, "penyetuju@dukcapil.test", ("approver", "dukcapil"))
    return reporter.path, approver.path


@pytest.fixture(scope="module")
def reported(site_settings: Settings, site: str) -> None:
    """Report the two months before."""
    key = new_key(site_settings, "dukcapil", "usage:write")
    figures = [("2025-01", 1412, 1398), ("2025-02", 1390, 1401)]
    statistics = [
        {
            "agency": "dukcapil",
            "service": "ktp-el",
            "channel": "counter",
            "period": period,
            "counters": {"submitted": submitted, "completed": completed},
        }
        for period, submitted, completed in figures
    ]
    sent = httpx.post(
        f"{site}/api/v1/usage/statistics",
        json={"statistics": statistics},
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    assert sent.status_code == 200, sent.text


def test_a_month_is_entered_on_a_phone_and_approved_at_a_desk_by_keyboard(
    reported: None, invitations: tuple[str, str], open_tab: OpenTab
) -> None:
    with open_tab(width=360, height=640, java_script_enabled=False) as tab:
        tab.open(invitations[0])
        accept(tab.page)
        tab.open(MONTH)
        # What the two months before had, beside the field and without scrolling away from it.
        hint = tab.page.locator('[id="ktp-el.counter.submitted-hint"]')
        assert hint.inner_text() == "Feb 2025: 1.390 · Jan 2025: 1.412"
        beside, field = hint.bounding_box(), tab.page.locator(CELL).bounding_box()
        assert beside is not None
        assert field is not None
        assert beside["x"] + beside["width"] <= field["x"]
        assert field["y"] - 30 <= beside["y"] <= field["y"] + field["height"]
        tab.page.locator(CELL).fill("1,5")
        tab.page.get_by_role("button", name="Simpan dan ajukan").click()
        tab.page.get_by_role("link", name="1,5 bukan bilangan bulat").click()
        assert tab.page.locator(CELL).input_value() == "1,5"
        tab.page.locator(CELL).fill("1.500")
        tab.page.get_by_role("button", name="Simpan dan ajukan").click()
        tab.page.get_by_text("Menunggu persetujuan").wait_for()
    with open_tab(width=1280) as tab:
        tab.open(invitations[1])
        accept(tab.page)
        tab.open(MONTH)
        tab.page.get_by_role("button", name="Setujui").focus()
        tab.page.keyboard.press("Enter")
        tab.page.get_by_text("tersimpan dan terkunci").wait_for()
        assert tab.page.locator(CELL).inner_text() == "1.500"
        assert overflow(tab.page) == []
        tab.page.set_viewport_size({"width": 360, "height": 640})
        assert overflow(tab.page) == []
        assert tab.console_errors == []
