"""Feeds as websites of regencies really write them."""

import asyncio
import base64
import json
import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.gateway.connectors.announcements.announcement import (
    Announcement,
    ReadFeed,
    read_announcements,
)
from services.gateway.connectors.announcements.feed_parser import (
    FeedItem,
    FeedParseError,
    find_feed_url,
    parse_feed,
)
from services.gateway.connectors.announcements.readable_part import MAX_BYTES, readable_part
from services.gateway.connectors.announcements.sanitise import sanitise
from services.gateway.connectors.announcements.service_matching import ServiceMatcher
from services.gateway.connectors.announcements.store import list_newest, store_items
from services.platform.database import Database
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Service, Settings
from services.platform.translation import translator

URL = "https://toba.example/feed/"
CHANGED_FEEDS = int(os.environ.get("EMALL_EXAMPLES", "60"))
ITEM = "<item><title>{}</title><link>https://toba.example/{}</link><guid>{}</guid>{}</item>"


def rss(*items: str, before: str = "", after: str = "", attributes: str = "") -> bytes:
    return (
        f'{before}<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"{attributes}>'
        f"<channel>{''.join(items)}</channel></rss>{after}"
    ).encode()


def item(title: str, page: str = "a", guid: str = "g", more: str = "") -> str:
    return ITEM.format(title, page, guid, more)


def read(body: bytes) -> tuple[FeedItem, ...]:
    return parse_feed(body, url=URL, zone=DEFAULT_ZONE).items


NOTICE = "<br />\n<b>Warning</b>:  Undefined variable $x in <b>/x.php</b> on line <b>3</b><br />\n"

BROKEN = {
    "an entity of HTML": (rss(item("Libur&nbsp;bersama &ndash; 2026")), "Libur bersama – 2026"),
    "an entity without its end": (rss(item("Dinas A &amp B")), "Dinas A & B"),
    "a bare ampersand": (rss(item("Dinas A & B", "?p=1&lang=id")), "Dinas A & B"),
    "a name that is no entity": (rss(item("A &tidakada; B")), "A &tidakada; B"),
    "a prefix that nobody declared": (
        rss(item("Foto", more='<media:content url="x"/><slash:comments>0</slash:comments>')),
        "Foto",
    ),
    "a notice of PHP before it": (rss(item("Pemadaman air"), before=NOTICE), "Pemadaman air"),
    "empty lines before it": (rss(item("Pemadaman air"), before="\n\n  "), "Pemadaman air"),
    "a script after it": (rss(item("Air"), after="<script>var a = 1 && 2;</script>"), "Air"),
    "a reference to a control character": (rss(item("Rapat&#16; kerja")), "Rapat kerja"),
    "a control character": (rss(item("Rapat\x0b kerja")), "Rapat kerja"),
    "a stray byte": (rss(item("Jadwal RANDOM layanan")).replace(b"RANDOM", b"\xe9"), "Jadwal é"),
    "a document type without entities": (
        b'<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        b'"http://n.example/rss-0.91.dtd"><rss version="0.91"><channel>'
        + item("Air").encode()
        + b"</channel></rss>",
        "Air",
    ),
    "entities inside CDATA stay as written": (
        rss(item("<![CDATA[Dinas A & B &nbsp;]]>", more="&nbsp;")),
        "Dinas A & B",
    ),
    "items beside the channel": (
        b'<rss version="2.0"><channel><title>x</title></channel>'
        + item("Air").encode()
        + b"</rss>",
        "Air",
    ),
}


@pytest.mark.parametrize(("body", "title"), BROKEN.values(), ids=BROKEN)
def test_a_feed_that_is_no_xml_is_read_as_readers_read_it(body: bytes, title: str) -> None:
    [found] = read(body)
    assert found.title.startswith(title)


@pytest.mark.parametrize("length", [-10, -20, -60])
def test_of_a_feed_that_is_cut_off_the_whole_items_are_read(length: int) -> None:
    body = rss(item("Satu", "1", "1"), item("Dua é", "2", "2"))
    found = [each.title for each in read(body[:length])]
    assert found[:1] == ["Satu"]
    assert set(found) <= {"Satu", "Dua é"}


