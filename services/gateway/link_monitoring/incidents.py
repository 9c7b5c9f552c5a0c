"""Incidents of links: opened and closed automatically by checks, or manually, with updates."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.link_monitoring.reason_texts import reason_text, short_title
from services.gateway.webhooks.outbox import record_link_event
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.service import API
from services.platform.types import Href, ShortText, Slug, Text

MONITORING = "monitoring"
"""`opened_by` of an automatic incident."""

TITLE_OF_LINK = """
-- The titles of a link.
SELECT content ->> 'title' AS title, content ->> 'title_en' AS title_en
FROM gateway.link WHERE region = :region AND slug = :slug
"""

INSERT_INCIDENT = """
-- Insert an incident; no row if the link has an open automatic incident already.
INSERT INTO gateway.incident
    (region, id, slug, title, title_en, reason, automatic, opened_by, opened_at)
VALUES (:region, :id, :slug, :title, :title_en, :reason, :automatic, :opened_by, :opened_at)
ON CONFLICT (region, slug) WHERE automatic AND closed_at IS NULL DO NOTHING
RETURNING id
"""

CLOSE_AUTOMATIC = """
-- Close the automatic incident of a link; a manual one is closed manually.
UPDATE gateway.incident SET closed_at = :now
WHERE region = :region AND slug = :slug AND automatic AND closed_at IS NULL
RETURNING id
"""

DELETE_AUTOMATIC = """
-- Delete the open automatic incident of a link if it began then or later, with its updates.
WITH withdrawn AS (
    SELECT id FROM gateway.incident
    WHERE region = :region AND slug = :slug AND automatic AND closed_at IS NULL
        AND opened_at >= :since
), updates AS (
    DELETE FROM gateway.incident_update USING withdrawn
    WHERE region = :region AND incident = withdrawn.id
)
SELECT id FROM withdrawn
"""

DELETE_INCIDENT = """
-- Delete an incident whose updates are deleted.
DELETE FROM gateway.incident WHERE region = :region AND id = :id
"""

CLOSE_INCIDENT = """
-- Close an incident.
UPDATE gateway.incident SET closed_at = :now
WHERE region = :region AND id = :id AND closed_at IS NULL
"""

INSERT_UPDATE = """
-- Add an update to an incident.
INSERT INTO gateway.incident_update (region, incident, id, at, text, text_en, written_by)
VALUES (:region, :incident, :id, :at, :text, :text_en, :written_by)
"""

LIST_INCIDENTS = """
-- Incidents with their updates, newest first, after a cursor.
SELECT id, slug AS link, title, title_en, reason, automatic, opened_by, opened_at, closed_at, (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', u.id, 'at', u.at, 'text', u.text, 'text_en', u.text_en, 'written_by', u.written_by)
        ORDER BY u.id), '[]')
    FROM gateway.incident_update u WHERE u.region = incident.region AND u.incident = incident.id
) AS updates
FROM gateway.incident
WHERE region = :region
    AND (CAST(:id AS uuid) IS NULL OR id = :id)
    AND (CAST(:slug AS text) IS NULL OR slug = :slug)
    AND (CAST(:open AS boolean) IS NULL OR (closed_at IS NULL) = :open)
    AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC LIMIT :limit
