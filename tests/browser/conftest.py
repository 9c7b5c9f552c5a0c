"""A hub on a socket, and a Chromium that cannot leave the machine."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Server
from tests.servers import serving


@dataclass
class BrowserTab:
    """A tab of the browser, with its console messages and the redirects to portals."""

    site: str
    page: Page
    console_errors: list[str] = field(default_factory=list[str])
    outbound_redirects: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def open(self, path: str) -> None:
        self.page.goto(self.site + path)


OpenTab = Callable[..., Any]
BROWSER_ARGUMENTS = ("--no-sandbox", "--disable-gpu")
"""Without a graphics card its work falls to the processor, which draws for less by itself."""


# The browser comes after the database and goes before it: while Playwright's synchronous API is
# open, its thread counts as inside an event loop, and asyncio.run is refused there.
@pytest.fixture(scope="module")
def site_settings(server: Server, toba: str) -> Iterator[Settings]:
    """Provide the settings of a hub with the Toba pack."""
    with server.database_from(toba) as name:
        yield server.settings(name)


@pytest.fixture(scope="module")
def site(site_settings: Settings) -> Iterator[str]:
    """Return the address of a hub with the Toba pack."""
    with serving(create_app(site_settings)) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium: str, site: str) -> Iterator[Browser]:
    """Chromium, for which no name but this machine's resolves."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[*BROWSER_ARGUMENTS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_tab(browser: Browser, site: str) -> OpenTab:
    """Open a page of its own: `with open_tab(width=360) as tab`."""

    @contextmanager
    def open_tab(*, width: int = 360, height: int = 740, **more: Any) -> Generator[BrowserTab]:
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        page = context.new_page()
        tab = BrowserTab(site, page)
        page.on("console", lambda message: tab.console_errors.append(message.text))
        page.on("pageerror", lambda error: tab.console_errors.append(str(error)))

        def missed(request: Request) -> None:
            # A page that is left gives up what it was still loading, its icon for one.
            if request.failure != "net::ERR_ABORTED":
                tab.console_errors.append(f"{request.url}: {request.failure}")

        page.on("requestfailed", missed)

        def leave(route: Route) -> None:
            answer = route.fetch(max_redirects=0)
            tab.outbound_redirects.append((answer.status, answer.headers.get("location", "")))
            route.fulfill(status=200, body="gone to the portal")

        page.route("**/go/**", leave)
        try:
            yield tab
        finally:
            context.close()

    return open_tab
