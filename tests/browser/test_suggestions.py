"""Suggestions while somebody types in the search box: keys, fingers, and without a script."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_accessibility import AXE, RUN, STANDARDS

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_suggestions_are_chosen_by_keys_and_by_fingers(open_tab: OpenTab) -> None:
    with open_tab(width=320, height=640, bypass_csp=True) as tab:
        page = tab.page
        asked: list[str] = []

        def ask(route: Route) -> None:
            asked.append(route.request.url)
            route.continue_()

        page.route("**/api/v1/catalog/suggestions?*", ask)
        tab.open("/")
        box = page.get_by_role("combobox", name="Apa yang Anda perlukan?")
        options = page.get_by_role("option")
        box.press_sequentially("akta kel", delay=20)
        expect(options.first).to_have_text("Akta Kelahiran")
        assert len(asked) == 1  # not one for each letter
        assert overflow(page) == []
        page.evaluate(AXE)
        assert page.evaluate(RUN, {"runOnly": STANDARDS}) == []

        page.keyboard.press("ArrowDown")
        expect(options.first).to_have_attribute("aria-selected", "true")
        expect(box).to_have_attribute("aria-activedescendant", "saran-0")
        page.keyboard.press("ArrowUp")
        expect(options.first).to_have_attribute("aria-selected", "false")
        page.keyboard.press("Escape")
        expect(options).to_have_count(0)
        expect(box).to_have_attribute("aria-expanded", "false")
        assert box.input_value() == "akta kel"
        page.keyboard.press("ArrowDown")
        expect(options.first).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/layanan/akta-kelahiran")

        tab.open("/cari?lang=en")
        page.get_by_role("combobox").press_sequentially("ktp")
        options.filter(has_text="identity card").first.click()
        page.wait_for_url("**/layanan/ktp-el?lang=en")
        assert tab.console_errors == []


def test_what_is_typed_searches_as_ever_if_suggestions_fail(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        page = tab.page
        page.route("**/api/v1/catalog/suggestions?*", lambda route: route.fulfill(status=503))
        tab.open("/")
        box = page.get_by_role("combobox")
        with page.expect_response("**/api/v1/catalog/suggestions?*"):
            box.press_sequentially("akta")
        expect(page.get_by_role("option")).to_have_count(0)
        page.keyboard.press("Enter")
        page.wait_for_url("**/cari?q=akta")