def test_what_could_not_be_read_is_named() -> None:
    cut = parse_feed(rss(item("Satu"), item("Dua"))[:-60], url=URL, zone=DEFAULT_ZONE)
    assert "cut off" in cut.notices[0]
    empty = "<item></item>"
    undated = parse_feed(rss(empty, item("Satu")), url=URL, zone=DEFAULT_ZONE)
    assert undated.notices == ("an item without title and content was left out",)
    many = rss(*(item(f"Nomor {number}", str(number)) for number in range(101)))
    assert "more than 100" in parse_feed(many, url=URL, zone=DEFAULT_ZONE).notices[0]


@pytest.mark.parametrize(
    "declared",
    [
        '[<!ENTITY x "aaaaaaaaaa"><!ENTITY y "&x;&x;&x;">]',
        ' SYSTEM "http://x.example/a.dtd" [<!ENTITY x SYSTEM "file:///etc/passwd">]',
        '\n[\n<!ENTITY x "aaaaaaaaaa">]',
    ],
)
@pytest.mark.parametrize("more", ["", "&nbsp;"])
def test_entities_of_its_own_are_never_expanded(declared: str, more: str) -> None:
    body = f'<?xml version="1.0"?><!DOCTYPE rss {declared}>'.encode() + rss(
        item(f"&x;{more}")
    ).removeprefix(b'<?xml version="1.0" encoding="UTF-8"?>')
    with pytest.raises(FeedParseError):
        read(body)


MORNING = datetime(2025, 8, 14, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Kamis, 14 Agustus 2025 08:00:00 +0700", MORNING),
        ("Kam, 14 Agu 2025 08:00:00 +07:00", MORNING),
        ("Kam, 14 Agt 2025 08:00:00 WIB", MORNING),
        ("14 Agustus 2025 08:00 WIB", MORNING),
        ("14 Agustus 2025, pukul 08.00 WIB", MORNING),
        ("14-08-2025 08:00", MORNING),
        ("14/08/2025 08:00:00", MORNING),
        ("14.08.2025 08:00", MORNING),
        ("14 Agustus 2025 10:00 WIT", MORNING),
        ("14 Agustus 2025 09:00 WITA", MORNING),
        ("Thu, 14 Aug 2025 01:00:00 -0000", MORNING),
        ("Thu, 14 Aug 2025 01:00:00 GMT", MORNING),
        ("2025-08-14T08:00:00+07:00", MORNING),
        ("2025-08-14 08:00:00", MORNING),
        ("Jum'at, 15 Agustus 2025", datetime(2025, 8, 14, 17, tzinfo=UTC)),
        *(
            (f"Sen, 02 {month} 2025 08:00:00 +0700", datetime(2025, number, 2, 1, tzinfo=UTC))
            for month, number in (
                ("Mei", 5), ("Okt", 10), ("Oktober", 10), ("Des", 12), ("Desember", 12),
                ("Agustus", 8), ("Pebruari", 2), ("Nopember", 11), ("Mar", 3), ("Jan", 1),
            )
        ),
    ],
)  # fmt: skip
def test_dates_are_read_as_indonesian_programs_write_them(written: str, expected: datetime) -> None:
    [found] = read(rss(item("t", more=f"<pubDate>{written}</pubDate>")))
    assert found.published_at == expected


@pytest.mark.parametrize(
    "written", ["kemarin", "32 Agustus 2025", "14 Foo 2025", "14 Agustus", "14 Agustus 2025 25:00"]
)
def test_what_is_no_date_is_not_guessed(written: str) -> None:
    [found] = read(rss(item("t", more=f"<pubDate>{written}</pubDate>")))
    assert found.published_at is None


