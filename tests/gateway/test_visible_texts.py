"""What the pages of citizens show in words: no code of a thing that has a name, no ISO date, and no
number without a way to what it means and rests on."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

from services.platform.service import API
from tests.conftest import DEFAULT_ZONE, Hub
from tests.gateway.chart_records import (
    oblige,
    store_answers,
    store_days,
    store_events,
    store_statistics,
)

pytestmark = pytest.mark.slow

NO_PAGES = re.compile(r"/(api|static|docs|redoc|open311|hsds|go|kelola)(/|$)|\.[a-z0-9]{2,5}$")
"""Addresses of programs, files, other sites and the workspace."""

MOST_OF_A_ROUTE = 4
"""Pages of one route and language that are read: those whose address differs most are first."""

SILENT = {"script", "style", "code", "pre", "textarea"}
"""Elements that hold no sentence: code, and addresses to copy."""

CODES_OF_TIME = re.compile(r"\b20\d\d-(?:\d\d(?:-\d\d)?|[QS][1-4])\b")
ADDRESS = re.compile(r"\S*(?:/|@|\?|=|\.[a-z]{2,3}\b)\S*")


class Texts(HTMLParser):
    """The texts of a page that a reader sees, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._within.append(tag)
        named = dict(attrs)
        if tag == "a" and named.get("href"):
            self.links.append(str(named["href"]))
        self.texts += [
            text for name in ("alt", "aria-label", "placeholder") if (text := named.get(name))
        ]

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._within:
            self.texts.append(data.strip())


def read(page: str) -> Texts:
    parser = Texts()
    parser.feed(page)
    return parser


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Store of each kind what pages of citizens show beside the pack."""
    today = datetime.now(DEFAULT_ZONE).date()
    oblige(toba_hub.settings, today.year)
    store_statistics(toba_hub.client, toba_hub.auth, today.year - 1)
    store_events(toba_hub.client, toba_hub.auth, today.year)
    store_days(toba_hub.settings, "simbg", today)
    store_answers(toba_hub.client, toba_hub.settings, toba_hub.auth, today)
    lead = toba_hub.auth("diskominfo", "usage:write", "metrics:draft")
    administrator = toba_hub.auth("diskominfo", "admin")

    def post(path: str, body: object, headers: Mapping[str, str]) -> Any:
        answer = toba_hub.client.post(f"{API}/{path}", json=body, headers=dict(headers))
        assert answer.is_success, answer.text
        return answer.json()

    post("surveys/skm/follow-up", {
        "agency": "diskominfo", "period": str(today.year), "element": "U3",
        "action": "Menambah loket.", "owner": "Bidang Layanan", "due": f"{today.year}-03-31",
        "state": "planned",
    }, lead)  # fmt: skip
    post("incidents", {
        "link": "simbg", "title": "Berkas tidak terkirim", "title_en": "Files are not sent",
    }, administrator)  # fmt: skip
    start = datetime.now(UTC) + timedelta(days=2)
    post("maintenance", {
        "link": "oss", "text": "Perawatan", "text_en": "Maintenance",
        "starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat(),
    }, administrator)  # fmt: skip
    post("assessments", {"period": 2024, "draws": 200}, lead)
    return toba_hub


@pytest.fixture(scope="module")
def codes(hub: Hub) -> set[str]:
    """Return the slugs of what has a name: agencies, services, portals, life events, places."""
    found: set[str] = set()
    for path in ("agencies", "services", "links", "life-events", "places", "document-types"):
        address: str | None = f"{API}/{path}"
        while address is not None:
            answer = hub.client.get(address).raise_for_status().json()
            found |= {item.get("slug") or item["id"] for item in answer["items"]}
            address = answer.get("next")
    return {code for code in found if "-" in code or code in {"dukcapil", "diskominfo"}}


def pages(hub: Hub) -> Iterator[tuple[str, Texts]]:
    """Yield the pages that links lead to, some of each route, in both languages."""
    application: Any = hub.client.app
    routes = [
        route
        for route in application.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    ]
    today = datetime.now(DEFAULT_ZONE).year
    waiting = [
        "/", *(route.path for route in routes if "{" not in route.path),
        f"/survei/skm/hasil?period={today}-S1&agency=dukcapil",
        f"/survei/skm/hasil?period={today}", f"/survei/awareness/hasil?period={today}",
        f"/survei/skm/hasil?period={today}&agency=dukcapil",
        "/aduan?service=ktp-el&agency=dukcapil", "/cari?q=ktp", "/cari?q=ktp&agency=dukcapil",
        "/cari?q=izin&place=kantor-bupati", "/layanan?life_event=menikah",
        "/layanan?agency=dukcapil",
        f"/dasbor/{today}/penggunaan", f"/dasbor/{today - 1}/penggunaan", "/dasbor?tahun=2024",
        f"/dasbor/pelaporan?tahun={today}",
    ]  # fmt: skip
    counted: dict[tuple[str, str], int] = {}
    seen: set[str] = set()
    while waiting:
        address = waiting.pop(0)
        parts = urlsplit(address)
        if address in seen or NO_PAGES.search(parts.path):
            continue
        seen.add(address)
        scope = {"type": "http", "method": "GET", "path": parts.path, "root_path": ""}
        route = next((one for one in routes if one.matches(scope)[0] is Match.FULL), None)
        if route is None:
            continue
        key = (
            route.path + re.sub(r"=[^&]*", "", parts.query),
            "lang=en" if "lang=en" in parts.query else "",
        )
        counted[key] = counted.get(key, 0) + 1
        if counted[key] > MOST_OF_A_ROUTE:
            continue
        answer = hub.client.get(address, headers={"Accept": "text/html"}, follow_redirects=True)
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        found = read(answer.text)
        yield address, found
        for link in found.links:
            target = urlsplit(urljoin(address, html.unescape(link)))
            if target.netloc == "" and target.path:
                waiting.append(target.path + (f"?{target.query}" if target.query else ""))


def test_nothing_is_shown_by_its_code(hub: Hub, codes: set[str]) -> None:
    found: dict[str, set[str]] = {}
    read_pages = 0
    for address, page in pages(hub):
        read_pages += 1
        for text in page.texts:
            words = ADDRESS.sub(" ", text)
            shown = set(CODES_OF_TIME.findall(words))
            shown |= codes & set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", words))
            for code in shown:
                found.setdefault(f"{code} in {text[:90]!r}", set()).add(address)
    assert read_pages > 100
    assert {text: sorted(where)[:3] for text, where in found.items()} == {}


FEWEST_WORDS = 12
"""Of a page that explains a number."""


class Sections(HTMLParser):
    """The numbers of a page, each with the links of its row or item and those of its section.

    Links to data count where the section itself has the words.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[tuple[str, list[str]]] = []
        self._blocks: list[tuple[str, list[str], list[tuple[str, list[str]]]]] = []
        self._within: list[str] = []
        self._words = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._words = 0
        if tag in {"main", "section", "tr", "li"}:
            self._blocks.append((tag, [], []))
        if tag in {"script", "style", "form", "nav", "title", "desc", "footer", "textarea"}:
            self._within.append(tag)
        href = dict(attrs).get("href") if tag == "a" else None
        if self._blocks and href:
            self._blocks[-1][1].append(href)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()
        if not self._blocks or self._blocks[-1][0] != tag:
            return
        _, links, numbers = self._blocks.pop()
        if tag == "section" and self._words < FEWEST_WORDS:
            links = [link for link in links if not link.startswith(f"{API}/")]
        found = [(number, near + links) for number, near in numbers]
        if tag in {"tr", "li"} and self._blocks:
            self._blocks[-1][2].extend(found)
        else:
            self.numbers += found

    def handle_data(self, data: str) -> None:
        self._words += 0 if self._within else len(data.split())
        if self._blocks and not self._within and re.search(r"\d", data):
            self._blocks[-1][2].append((" ".join(data.split()), []))


