"""Announcements of websites: read, made safe, kept once, linked, and there while a site is down."""

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.connectors.announcements.feed_parser import (
    FeedParseError,
    find_feed_url,
    parse_feed,
)
from services.gateway.connectors.announcements.sanitise import plain_text, sanitise
from services.gateway.connectors.announcements.service_matching import ServiceMatcher, ServiceNames
from services.gateway.connectors.mocks.website import POSTS, create_website_mock
from services.gateway.connectors.pack import ConnectorFile, load_connectors
from services.platform.database import Database
from services.platform.settings import Service, Settings
from tests.conftest import Hub, Server
from tests.rows import rows
from tests.servers import LOOPBACK, free_port, serving

URL = "https://situs.example/feed/"


def feed(slug: str, url: str) -> dict[str, Any]:
    return {"slug": slug, "title": "Situs", "title_en": "Site", "url": url, "sources": ["study"]}


def store_connectors(settings: Settings, **parts: Any) -> None:
    """Makes these the sources of the hub, as a pack would."""

    async def work() -> None:
        database = Database(settings, Service.gateway)
        async with database.write_session() as session:
            await load_connectors(session, settings.region, ConnectorFile.model_validate(parts))
        await database.close()

    asyncio.run(work())


@dataclass
class Reading(Hub):
    """A hub that reads a stand-in's announcements when a test says so."""

    website: str
    admin: dict[str, str]

    def tell(self, mode: str = "right", **more: Any) -> None:
        answer = LOOPBACK.put(f"{self.website}/mock", json={"mode": mode, **more})
        assert answer.status_code == 200

    def asked(self) -> list[dict[str, Any]]:
        return LOOPBACK.get(f"{self.website}/mock").json()["asked"]

    def read(self, slug: str = "website") -> dict[str, Any]:
        answer = self.client.post(f"/api/v1/connectors/{slug}/poll", headers=self.admin)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v1/announcements", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


@contextmanager
def reading(settings: Settings, website: str, *paths: str) -> Generator[Reading]:
    more = {"ssrf_allowed_hosts": frozenset({"127.0.0.1"}), "connector_timeout_seconds": 0.8}
    chosen = settings.model_copy(update=more)
    feeds = [
        feed("website" if not number else f"website-{number}", f"{website}{path}")
        for number, path in enumerate(paths)
    ]
    store_connectors(chosen, feeds=feeds)
    with TestClient(create_app(chosen), follow_redirects=False) as client:
        hub = Reading(client, chosen, website, {})
        hub.admin = hub.auth("diskominfo", "admin")
        yield hub


@pytest.fixture(scope="module")
def website() -> Iterator[str]:
    with serving(create_website_mock(), grace=0) as address:
        yield address


@pytest.fixture(scope="module")
def sharing(server: Server, toba: str, website: str) -> Iterator[Reading]:
    """One hub for the tests of this file; each begins without announcements."""
    with (
        server.database_from(toba) as name,
        reading(server.settings(name), website, "/", "/atom", "/wp-json/wp/v2/posts") as hub,
    ):
        yield hub


@pytest.fixture
def hub(sharing: Reading) -> Reading:
    sharing.tell("right", posts=list(POSTS))
    rows(sharing.settings, "DELETE FROM gateway.announcement")
    rows(
        sharing.settings,
        "UPDATE gateway.connected_source SET validators = '{}', lease_id = NULL, "
        "fetched_at = NULL, reason = NULL",
    )
    for slug in ("website", "website-1", "website-2"):
        switched = {"state": "closed"}
        path = f"/api/v1/connectors/{slug}/breaker"
        assert sharing.client.put(path, json=switched, headers=sharing.admin).status_code == 200
    return sharing


def test_a_home_page_leads_to_its_feed_and_what_it_announces_is_kept(hub: Reading) -> None:
    state = hub.read()
    assert (state["reason"], state["detail"]) == (None, "2 items")
    first, second = hub.items()
    assert first["title"] == "Pelayanan KTP-el keliling di Kecamatan Porsea"
    assert first["published_at"] == "2026-02-03T02:00:00Z"
    assert first["url"] == f"{hub.website}/?p=101"
    assert first["content"] == (
        "<p>Perekaman <strong>KTP-el</strong> dan akta kelahiran di kantor camat.</p>"
    )
    assert second["summary"] == "Layanan daring berhenti pukul 22.00. Selengkapnya"