def test_relative_links_lead_to_the_documents_of_the_website() -> None:
    base = "https://toba.example/berita/1"
    written = (
        '<a href="/berkas/a.pdf">a</a><a href="b.pdf">b</a><a href="//lain.example/c">c</a>'
        '<a href="#d">d</a><a href="mailto:x@toba.example">e</a>'
        '<a href=" javascript:alert(1)">f</a><a href="java\tscript:alert(1)">g</a>'
        '<a href="file:///etc/passwd">h</a>'
    )
    safe = sanitise(written, base=base)
    for address in (
        "https://toba.example/berkas/a.pdf",
        "https://toba.example/berita/b.pdf",
        "https://lain.example/c",
        "https://toba.example/berita/1#d",
        "mailto:x@toba.example",
    ):
        assert f'href="{address}"' in safe
    assert "script:" not in safe
    assert "file:" not in safe


def test_addresses_are_those_that_a_browser_would_open() -> None:
    blank, guid = read(
        rss(
            "<item><title>v</title><link>https://toba.example/unduh/daftar hadir.html</link>"
            "</item>",
            '<item><title>u</title><guid isPermaLink="true">https://toba.example/p/1</guid></item>',
        )
    )
    assert blank.url == "https://toba.example/unduh/daftar%20hadir.html"
    assert guid.url == "https://toba.example/p/1"
    [entry] = read(
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://toba.example/blog/"><entry>'
        b'<id>1</id><title>t</title><link href="p1"/><content type="xhtml">'
        b'<div xmlns="http://www.w3.org/1999/xhtml"><p>satu</p><p>dua</p></div></content>'
        b"</entry></feed>"
    )
    assert entry.url == "https://toba.example/blog/p1"


@pytest.mark.parametrize(
    "broken",
    [
        item("X", "2", "2", "<description><p>satu<br>dua</p></description>"),
        item("X", "2", "2", "<description>biaya < 10 ribu</description>"),
        item("X", "2", "2", "<description><![CDATA[a ]]> b</b> ]]></description>"),
        item("X", "2", "2", "<description><![CDATA[a</description>"),
        item("X", "2", "2", "<enclosure url=x.mp3 />"),
        "<item><title>X<link>https://toba.example/2</link></item>",
        "<item><title>X</title><link>https://toba.example/2</link>",
    ],
)
def test_of_a_broken_item_only_that_item_is_lost_and_the_source_says_so(broken: str) -> None:
    feed = as_read(rss(item("Satu", "1", "1"), broken, item("Tiga", "3", "3")))
    assert [each.title for each in feed.announcements] == ["Satu", "Tiga"]
    assert "1 items could not be read" in feed.notices[0]


@pytest.mark.parametrize(
    "body",
    [
        rss(item("Satu", "1", "1"), "</item>", item("Dua", "2", "2")),
        rss(item("Satu", "1", "1")) + rss(item("Dua", "2", "2")),
        rss(item("Satu", "1", "1"), "<!-- lama ", item("Dua", "2", "2")),
        rss(item("Satu", "1", "1"), f"<!-- {item('Lama')} -->", "</p>", item("Dua", "2", "2")),
        f'<rdf:RDF xmlns:rdf="r"><channel/></p>{item("Satu")}{item("Dua")}</rdf:RDF>'.encode(),
        b"<feed xmlns='http://www.w3.org/2005/Atom'></p><entry><title>Satu</title></entry>"
        b"<entry><title>Dua</title></entry></feed>",
    ],
)
def test_whole_items_are_read_whatever_is_wrong_between_them(body: bytes) -> None:
    feed = as_read(body)
    assert [each.title for each in feed.announcements] == ["Satu", "Dua"]
    assert "not well-formed" in feed.notices[0]


def test_very_many_items_and_comments_without_an_end_are_refused() -> None:
    with pytest.raises(FeedParseError):
        as_read(rss(*["<item><p>"] * 20_000, *["<!--"] * 20_000))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="UTF-16"?>'])
def test_a_feed_in_utf_16_is_read_with_and_without_a_mark(encoding: str, declared: str) -> None:
    body = rss(item("Libur – é")).decode().partition("?>")[2]
    [found] = read((declared + body).encode(encoding))
    assert found.title == "Libur – é"


