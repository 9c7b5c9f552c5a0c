"""Announcements of websites: fetched, sanitised, stored once, matched, readable during outages."""

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.connectors.announcements.feed_parser import (
    FeedParseError,
    ParsedFeed,
    find_feed_url,
    parse_feed,
)
from services.gateway.connectors.announcements.sanitise import plain_text, sanitise
from services.gateway.connectors.announcements.service_matching import ServiceMatcher, ServiceNames
from services.gateway.connectors.mocks.website import POSTS, create_website_mock
from services.gateway.connectors.pack import ConnectorFile, load_connectors
from services.platform.database import Database
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Service, Settings
from tests.conftest import Hub, Server
from tests.gateway.parts import close_parts
from tests.gateway.source_rows import (
    delete_announcements,
    forget_dates,
    lease_source,
    make_last_polls_an_hour_old,
    make_sources_due,
    reset_sources,
    set_source_url,
)
from tests.servers import LOOPBACK, free_port, serving

URL = "https://situs.example/feed/"


def feed(slug: str, url: str) -> dict[str, Any]:
    return {"slug": slug, "title": "Situs", "title_en": "Site", "url": url, "sources": ["study"]}


def store_connectors(settings: Settings, **parts: Any) -> None:
    """Store these sources, as loading a pack does."""

    async def work() -> None:
        database = Database(settings, Service.gateway)
        async with database.write_session() as session:
            await load_connectors(session, settings.region, ConnectorFile.model_validate(parts))
        await database.close()

    asyncio.run(work())


@dataclass
class PollingHub(Hub):
    """A hub that polls a mock server on demand."""

    website: str
    admin: dict[str, str]

    def set_mode(self, mode: str = "ok", **more: Any) -> None:
        answer = LOOPBACK.put(f"{self.website}/mock", json={"mode": mode, **more})
        assert answer.status_code == 200

    def received(self) -> list[dict[str, Any]]:
        return LOOPBACK.get(f"{self.website}/mock").json()["received"]

    def poll(self, slug: str = "website") -> dict[str, Any]:
        answer = self.client.post(f"/api/v1/connectors/{slug}/poll", headers=self.admin)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v1/announcements", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


@contextmanager
def polling_hub(settings: Settings, website: str, *paths: str) -> Generator[PollingHub]:
    more = {"ssrf_allowed_hosts": frozenset({"127.0.0.1"}), "connector_timeout_seconds": 0.8}
    chosen = settings.model_copy(update=more)
    feeds = [
        feed("website" if not number else f"website-{number}", f"{website}{path}")
        for number, path in enumerate(paths)
    ]
    store_connectors(chosen, feeds=feeds)
    with TestClient(create_app(chosen), follow_redirects=False) as client:
        hub = PollingHub(client, chosen, website, {})
        hub.admin = hub.auth("diskominfo", "admin")
        yield hub


@pytest.fixture(scope="module")
def website() -> Iterator[str]:
    with serving(create_website_mock(), grace=0) as address:
        yield address


@pytest.fixture(scope="module")
def shared_hub(server: Server, toba: str, website: str) -> Iterator[PollingHub]:
    """One hub for the tests of this file; each test starts without announcements."""
    with (
        server.database_from(toba) as name,
        polling_hub(server.settings(name), website, "/", "/atom", "/wp-json/wp/v2/posts") as hub,
    ):
        yield hub


@pytest.fixture
def hub(shared_hub: PollingHub) -> PollingHub:
    shared_hub.set_mode("ok", posts=list(POSTS))
    delete_announcements(shared_hub.settings)
    reset_sources(shared_hub.settings)
    for slug in ("website", "website-1", "website-2"):
        override = {"state": "closed"}
        path = f"/api/v1/connectors/{slug}/breaker"
        assert (
            shared_hub.client.put(path, json=override, headers=shared_hub.admin).status_code == 200
        )
    return shared_hub


@pytest.mark.slow
def test_a_home_page_leads_to_its_feed_whose_items_are_stored(hub: PollingHub) -> None:
    state = hub.poll()
    assert (state["reason"], state["detail"]) == (None, "2 items")
    first, second = hub.items()
    assert first["title"] == "Pelayanan KTP-el keliling di Kecamatan Porsea"
    assert first["published_at"] == "2026-02-03T02:00:00Z"
    assert first["url"] == f"{hub.website}/?p=101"
    assert first["content"] == (
        "<p>Perekaman <strong>KTP-el</strong> dan akta kelahiran di kantor camat.</p>"
    )
    assert second["summary"] == "Layanan daring berhenti pukul 22.00. Selengkapnya"


