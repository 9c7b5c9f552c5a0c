"""Feeds as websites of regencies really write them."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.gateway.connectors.announcements.announcement import Announcement, read_announcements
from services.gateway.connectors.announcements.feed_parser import (
    FeedItem,
    FeedParseError,
    find_feed_url,
    parse_feed,
)
from services.gateway.connectors.announcements.sanitise import sanitise
from services.gateway.connectors.announcements.service_matching import ServiceMatcher
from services.gateway.connectors.announcements.store import list_newest, store_items
from services.platform.database import Database
from services.platform.local_time import DEFAULT_ZONE
from services.platform.settings import Service, Settings

URL = "https://toba.example/feed/"
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
    assert undated.notices == (
        "an item without title and content was left out",
        "the dates of 1 items could not be read",
    )
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


def announcements(body: bytes) -> tuple[Announcement, ...]:
    matcher = ServiceMatcher([])
    return read_announcements(body, url=URL, zone=DEFAULT_ZONE, matcher=matcher).announcements


def stored_titles(settings: Settings, *bodies: bytes) -> list[str]:
    """Store feeds one after the other, and return the titles of the announcements."""

    async def work() -> list[str]:
        database = Database(settings, Service.gateway)
        for body in bodies:
            items, now = announcements(body), datetime.now(UTC)
            async with database.write_session() as session:
                await store_items(session, settings.region, "situs", items, now=now)
        async with database.read_session() as session:
            rows = await list_newest(session, settings.region, limit=50)
        await database.close()
        return sorted(row["title"] for row in rows)

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
