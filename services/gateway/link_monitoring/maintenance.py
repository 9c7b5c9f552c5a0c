"""Planned maintenance of links: it opens no incident and does not count as downtime."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.webhooks.outbox import record_link_event
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.types import Slug, Text, UtcDatetime

INSERT_MAINTENANCE = """
-- Insert a maintenance window.
INSERT INTO gateway.maintenance
    (region, id, slug, starts_at, ends_at, text, text_en, planned_by)
VALUES (:region, :id, :slug, :starts_at, :ends_at, :text, :text_en, :planned_by)
"""

DELETE_UPCOMING = """
-- Delete a window that has not begun.
DELETE FROM gateway.maintenance WHERE region = :region AND id = :id AND starts_at > :now
RETURNING slug
"""

END_CURRENT = """
-- End a window that has begun.
UPDATE gateway.maintenance SET ends_at = greatest(:now, starts_at + interval '1 second')
WHERE region = :region AND id = :id AND ends_at > :now
RETURNING slug
"""

SELECT_MAINTENANCE = """
-- A window.
SELECT id, slug AS link, starts_at, ends_at, text, text_en, planned_by FROM gateway.maintenance
WHERE region = :region AND id = :id
"""

LIST_MAINTENANCE = """
-- Windows, the last announced first, after a cursor; optionally without those that are over.
SELECT id, slug AS link, starts_at, ends_at, text, text_en, planned_by FROM gateway.maintenance
WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug)
    AND (NOT :upcoming OR ends_at > :now) AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC LIMIT :limit
"""


class NewMaintenance(ApiModel):
    """A maintenance window to be announced."""

    link: Slug
    starts_at: UtcDatetime = Field(description="When the work begins.")
    ends_at: UtcDatetime = Field(description="When the work ends.")
    text: Text = Field(min_length=1)
    text_en: Text | None = Field(None, description="The text in English; null if there is none.")


class Maintenance(ApiModel):
    """A maintenance window of a link."""

    id: UUID
    link: Slug
    starts_at: AwareDatetime = Field(description="When the work begins.")
    ends_at: AwareDatetime = Field(description="When the work ends.")
    text: Text
    text_en: Text | None = Field(description="The text in English; null if there is none.")
    planned_by: str


async def plan(
    session: WriteSession,
    region: str,
    new: NewMaintenance,
    *,
    id_: UUID,
    agency: str,
    now: datetime,
) -> Maintenance:
    """Store a maintenance window and its event."""
    window = Maintenance(id=id_, planned_by=agency, **new.model_dump())
    values = window.model_dump()
    values |= {"region": region, "slug": values.pop("link")}
    await session.execute(text(INSERT_MAINTENANCE), values)
    data = window.model_dump(mode="json", exclude={"id", "link"}) | {"maintenance": window.id}
    await record_link_event(
        session, region, event_type="maintenance.planned", slug=window.link, data=data, now=now
    )
    return window


async def cancel(session: WriteSession, region: str, window: UUID, *, now: datetime) -> bool:
    """End a current window or delete an upcoming one; False if there is no such window."""
    parameters: dict[str, Any] = {"region": region, "id": window, "now": now}
    slug = await session.scalar(text(DELETE_UPCOMING), parameters)
    slug = slug or await session.scalar(text(END_CURRENT), parameters)
    if slug is None:
        return False
    data = {"maintenance": window}
    await record_link_event(
        session, region, event_type="maintenance.cancelled", slug=slug, data=data, now=now
    )
    return True


async def find_maintenance(session: WriteSession, region: str, window: UUID) -> Maintenance | None:
    """Return a window, or None if it was cancelled before it began."""
    rows = await session.execute(text(SELECT_MAINTENANCE), {"region": region, "id": window})
    row = rows.mappings().one_or_none()
    return None if row is None else Maintenance.model_validate(dict(row))


async def list_maintenance(
    session: ReadSession,
    region: str,
    *,
    now: datetime,
    link: str | None = None,
    upcoming: bool = False,
    cursor: UUID | None = None,
    limit: int,
) -> list[Maintenance]:
    """Return windows, the last announced first; `upcoming` excludes those that are over."""
    rows = await session.execute(
        text(LIST_MAINTENANCE),
        {
            "region": region,
            "slug": link,
            "upcoming": upcoming,
            "now": now,
            "cursor": cursor,
            "limit": limit,
        },
    )
    return [Maintenance.model_validate(dict(row)) for row in rows.mappings()]
