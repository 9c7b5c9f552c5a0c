"""Reads what a website announces: RSS, Atom, or the posts of WordPress as JSON.

Pure: bytes in, items out. XML is read without document types and entities (defusedxml), so a feed
can neither fetch a file nor grow in memory.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any, cast
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.gateway.connectors.announcements.sanitise import plain_text
from services.platform.local_time import JAKARTA

MOST_ITEMS = 100
MOST_HTML = 200_000
"""Characters of one item that are looked at."""

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
DC_DATE = "{http://purl.org/dc/elements/1.1/}date"
FEED_KINDS = frozenset({"application/rss+xml", "application/atom+xml"})

# XML 1.0 knows no other characters; some programs write them all the same.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class FeedParseError(Exception):
    """What came is no feed that can be read."""


@dataclass(frozen=True)
class FeedItem:
    """One announcement as a website gives it."""

    key: str
    """Stands for its id, or its address, or its words: the same item has the same key."""
    title: str
    url: str | None
    published_at: datetime | None
    html: str


def parse_feed(body: bytes, *, url: str) -> list[FeedItem]:
    """The items of a feed, at most 100; `NotAFeedError` where it is none."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    found = _posts(body, url) if start in {b"[", b"{"} else _entries(_parsed(body), url)
    return [item for _, item in zip(range(MOST_ITEMS), found, strict=False)]


def find_feed_url(body: bytes, *, url: str) -> str | None:
    """The feed that a page names in its head (`<link rel="alternate">`); None where it has none."""
    if not re.match(rb"\s*(<!doctype html|<html|<!--|<head)", body[:2000], re.IGNORECASE):
        return None
    finder = _Finder()
    finder.feed(body[:MOST_HTML].decode("utf-8", "replace"))
    return urljoin(url, finder.found) if finder.found else None


class _Finder(HTMLParser):
    """Finds the first feed that a page names, not those of single comments."""

    found: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (
            tag == "link"
            and self.found is None
            and "alternate" in (given.get("rel") or "").lower().split()
            and (given.get("type") or "").lower() in FEED_KINDS
            and "comment" not in (given.get("href") or "")
        ):
            self.found = given.get("href")


def _parsed(body: bytes) -> Element:
    try:
        return fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise FeedParseError("it has a document type or entities, which are not read") from None
    except (ParseError, ValueError, LookupError):
        pass
    try:
        # A wrong or missing encoding, or characters that XML does not know: read what can be read.
        return fromstring(_mended(body), forbid_dtd=True)
    except DefusedXmlException:
        raise FeedParseError("it has a document type or entities, which are not read") from None
    except (ParseError, ValueError, LookupError) as error:
        raise FeedParseError(f"it is neither XML nor JSON: {error}") from None


def _mended(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252", "replace")
    return NOT_XML.sub("", re.sub(r"^\s*<\?xml[^>]*\?>", "", text))


def _entries(root: Element, url: str) -> Iterator[FeedItem]:
    if root.tag == f"{ATOM}feed":
        yield from (item for entry in root.findall(f"{ATOM}entry") if (item := _atom(entry, url)))
        return
    # RSS 2.0 has its items in `channel`, RSS 1.0 beside it; namespaces differ by version.
    channel = root.find("channel")
    if channel is None and not root.tag.endswith("}RDF"):
        raise FeedParseError(f"its root is <{root.tag[:80]}>, neither RSS nor Atom")
    for element in channel if channel is not None else root:
        if _local(element) == "item" and (item := _rss(element, url)):
            yield item


def _rss(element: Element, url: str) -> FeedItem | None:
    parts = {_local(child): child.text or "" for child in reversed(element) if child.text}
    html = next(
        (child.text or "" for child in element if child.tag == CONTENT and child.text),
        parts.get("description", ""),
    )
    when = parts.get("pubDate") or next(
        (child.text or "" for child in element if child.tag == DC_DATE), ""
    )
    return _item(
        given=parts.get("guid", ""),
        title=parts.get("title", ""),
        link=parts.get("link", ""),
        when=when,
        html=html,
        url=url,
    )


def _atom(entry: Element, url: str) -> FeedItem | None:
    link = next(
        (
            each.get("href", "")
            for each in entry.findall(f"{ATOM}link")
            if each.get("rel", "alternate") == "alternate"
        ),
        "",
    )
    return _item(
        given=_text(entry.find(f"{ATOM}id")),
        title=_text(entry.find(f"{ATOM}title")),
        link=link,
        when=_text(entry.find(f"{ATOM}published")) or _text(entry.find(f"{ATOM}updated")),
        html=_text(entry.find(f"{ATOM}content")) or _text(entry.find(f"{ATOM}summary")),
        url=url,
    )


def _posts(body: bytes, url: str) -> Iterator[FeedItem]:
    """The posts of WordPress (`/wp-json/wp/v2/posts`)."""
    try:
        posts = json.loads(body)
    except (ValueError, RecursionError):
        raise FeedParseError("it is neither XML nor JSON") from None
    if not isinstance(posts, list):
        raise FeedParseError("it is JSON, but no list of posts as WordPress gives it")
    for post in cast("list[Any]", posts):
        if not isinstance(post, dict):
            continue
        fields = cast("dict[str, Any]", post)
        when = _string(fields.get("date_gmt"))
        item = _item(
            given=_rendered(fields, "guid") or _string(fields.get("id")),
            title=_rendered(fields, "title"),
            link=_string(fields.get("link")),
            when=f"{when}Z" if when else _string(fields.get("date")),
            html=_rendered(fields, "content") or _rendered(fields, "excerpt"),
            url=url,
        )
        if item is not None:
            yield item


def _item(*, given: str, title: str, link: str, when: str, html: str, url: str) -> FeedItem | None:
    html = html[:MOST_HTML]
    heading = plain_text(title, max_length=300) or plain_text(html, max_length=100)
    if not heading:
        return None
    address = _address(link, url)
    named = given.strip() or address or f"{heading} {when}"
    key = hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()
    return FeedItem(key, heading, address, _moment(when), html)


def _address(link: str, url: str) -> str | None:
    """The item's page; None for what is no address on the web."""
    try:
        address = urljoin(url, link.strip()) if link.strip() else ""
    except ValueError:
        return None
    fits = re.fullmatch(r"https?://[^\s\x00-\x1f\x7f\ud800-\udfff]+", address)
    return address if fits and len(address) <= 2000 else None


def _moment(when: str) -> datetime | None:
    """A date as RSS (RFC 5322) or Atom (RFC 3339) writes it; without a zone, the regency's."""
    when = when.strip()
    try:
        moment = datetime.fromisoformat(when) if when[:4].isdigit() else parsedate_to_datetime(when)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=JAKARTA)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext())


def _local(element: Element) -> str:
    """The name without its namespace, where that is RSS's own or none."""
    namespace, _, name = element.tag.rpartition("}")
    return name if not namespace or "purl.org/rss/1.0/" in f"{namespace}/" else element.tag


def _rendered(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return _string(cast("dict[str, Any]", value).get("rendered")) if isinstance(value, dict) else ""


def _string(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