def test_an_announcement_names_the_services_it_speaks_of_and_the_words_that_say_so(
    hub: Reading,
) -> None:
    hub.read()
    named = {each["service"]: each["words"] for each in hub.items()[0]["services"]}
    assert "akta kelahiran" in [word.lower() for word in named["akta-kelahiran"]]
    assert [item["title"] for item in hub.items(service="akta-kelahiran")] == [
        "Pelayanan KTP-el keliling di Kecamatan Porsea"
    ]
    assert hub.items(service="pbg") == []


def test_what_did_not_change_is_not_sent_again(hub: Reading) -> None:
    hub.read()
    before = len(hub.asked())
    assert hub.read()["detail"] == "nothing new"
    [asked] = hub.asked()[before:]
    assert (asked["path"], "if-none-match" in asked["headers"]) == ("/feed/", True)
    assert len(hub.items()) == 2


def test_the_same_announcement_in_three_feeds_is_kept_once(hub: Reading) -> None:
    for slug in ("website", "website-1", "website-2"):
        assert hub.read(slug)["reason"] is None
    assert len(hub.items()) == 2


def test_an_announcement_under_another_address_with_the_same_words_is_kept_once(
    hub: Reading,
) -> None:
    post = {"title": "Sama", "date": "2026-02-03T09:00:00+07:00", "html": "<p>Isi</p>"}
    hub.tell(posts=[post | {"id": "1"}, post | {"id": "2"}])
    hub.read()
    assert len(hub.items()) == 1


def test_a_change_replaces_the_announcement_and_keeps_its_address(hub: Reading) -> None:
    post = {"id": "9", "title": "Lama", "date": "2026-02-03T09:00:00+07:00", "html": "<p>A</p>"}
    hub.tell(posts=[post])
    hub.read()
    [before] = hub.items()
    hub.tell(posts=[post | {"title": "Baru"}])
    hub.read()
    [after] = hub.items()
    assert (after["title"], after["id"]) == ("Baru", before["id"])
    assert after["changed_at"] > before["changed_at"]
    assert hub.client.get(after["href"]).json() == after


FAILURES = {
    "status-404": "status",
    "status-500": "status",
    "status-503": "status",
    "slow": "timeout",
    "drip": "timeout",
    "cut": "connection_reset",
    "huge": "too_large",
    "not-xml": "invalid_response",
    "html": "invalid_response",
    "doctype": "invalid_response",
    "empty": "invalid_response",
    "redirect-loop": "redirect_loop",
    "redirect-private": "private_address",
}


@pytest.mark.parametrize(("mode", "reason"), FAILURES.items())
def test_while_a_website_fails_its_announcements_stay_with_their_age(
    hub: Reading, mode: str, reason: str
) -> None:
    hub.read("website-1")
    rows(hub.settings, "UPDATE gateway.connected_source SET fetched_at = now() - interval '1 hour'")
    hub.tell(mode)
    assert hub.read("website-1")["reason"] == reason
    answer = hub.client.get("/api/v1/announcements").json()
    assert len(answer["items"]) == 2
    source = next(each for each in answer["sources"] if each["name"] == "website-1")
    assert (source["fresh"], source["reason"]) == (False, reason)
    assert source["age_seconds"] >= 3600
    page = hub.client.get("/pengumuman").text
    assert "Situs web tidak dapat dibaca saat ini" in page
    assert "Pelayanan KTP-el keliling" in page


def test_a_wrong_character_set_and_a_redirect_are_read_all_the_same(hub: Reading) -> None:
    hub.tell("bad-charset")
    assert hub.read("website-1")["reason"] is None
    assert [item["title"] for item in hub.items()] == ["Café “Toba”"]
    hub.tell("redirect")
    assert hub.read("website-1")["detail"] == "2 items"


