"""One announcement of a feed, in the form that all feed formats are read into."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from services.gateway.connectors.announcements.sanitise import plain_text

MAX_HTML = 200_000
"""Characters of an item's HTML that are read."""
MAX_URL = 2_000


class FeedParseError(Exception):
    """The response is not a feed in a known format."""


class FeedTooLargeError(FeedParseError):
    """Reading the feed would take too long."""


@dataclass(frozen=True)
class FeedItem:
    """One announcement as its website publishes it."""

    key: str
    """Digest of its id, else of its address, else of its title and date: stable over polls."""
    title: str
    url: str | None
    published_at: datetime | None
    html: str


def create_item(
    *, item_id: str, title: str, link: str, date: str, html: str, feed_url: str, zone: ZoneInfo
) -> FeedItem | None:
    """Return an item from the texts of a feed; None if it has neither a title nor content."""
    html = html[:MAX_HTML]
    heading = plain_text(title, max_length=300) or plain_text(html, max_length=100)
    if not heading:
        return None
    url = web_address(link, feed_url)
    identity = item_id.strip() or url or f"{heading} {date}"
    key = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()
    return FeedItem(key, heading, url, parse_date(date, zone), html)


def web_address(link: str, feed_url: str) -> str | None:
    """Return an item's address, resolved against its feed's; None if it is not http or https."""
    try:
        url = urljoin(feed_url, link.strip()) if link.strip() else ""
    except ValueError:
        return None
    is_web = re.fullmatch(r"https?://[^\s\x00-\x1f\x7f\ud800-\udfff]+", url)
    return url if is_web and len(url) <= MAX_URL else None


def parse_date(text: str, zone: ZoneInfo) -> datetime | None:
    """Return a date as RSS (RFC 5322) or Atom (RFC 3339) writes it, in UTC; None if it is neither.

    A date without a zone is in `zone`.
    """
    text = text.strip()
    try:
        date = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
        if date.tzinfo is None:
            date = date.replace(tzinfo=zone)
        return date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
