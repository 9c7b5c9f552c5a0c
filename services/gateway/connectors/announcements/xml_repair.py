"""Repairs feeds that are not well-formed XML, as programs on the web write them.

Browsers' feed readers show such feeds, so citizens expect them. Nothing is expanded or fetched:
a document type with declarations of its own stays refused.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

from services.gateway.connectors.announcements.item import FeedParseError

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0 allows no other characters; some programs write them nevertheless."""
ROOT = re.compile(r"<(rss|feed|rdf:RDF)\b[^>]*>")
DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*>", re.IGNORECASE)
"""A document type that declares nothing itself, as RSS 0.91 has."""
PARTS = re.compile(r"<!\[CDATA\[.*?\]\]>|&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{1,31})?(;?)", re.S)
PREFIX = re.compile(r"</?([A-Za-z][\w.-]{0,50}):[A-Za-z]")
XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
BEGIN_OF_ITEM = re.compile(r"(?=<(?:item|entry)\b)")
END_OF_ITEM = re.compile(r"</(?:item|entry)\s*>")
ENDS = {"rss": "</channel></rss>", "feed": "</feed>", "rdf:RDF": "</rdf:RDF>"}


def without_utf_16(body: bytes) -> bytes:
    """Return a feed that is written in UTF-16, with or without a mark, in UTF-8."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "ignore").encode()
    if body.startswith((b"<\0", b"\0<")):
        return body.decode("utf-16-le" if body[1] == 0 else "utf-16-be", "ignore").encode()
    return body


@dataclass(frozen=True)
class Repaired:
    """A feed as XML, and whether its end was missing."""

    text: str
    is_cut_off: bool


def repair(body: bytes) -> Repaired | None:
    """Return a feed without what XML forbids, and without a document type.

    None if it has no root element of a feed; raise `FeedParseError` if its document type declares
    something.

    Text before and after the feed is dropped, entities of HTML and bare ampersands are escaped,
    undeclared prefixes are declared, and of a feed that is cut off the whole items are kept.
    """
    text = NOT_XML.sub("", _decode(body))
    root = ROOT.search(text)
    if root is None:
        return None
    if "<!DOCTYPE" in DOCTYPE.sub("", text[: root.start()]).upper():
        raise FeedParseError("a document type or entities are not allowed")
    name = root[1]
    end = text.rfind(f"</{name}>")
    is_cut_off = end < 0
    content = _whole_items(text[root.end() :]) if is_cut_off else text[root.end() : end]
    content = PARTS.sub(_escaped, content)
    closing = ENDS[name] if is_cut_off else f"</{name}>"
    return Repaired(_declared(root[0], content) + content + closing, is_cut_off)


def without_broken_items(text: str, is_xml: Callable[[str], bool]) -> tuple[str, int]:
    """Return a feed with those of its items that are XML each, and the number of the others."""
    root = ROOT.search(text)
    if root is None:
        return "", 0
    items = BEGIN_OF_ITEM.split(_without_comments(text[root.end() :]))[1:]
    items = [item[: end.end() if (end := END_OF_ITEM.search(item)) else None] for item in items]
    begin = _declared(root[0], "".join(items)) + ("<channel>" if root[1] == "rss" else "")
    end = ENDS[root[1]].removeprefix("</channel>" if root[1] == "rdf:RDF" else "")
    kept = [item for item in items if is_xml(f"{begin}{item}{end}")]
    return f"{begin}{''.join(kept)}{end}", len(items) - len(kept)


def _without_comments(text: str) -> str:
    first, *others = text.split("<!--")
    return first + "".join(part.partition("-->")[2] if "-->" in part else part for part in others)


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.end >= len(body) - 3 and len(body) > 3:  # cut off within a character
            return body.decode("utf-8-sig", "ignore")
        return body.decode("cp1252", "replace")


def _whole_items(content: str) -> str:
    ends = (content.rfind(end) + len(end) for end in ("</item>", "</entry>") if end in content)
    return content[: max(ends, default=0)]


def _escaped(part: re.Match[str]) -> str:
    """Return an entity as XML allows it; CDATA as it is."""
    reference, is_closed = part[1], part[2] == ";"
    if part[0].startswith("<") or (is_closed and reference in XML_ENTITIES):
        return part[0]
    if not is_closed or reference is None:
        return "&amp;" + part[0][1:]
    shown = html.unescape(part[0])
    if shown == part[0]:
        return "&amp;" + part[0][1:]
    return html.escape(NOT_XML.sub("", shown))


def _declared(root: str, content: str) -> str:
    """Return the root element with declarations of the prefixes that have none."""
    used = set(PREFIX.findall(content)) - {"xml"}
    missing = sorted(prefix for prefix in used if f"xmlns:{prefix}" not in root + content)
    declarations = "".join(f' xmlns:{prefix}="urn:undeclared:{prefix}"' for prefix in missing)
    return root[:-1] + declarations + root[-1]
