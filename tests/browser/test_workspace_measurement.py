"""A year is assessed at a desk by one person and published by another, by keyboard."""

import pytest

from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_workspace_cases import accept
from tests.gateway.people import invite_to

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = "/kelola/penilaian"


@pytest.fixture(scope="module")
def invitations(site_settings: Settings) -> tuple[str, str]:
    """Invite an evaluator and the lead before the browser starts, and return their links."""
    evaluator = invite_to(site_settings, "evaluator@kampus.test", ("evaluator", None))
    lead = invite_to(site_settings, "pengampu@diskominfo.test", ("lead", "diskominfo"))
    return evaluator.path, lead.path


def test_a_year_is_assessed_and_published_by_a_second_person(
    invitations: tuple[str, str], open_tab: OpenTab
) -> None:
    with open_tab(width=1280) as tab:
        tab.open(invitations[0])
        accept(tab.page)
        tab.open(PAGE)
        tab.page.get_by_label("Tahun yang dinilai").select_option("2024")
        tab.page.get_by_role("button", name="Nilai tahun ini").click()
        tab.page.get_by_role("heading", name="Konsep penilaian 2024").wait_for()
        assert tab.page.get_by_role("button", name="Terbitkan").count() == 0
        assert tab.page.get_by_text("Anda yang membuat konsep ini").count() == 1
    with open_tab(width=1280) as tab:
        tab.open(invitations[1])
        accept(tab.page)
        tab.page.set_viewport_size({"width": 320, "height": 740})
        tab.open(PAGE)
        assert overflow(tab.page) == []
        tab.page.get_by_role("link", name="Konsep 2024").click()
        tab.page.get_by_role("heading", name="Konsep penilaian 2024").wait_for()
        for width in (1280, 320):
            tab.page.set_viewport_size({"width": width, "height": 740})
            assert overflow(tab.page) == []
        tab.page.get_by_role("button", name="Terbitkan penilaian 2024").focus()
        tab.page.keyboard.press("Enter")
        tab.page.get_by_role("link", name="Berkas bertanda tangan").wait_for()
        assert overflow(tab.page) == []
        assert tab.console_errors == []
        tab.open("/dasbor?tahun=2024")
        tab.page.get_by_text("Penilaian tersimpan pada").wait_for()