def test_an_announcement_lists_the_services_it_mentions_and_the_matched_words(
    hub: PollingHub,
) -> None:
    hub.poll()
    named = {each["service"]: each["words"] for each in hub.items()[0]["services"]}
    assert "akta kelahiran" in [word.lower() for word in named["akta-kelahiran"]]
    assert [item["title"] for item in hub.items(service="akta-kelahiran")] == [
        "Pelayanan KTP-el keliling di Kecamatan Porsea"
    ]
    assert hub.items(service="pbg") == []


@pytest.mark.slow
def test_a_search_finds_the_announcements_that_have_all_its_words(hub: PollingHub) -> None:
    hub.poll()
    title = "Pelayanan KTP-el keliling di Kecamatan Porsea"
    assert title in hub.client.get("/cari?q=pelayanan+keliling+porsea").text
    assert title not in hub.client.get("/cari?q=pelayanan+keliling+balige").text


@pytest.mark.slow
def test_an_unmodified_feed_is_not_sent_again(hub: PollingHub) -> None:
    hub.poll()
    before = len(hub.received())
    assert hub.poll()["detail"] == "not modified"
    [request] = hub.received()[before:]
    assert (request["path"], "if-none-match" in request["headers"]) == ("/feed/", True)
    assert len(hub.items()) == 2


@pytest.mark.slow
def test_the_same_announcement_in_three_feeds_is_stored_once(hub: PollingHub) -> None:
    for slug in ("website", "website-1", "website-2"):
        assert hub.poll(slug)["reason"] is None
    assert len(hub.items()) == 2


@pytest.mark.slow
def test_an_announcement_under_another_address_with_the_same_words_is_stored_once(
    hub: PollingHub,
) -> None:
    post = {"title": "Sama", "date": "2026-02-03T09:00:00+07:00", "html": "<p>Isi</p>"}
    hub.set_mode(posts=[post | {"id": "1"}, post | {"id": "2"}])
    hub.poll()
    assert len(hub.items()) == 1


@pytest.mark.slow
def test_a_changed_item_updates_the_announcement_under_its_address(hub: PollingHub) -> None:
    post = {"id": "9", "title": "Lama", "date": "2026-02-03T09:00:00+07:00", "html": "<p>A</p>"}
    hub.set_mode(posts=[post])
    hub.poll()
    [before] = hub.items()
    hub.set_mode(posts=[post | {"title": "Baru"}])
    hub.poll()
    [after] = hub.items()
    assert (after["title"], after["id"]) == ("Baru", before["id"])
    assert after["changed_at"] > before["changed_at"]
    assert hub.client.get(after["href"]).json() == after


FAILURES = {
    "status-404": "status",
    "status-500": "status",
    "status-503": "status",
    "slow": "timeout",
    "slow-body": "timeout",
    "truncated": "connection_reset",
    "huge": "too_large",
    "not-xml": "invalid_response",
    "html": "invalid_response",
    "doctype": "invalid_response",
    "empty": "invalid_response",
    "redirect-loop": "redirect_loop",
    "redirect-private": "private_address",
}


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "reason"), FAILURES.items())
def test_while_a_website_fails_its_announcements_stay_with_their_age(
    hub: PollingHub, mode: str, reason: str
) -> None:
    hub.poll("website-1")
    make_last_polls_an_hour_old(hub.settings)
    hub.set_mode(mode)
    assert hub.poll("website-1")["reason"] == reason
    answer = hub.client.get("/api/v1/announcements").json()
    assert len(answer["items"]) == 2
    source = next(each for each in answer["sources"] if each["name"] == "website-1")
    assert (source["fresh"], source["reason"]) == (False, reason)
    assert source["age_seconds"] >= 3600
    page = hub.client.get("/pengumuman").text
    assert "Situs web tidak dapat dibaca saat ini" in page
    assert "Pelayanan KTP-el keliling" in page


@pytest.mark.slow
def test_a_wrong_character_set_and_a_redirect_are_accepted(hub: PollingHub) -> None:
    hub.set_mode("bad-charset")
    assert hub.poll("website-1")["reason"] is None
    assert [item["title"] for item in hub.items()] == ["Café “Toba”"]
    hub.set_mode("redirect")
    assert hub.poll("website-1")["detail"] == "2 items"


def test_a_closed_port_is_a_refused_connection(hub: PollingHub) -> None:
    set_source_url(hub.settings, "website-2", f"http://127.0.0.1:{free_port()}/")
    assert hub.poll("website-2")["reason"] == "connection_refused"
    set_source_url(hub.settings, "website-2", f"{hub.website}/wp-json/wp/v2/posts")


