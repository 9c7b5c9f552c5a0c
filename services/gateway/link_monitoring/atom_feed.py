"""The changes of links as an Atom feed (RFC 4287)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import text

from services.gateway.link_monitoring.reason_texts import STATES, in_words, short_title
from services.platform.database import ReadSession
from services.platform.translation import translator

NAMESPACE = "http://www.w3.org/2005/Atom"
ENTRIES = 50

LATEST = """
-- The latest changes of links.
SELECT change.id, change.at, change.kind, change.content,
    coalesce(link.content ->> 'title', change.slug) AS title
FROM gateway.link_change change
LEFT JOIN gateway.link ON link.region = change.region AND link.slug = change.slug
WHERE change.region = :region AND change.kind <> 'statistics.due'
ORDER BY change.id DESC LIMIT :limit
"""

KINDS = {
    "incident.opened": "Gangguan",
    "incident.updated": "Perkembangan gangguan",
    "incident.closed": "Gangguan selesai",
    "maintenance.planned": "Pemeliharaan terjadwal",
    "maintenance.cancelled": "Pemeliharaan berakhir atau dibatalkan",
}


async def changes_feed(session: ReadSession, region: str, *, address: str) -> bytes:
    """The feed; `address` is that of the hub."""
    rows = await session.execute(text(LATEST), {"region": region, "limit": ENTRIES})
    return atom([{**row} for row in rows.mappings()], region=region, address=address)


def atom(changes: Sequence[Mapping[str, Any]], *, region: str, address: str) -> bytes:
    """The feed of these changes, newest first."""
    ElementTree.register_namespace("", NAMESPACE)
    feed = ElementTree.Element(f"{{{NAMESPACE}}}feed")
    updated = changes[0]["at"] if changes else datetime.fromtimestamp(0, UTC)
    _add(feed, "id", f"tag:emall,{region}:status")
    _add(feed, "title", "Status portal layanan")
    _add(feed, "updated", updated.isoformat())
    ElementTree.SubElement(
        feed, f"{{{NAMESPACE}}}link", {"rel": "self", "href": f"{address}/status.atom"}
    )
    author = ElementTree.SubElement(feed, f"{{{NAMESPACE}}}author")
    _add(author, "name", "e-Mall Pelayanan Publik")
    for change in changes:
        entry = ElementTree.SubElement(feed, f"{{{NAMESPACE}}}entry")
        title, summary = words_of(change)
        _add(entry, "id", f"urn:uuid:{change['id']}")
        _add(entry, "title", title)
        _add(entry, "updated", change["at"].isoformat())
        ElementTree.SubElement(entry, f"{{{NAMESPACE}}}link", {"href": f"{address}/status"})
        _add(entry, "summary", summary)
    return ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)


def words_of(change: Mapping[str, Any]) -> tuple[str, str]:
    """A change as a title and a sentence."""
    name, content = short_title(change["title"]), change["content"]
    if change["kind"] == "link.state":
        state = translator("id").translate(STATES[content["state"]])
        return f"{name}: {state}", in_words(content["reason"], "id") or state
    kind = KINDS[change["kind"]]
    said = content.get("text") or content.get("title") or kind
    return f"{name}: {kind.lower()}", said


def _add(parent: ElementTree.Element, name: str, content: str) -> None:
    ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = content