def test_a_port_on_which_nobody_listens_is_refused(hub: Reading) -> None:
    rows(
        hub.settings,
        "UPDATE gateway.connected_source SET content = content || jsonb_build_object('url', "
        "$1::text) WHERE slug = 'website-2'",
        f"http://127.0.0.1:{free_port()}/",
    )
    assert hub.read("website-2")["reason"] == "connection_refused"
    rows(
        hub.settings,
        "UPDATE gateway.connected_source SET content = content || jsonb_build_object('url', "
        "$1::text) WHERE slug = 'website-2'",
        f"{hub.website}/wp-json/wp/v2/posts",
    )


def test_an_open_breaker_asks_the_website_nothing(hub: Reading) -> None:
    path = "/api/v1/connectors/website/breaker"
    hub.client.put(path, json={"state": "open"}, headers=hub.admin)
    before = len(hub.asked())
    assert hub.read()["reason"] == "breaker_open"
    assert len(hub.asked()) == before


def test_why_a_website_fails_in_words_is_for_administrators(hub: Reading) -> None:
    hub.tell("status-500")
    hub.read()
    for headers, shown in ((hub.admin, True), ({}, False)):
        states = hub.client.get("/api/v1/connectors", headers=headers).json()["items"]
        state = next(each for each in states if each["name"] == "website")
        assert (state["reason"], state["detail"] is not None) == ("status", shown)
    assert hub.client.post("/api/v1/connectors/website/poll").status_code == 401
    unknown = hub.client.post("/api/v1/connectors/none/poll", headers=hub.admin)
    assert unknown.status_code == 404


def test_pages_show_announcements_without_script_or_picture(hub: Reading) -> None:
    hub.read()
    home = hub.client.get("/?lang=en").text
    assert "Announcements" in home
    assert "Pelayanan KTP-el keliling" in home
    listed = hub.client.get("/pengumuman")
    assert "script-src" not in listed.headers["content-security-policy"]
    assert "default-src 'none'" in listed.headers["content-security-policy"]
    one = hub.client.get(f"/pengumuman/{hub.items()[1]['id']}").text
    assert "Layanan daring berhenti" in one
    for forbidden in ("<script", "onclick", "javascript:", "pelacak.example", '<img src="http'):
        assert forbidden not in one
    english = hub.client.get("/pengumuman?lang=en").text
    assert "Mentions services" in english
    missing = hub.client.get("/pengumuman/018f0000-0000-7000-8000-000000000000")
    assert missing.status_code == 404


def test_a_long_list_comes_in_pages(hub: Reading) -> None:
    posts = [
        {
            "id": str(number),
            "title": f"Berita {number}",
            "date": f"2026-01-{number:02}T09:00:00+07:00",
            "html": f"<p>{number}</p>",
        }
        for number in range(1, 13)
    ]
    hub.tell(posts=posts)
    hub.read()
    answer = hub.client.get("/api/v1/announcements?limit=5").json()
    titles = [item["title"] for item in answer["items"]]
    while answer["next"]:
        answer = hub.client.get(answer["next"]).json()
        titles += [item["title"] for item in answer["items"]]
    assert titles == [f"Berita {number}" for number in range(12, 0, -1)]
    page = hub.client.get("/pengumuman").text
    older = page.partition('rel="next"')[0].rpartition('href="')[2].rstrip('" ')
    assert "Berita 1<" in hub.client.get(older.replace("&amp;", "&")).text


def test_two_replicas_ask_a_due_source_once(hub: Reading) -> None:
    """A source that is claimed is nobody else's until it is given back or its lease ends."""
    rows(hub.settings, "UPDATE gateway.connected_source SET due_at = now() - interval '1 s'")
    before = len(hub.asked())

    async def both() -> list[bool]:
        others = [create_app(hub.settings).state for _ in range(2)]
        asked = await asyncio.gather(*(other.rounds.poll_due() for other in others for _ in "123"))
        for other in others:
            await other.rounds.stop()
            await other.database.close()
        return asked

    asked = asyncio.run(both())
    assert sorted(asked) == [False, False, False, True, True, True]
    # The home page leads to the feed: four requests for three sources.
    assert len(hub.asked()) - before == 4


