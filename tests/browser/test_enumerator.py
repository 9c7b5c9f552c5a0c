"""An enumerator works without a network: nothing is lost, nothing counts twice."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Route, sync_playwright

from services.gateway.api_keys.signed_links import SignedLink
from services.gateway.app import create_app
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Settings
from tests.browser.conftest import BROWSER_ARGUMENTS
from tests.browser.overflow import overflow
from tests.conftest import form_bundles
from tests.gateway.links import new_link
from tests.rows import rows
from tests.servers import free_port, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SURVEYS = 10


@contextmanager
def phone(chromium: str, folder: Path) -> Generator[BrowserContext]:
    """Return a browser that keeps its data in this folder, as a phone does when it is closed."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder),
            executable_path=chromium,
            args=BROWSER_ARGUMENTS,
            viewport={"width": 360, "height": 740},
        )
        try:
            yield context
        finally:
            with suppress(Error):  # it was killed
                context.close()


def register(page: Page, settings: Settings, path: str) -> None:
    """Open a page of a device, which asks for a link and its code first."""
    page.goto(path)
    fill_in(page, new_link(settings, "device"))
    page.wait_for_url(path)


def fill_in(page: Page, link: SignedLink) -> None:
    page.fill('input[name="tautan"]', link.token)
    page.fill('input[name="kode"]', link.code)
    page.click("main button")


def stored_days(settings: Settings) -> list[date]:
    query = "SELECT answered_on FROM feedback.response"
    with ThreadPoolExecutor(1) as threads:
        return [row["answered_on"] for row in threads.submit(rows, settings, query).result()]


def answer_once(page: Page, level: int) -> None:
    for element in range(1, 10):
        page.check(f'input[name="U{element}"][value="{level}"]')
    page.click("button.send")
    page.wait_for_selector("#stored:not([hidden])")


def wait_for_count(page: Page, name: str, count: int) -> None:
    page.wait_for_function(
        "([name, count]) => document.getElementById(name).textContent === String(count)",
        arg=[name, count],
    )


