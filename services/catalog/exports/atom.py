"""Atom feed (RFC 4287) of changed services; withdrawn ones as deleted entries (RFC 6721)."""

from collections.abc import Sequence
from xml.etree import ElementTree

from services.catalog.exports.catalogue import PublishedService
from services.catalog.exports.identifiers import Addresses

ATOM = "http://www.w3.org/2005/Atom"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
NEVER = "1970-01-01T00:00:00+00:00"


def to_atom(changes: Sequence[PublishedService], addresses: Addresses, *, name: str) -> bytes:
    """Return the feed of these changes, the newest first, as XML; `name` is the regency's."""
    ElementTree.register_namespace("", ATOM)
    ElementTree.register_namespace("at", TOMBSTONES)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    _add(feed, "id", addresses.iri("feed", "services"))
    _add(feed, "title", f"Perubahan layanan {name}")
    _add(feed, "updated", changes[0].modified_at.isoformat() if changes else NEVER)
    own = {"rel": "self", "href": addresses.page("/api/v1/exports/changes.atom")}
    ElementTree.SubElement(feed, f"{{{ATOM}}}link", own)
    author = ElementTree.SubElement(feed, f"{{{ATOM}}}author")
    _add(author, "name", f"Pemerintah {name}")
    for change in changes:
        iri = addresses.iri("service", change.service.slug)
        if change.withdrawn:
            entry = ElementTree.SubElement(
                feed,
                f"{{{TOMBSTONES}}}deleted-entry",
                {"ref": iri, "when": change.modified_at.isoformat()},
            )
            comment = ElementTree.SubElement(entry, f"{{{TOMBSTONES}}}comment")
            comment.text = change.service.name
            continue
        entry = ElementTree.SubElement(feed, f"{{{ATOM}}}entry")
        _add(entry, "id", iri)
        _add(entry, "title", change.service.name)
        _add(entry, "updated", change.modified_at.isoformat())
        _add(entry, "published", change.first_published_at.isoformat())
        page = {"href": addresses.page(f"/layanan/{change.service.slug}")}
        ElementTree.SubElement(entry, f"{{{ATOM}}}link", page)
        _add(entry, "summary", change.service.summary)
    return ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)


def _add(parent: ElementTree.Element, name: str, content: str) -> None:
    ElementTree.SubElement(parent, f"{{{ATOM}}}{name}").text = content