def test_a_late_result_is_dropped(hub: Reading) -> None:
    rows(
        hub.settings,
        "UPDATE gateway.connected_source SET lease_id = gen_random_uuid(), due_at = now() + "
        "interval '1 min' WHERE slug = 'website'",
    )
    busy = hub.client.post("/api/v1/connectors/website/poll", headers=hub.admin)
    assert busy.status_code == 409
    rows(hub.settings, "UPDATE gateway.connected_source SET due_at = now() - interval '1 s'")
    assert hub.read()["reason"] is None


def test_what_is_no_feed_is_told_from_an_empty_one() -> None:
    empty = b'<rss version="2.0"><channel></channel></rss>'
    assert parse_feed(empty, url=URL) == []
    for wrong in (b"", b"[1", b"{}", b'{"code": "rest_no_route"}', b"<a/>", b"\xff\xfe", b"<rss/>"):
        with pytest.raises(FeedParseError):
            parse_feed(wrong, url=URL)


def test_odd_items_are_read_as_far_as_they_go() -> None:
    rss = (
        b"<rss><channel>"
        b"<item><title>A &amp;amp; B</title><link>/a</link><pubDate>kemarin</pubDate></item>"
        b"<item><link>javascript:alert(1)</link><description>Hanya isi</description></item>"
        b"<item></item>"
        b"</channel></rss>"
    )
    first, second = parse_feed(rss, url=URL)
    assert (first.title, first.url, first.published_at) == (
        "A & B",
        "https://situs.example/a",
        None,
    )
    assert (second.title, second.url) == ("Hanya isi", None)
    odd = b'[{"title": {"rendered": "x\\ud800"}, "date": "2026-01-01T00:00:00"}, 3, {}]'
    [post] = parse_feed(odd, url=URL)
    assert post.title == "x"
    assert post.published_at == datetime(2025, 12, 31, 17, tzinfo=UTC)


def test_a_page_names_its_feed_and_not_that_of_comments() -> None:
    page = (
        b"<!doctype html><link rel=alternate type=application/rss+xml href=/comments/feed/>"
        b"<link rel=alternate type=application/rss+xml href=/feed/>"
    )
    assert find_feed_url(page, url="https://situs.example/x") == URL
    assert find_feed_url(b"<html></html>", url=URL) is None
    assert find_feed_url(b'<?xml version="1.0"?><rss/>', url=URL) is None


@pytest.mark.parametrize(
    "written",
    [
        "<script>alert(1)</script>",
        "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
        "<math><mtext><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=a>'>",
        "<a href='JaVaScRiPt:alert(1)'>x</a>",
        "<a href='data:text/html,<script>a</script>'>x</a>",
        "<p style='background:url(https://x.example)' onmouseover=alert(1)>x</p>",
        "<iframe src='https://x.example'></iframe>",
        "<form action='/unggah'><input name=key></form>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    ],
)
def test_nothing_that_acts_is_left_of_what_others_write(written: str) -> None:
    safe = sanitise(written)
    for acting in (
        "script",
        "onerror",
        "onmouseover",
        "<img",
        "style",
        "<iframe",
        "<form",
        "data:",
    ):
        assert acting not in safe.lower()


def test_a_line_is_cut_between_words() -> None:
    assert (
        plain_text("<p>satu dua</p><p>tiga&nbsp;empat</p>", max_length=100) == "satu dua tiga empat"
    )
    assert plain_text("satu dua tiga", max_length=9) == "satu dua…"
    assert plain_text("1 < 2 & 3", max_length=20) == "1 < 2 & 3"


def test_abbreviations_are_told_from_words_by_their_capitals() -> None:
    sip = ServiceNames("sip", "Surat Izin Praktik", "Permit", ("SIP", "izin praktik"))
    words = ServiceMatcher([sip, ServiceNames("nib", "NIB", "NIB", ("nomor induk berusaha",))])
    assert words.find("Acara berjalan sip dan lancar") == []
    assert words.find("Perpanjangan SIP dokter")[0].words == ("SIP",)
    assert words.find("IZIN PRAKTIK BIDAN")[0].words == ("izin praktik",)
    assert [each.service.slug for each in words.find("nomor induk", "berusaha")] == []
