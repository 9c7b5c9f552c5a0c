"""Incidents of links: opened and closed by rule, or by a person, with updates."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.link_monitoring.reason_texts import in_words, short_title
from services.gateway.webhooks.outbox import keep_change
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.service import API
from services.platform.types import Href, ShortText, Slug, Text

TITLE_OF_LINK = """
-- The titles of a link.
SELECT content ->> 'title' AS title, content ->> 'title_en' AS title_en
FROM gateway.link WHERE region = :region AND slug = :slug
"""

OPEN = """
-- An incident; nothing where the rule has one open on this link already.
INSERT INTO gateway.incident
    (region, id, slug, title, title_en, reason, by_rule, opened_by, opened_at)
VALUES (:region, :id, :slug, :title, :title_en, :reason, :by_rule, :opened_by, :opened_at)
ON CONFLICT (region, slug) WHERE by_rule AND closed_at IS NULL DO NOTHING
RETURNING id
"""

CLOSE_BY_RULE = """
-- Ends the incident that the rule opened; one that a person opened, a person closes.
UPDATE gateway.incident SET closed_at = :now
WHERE region = :region AND slug = :slug AND by_rule AND closed_at IS NULL
RETURNING id
"""

CLOSE = """
-- Ends an incident.
UPDATE gateway.incident SET closed_at = :now
WHERE region = :region AND id = :id AND closed_at IS NULL
"""

ADD_UPDATE = """
-- A line about how an incident goes on.
INSERT INTO gateway.incident_update (region, incident, id, at, text, text_en, written_by)
VALUES (:region, :incident, :id, :at, :text, :text_en, :written_by)
"""

LIST_INCIDENTS = """
-- Incidents with their updates, newest first, from a cursor on.
SELECT id, slug AS link, title, title_en, reason, by_rule, opened_by, opened_at, closed_at, (
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
    """How an incident goes on."""

    id: UUID
    at: AwareDatetime
    text: Text
    text_en: str | None
    written_by: str


class Incident(ApiModel):
    """A time in which a link does not do what citizens need of it."""

    id: UUID
    link: Slug
    title: str
    title_en: str
    reason: str | None = Field(description="Of a link's state, where the rule opened it.")
    by_rule: bool = Field(description="Whether checks opened it; then checks close it too.")
    opened_by: str = Field(description="`rule`, or the agency whose key opened it.")
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    updates: list[IncidentUpdate]
    href: Href


class NewIncident(ApiModel):
    """An incident that a person opens."""

    link: Slug
    title: ShortText
    title_en: ShortText
    text: Text | None = Field(None, description="A first update.")
    text_en: Text | None = None


class NewIncidentUpdate(ApiModel):
    """A line about how an incident goes on."""

    text: Text = Field(min_length=1)
    text_en: Text | None = None
    close: bool = False
    """Whether the incident ends with it."""


async def open_by_rule(
    session: WriteSession,
    region: str,
    slug: str,
    *,
    reason: str | None,
    since: datetime,
    now: datetime,
) -> None:
    """Opens an incident on a link that has failed often enough, once."""
    titles = (await session.execute(text(TITLE_OF_LINK), {"region": region, "slug": slug})).one()
    title = f"{short_title(titles.title)}: {in_words(reason, 'id')}"
    title_en = f"{short_title(titles.title_en)}: {in_words(reason, 'en')}"
    await _open(
        session,
        region,
        slug=slug,
        title=title,
        title_en=title_en,
        reason=reason,
        by_rule=True,
        opened_by="rule",
        opened_at=since,
        now=now,
    )


async def open_by_hand(
    session: WriteSession, region: str, given: NewIncident, *, agency: str, now: datetime
) -> UUID:
    """Opens an incident for a person."""
    incident = await _open(
        session,
        region,
        slug=given.link,
        title=given.title,
        title_en=given.title_en,
        reason=None,
        by_rule=False,
        opened_by=agency,
        opened_at=now,
        now=now,
    )
    if incident is None:
        raise RuntimeError("only the rule's incidents are one per link")
    if given.text:
        await _write(
            session,
            region,
            incident,
            given=NewIncidentUpdate(text=given.text, text_en=given.text_en),
            agency=agency,
            now=now,
        )
    return incident


async def _open(
    session: WriteSession, region: str, *, now: datetime, **incident: Any
) -> UUID | None:
    opened: UUID | None = await session.scalar(
        text(OPEN), {"region": region, "id": new_id()} | incident
    )
    if opened is not None:
        content = {
            "incident": opened,
            "title": incident["title"],
            "title_en": incident["title_en"],
            "reason": incident["reason"],
            "opened_at": incident["opened_at"].isoformat(),
        }
        await keep_change(
            session,
            region,
            kind="incident.opened",
            slug=incident["slug"],
            content=content,
            now=now,
        )
    return opened


async def close_by_rule(session: WriteSession, region: str, slug: str, *, now: datetime) -> None:
    """Closes the incident that the rule opened, if there is one."""
    parameters = {"region": region, "slug": slug, "now": now}
    closed = await session.scalar(text(CLOSE_BY_RULE), parameters)
    if closed is not None:
        await _note_closed(session, region, closed, now=now)


async def update_incident(
    session: WriteSession,
    region: str,
    incident: Incident,
    given: NewIncidentUpdate,
    *,
    agency: str,
    now: datetime,
) -> None:
    """Adds an update; closes the incident with it where that is asked for."""
    await _write(session, region, incident.id, given=given, agency=agency, now=now)
    await keep_change(
        session,
        region,
        kind="incident.updated",
        slug=incident.link,
        content={
            "incident": incident.id,
            "title": incident.title,
            "title_en": incident.title_en,
            "text": given.text,
            "text_en": given.text_en,
        },
        now=now,
    )
    if given.close and incident.closed_at is None:
        await session.execute(text(CLOSE), {"region": region, "id": incident.id, "now": now})
        await _note_closed(session, region, incident.id, now=now)


async def _write(
    session: WriteSession,
    region: str,
    incident: UUID,
    *,
    given: NewIncidentUpdate,
    agency: str,
    now: datetime,
) -> None:
    await session.execute(
        text(ADD_UPDATE),
        {
            "region": region,
            "incident": incident,
            "id": new_id(),
            "at": now,
            "text": given.text,
            "text_en": given.text_en,
            "written_by": agency,
        },
    )


async def _note_closed(
    session: WriteSession, region: str, incident: UUID, *, now: datetime
) -> None:
    closed = await find_incident(session, region, incident)
    if closed is None:
        return
    content = {
        "incident": closed.id,
        "title": closed.title,
        "title_en": closed.title_en,
        "opened_at": closed.opened_at.isoformat(),
        "closed_at": now.isoformat(),
    }
    await keep_change(
        session, region, kind="incident.closed", slug=closed.link, content=content, now=now
    )


async def find_incident(
    session: ReadSession | WriteSession, region: str, incident: UUID
) -> Incident | None:
    """One incident with its updates."""
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
    """Incidents, newest first."""
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
