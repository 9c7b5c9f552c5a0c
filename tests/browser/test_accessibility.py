"""axe-core at the width of a small phone: the main pages, and every page that links lead to.

`EMALL_AXE=all` looks at each page in both languages; a run without it does so in Indonesian.
"""

import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Error, Page
from pyotp.totp import TOTP
from starlette.routing import Match

from services.gateway.app import create_app
from services.gateway.people.roles import Role
from services.platform.ids import new_id
from services.platform.scopes import Scope
from services.platform.settings import Settings
from tests.browser.conftest import BrowserTab, OpenTab
from tests.browser.overflow import overflow
from tests.conftest import new_key
from tests.gateway.people import PASSWORD, invite_to

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
LANGUAGES = ("", "lang=en") if os.environ.get("EMALL_AXE") == "all" else ("",)
STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """async (options) => (
  await axe.run(document, { ...options, resultTypes: ["violations"] })
).violations.map(
    (found) => found.id + ": " + found.nodes.slice(0, 3).map((node) => node.html).join(" | "))"""
"""What axe finds; it describes no node that is right, which takes a quarter of the time."""
LINKS = """
[...document.querySelectorAll("a[href]")]
  .map((link) => new URL(link.getAttribute("href"), document.baseURI).href)
"""
"""Addresses of links; those in pictures (SVG) have another `href` than those of a page."""
MAIN_PAGES = ("/", "/layanan/ktp-el", "/aduan", "/dasbor/2024")
STATUS = "performance.getEntriesByType('navigation')[0].responseStatus"
NOT_LOADED = "Failed to load resource"
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


NOT_REACHED = {
    "/kelola/bukti/{jenis}/{id}/lampiran/{sha256}": "a file",
    "/kelola/rapat/{id}/lampiran/{sha256}": "a file",
    "/kelola/penilaian/indeks/{indeks}/tingkat.{bentuk}": "a file",
    "/kelola/orang/serah-terima/{id}": "test_workspace_administration.py walks it",
    "/kelola/undangan/{token}": "leads to the pages of an invitation, which the test looks at",
}
"""Addresses of the workspace to which no page of this hub leads, and why."""


@pytest.fixture(scope="module")
def records(site_settings: Settings, site: str) -> list[str]:
    """Record one of each thing that the pack has none of; return the pages about them."""
    scopes: tuple[Scope, ...] = (
        "evidence:write", "announcements:write", "metrics:draft", "usage:write",
    )  # fmt: skip
    keys = {
        "lead": new_key(site_settings, "diskominfo", *scopes),
        "administrator": new_key(site_settings, "diskominfo", "admin"),
        "other": new_key(site_settings, "dukcapil", "evidence:write"),
    }

    def send(method: str, path: str, body: object, who: str = "lead") -> Any:
        headers = {"Authorization": f"Bearer {keys[who]}"}
        if method == "PUT":
            headers["If-None-Match"] = "*"
        answer = httpx.request(
            method, f"{site}/api/v1/{path}", json=body, headers=headers, timeout=60
        )
        assert answer.is_success, answer.text
        return answer.json()

    today = datetime.now(UTC).date()
    names = {"name": "Rapat forum", "name_en": "Forum", "kind": "forum"}
    meeting = send("POST", "meetings", {
        **names, "key": "rapat-axe", "held_on": "2026-03-05", "sources": ["perpres-95-2018"],
        "action_items": [{"task": "Ukur jaringan", "due": "2026-04-01"}],
    })["id"]  # fmt: skip
    plan, announcement = new_id(), new_id()
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    send("PUT", f"meeting-plans/{plan}", {
        **names, "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=2)).isoformat(), "invited": ["it-del"],
    })  # fmt: skip
    send("PUT", f"announcements/{announcement}/draft", {
        "agency": "diskominfo", "title": "Jaringan diperbaiki", "text": "Lihat https://a.example",
        "services": [],
    })  # fmt: skip
    send("POST", "recognitions", {
        "key": "anugerah-axe", "name": "Anugerah", "name_en": "Award", "given_by": "Provinsi",
        "given_on": "2026-06-15", "sources": ["perpres-95-2018"],
    }, "other")  # fmt: skip
    draft = send("POST", "assessments/drafts", {"method": "cgr-2015", "period": 2024})["id"]
    send("PUT", "surveys/stakeholders/rounds/axe", {
        "opens_on": today.isoformat(), "closes_on": (today + timedelta(days=30)).isoformat(),
        "sample": "invited",
    })  # fmt: skip
    send(
        "POST",
        "surveys/stakeholders/rounds/axe/invitations",
        {"invited": [{"code": "it-del", "name": "IT Del", "name_en": "IT Del"}]},
    )
    action = send("POST", "surveys/skm/follow-up", {
        "agency": "diskominfo", "period": "2024", "element": "U3", "action": "Menambah loket.",
        "owner": "Bidang Layanan", "due": "2025-03-31", "state": "planned",
    })["id"]  # fmt: skip
    incident = send("POST", "incidents", {
        "link": "simbg", "title": "Berkas tidak terkirim", "title_en": "Files are not sent",
    }, "administrator")["id"]  # fmt: skip
    webhook = send("POST", "webhooks", {"url": "https://status.example/"}, "administrator")["id"]
    complaint = {"kind": "complaint", "category": "time", "agency": "diskominfo"}
    ticket = send("POST", "comments", {**complaint, "text": "Aduan tentang jaringan."})["ticket"]
    agreement = httpx.get(f"{site}/api/v1/agreements", timeout=60).json()["items"][0]["id"]
    key = keys["other"].split("_")[1]
    pages = (
        "bukti/menunggu/penghargaan", f"bukti/perjanjian/{agreement}/perpanjang",
        f"kunci/{key}", f"pengaduan/{ticket}",
        f"pengumuman/{announcement}", f"pengumuman/{announcement}/ubah",
        f"penilaian/konsep/{draft}", f"rapat/{meeting}", f"rapat/{meeting}/ubah",
        f"rapat/rencana/{plan}", f"rapat/rencana/{plan}/daftar-hadir",
        f"rapat/rencana/{plan}/ubah", "survei/stakeholders/putaran/axe",
        "survei/stakeholders/putaran/axe/tautan", "survei/skm/tindak-lanjut/baru",
        f"survei/skm/tindak-lanjut/{action}", f"tautan/simbg/gangguan/{incident}",
        f"webhook/{webhook}",
    )  # fmt: skip
    return [f"/kelola/{page}" for page in pages]


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


