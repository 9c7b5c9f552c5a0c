"""Reads the posts of WordPress (`/wp-json/wp/v2/posts`)."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast
from zoneinfo import ZoneInfo

from services.gateway.connectors.announcements.item import FeedItem, FeedParseError, create_item

DECODER = json.JSONDecoder()
NEXT_POST = re.compile(r"[\s,]*")
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
    for post in _posts(body, notices):
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


def _posts(body: bytes, notices: list[str]) -> list[Any]:
    """Return the members of a list; of one that is cut off those that are whole."""
    try:
        posts = json.loads(body)
    except (ValueError, RecursionError):
        posts = _whole_posts(body.decode("utf-8-sig", "replace"))
        if not any(isinstance(post, dict) for post in posts):
            raise FeedParseError("the body is neither XML nor JSON") from None
        notices.append("it is cut off: only its whole items were read")
    if not isinstance(posts, list):
        raise FeedParseError("the body is JSON, but not a list of WordPress posts")
    return cast("list[Any]", posts)[:MAX_POSTS]


def _whole_posts(text: str) -> list[Any]:
    posts: list[Any] = []
    position = text.find("[") + 1
    if not position or text[: position - 1].strip():
        return posts
    with suppress(ValueError, RecursionError):
        while len(posts) < MAX_POSTS:
            start = NEXT_POST.match(text, position)
            post, position = DECODER.raw_decode(text, position if start is None else start.end())
            posts.append(post)
    return posts


def _rendered(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return _text(cast("dict[str, Any]", value).get("rendered")) if isinstance(value, dict) else ""


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