def test_an_address_that_is_none_of_the_web_is_named() -> None:
    feed = as_read(rss("<item><title>A</title><link>javascript:alert(1)</link></item>"))
    assert feed.announcements[0].url is None
    assert "javascript" in feed.notices[0]


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-01-05t08:00:00z", "08:00"),
        ("2026-01-05T08:00:60Z", "08:00"),
        ("2026-01-05 08:00:00.5+07:00", "01:00"),
        ("2026-01-05T08:00:00 07:00", "01:00"),
        ("2026-01-05T08:00-0000", "08:00"),
        ("2026/01/05 08:00", "01:00"),
        ("Senin, 05/01/2026 - 08:00", "01:00"),
        ("05 Jan 2026 08:00:00 GMT+7", "01:00"),
        ("05 Jan 2026 08:00 UTC+07:00", "01:00"),
        ("05 Jan 2026 08:00:00 +07", "01:00"),
    ],
)
def test_dates_are_read_in_every_form_that_says_one_moment(written: str, at: str) -> None:
    [found] = read(rss(dated("A", written)))
    assert f"{found.published_at:%Y-%m-%d %H:%M}" == f"2026-01-05 {at}"


LINK = '<link rel="alternate" type="application/rss+xml" href="{}">'


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE html>",
        "\ufeff<!DOCTYPE html>",
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 '
        'Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
        NOTICE + "<!DOCTYPE html>",
        "<!-- dibuat dengan tema -->\n<!DOCTYPE html>",
    ],
)
def test_a_page_names_its_feed_whatever_stands_before_it(before: str) -> None:
    page = f"{before}<html><head>{LINK.format('/feed')}</head></html>".encode()
    assert find_feed_url(page, url="https://toba.example/") == "https://toba.example/feed"


def test_the_feed_of_a_page_is_relative_to_its_base() -> None:
    page = f'<html><head><base href="/situs/">{LINK.format("feed")}</head></html>'.encode()
    assert find_feed_url(page, url="https://toba.example/") == "https://toba.example/situs/feed"


def as_read(body: bytes, *, is_cut: bool = False, now: datetime | None = None) -> ReadFeed:
    return read_announcements(
        readable_part(body, is_cut=is_cut),
        url=URL,
        zone=DEFAULT_ZONE,
        matcher=ServiceMatcher([]),
        now=now or datetime.now(UTC),
    )


def announcements(body: bytes) -> tuple[Announcement, ...]:
    return as_read(body).announcements


def stored_titles(settings: Settings, *bodies: bytes) -> list[str]:
    """Store feeds one after the other, and return the titles of the announcements."""
    return sorted(row["title"] for row in stored(settings, *bodies))


def stored(settings: Settings, *bodies: bytes) -> list[dict[str, Any]]:
    """Store feeds one after the other, and return the announcements as they are listed."""

    async def work() -> list[dict[str, Any]]:
        database = Database(settings, Service.gateway)
        for body in bodies:
            items, now = announcements(body), datetime.now(UTC)
            async with database.write_session() as session:
                await store_items(session, settings.region, "situs", items, now=now)
        async with database.read_session() as session:
            rows = await list_newest(session, settings.region, limit=50, now=datetime.now(UTC))
        await database.close()
        return rows

    return asyncio.run(work())


@pytest.mark.parametrize("guid", ["https://toba.example", "https://toba.example/", "0", ""])
def test_items_that_share_an_id_are_announcements_of_their_own(empty: Settings, guid: str) -> None:
    first = rss(item("KTP keliling", "1", guid, "<description>satu</description>"),
                item("Pemadaman air", "2", guid, "<description>dua</description>"))  # fmt: skip
    second = rss(item("Seleksi CASN", "3", guid, "<description>tiga</description>"))
    third = rss(item("KTP keliling (baru)", "1", guid, "<description>satu b</description>"))
    assert stored_titles(empty, first, second, third) == [
        "KTP keliling (baru)",
        "Pemadaman air",
        "Seleksi CASN",
    ]


