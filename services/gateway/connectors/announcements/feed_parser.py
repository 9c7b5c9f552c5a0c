"""Parses feeds: RSS and Atom (`xml_feed.py`), or the posts of WordPress as JSON (`wordpress.py`).

Pure: takes bytes, returns items. A new format is one module with `matches` and `parse_items`, and
one entry of `FORMATS`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import islice
from typing import Protocol
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from services.gateway.connectors.announcements import wordpress, xml_feed
from services.gateway.connectors.announcements.item import (
    MAX_HTML,
    MAX_ITEMS,
    FeedItem,
    FeedParseError,
    key_by_content,
)

__all__ = ["FeedItem", "FeedParseError", "ParsedFeed", "find_feed_url", "is_page", "parse_feed"]

FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml"})


class FeedFormat(Protocol):
    """A module that reads one format."""

    def matches(self, body: bytes) -> bool:
        """Return whether a body is in this format, judged by its beginning."""
        ...

    def parse_items(
        self, body: bytes, url: str, *, zone: ZoneInfo, notices: list[str]
    ) -> Iterator[FeedItem]:
        """Return the items of a feed; `url` is its address, `zone` that of dates without one.

        What could not be read is added to `notices`.
        """
        ...


FORMATS: tuple[FeedFormat, ...] = (wordpress, xml_feed)
"""Known formats; the first that matches reads the body."""


@dataclass(frozen=True)
class ParsedFeed:
    """The items of a feed, and what of it could not be read."""

    items: tuple[FeedItem, ...]
    notices: tuple[str, ...] = ()


def parse_feed(body: bytes, *, url: str, zone: ZoneInfo) -> ParsedFeed:
    """Return the first 100 items of a feed; a date without a zone is in `zone`.

    Raises:
        FeedParseError: The body is not a feed in a known format.
    """
    feed_format = next((each for each in FORMATS if each.matches(body)), None)
    if feed_format is None:
        raise FeedParseError("the body is neither XML nor JSON")
    notices: list[str] = []
    found = feed_format.parse_items(body, url, zone=zone, notices=notices)
    items = tuple(islice(found, MAX_ITEMS + 1))
    if len(items) > MAX_ITEMS:
        notices.append(f"it has more than {MAX_ITEMS} items: the rest was not read")
        items = items[:MAX_ITEMS]
    return ParsedFeed(_with_keys_of_their_own(items), tuple(notices))


def _with_keys_of_their_own(items: tuple[FeedItem, ...]) -> tuple[FeedItem, ...]:
    """Return items of which none takes the place of another with its id and address."""
    counts = Counter(item.key for item in items)
    return tuple(
        item
        if counts[item.key] == 1
        else replace(item, key=key_by_content(item.key, item.title, item.published_at))
        for item in items
    )


def is_page(body: bytes) -> bool:
    """Return whether a body is HTML, judged by its beginning.

    A mark, an XML declaration or a notice of PHP may stand before it.
    """
    first = re.search(rb"<(!doctype html|html|head|rss|feed|rdf:RDF)\b", body[:8_000], re.I)
    return first is not None and first[1].lower() in {b"!doctype html", b"html", b"head"}


def find_feed_url(body: bytes, *, url: str) -> str | None:
    """Return the feed that a page links in its head (`<link rel="alternate">`), or None."""
    if not is_page(body):
        return None
    finder = _FeedLinkFinder()
    finder.feed(body[:MAX_HTML].decode("utf-8", "replace"))
    if not finder.href:
        return None
    return urljoin(urljoin(url, finder.base or ""), finder.href)


class _FeedLinkFinder(HTMLParser):
    """Finds the first feed that a page links, except feeds of comments."""

    href: str | None = None
    base: str | None = None
    """Address to which those of the page are relative, if it names one."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "base" and self.base is None:
            self.base = attributes.get("href")
        if (
            tag == "link"
            and self.href is None
            and "alternate" in (attributes.get("rel") or "").lower().split()
            and (attributes.get("type") or "").lower() in FEED_TYPES
            and "comment" not in (attributes.get("href") or "")
        ):
            self.href = attributes.get("href")