def test_an_open_breaker_sends_no_request(hub: PollingHub) -> None:
    path = "/api/v1/connectors/website/breaker"
    hub.client.put(path, json={"state": "open"}, headers=hub.admin)
    before = len(hub.received())
    assert hub.poll()["reason"] == "breaker_open"
    assert len(hub.received()) == before


def test_the_detail_of_a_failure_is_only_for_administrators(hub: PollingHub) -> None:
    hub.set_mode("status-500")
    hub.poll()
    for headers, shown in ((hub.admin, True), ({}, False)):
        states = hub.client.get("/api/v1/connectors", headers=headers).json()["items"]
        state = next(each for each in states if each["name"] == "website")
        assert (state["reason"], state["detail"] is not None) == ("status", shown)
    assert hub.client.post("/api/v1/connectors/website/poll").status_code == 401
    unknown = hub.client.post("/api/v1/connectors/none/poll", headers=hub.admin)
    assert unknown.status_code == 404


@pytest.mark.slow
def test_pages_show_announcements_without_script_or_picture(hub: PollingHub) -> None:
    hub.poll()
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


@pytest.mark.slow
def test_pages_say_that_a_date_is_not_known(hub: PollingHub) -> None:
    hub.poll()
    forget_dates(hub.settings)
    [first, _] = hub.items()
    assert first["published_at"] is None
    for path in ("/", "/pengumuman", f"/pengumuman/{first['id']}"):
        assert "tanggal tidak diketahui" in hub.client.get(path).text
        assert "date not known" in hub.client.get(f"{path}?lang=en").text


@pytest.mark.slow
def test_a_long_list_comes_in_pages(hub: PollingHub) -> None:
    posts = [
        {
            "id": str(number),
            "title": f"Berita {number}",
            "date": f"2026-01-{number:02}T09:00:00+07:00",
            "html": f"<p>{number}</p>",
        }
        for number in range(1, 13)
    ]
    hub.set_mode(posts=posts)
    hub.poll()
    answer = hub.client.get("/api/v1/announcements?limit=5").json()
    titles = [item["title"] for item in answer["items"]]
    while answer["next"]:
        answer = hub.client.get(answer["next"]).json()
        titles += [item["title"] for item in answer["items"]]
    assert titles == [f"Berita {number}" for number in range(12, 0, -1)]
    page = hub.client.get("/pengumuman").text
    older = page.partition('rel="next"')[0].rpartition('href="')[2].rstrip('" ')
    assert "Berita 1<" in hub.client.get(older.replace("&amp;", "&")).text


@pytest.mark.slow
def test_two_replicas_poll_a_due_source_once(hub: PollingHub) -> None:
    """A leased source is not polled by another replica until its lease is released or expires."""
    make_sources_due(hub.settings)
    before = len(hub.received())

    async def poll_concurrently() -> list[bool]:
        others = [create_app(hub.settings) for _ in range(2)]
        polled = await asyncio.gather(
            *(other.state.source_poller.poll_due() for other in others for _ in "123")
        )
        for other in others:
            await close_parts(other)
        return polled

    polled = asyncio.run(poll_concurrently())
    assert sorted(polled) == [False, False, False, True, True, True]
    # The home page leads to the feed: four requests for three sources.
    assert len(hub.received()) - before == 4


@pytest.mark.slow
def test_a_late_result_is_dropped(hub: PollingHub) -> None:
    lease_source(hub.settings, "website")
    busy = hub.client.post("/api/v1/connectors/website/poll", headers=hub.admin)
    assert busy.status_code == 409
    make_sources_due(hub.settings)
    assert hub.poll()["reason"] is None


def test_a_body_that_is_no_feed_differs_from_an_empty_feed() -> None:
    empty = b'<rss version="2.0"><channel></channel></rss>'
    assert parse_feed(empty, url=URL, zone=DEFAULT_ZONE).items == ()
    for wrong in (b"", b"[1", b"{}", b'{"code": "rest_no_route"}', b"<a/>", b"\xff\xfe", b"<rss/>"):
        with pytest.raises(FeedParseError):
            parse_feed(wrong, url=URL, zone=DEFAULT_ZONE)


@pytest.mark.parametrize(
    "markup",
    ["<a/>", "<item><title>b</title></item>", "&lt;b&gt;", "&#38;", "<![CDATA[a]]>", "<!---->"],
)
def test_of_a_feed_of_too_much_markup_the_beginning_is_read(markup: str) -> None:
    def feed_of(count: int) -> ParsedFeed:
        item = f"<item><title>a</title><link>http://a</link></item>{markup * count}"
        body = f'<rss version="2.0"><channel>{item}</channel></rss>'.encode()
        return parse_feed(body, url=URL, zone=DEFAULT_ZONE)

    assert feed_of(10).items
    large = feed_of(60_001)
    assert large.items[0].title == "a"
    assert any("it has more than" in notice for notice in large.notices)


