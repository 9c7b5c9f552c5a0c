"""One announcement of a feed, in the form that all feed formats are read into."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from services.gateway.connectors.announcements.dates import parse_date
from services.gateway.connectors.announcements.sanitise import plain_text

MAX_HTML = 200_000
"""Characters of an item's HTML that are read."""
MAX_URL = 2_000
MAX_ITEMS = 100
"""Items of a feed that are read."""


class FeedParseError(Exception):
    """The response is not a feed in a known format."""


@dataclass(frozen=True)
class FeedItem:
    """One announcement as its website publishes it."""

    key: str
    """Digest of its id and address, as far as they are its own, else of its title and date.

    It is the same at every poll. Some programs give all items one id or one address."""
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
    identity = [part for part in (item_id.strip(), url or "") if names_one_page(part)]
    key = digest_of("\n".join(identity or [heading, date]))
    return FeedItem(key, heading, url, parse_date(date, zone), html)


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, which may hold what UTF-8 cannot."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def key_by_content(key: str, title: str, published_at: datetime | None) -> str:
    """Return the key of an item whose id and address are those of others too."""
    return digest_of(f"{key}\n{title}\n{published_at}")


def names_one_page(identity: str) -> bool:
    """Return whether an id or address can be that of one item: the site's own is that of all."""
    site = re.fullmatch(r"https?://[^/?#]*/?#?", identity)
    return bool(identity) and site is None


def web_address(link: str, feed_url: str) -> str | None:
    """Return an item's address, resolved against its feed's; None if it is not http or https."""
    try:
        url = urljoin(feed_url, link.strip()) if link.strip() else ""
    except ValueError:
        return None
    url = url.replace(" ", "%20")  # as browsers do
    is_web = re.fullmatch(r"https?://[^\s\x00-\x1f\x7f\ud800-\udfff]+", url)
    return url if is_web and len(url) <= MAX_URL else None
