"""Atom feed (RFC 4287) of the events of links."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import text

from services.gateway.link_monitoring.reason_texts import STATE_NAMES, reason_text, short_title
from services.platform.database import ReadSession
from services.platform.translation import translator

NAMESPACE = "http://www.w3.org/2005/Atom"
MAX_ENTRIES = 50

LATEST_EVENTS = """
-- The latest events of links.
SELECT event.id, event.occurred_at, event.event_type, event.data,
    coalesce(link.content ->> 'title', event.subject) AS title
FROM gateway.webhook_event event
LEFT JOIN gateway.link ON link.region = event.region AND link.slug = event.subject
WHERE event.region = :region AND event.event_type <> 'statistics.due'
ORDER BY event.id DESC LIMIT :limit
"""

EVENT_TITLES = {
    "incident.opened": "Gangguan",
    "incident.updated": "Perkembangan gangguan",
    "incident.closed": "Gangguan selesai",
    "maintenance.planned": "Pemeliharaan terjadwal",
    "maintenance.cancelled": "Pemeliharaan berakhir atau dibatalkan",
}


async def read_feed(session: ReadSession, region: str, *, address: str) -> bytes:
    """Return the feed of a region; `address` is the hub's base URL."""
    rows = await session.execute(text(LATEST_EVENTS), {"region": region, "limit": MAX_ENTRIES})
    return render_feed([{**row} for row in rows.mappings()], region=region, address=address)


def render_feed(events: Sequence[Mapping[str, Any]], *, region: str, address: str) -> bytes:
    """Return the feed of these events, newest first, as XML."""
    ElementTree.register_namespace("", NAMESPACE)
    feed = ElementTree.Element(f"{{{NAMESPACE}}}feed")
    updated = events[0]["occurred_at"] if events else datetime.fromtimestamp(0, UTC)
    _add(feed, "id", f"tag:emall,{region}:status")
    _add(feed, "title", "Status portal layanan")
    _add(feed, "updated", updated.isoformat())
    ElementTree.SubElement(
        feed, f"{{{NAMESPACE}}}link", {"rel": "self", "href": f"{address}/status.atom"}
    )
    author = ElementTree.SubElement(feed, f"{{{NAMESPACE}}}author")
    _add(author, "name", "e-Mall Pelayanan Publik")
    for event in events:
        entry = ElementTree.SubElement(feed, f"{{{NAMESPACE}}}entry")
        title, summary = _entry_texts(event)
        _add(entry, "id", f"urn:uuid:{event['id']}")
        _add(entry, "title", title)
        _add(entry, "updated", event["occurred_at"].isoformat())
        ElementTree.SubElement(entry, f"{{{NAMESPACE}}}link", {"href": f"{address}/status"})
        _add(entry, "summary", summary)
    return ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)


def _entry_texts(event: Mapping[str, Any]) -> tuple[str, str]:
    """Return the title and the summary of an event's entry."""
    name, data = short_title(event["title"]), event["data"]
    if event["event_type"] == "link.state":
        state = translator("id").translate(STATE_NAMES[data["state"]])
        return f"{name}: {state}", reason_text(data["reason"], "id") or state
    event_title = EVENT_TITLES[event["event_type"]]
    summary = data.get("text") or data.get("title") or event_title
    return f"{name}: {event_title.lower()}", summary


def _add(parent: ElementTree.Element, name: str, content: str) -> None:
    ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = content
