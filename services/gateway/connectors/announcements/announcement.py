"""Turns the items of a feed into announcements as they are stored.

Pure, and laborious for hostile HTML: it is called within limits (`bounded_process`).
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.gateway.connectors.announcements.feed_parser import parse_feed
from services.gateway.connectors.announcements.item import FeedItem, digest_of
from services.gateway.connectors.announcements.sanitise import plain_text, sanitise
from services.gateway.connectors.announcements.service_matching import (
    ServiceMatcher,
    ServiceMention,
)

MAX_SUMMARY = 400
MAX_MATCHED = 20_000
"""Characters of an announcement in which services are looked for."""


@dataclass(frozen=True)
class ReadFeed:
    """The announcements of a feed, and what of it could not be read."""

    announcements: tuple["Announcement", ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Announcement:
    """An item with safe HTML, its text and the services that it mentions."""

    key: str
    title: str
    url: str | None
    published_at: datetime | None
    content: str
    summary: str
    digest: str
    """Digest of title and text, by which the same announcement of two feeds is recognised."""
    mentions: tuple[ServiceMention, ...]


def read_announcements(
    body: bytes, *, url: str, zone: ZoneInfo, matcher: ServiceMatcher
) -> ReadFeed:
    """Return the announcements of a feed; raise `FeedParseError` if it is none."""
    feed = parse_feed(body, url=url, zone=zone)
    return ReadFeed(tuple(_announcement(item, matcher, url) for item in feed.items), feed.notices)


def _announcement(item: FeedItem, matcher: ServiceMatcher, feed_url: str) -> Announcement:
    content = sanitise(item.html, base=item.url or feed_url)
    plain = plain_text(content, max_length=MAX_MATCHED)
    return Announcement(
        key=item.key,
        title=item.title,
        url=item.url,
        published_at=item.published_at,
        content=content,
        summary=plain_text(content, max_length=MAX_SUMMARY),
        digest=digest_of(f"{item.title}\n{plain}"),
        mentions=tuple(matcher.find(item.title, plain)),
    )