def crawl(
    tab: BrowserTab, routes: list[APIRoute], start: str, also: Sequence[str]
) -> Iterator[str]:
    """Yield the template of each page, one of each route, while it is open.

    Begins at `start`, goes on with pages that need no parameter and those in `also`, and then
    where links lead.
    """
    here = [route.path for route in routes if "{" not in route.path]
    waiting = [start, *(path for path in here if path.startswith(start)), *also]
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


def faults_at(tab: BrowserTab, path: str) -> dict[str, list[str]]:
    """Return the faults of the page at an address, by language."""
    found: dict[str, list[str]] = {}
    for language in LANGUAGES:
        tab.open(f"{path}?{language}")
        found[f"{path} {language}"] = faults(tab.page)
    return found


def look(
    tab: BrowserTab, routes: list[APIRoute], start: str, also: Sequence[str] = ()
) -> tuple[dict[str, Any], set[str]]:
    """Return the faults of pages by template, and the templates of all pages."""
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for template in crawl(tab, routes, start, also):
        seen.add(template)
        address = tab.page.url
        for language in LANGUAGES:
            if language:
                tab.page.goto(f"{address}{'&' if '?' in address else '?'}{language}")
            if these := faults(tab.page):
                found[f"{template} {language}"] = these
        if LANGUAGES[1:]:
            tab.page.goto(address)
        if complaints := console(tab):
            found[f"{template} console"] = complaints
    return found, seen


def console(tab: BrowserTab) -> list[str]:
    """Return what the console says since it was last asked.

    That the page itself was answered with an error, which the console notes too, is none of it.
    """
    is_refused = tab.page.evaluate(STATUS) >= 400
    said = [one for one in tab.console_errors if not (is_refused and one.startswith(NOT_LOADED))]
    tab.console_errors.clear()
    return said


def test_axe_finds_nothing_on_the_main_pages(open_tab: OpenTab) -> None:
    with open_tab(width=320, bypass_csp=True) as tab:
        for page in MAIN_PAGES:
            tab.open(page)
            assert tab.page.evaluate(STATUS) == 200, page
            assert faults(tab.page) == [], page


@pytest.mark.slow
@pytest.mark.usefixtures("invitation", "records")
def test_axe_finds_nothing_on_the_pages_of_citizens(
    open_tab: OpenTab, pages: list[APIRoute]
) -> None:
    with open_tab(width=320, bypass_csp=True) as tab:
        found, seen = look(tab, [page for page in pages if "/kelola/" not in page.path], "/")
    assert found == {}
    assert len(seen) > 20


@pytest.mark.slow
def test_axe_finds_nothing_in_the_workspace(
    invitation: str, records: list[str], open_tab: OpenTab, pages: list[APIRoute]
) -> None:
    with open_tab(width=320, bypass_csp=True) as tab:
        page = tab.page
        tab.open(invitation)
        found = faults_at(tab, "/kelola/masuk") | faults_at(tab, "/kelola/undangan")
        tab.open("/kelola/undangan")
        page.get_by_label("Nama").fill("Penjawab")
        page.locator("input[type=password]").first.fill(PASSWORD)
        page.locator("main button").last.click()
        secret = re.sub(r"\s", "", page.locator(".secret").text_content() or "")
        found |= faults_at(tab, "/kelola/undangan/kode")
        tab.open("/kelola/undangan/kode")
        page.get_by_label("Kode").fill(TOTP(secret).now())
        page.locator("main form button").last.click()
        page.locator(".codes").wait_for()
        found["recovery codes"] = faults(page)
        routes = [route for route in pages if "/keluar" not in route.path]
        more, seen = look(tab, routes, "/kelola", records)
        found |= more
    assert {address: each for address, each in found.items() if each} == {}
    reached = seen | NOT_REACHED.keys() | {"/kelola"}
    assert {route.path for route in routes if route.path.startswith("/kelola")} - reached == set()
