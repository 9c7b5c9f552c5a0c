"""axe-core over every page that links lead to, one of each route, at the width of a small phone.

`EMALL_AXE=all` looks at each page in both languages; a run without it does so in Indonesian.
"""

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Error, Page
from starlette.routing import Match

from services.gateway.app import create_app
from services.gateway.people.roles import Role
from services.platform.settings import Settings
from tests.browser.conftest import BrowserTab, OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_workspace_cases import accept
from tests.gateway.people import invite_to

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
LANGUAGES = ("", "lang=en") if os.environ.get("EMALL_AXE") == "all" else ("",)
STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """async (options) => (await axe.run(document, options)).violations.map(
    (found) => found.id + ": " + found.nodes.slice(0, 3).map((node) => node.html).join(" | "))"""
LINKS = """
[...document.querySelectorAll("a[href]")]
  .map((link) => new URL(link.getAttribute("href"), document.baseURI).href)
"""
"""Addresses of links; those in pictures (SVG) have another `href` than those of a page."""
ROLES: tuple[tuple[Role, str | None], ...] = (
    ("administrator", "diskominfo"),
    ("lead", "diskominfo"),
    ("evaluator", None),
    ("auditor", None),
    ("reporter", "dukcapil"),
    ("editor", "dukcapil"),
    ("approver", "dukcapil"),
    ("responder", "dukcapil"),
)
NO_PAGES = re.compile(r"/(api|static|docs|redoc|open311|hsds|go|embed|feed)(/|$)|\.[a-z0-9]{2,5}$")
"""Addresses of programs, files and pages of others."""


@pytest.fixture(scope="module")
def invitation(site_settings: Settings) -> str:
    """Invite a person with every role before the browser starts, and return the link."""
    return invite_to(site_settings, "semua@diskominfo.test", *ROLES).path


@pytest.fixture(scope="module")
def pages(site_settings: Settings) -> list[APIRoute]:
    """Return the routes of the portal."""
    return [
        route
        for route in create_app(site_settings).routes
        if isinstance(route, APIRoute)
        and "GET" in (route.methods or ())
        and not route.include_in_schema
        and not NO_PAGES.search(route.path)
    ]


def route_of(routes: list[APIRoute], path: str) -> str | None:
    """Return the template of the route that answers a path."""
    scope = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    for route in routes:
        if route.matches(scope)[0] is Match.FULL:
            return route.path
    return None


def crawl(tab: BrowserTab, routes: list[APIRoute], start: str) -> Iterator[str]:
    """Yield the template of each page, one of each route, while it is open.

    Begins at `start`, goes on with pages that need no parameter, and then where links lead.
    """
    here = [route.path for route in routes if "{" not in route.path]
    waiting = [start, *(path for path in here if path.startswith(start))]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        template = route_of(routes, urlsplit(path).path)
        if template is None or template in seen or not template.startswith(start):
            continue
        seen.add(template)
        try:
            answer = tab.page.goto(tab.site + path)
        except Error as error:
            if "Download is starting" in error.message:
                continue
            raise
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        yield template
        links: list[str] = tab.page.evaluate(LINKS)
        waiting += [
            link.removeprefix(tab.site)
            for link in links
            if link.startswith(tab.site + "/") and not NO_PAGES.search(urlsplit(link).path)
        ]


def faults(page: Page) -> list[str]:
    """Return what axe finds in a light and a dark page, and what is wider than a phone."""
    page.emulate_media(color_scheme="light")
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, {"runOnly": STANDARDS})
    page.emulate_media(color_scheme="dark")
    found += page.evaluate(RUN, {"runOnly": {"type": "rule", "values": ["color-contrast"]}})
    return found + overflow(page)


def look(tab: BrowserTab, routes: list[APIRoute], start: str) -> tuple[dict[str, Any], int]:
    """Return the faults of pages by template, and how many pages there were."""
    found: dict[str, Any] = {}
    count = 0
    for template in crawl(tab, routes, start):
        count += 1
        address = tab.page.url
        for language in LANGUAGES:
            if language:
                tab.page.goto(f"{address}{'&' if '?' in address else '?'}{language}")
            if these := faults(tab.page):
                found[f"{template} {language}"] = these
        if LANGUAGES[1:]:
            tab.page.goto(address)
    return found, count


@pytest.mark.usefixtures("invitation")
def test_axe_finds_nothing_on_the_pages_of_citizens(
    open_tab: OpenTab, pages: list[APIRoute]
) -> None:
    with open_tab(width=320, bypass_csp=True) as tab:
        found, count = look(tab, [page for page in pages if "/kelola/" not in page.path], "/")
    assert found == {}
    assert count > 20


def test_axe_finds_nothing_in_the_workspace(
    invitation: str, open_tab: OpenTab, pages: list[APIRoute]
) -> None:
    with open_tab(width=320, bypass_csp=True) as tab:
        tab.open(invitation)
        accept(tab.page)
        found, count = look(tab, [page for page in pages if "/keluar" not in page.path], "/kelola")
    assert found == {}
    assert count > 45
