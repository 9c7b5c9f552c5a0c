"""Parses feeds: RSS and Atom (`xml_feed.py`), or the posts of WordPress as JSON (`wordpress.py`).

Pure: takes bytes, returns items. A new format is one module with `matches` and `parse_items`, and
one entry of `FORMATS`.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import islice
from typing import Protocol
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from services.gateway.connectors.announcements import wordpress, xml_feed
from services.gateway.connectors.announcements.item import MAX_HTML, FeedItem, FeedParseError

__all__ = ["FeedItem", "FeedParseError", "find_feed_url", "is_page", "parse_feed"]

MAX_ITEMS = 100
FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml"})


class FeedFormat(Protocol):
    """A module that reads one format."""

    def matches(self, body: bytes) -> bool:
        """Return whether a body is in this format, judged by its beginning."""
        ...

    def parse_items(self, body: bytes, url: str, *, zone: ZoneInfo) -> Iterator[FeedItem]:
        """Return the items of a feed; `url` is its address, `zone` that of dates without one."""
        ...


FORMATS: tuple[FeedFormat, ...] = (wordpress, xml_feed)
"""Known formats; the first that matches reads the body."""


def parse_feed(body: bytes, *, url: str, zone: ZoneInfo) -> list[FeedItem]:
    """Return the first 100 items of a feed; a date without a zone is in `zone`.

    Raises:
        FeedParseError: The body is not a feed in a known format.
    """
    feed_format = next((each for each in FORMATS if each.matches(body)), None)
    if feed_format is None:
        raise FeedParseError("the body is neither XML nor JSON")
    return list(islice(feed_format.parse_items(body, url, zone=zone), MAX_ITEMS))


def is_page(body: bytes) -> bool:
    """Return whether a body is HTML, judged by its beginning."""
    start = re.match(rb"\s*(<!doctype html|<html|<!--|<head)", body[:2000], re.IGNORECASE)
    return start is not None


def find_feed_url(body: bytes, *, url: str) -> str | None:
    """Return the feed that a page links in its head (`<link rel="alternate">`), or None."""
    if not is_page(body):
        return None
    finder = _FeedLinkFinder()
    finder.feed(body[:MAX_HTML].decode("utf-8", "replace"))
    return urljoin(url, finder.href) if finder.href else None


class _FeedLinkFinder(HTMLParser):
    """Finds the first feed that a page links, except feeds of comments."""

    href: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if (
            tag == "link"
            and self.href is None
            and "alternate" in (attributes.get("rel") or "").lower().split()
            and (attributes.get("type") or "").lower() in FEED_TYPES
            and "comment" not in (attributes.get("href") or "")
        ):
            self.href = attributes.get("href")
