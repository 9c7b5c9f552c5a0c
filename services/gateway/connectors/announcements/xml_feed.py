"""Reads RSS and Atom with feedparser, behind a check that the document is plain XML.

The check (defusedxml) rejects document types and entities, so a feed can neither read a file nor
grow in memory. feedparser gets bytes in a stream: from a string it would open a file or fetch an
address of that name.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError
from zoneinfo import ZoneInfo

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.gateway.connectors.announcements.item import (
    FeedItem,
    FeedParseError,
    FeedTooLargeError,
    create_item,
    web_address,
)
from services.gateway.connectors.announcements.xml_repair import repair

MAX_MARKUP = 100_000
"""Tags and entities of a feed: of either feedparser reads some 200,000 a second. A feed of 2 MiB
whose items hold whole articles has about half of them."""

ATOM_ROOT = "{http://www.w3.org/2005/Atom}feed"


def matches(body: bytes) -> bool:
    """Return whether a body may be XML, in UTF-16 too."""
    return b"<" in body[:1_000]


def parse_items(body: bytes, url: str, *, zone: ZoneInfo, notices: list[str]) -> Iterator[FeedItem]:
    """Return the items of an RSS or Atom feed.

    Raises:
        FeedTooLargeError: The body has too many tags and entities.
        FeedParseError: The body is not well-formed XML even after repair, declares a document type
            or entities, or is another kind of document.
    """
    import feedparser  # noqa: PLC0415 - only processes that read feeds need it

    if body.count(b"<") + body.count(b"&") > MAX_MARKUP:
        raise FeedTooLargeError(f"the feed has more than {MAX_MARKUP} tags and entities")
    document = _checked(body, notices)
    feed: Any = feedparser.parse(
        BytesIO(document),
        response_headers={"content-type": "application/xml", "content-location": url},
        resolve_relative_uris=False,
        sanitize_html=False,  # `sanitise.py` does, when the item is stored.
    )
    is_atom = str(feed.version).startswith("atom")
    for entry in cast("list[dict[str, Any]]", feed.entries):
        base = web_address(_base(entry), url) or url
        item = create_item(
            item_id=str(entry.get("id", "")),
            title=str(entry.get("title", "")),
            link=_link(entry, is_atom=is_atom),
            date=str(entry.get("published") or entry.get("updated") or ""),
            html=_html(entry),
            feed_url=base,
            zone=zone,
        )
        if item is None:
            notices.append("an item without title and content was left out")
        else:
            yield item


def _link(entry: dict[str, Any], *, is_atom: bool) -> str:
    for link in entry.get("links", ()):
        if link.get("rel") == "alternate" and link.get("href"):
            return str(link["href"])
    # The `guid` of RSS is an address unless it says otherwise; an id of Atom is only a name.
    return "" if is_atom else str(entry.get("link", ""))


def _base(entry: dict[str, Any]) -> str:
    """Return the base address (`xml:base`) of an entry's texts; empty if it has none."""
    details = [entry.get("title_detail"), entry.get("summary_detail"), *entry.get("content", ())]
    return next((str(each["base"]) for each in details if each and each.get("base")), "")


def _html(entry: dict[str, Any]) -> str:
    contents = [str(content.get("value") or "") for content in entry.get("content", ())]
    return next(filter(None, contents), str(entry.get("summary", "")))


def _checked(body: bytes, notices: list[str]) -> bytes:
    """Return the body, repaired if necessary, once it is known to be harmless RSS or Atom."""
    root = _parse(body)
    if root is None and (repaired := repair(body)) is not None:
        body = repaired.text.encode()
        if repaired.is_cut_off:
            notices.append("it is cut off: only its whole items were read")
        root = _parse(body)
    if root is None:
        raise FeedParseError("the body is neither well-formed XML nor JSON")
    # RSS 2.0 has its items in `channel`, RSS 1.0 (RDF) beside it.
    is_feed = root.tag == ATOM_ROOT or root.tag.endswith("}RDF")
    if not is_feed and not _has_items(root):
        raise FeedParseError(f"the root element is <{root.tag[:80]}>, neither RSS nor Atom")
    return body


def _has_items(root: Element) -> bool:
    """Return whether a root is that of RSS: with a channel, or with items beside one."""
    return any(child.tag.rpartition("}")[2] in {"channel", "item"} for child in root)


def _parse(body: bytes) -> Element | None:
    """Return the root of an XML document without a document type; None if the body is none."""
    try:
        return fromstring(body, forbid_dtd=True)
    except (DefusedXmlException, ParseError, ValueError, LookupError):
        return None