"""


class IncidentUpdate(ApiModel):
    """An update of an incident."""

    id: UUID
    at: AwareDatetime
    text: Text
    text_en: str | None = Field(description="The text in English; null if there is none.")
    written_by: str


class Incident(ApiModel):
    """A period in which a link is unavailable or does not work as citizens need."""

    id: UUID
    link: Slug
    title: str
    title_en: str
    reason: str | None = Field(
        description="Reason code of the link's state; null if opened manually."
    )
    automatic: bool = Field(description="Whether checks opened it; then checks close it too.")
    opened_by: str = Field(description="`monitoring`, or the agency whose key opened it.")
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    updates: list[IncidentUpdate] = Field(description="What was told about it, the oldest first.")
    href: Href


class NewIncident(ApiModel):
    """An incident to be opened manually."""

    link: Slug
    title: ShortText
    title_en: ShortText
    text: Text | None = Field(
        None, description="What is known so far; the first update of the incident."
    )
    text_en: Text | None = Field(None, description="The text in English; null if there is none.")


class NewIncidentUpdate(ApiModel):
    """An update to be added to an incident."""

    text: Text = Field(min_length=1)
    text_en: Text | None = Field(None, description="The text in English; null if there is none.")
    close: bool = False
    """Whether to close the incident."""


async def open_automatic_incident(
    session: WriteSession,
    region: str,
    slug: str,
    *,
    reason: str | None,
    since: datetime,
    now: datetime,
) -> None:
    """Open an automatic incident on a link, unless one is open."""
    titles = (await session.execute(text(TITLE_OF_LINK), {"region": region, "slug": slug})).one()
    title = f"{short_title(titles.title)}: {reason_text(reason, 'id')}"
    title_en = f"{short_title(titles.title_en)}: {reason_text(reason, 'en')}"
    await _insert_incident(
        session,
        region,
        slug=slug,
        title=title,
        title_en=title_en,
        reason=reason,
        automatic=True,
        opened_by=MONITORING,
        opened_at=since,
        now=now,
    )


async def open_manual_incident(
    session: WriteSession, region: str, new: NewIncident, *, id_: UUID, agency: str, now: datetime
) -> None:
    """Open an incident for an agency, with its first update if it has a text."""
    incident = await _insert_incident(
        session,
        region,
        id=id_,
        slug=new.link,
        title=new.title,
        title_en=new.title_en,
        reason=None,
        automatic=False,
        opened_by=agency,
        opened_at=now,
        now=now,
    )
    if incident is None:
        raise RuntimeError("only automatic incidents are limited to one per link")
    if new.text:
        update = NewIncidentUpdate(text=new.text, text_en=new.text_en)
        await _insert_update(session, region, incident, update=update, agency=agency, now=now)


async def _insert_incident(
    session: WriteSession, region: str, *, now: datetime, **incident: Any
) -> UUID | None:
    """Insert an incident and its event; None if the link has an open automatic incident."""
    opened: UUID | None = await session.scalar(
        text(INSERT_INCIDENT), {"region": region, "id": new_id()} | incident
    )
    if opened is not None:
        data = {
            "incident": opened,
            "title": incident["title"],
            "title_en": incident["title_en"],
            "reason": incident["reason"],
            "opened_at": incident["opened_at"].isoformat(),
        }
        await record_link_event(
            session,
            region,
            event_type="incident.opened",
            slug=incident["slug"],
            data=data,
            now=now,
        )
    return opened


async def close_automatic_incident(
    session: WriteSession, region: str, slug: str, *, now: datetime
) -> None:
    """Close the automatic incident of a link, if one is open."""
    parameters = {"region": region, "slug": slug, "now": now}
    closed = await session.scalar(text(CLOSE_AUTOMATIC), parameters)
    if closed is not None:
        await _record_closed_event(session, region, closed, now=now)


async def withdraw_automatic_incidents(
    session: WriteSession, region: str, slug: str, *, since: datetime, now: datetime
) -> None:
    """Remove the open automatic incident of a link that began at `since` or later.

    For a failure that was the hub's own. Its webhooks get `incident.closed`, as of any other.
    """
    parameters = {"region": region, "slug": slug, "since": since}
    withdrawn = await session.scalar(text(DELETE_AUTOMATIC), parameters)
    if withdrawn is not None:
        await _record_closed_event(session, region, withdrawn, now=now)
        await session.execute(text(DELETE_INCIDENT), {"region": region, "id": withdrawn})


async def update_incident(
    session: WriteSession,
    region: str,
    incident: Incident,
    update: NewIncidentUpdate,
    *,
    agency: str,
    now: datetime,
) -> None:
    """Add an update to an incident, and close it if `close` is set."""
    await _insert_update(session, region, incident.id, update=update, agency=agency, now=now)
    data = {
        "incident": incident.id,
        "title": incident.title,
        "title_en": incident.title_en,
        "text": update.text,
        "text_en": update.text_en,
    }
    await record_link_event(
        session, region, event_type="incident.updated", slug=incident.link, data=data, now=now
    )
    if update.close and incident.closed_at is None:
        parameters = {"region": region, "id": incident.id, "now": now}
        await session.execute(text(CLOSE_INCIDENT), parameters)
        await _record_closed_event(session, region, incident.id, now=now)


async def _insert_update(
    session: WriteSession,
    region: str,
    incident: UUID,
    *,
    update: NewIncidentUpdate,
    agency: str,
    now: datetime,
) -> None:
    await session.execute(
        text(INSERT_UPDATE),
        {
            "region": region,
            "incident": incident,
            "id": new_id(),
            "at": now,
            "text": update.text,
            "text_en": update.text_en,
            "written_by": agency,
        },
    )


async def _record_closed_event(
    session: WriteSession, region: str, incident: UUID, *, now: datetime
) -> None:
    closed = await find_incident(session, region, incident)
    if closed is None:
        return
    data = {
        "incident": closed.id,
        "title": closed.title,
        "title_en": closed.title_en,
        "opened_at": closed.opened_at.isoformat(),
        "closed_at": now.isoformat(),
    }
    await record_link_event(
        session, region, event_type="incident.closed", slug=closed.link, data=data, now=now
    )


async def find_incident(
    session: ReadSession | WriteSession, region: str, incident: UUID
) -> Incident | None:
    """Return an incident with its updates."""
    found = await list_incidents(session, region, incident=incident, limit=1)
    return found[0] if found else None


async def list_incidents(
    session: ReadSession | WriteSession,
    region: str,
    *,
    incident: UUID | None = None,
    link: str | None = None,
    is_open: bool | None = None,
    cursor: UUID | None = None,
    limit: int,
) -> list[Incident]:
    """Return incidents with their updates, newest first."""
    rows = await session.execute(
        text(LIST_INCIDENTS),
        {
            "region": region,
            "id": incident,
            "slug": link,
            "open": is_open,
            "cursor": cursor,
            "limit": limit,
        },
    )
    return [
        Incident.model_validate({**row, "href": f"{API}/incidents/{row['id']}"})
        for row in rows.mappings()
    ]