@pytest.mark.parametrize("page", ["", "berita"])
def test_items_that_share_an_address_are_announcements_of_their_own(
    empty: Settings, page: str
) -> None:
    first = rss(item("KTP keliling", page, "1"), item("Pemadaman air", page, "2"))
    second = rss(item("Seleksi CASN", page, "3"))
    assert stored_titles(empty, first, second) == ["KTP keliling", "Pemadaman air", "Seleksi CASN"]


INDONESIAN_MONTHS = tuple(translator("id").month_name(number) for number in range(1, 13))

PICTURE = base64.b64encode(bytes(range(256)) * 12_000).decode()


def post(title: str, html: str = "isi") -> dict[str, Any]:
    return {"id": title, "title": {"rendered": title}, "content": {"rendered": html}}


def with_picture(html: str, kind: str) -> bytes:
    """Return a feed of which the first item has a picture of 4 MB written into it."""
    if kind == "json":
        return json.dumps([post("Satu", html), post("Dua")]).replace("/", "\\/").encode()
    if kind == "cdata":
        text = f"<![CDATA[{html}]]>"
    else:
        text = html.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    items = item("Satu", "1", "1", f"<description>{text}</description>"), item("Dua", "2", "2")
    return rss(*items)


@pytest.mark.parametrize("kind", ["json", "cdata", "escaped"])
@pytest.mark.parametrize(
    "source",
    [
        f"data:image/png;base64,{PICTURE}",
        f"data:image/svg+xml;charset=utf-8;base64,{PICTURE}",
        f"data:image/jpeg;base64,{PICTURE[:-3].replace('/', '%2F')}",
    ],
)
def test_a_picture_in_a_text_leaves_room_for_the_items_after_it(kind: str, source: str) -> None:
    html = f'<p>Sebelum <img src="{source}" alt="x"> sesudah</p>'
    feed = as_read(with_picture(html, kind))
    assert [each.title for each in feed.announcements] == ["Satu", "Dua"]
    assert feed.announcements[0].summary == "Sebelum sesudah"
    assert not any("larger" in notice for notice in feed.notices)


def test_a_text_about_base64_is_no_picture() -> None:
    html = "<p>Tulis ;base64,AAAA lalu data:,BBBB</p>"
    body = rss(item("Satu", more=f"<description><![CDATA[{html}]]></description>"))
    [found] = as_read(body).announcements
    assert found.summary == "Tulis ;base64,AAAA lalu data:,BBBB"


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_of_a_large_feed_the_whole_items_before_the_bound_are_read(kind: str) -> None:
    text = "kata " * 100_000
    if kind == "json":
        body = json.dumps([post(f"Nomor {n}", text) for n in range(8)]).encode()
    else:
        more = f"<description>{text}</description>"
        body = rss(*(item(f"Nomor {n}", str(n), str(n), more) for n in range(8)))
    assert len(body) > MAX_BYTES
    feed = as_read(body)
    assert [each.title for each in feed.announcements] == [f"Nomor {n}" for n in range(4)]
    told = " ".join(feed.notices)
    assert "larger than the hub reads" in told
    assert "only its whole items were read" in told
    assert "the texts of 4 items were cut" in told


def test_a_feed_of_very_many_items_is_read_to_the_hundredth() -> None:
    feed = as_read(rss(*(item(f"Nomor {n}", str(n), str(n)) for n in range(15_000))))
    assert len(feed.announcements) == 100
    assert "more than 100 items" in " ".join(feed.notices)
    assert not any("cut off" in notice for notice in feed.notices)


def test_a_feed_in_utf_16_that_is_cut_off_is_read_too() -> None:
    body = rss(item("Satu", "1", "1"), item("Dua", "2", "2")).decode()
    cut = body.replace('encoding="UTF-8"', "").encode("utf-16")[:-120]
    assert [each.title for each in read(cut)] == ["Satu"]


def test_of_a_response_that_was_cut_the_source_says_so() -> None:
    feed = as_read(rss(item("Satu", "1", "1"), item("Dua", "2", "2"))[:-60], is_cut=True)
    assert [each.title for each in feed.announcements] == ["Satu"]
    assert "larger than the hub reads" in feed.notices[0]


