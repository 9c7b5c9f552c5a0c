"""Atom feed (RFC 4287) of announcements."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree

from services.gateway.connectors.announcements.routes import Announcement

NAMESPACE = "http://www.w3.org/2005/Atom"
MAX_ENTRIES = 50
HUB = "e-Mall Pelayanan Publik"


def render_feed(
    items: Sequence[Announcement], *, region: str, address: str, agencies: Mapping[str, str]
) -> bytes:
    """Return the feed of these announcements, newest first, as XML; `address` is the hub's."""
    ElementTree.register_namespace("", NAMESPACE)
    feed = ElementTree.Element(f"{{{NAMESPACE}}}feed", {"xml:lang": "id"})
    updated = max((item.changed_at for item in items), default=datetime.fromtimestamp(0, UTC))
    _add(feed, "id", f"tag:emall,{region}:pengumuman")
    _add(feed, "title", "Pengumuman")
    _add(feed, "updated", updated.isoformat())
    _add(feed, "link", None, rel="self", href=f"{address}/pengumuman.atom")
    _add(feed, "link", None, rel="alternate", href=f"{address}/pengumuman")
    _add(_add(feed, "author"), "name", HUB)
    for item in items:
        entry = _add(feed, "entry")
        _add(entry, "id", f"urn:uuid:{item.id}")
        _add(entry, "title", item.title)
        _add(entry, "updated", item.changed_at.isoformat())
        if item.published_at is not None:
            _add(entry, "published", item.published_at.isoformat())
        _add(entry, "link", None, rel="alternate", href=f"{address}/pengumuman/{item.id}")
        if item.agency is not None:
            _add(_add(entry, "author"), "name", agencies.get(item.agency, item.agency))
        _add(entry, "summary", item.summary)
        _add(entry, "content", item.content, type="html")
    return ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)


def _add(
    parent: ElementTree.Element, name: str, content: str | None = None, **attributes: str
) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
    element.text = content
    return element