def explains(hub: Hub, page: str, link: str) -> bool:
    """Return whether a link leads to words, and from there to a source or the data as JSON.

    Data beside the words in the section itself are nearer still.
    """
    target = urljoin(page, html.unescape(link))
    if target.startswith(f"{API}/"):
        return hub.client.get(target).status_code == 200
    if urlsplit(target).netloc or NO_PAGES.search(urlsplit(target).path):
        return False
    answer = hub.client.get(target, headers={"Accept": "text/html"}, follow_redirects=True)
    found = read(answer.text[answer.text.find("<main") :])
    is_source = any(
        urlsplit(urljoin(target, html.unescape(one))).netloc or one.startswith(f"{API}/")
        for one in found.links
    )
    words = sum(len(text.split()) for text in found.texts)
    return answer.status_code == 200 and is_source and words >= FEWEST_WORDS


def test_every_number_of_the_dashboard_is_two_taps_from_its_source(hub: Hub) -> None:
    today = datetime.now(DEFAULT_ZONE).year
    known: dict[str, bool] = {}
    lost: dict[str, list[str]] = {}
    count = 0
    for page in (
        "/dasbor?tahun=2024", f"/dasbor?tahun={today}", f"/dasbor/{today}/penggunaan",
        f"/dasbor/{today - 1}/penggunaan",
    ):  # fmt: skip
        sections = Sections()
        shown = hub.client.get(page).text
        assert ("Cara membaca angka ini" in shown) == page.startswith("/dasbor?")
        sections.feed(shown)
        assert len(sections.numbers) > 3, page
        for number, links in sections.numbers:
            count += 1
            for link in links:
                if link not in known:
                    known[link] = explains(hub, page, link)
                if known[link]:
                    break
            else:
                lost.setdefault(page, []).append(number)
    assert count > 200
    assert not lost, json.dumps(lost, indent=1)