def test_items_with_the_id_and_address_of_others_are_announcements_of_their_own(
    empty: Settings,
) -> None:
    first = rss(dated("KTP keliling", "05-01-2026", "0"), dated("Pemadaman air", "06-01-2026", "0"))
    second = rss(dated("Seleksi CASN", "07-01-2026", "0"))
    third = rss(dated("Libur", "08-01-2026", "0"), dated("Seleksi CASN", "07-01-2026", "0"))
    assert stored_titles(empty, first, second, third, second) == [
        "KTP keliling", "Libur", "Pemadaman air", "Seleksi CASN",
    ]  # fmt: skip


@pytest.mark.parametrize("later", ["07-01-2026", ""])
def test_a_single_item_that_changes_title_or_date_is_the_same(empty: Settings, later: str) -> None:
    first, second = dated("Air", "05-01-2026"), dated("Air", later)
    retitled = dated("Air bersih", "05-01-2026", "Air")
    assert stored_titles(empty, rss(first), rss(second), rss(retitled)) == ["Air bersih"]


def test_a_single_item_that_changes_title_and_date_is_another(empty: Settings) -> None:
    first, second = dated("Air", "05-01-2026", "x"), dated("Listrik", "06-01-2026", "x")
    assert stored_titles(empty, rss(first), rss(second), rss(second)) == ["Air", "Listrik"]


def dated(title: str, date: str, page: str = "") -> str:
    return item(title, page or title, page or title, f"<pubDate>{date}</pubDate>")


@pytest.mark.parametrize(
    "date",
    ["", "kemarin", "Wed, 30 Nov -0001 00:00:00 +0000", "Thu, 01 Jan 1970 00:00:00 +0000",
     "Fri, 01 Jan 2100 00:00:00 +0700", "0000-00-00 00:00:00", "14 Agustus"],
)  # fmt: skip
def test_a_date_that_is_not_known_is_not_today(empty: Settings, date: str) -> None:
    feed = rss(
        dated("Tanpa tanggal", date),
        dated("Lama", "Mon, 05 Jan 2015 08:00:00 +0700"),
        dated("Lain tanpa tanggal", date),
        dated("Baru", "Mon, 05 Jan 2026 08:00:00 +0700"),
    )
    rows = stored(empty, feed)
    # Those without a date last, in the order of their feed.
    assert [row["title"] for row in rows] == ["Baru", "Lama", "Tanpa tanggal", "Lain tanpa tanggal"]
    assert [row["published_at"] is None for row in rows] == [False, False, True, True]
    assert "2 items have no date" in " ".join(as_read(feed).notices)


def test_a_date_that_a_feed_says_later_is_stored_and_stays(empty: Settings) -> None:
    date = "Mon, 05 Jan 2026 08:00:00 +0700"
    [row] = stored(empty, rss(dated("A", "?")), rss(dated("A", date)), rss(dated("A", "?")))
    assert row["published_at"] == datetime(2026, 1, 5, 1, tzinfo=UTC)


def test_a_clock_that_is_ahead_is_now_at_most() -> None:
    now = datetime(2026, 1, 5, 1, tzinfo=UTC)
    [found] = as_read(rss(dated("A", "Mon, 05 Jan 2026 08:00:00 GMT")), now=now).announcements
    assert found.published_at == now
    later = as_read(rss(dated("A", "Mon, 05 Jan 2026 08:00:00 GMT")), now=now - timedelta(days=2))
    assert later.announcements[0].published_at is None