def test_ten_surveys_without_a_network_are_stored_once(
    settings: Settings, chromium: str, tmp_path: Path
) -> None:
    port = free_port()
    form = f"http://127.0.0.1:{port}/survei/skm/petugas"
    address, another = f"{form}?service=ktp-el&channel=counter", f"{form}?service=pbg"
    console_errors: list[str] = []

    with serving(create_app(settings), port=port), phone(chromium, tmp_path) as first:
        page = first.new_page()
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        register(page, settings, another)
        for opened in (another, address):
            page.goto(opened)
            page.wait_for_selector("#ready:not([hidden])")

    # The hub is out of reach from here on: whatever the phone shows, it kept.
    with phone(chromium, tmp_path) as second:
        page = second.new_page()
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        page.goto(another)
        assert page.input_value('select[name="about.service"]') == "pbg"
        with second.new_page() as lost, pytest.raises(Error, match="ERR_"):
            lost.goto(f"{form}?service=akta-kelahiran")  # rather than with another service's form
        page.goto(address)
        page.select_option('select[name="about.district"]', label="Balige")
        for done in range(SURVEYS // 2):
            answer_once(page, level=1 + done % 4)
        wait_for_count(page, "waiting", SURVEYS // 2)

    with phone(chromium, tmp_path) as third:
        page = third.new_page()
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        page.goto(address)
        wait_for_count(page, "waiting", SURVEYS // 2)
        for done in range(SURVEYS // 2):
            answer_once(page, level=1 + done % 4)
        wait_for_count(page, "waiting", SURVEYS)

        with serving(create_app(settings), port=port) as site:
            page.click("#sync")
            wait_for_count(page, "waiting", 0)
            wait_for_count(page, "sent", SURVEYS)
            page.reload()
            wait_for_count(page, "waiting", 0)
            form_bundles(settings)
            found = page.request.get(
                f"{site}/api/v1/surveys/skm/results?service=ktp-el&channel=counter"
            ).json()
            districts = page.request.get(f"{site}/api/v1/surveys/skm/breakdown?by=district").json()
    assert found["n"] == SURVEYS
    assert found["satisfaction"]["n"] == SURVEYS
    by_district = {each["value"]: each["results"]["n"] for each in districts["items"]}
    assert by_district == {"12.12.01": SURVEYS // 2, "": SURVEYS // 2}
    assert console_errors == []


def test_an_answer_that_is_lost_on_its_way_back_does_not_count_twice(
    settings: Settings, chromium: str, tmp_path: Path
) -> None:
    with serving(create_app(settings)) as site, phone(chromium, tmp_path) as context:
        lost = 0

        def lose_answer(route: Route) -> None:
            nonlocal lost
            lost += 1
            route.fetch()
            route.abort()

        page = context.new_page()
        register(page, settings, f"{site}/survei/skm/petugas")
        page.route("**/petugas", lose_answer)
        for _ in range(5):
            answer_once(page, level=4)
        page.wait_for_timeout(200)
        wait_for_count(page, "waiting", 5)
        page.unroute("**/petugas")
        page.click("#sync")
        wait_for_count(page, "sent", 5)
        form_bundles(settings)
        found = page.request.get(f"{site}/api/v1/surveys/skm/results").json()
    assert lost >= 1
    assert found["n"] == 5


def test_an_answer_that_was_refused_is_tried_again_when_its_reason_is_over(
    settings: Settings, chromium: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    with serving(create_app(settings)) as site, phone(chromium, tmp_path) as context:
        page = context.new_page()
        register(page, settings, f"{site}/survei/skm/petugas?lang=en")
        page.clock.set_fixed_time(now + timedelta(days=40))
        page.reload()
        answer_once(page, level=4)
        wait_for_count(page, "refused", 1)
        assert "answered_on" in page.inner_text("#refused-why")
        page.clock.set_fixed_time(now)
        # The day is asked, since no clock knows any more when it was.
        day = now.astimezone(DEFAULT_ZONE).date() - timedelta(days=3)
        page.fill("#refused-day", day.isoformat())
        page.get_by_role("button", name="Try again").click()
        wait_for_count(page, "sent", 1)
        assert page.is_hidden("#retry")
        wait_for_count(page, "refused", 0)
        assert page.is_hidden("#refused-day")
    assert stored_days(settings) == [day]


@pytest.mark.parametrize("year", [1970, 2016, 2026])
def test_a_clock_that_fell_back_loses_no_answer(
    settings: Settings, chromium: str, tmp_path: Path, year: int
) -> None:
    now = datetime.now(UTC)
    with serving(create_app(settings)) as site, phone(chromium, tmp_path) as context:
        page = context.new_page()
        register(page, settings, f"{site}/survei/skm/petugas?lang=en")
        assert page.is_hidden("#clock")
        page.clock.set_fixed_time(min(datetime(year, 1, 1, tzinfo=UTC), now - timedelta(days=2)))
        page.reload()
        page.wait_for_selector("#clock:not([hidden])")
        answer_once(page, level=4)
        wait_for_count(page, "sent", 1)
        assert page.is_hidden("#refused-part")
        page.clock.set_fixed_time(now)
        page.reload()
        wait_for_count(page, "sent", 1)
        assert page.is_hidden("#clock")
    assert stored_days(settings) == [now.astimezone(DEFAULT_ZONE).date()]


def test_answers_wait_on_the_phone_while_it_is_not_registered(
    settings: Settings, chromium: str, tmp_path: Path
) -> None:
    with serving(create_app(settings)) as site, phone(chromium, tmp_path) as context:
        page, path = context.new_page(), f"{site}/survei/skm/petugas"
        register(page, settings, path)
        context.clear_cookies()
        answer_once(page, level=4)
        page.wait_for_selector("#unregistered:not([hidden])")
        wait_for_count(page, "waiting", 1)
        page.click("#unregistered a")
        fill_in(page, new_link(settings, "device"))
        page.wait_for_url(path)
        wait_for_count(page, "sent", 1)
        assert page.is_hidden("#unregistered")


def test_an_incomplete_answer_is_marked_and_not_stored(
    settings: Settings, chromium: str, tmp_path: Path
) -> None:
    with serving(create_app(settings)) as site, phone(chromium, tmp_path) as context:
        page = context.new_page()
        register(page, settings, f"{site}/survei/awareness/petugas")
        assert page.is_hidden("#q-why_not")
        page.check('input[name="used"][value="no"]')
        assert page.is_visible("#q-why_not")
        page.click("button.send")
        page.wait_for_selector("#incomplete:not([hidden])")
        assert page.is_visible("#e-knows_portals")
        page.check('input[name="knows_portals"][value="oss"]')
        page.check('input[name="knows_portals"][value="none"]')
        assert not page.is_checked('input[name="knows_portals"][value="oss"]')
        page.click("button.send")
        page.wait_for_selector("#stored:not([hidden])")
        wait_for_count(page, "sent", 1)
        assert page.is_hidden("#q-why_not")


def test_a_citizen_answers_on_a_phone_and_an_idle_kiosk_clears_the_form(
    settings: Settings, chromium: str, tmp_path: Path
) -> None:
    with serving(create_app(settings)) as site, phone(chromium, tmp_path) as context:
        page = context.new_page()
        page.goto(f"{site}/survei/skm?service=ktp-el&lang=en")
        assert overflow(page) == []
        for element in range(1, 10):
            page.check(f'input[name="U{element}"][value="3"]')
        page.click("button.send")
        page.wait_for_url("**/terima-kasih**")

        register(page, settings, f"{site}/survei/skm?mode=kiosk")
        page.clock.install()
        page.goto(f"{site}/survei/skm?mode=kiosk")
        # Nothing leads a citizen away from the kiosk's survey but its other language, and what
        # asks for the device's code.
        links = page.locator("a:visible")
        assert {links.nth(n).inner_text() for n in range(links.count())} == {
            "Langsung ke isi",
            "EN\nEnglish",
            "e-Mall\nKabupaten Toba",
            "Petugas: keluarkan perangkat ini",
        }
        page.check('input[name="U1"][value="3"]')
        page.clock.run_for(91_000)
        page.wait_for_function("!document.querySelector('input:checked')")
