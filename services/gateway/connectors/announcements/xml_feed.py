"""Reads RSS and Atom with feedparser, behind a check that the document is plain XML.

The check (defusedxml) rejects document types and entities, so a feed can neither read a file nor
grow in memory. feedparser gets bytes in a stream: from a string it would open a file or fetch an
address of that name.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError
from zoneinfo import ZoneInfo

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.gateway.connectors.announcements.item import (
    MAX_ITEMS,
    FeedItem,
    FeedParseError,
    create_item,
    web_address,
)
from services.gateway.connectors.announcements.xml_repair import (
    repair,
    without_broken_items,
    without_utf_16,
)

MAX_MARKUP = 60_000
"""Tags and entities that are read: of either feedparser reads some 100,000 a second."""
MARKUP = re.compile(b"[<&]")
END_OF_ITEM = re.compile(rb"</(?:item|entry)\s*>")

ATOM_ROOT = "{http://www.w3.org/2005/Atom}feed"


def matches(body: bytes) -> bool:
    """Return whether a body may be XML, in UTF-16 too."""
    return b"<" in body[:1_000]


def parse_items(body: bytes, url: str, *, zone: ZoneInfo, notices: list[str]) -> Iterator[FeedItem]:
    """Return the items of an RSS or Atom feed.

    Raises:
        FeedParseError: The body is not well-formed XML even after repair, declares a document type
            or entities, or is another kind of document.
    """
    import feedparser  # noqa: PLC0415 - only processes that read feeds need it

    body = without_utf_16(body)
    # One more than are wanted, which tells that there are more.
    if (end := _end_of(END_OF_ITEM, body, MAX_ITEMS + 1)) is not None:
        body = body[:end]
    if (end_of_markup := _end_of(MARKUP, body, MAX_MARKUP)) is not None:
        notices.append(f"it has more than {MAX_MARKUP} tags and entities: the rest was not read")
        body = body[: end_of_markup - 1]
    document, count = _checked(
        body, notices, is_cut_here=end is not None or end_of_markup is not None
    )
    feed: Any = feedparser.parse(
        BytesIO(document),
        response_headers={"content-type": "application/xml", "content-location": url},
        resolve_relative_uris=False,
        sanitize_html=False,  # `sanitise.py` does, when the item is stored.
    )
    is_atom = str(feed.version).startswith("atom")
    entries = cast("list[dict[str, Any]]", feed.entries)
    if len(entries) < count:
        notices.append(f"{count - len(entries)} items could not be read")
    for entry in entries:
        base = web_address(_base(entry), url) or url
        link = _link(entry, is_atom=is_atom)
        item = create_item(
            item_id=str(entry.get("id", "")),
            title=str(entry.get("title", "")),
            link=link,
            date=str(entry.get("published") or entry.get("updated") or ""),
            html=_html(entry),
            feed_url=base,
            zone=zone,
        )
        if item is None:
            notices.append("an item without title and content was left out")
            continue
        if item.url is None and link.strip():
            notices.append(f"the address {link.strip()[:80]!r} of an item is none of the web")
        yield item


def _end_of(pattern: re.Pattern[bytes], body: bytes, number: int) -> int | None:
    """Return where the match with this number ends, counted from 1; None if there are fewer."""
    found = next(islice(pattern.finditer(body), number - 1, None), None)
    return None if found is None else found.end()


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


def _checked(body: bytes, notices: list[str], *, is_cut_here: bool) -> tuple[bytes, int]:
    """Return the body, repaired if necessary, once it is known to be harmless RSS or Atom.

    Return also how many items it has.
    """
    root = _parse(body)
    if root is None and (repaired := repair(body)) is not None:
        body = repaired.text.encode()
        if repaired.is_cut_off and not is_cut_here:
            notices.append("it is cut off: only its whole items were read")
        root = _parse(body)
        if root is None:
            kept, broken = without_broken_items(
                repaired.text, lambda text: _parse(text.encode()) is not None
            )
            if (root := _parse(kept.encode())) is not None and _count_items(root):
                notices.append(f"it is not well-formed XML: {broken} items could not be read")
                body = kept.encode()
            else:
                root = None
    if root is None and is_cut_here:
        raise FeedParseError(f"no item is whole within {MAX_MARKUP} tags and entities")
    if root is None:
        raise FeedParseError("the body is neither well-formed XML nor JSON")
    # RSS 2.0 has its items in `channel`, RSS 1.0 (RDF) beside it.
    is_feed = root.tag == ATOM_ROOT or root.tag.endswith("}RDF")
    if not is_feed and not _has_items(root):
        raise FeedParseError(f"the root element is <{root.tag[:80]}>, neither RSS nor Atom")
    return body, _count_items(root)


def _count_items(root: Element) -> int:
    """Return the number of items of a feed, which are in its root or in a channel."""
    parents = [root, *(child for child in root if _local_name(child) == "channel")]
    return sum(_local_name(child) in {"item", "entry"} for parent in parents for child in parent)


def _local_name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _has_items(root: Element) -> bool:
    """Return whether a root is that of RSS: with a channel, or with items beside one."""
    return any(_local_name(child) in {"channel", "item"} for child in root)


def _parse(body: bytes) -> Element | None:
    """Return the root of an XML document without a document type; None if the body is none."""
    try:
        return fromstring(body, forbid_dtd=True)
    except (DefusedXmlException, ParseError, ValueError, LookupError):
        return None