def mutate(rng: random.Random) -> tuple[bytes, dict[str, datetime | None]]:
    """Return a feed changed at random, and the items that its website shows with their dates."""
    count = rng.randrange(1, 7)
    dates = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=rng.randrange(5_000)) for _ in
             range(count)]  # fmt: skip
    shown: dict[str, datetime | None] = {}
    items: list[str] = []
    posts: list[dict[str, Any]] = []
    for n, date in enumerate(dates):
        title = f"Pengumuman {n} é"
        local = date.astimezone(DEFAULT_ZONE)
        written, known = rng.choice(
            [
                (f"{date:%a, %d %b %Y %H:%M:%S} +0000", date),
                (f"{local.day} {INDONESIAN_MONTHS[local.month - 1]} {local:%Y %H:%M} WIB", date),
                (f"{local:%d-%m-%Y %H:%M}", date),
                ("", None),
                ("minggu lalu", None),
            ]
        )
        text = rng.choice(["isi", "A &amp; B", "<![CDATA[<p>isi</p>]]>"])
        if rng.random() < 0.02:
            text = "kata " * 14_000
        guid = rng.choice([str(n), "0", "https://toba.example", ""])
        page = rng.choice([str(n), "berita"])
        more = f"<pubDate>{written}</pubDate><description>{text} {n}</description>"
        items.append(item(title, page, guid, more))
        posts.append(post(title, f"{text} {n}") | {"date_gmt": f"{date:%Y-%m-%dT%H:%M:%S}"})
        shown[title] = known
    change = rng.randrange(12)
    if change == 0:
        shown = {post["title"]["rendered"]: date for post, date in zip(posts, dates, strict=True)}
        body = json.dumps(posts).encode()
        return (body[: -rng.randrange(1, 40)] if rng.random() < 0.5 else body), shown
    if change == 1:
        items.append("<item></item>")
        shown[""] = None
    body = rss(*items, before=NOTICE if change == 2 else "", after="<!-- x -->" * (change == 3))
    text = body.decode()
    if change == 9:
        text = text.replace("<description>", rng.choice(["<description><br>", "<br></p>"]), 1)
    if change == 10:
        text = text.replace("</item>", "", 1)
    if change == 4:
        text = text.replace("isi", "isi &nbsp; & lain \x0b")
    if change == 5:
        return text.replace("UTF-8", "ISO-8859-1").encode("latin-1", "replace"), shown
    if change == 6:
        return text.encode("latin-1", "replace"), shown
    if change == 7:
        return text.replace('encoding="UTF-8"', "").encode(
            rng.choice(["utf-16", "utf-16-le", "utf-16-be"])
        ), shown
    body = text.encode()
    return (body[: rng.randrange(len(body) // 2, len(body))] if change == 8 else body), shown


@pytest.mark.slow
def test_of_changed_feeds_what_is_stored_is_shown_or_something_is_named(empty: Settings) -> None:
    """`EMALL_EXAMPLES=500` is the thorough run."""
    matcher, now = ServiceMatcher([]), datetime(2026, 11, 1, tzinfo=UTC)
    whole = named = refused = 0

    async def store_and_list(seed: int, feed: ReadFeed) -> list[dict[str, Any]]:
        region = f"r{seed}"
        async with database.write_session() as session:
            await store_items(session, region, "situs", feed.announcements, now=now)
        async with database.read_session() as session:
            return await list_newest(session, region, limit=50, now=datetime.now(UTC))

    with asyncio.Runner() as runner:
        database = Database(empty, Service.gateway)
        for seed in range(CHANGED_FEEDS):
            body, shown = mutate(random.Random(seed))
            try:
                feed = read_announcements(
                    readable_part(body, is_cut=False),
                    url=URL, zone=DEFAULT_ZONE, matcher=matcher, now=now,
                )  # fmt: skip
            except FeedParseError as error:
                refused += bool(str(error))
                continue
            rows = runner.run(store_and_list(seed, feed))
            found = {row["title"]: row["published_at"] for row in rows}
            assert len(rows) == len(feed.announcements), seed
            assert found.items() <= shown.items(), seed
            complete = found.keys() == shown.keys()
            dated = all(found.values())
            cut = any(len(each.content) > 60_000 - 100 for each in feed.announcements)
            assert feed.notices or (complete and dated and not cut), seed
            whole += not feed.notices
            named += bool(feed.notices)
        runner.run(database.close())
    assert whole + named + refused == CHANGED_FEEDS
    assert min(whole, named) > CHANGED_FEEDS // 10
    assert refused < CHANGED_FEEDS // 10