def test_a_body_is_never_taken_for_a_file_or_an_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """feedparser opens a text that is a file's name, and fetches one that is an address."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "<rss>").write_text(
        "<rss><channel><item><title>Rahasia</title></item></channel></rss>"
    )
    for body in (b"<rss>", str(tmp_path / "<rss>").encode(), b"http://127.0.0.1:1/<rss>"):
        with pytest.raises(FeedParseError):
            parse_feed(body, url=URL, zone=DEFAULT_ZONE)


def test_escaped_markup_stays_text_and_addresses_follow_the_formats_rules() -> None:
    rss = (
        b'<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        b"<item><title>A</title><guid>https://situs.example/?p=1</guid><description>ringkas"
        b"</description><content:encoded>&lt;p&gt;tulis &amp;lt;b&amp;gt;&lt;/p&gt;"
        b"</content:encoded></item>"
        b'<item><title>B</title><guid isPermaLink="false">x</guid></item></channel></rss>'
    )
    permalink, without = parse_feed(rss, url=URL, zone=DEFAULT_ZONE).items
    assert (permalink.url, without.url) == ("https://situs.example/?p=1", None)
    assert permalink.html == "<p>tulis &lt;b&gt;</p>"
    atom = (
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://lain.example/">'
        b"<entry><id>urn:x</id><title>A</title><link rel='self' href='/s'/><link href='a'/>"
        b"<updated>2026-02-03</updated><summary>s</summary></entry>"
        b"<entry><id>https://situs.example/id</id><title>B</title></entry></feed>"
    )
    linked, named = parse_feed(atom, url=URL, zone=DEFAULT_ZONE).items
    assert (linked.url, named.url) == ("https://lain.example/a", None)
    # A date without a zone is in the regency's.
    assert linked.published_at == datetime(2026, 2, 2, 17, tzinfo=UTC)


def test_rss_1_0_is_read_too() -> None:
    rdf = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        b'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        b"<channel><title>x</title></channel><item><title>R</title><link>/r</link>"
        b"<dc:date>2026-02-03T09:00:00+07:00</dc:date></item></rdf:RDF>"
    )
    [item] = parse_feed(rdf, url=URL, zone=DEFAULT_ZONE).items
    assert (item.title, item.url) == ("R", "https://situs.example/r")
    assert item.published_at == datetime(2026, 2, 3, 2, tzinfo=UTC)


def test_incomplete_items_are_read_as_far_as_possible() -> None:
    rss = (
        b"<rss><channel>"
        b"<item><title>A &amp;amp; B</title><link>/a</link><pubDate>kemarin</pubDate></item>"
        b"<item><link>javascript:alert(1)</link><description>Hanya isi</description></item>"
        b"<item></item>"
        b"</channel></rss>"
    )
    first, second = parse_feed(rss, url=URL, zone=DEFAULT_ZONE).items
    assert (first.title, first.url, first.published_at) == (
        "A & B",
        "https://situs.example/a",
        None,
    )
    assert (second.title, second.url) == ("Hanya isi", None)
    odd = b'[{"title": {"rendered": "x\\ud800"}, "date": "2026-01-01T00:00:00"}, 3, {}]'
    [post] = parse_feed(odd, url=URL, zone=DEFAULT_ZONE).items
    assert post.title == "x"
    assert post.published_at == datetime(2025, 12, 31, 17, tzinfo=UTC)


def test_the_feed_of_a_page_is_found_and_not_that_of_comments() -> None:
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
def test_active_content_is_removed_from_html(written: str) -> None:
    safe = sanitise(written, base="https://toba.example/berita/1")
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


def test_abbreviations_are_distinguished_from_words_by_their_capitals() -> None:
    sip = ServiceNames("sip", "Surat Izin Praktik", "Permit", ("SIP", "izin praktik"))
    words = ServiceMatcher([sip, ServiceNames("nib", "NIB", "NIB", ("nomor induk berusaha",))])
    assert words.find("Acara berjalan sip dan lancar") == []
    assert words.find("Perpanjangan SIP dokter")[0].words == ("SIP",)
    assert words.find("IZIN PRAKTIK BIDAN")[0].words == ("izin praktik",)
    assert [each.service.slug for each in words.find("nomor induk", "berusaha")] == []
