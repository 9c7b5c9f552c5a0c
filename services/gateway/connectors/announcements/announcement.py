"""Turns the items of a feed into announcements as they are stored.

Pure, and laborious for hostile HTML: it is called within limits (`bounded_process`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.gateway.connectors.announcements.feed_parser import parse_feed
from services.gateway.connectors.announcements.item import FeedItem, digest_of
from services.gateway.connectors.announcements.readable_part import ReadablePart
from services.gateway.connectors.announcements.sanitise import MAX_CONTENT, plain_text, sanitise
from services.gateway.connectors.announcements.service_matching import (
    ServiceMatcher,
    ServiceMention,
)

MAX_SUMMARY = 400
MAX_MATCHED = 20_000
"""Characters of an announcement in which services are looked for."""
FIRST_YEAR = 1991
"""Of the web."""
MAX_AHEAD = timedelta(days=1)


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
    """None if the feed says no date that can be known."""
    content: str
    summary: str
    digest: str
    """Digest of title and text, by which the same announcement of two feeds is recognised."""
    mentions: tuple[ServiceMention, ...]


def read_announcements(
    part: ReadablePart, *, url: str, zone: ZoneInfo, matcher: ServiceMatcher, now: datetime
) -> ReadFeed:
    """Return the announcements of a feed; raise `FeedParseError` if it is none."""
    feed = parse_feed(part.body, url=url, zone=zone)
    items = tuple(_announcement(item, matcher, url, now=now) for item in feed.items)
    notices = [*part.notices, *feed.notices]
    if undated := sum(item.published_at is None for item in items):
        notices.append(f"{undated} items have no date that can be one of their publication")
    if cut := sum(len(item.html) > MAX_CONTENT for item in feed.items):
        notices.append(f"the texts of {cut} items were cut after {MAX_CONTENT} characters")
    return ReadFeed(items, tuple(notices))


def publication_date(date: datetime | None, *, now: datetime) -> datetime | None:
    """Return a date as that of a publication; None if it cannot be one.

    A clock that is ahead, or a local time called UTC, may be ahead by a day at most. Programs give
    1970 to a date that they do not know.
    """
    if date is None or date.year < FIRST_YEAR or date > now + MAX_AHEAD:
        return None
    return min(date, now)


def _announcement(
    item: FeedItem, matcher: ServiceMatcher, feed_url: str, *, now: datetime
) -> Announcement:
    content = sanitise(item.html, base=item.url or feed_url)
    plain = plain_text(content, max_length=MAX_MATCHED)
    return Announcement(
        key=item.key,
        title=item.title,
        url=item.url,
        published_at=publication_date(item.published_at, now=now),
        content=content,
        summary=plain_text(content, max_length=MAX_SUMMARY),
        digest=digest_of(f"{item.title}\n{plain}"),
        mentions=tuple(matcher.find(item.title, plain)),
    )
