"""Reads the posts of WordPress (`/wp-json/wp/v2/posts`)."""

import json
from collections.abc import Iterator
from typing import Any, cast
from zoneinfo import ZoneInfo

from services.gateway.connectors.announcements.item import FeedItem, FeedParseError, create_item

MAX_POSTS = 1_000
"""Posts that are looked at; WordPress sends at most a hundred."""


def matches(body: bytes) -> bool:
    """Return whether a body is read as JSON."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"[", b"{"}


def parse_items(body: bytes, url: str, *, zone: ZoneInfo, notices: list[str]) -> Iterator[FeedItem]:
    """Return the posts of a JSON response.

    Raises:
        FeedParseError: The body is not JSON, or not a list.
    """
    try:
        posts = json.loads(body)
    except (ValueError, RecursionError):
        raise FeedParseError("the body is neither XML nor JSON") from None
    if not isinstance(posts, list):
        raise FeedParseError("the body is JSON, but not a list of WordPress posts")
    for post in cast("list[Any]", posts)[:MAX_POSTS]:
        if not isinstance(post, dict):
            notices.append("an entry that is no post was left out")
            continue
        fields = cast("dict[str, Any]", post)
        date = _text(fields.get("date_gmt"))
        item = create_item(
            item_id=_rendered(fields, "guid") or _text(fields.get("id")),
            title=_rendered(fields, "title"),
            link=_text(fields.get("link")),
            date=f"{date}Z" if date else _text(fields.get("date")),
            html=_rendered(fields, "content") or _rendered(fields, "excerpt"),
            feed_url=url,
            zone=zone,
        )
        if item is None:
            notices.append("an item without title and content was left out")
        else:
            yield item


def _rendered(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return _text(cast("dict[str, Any]", value).get("rendered")) if isinstance(value, dict) else ""


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
