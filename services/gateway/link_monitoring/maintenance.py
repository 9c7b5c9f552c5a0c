"""Maintenance of links that is announced: it opens no incident and counts as no downtime."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.webhooks.outbox import keep_change
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id
from services.platform.types import Slug, Text, UtcDatetime

PLAN = """
-- A window of maintenance.
INSERT INTO gateway.maintenance
    (region, id, slug, starts_at, ends_at, text, text_en, planned_by)
VALUES (:region, :id, :slug, :starts_at, :ends_at, :text, :text_en, :planned_by)
"""

CANCEL = """
-- Ends a window: one that has begun ends now, one that has not is taken out.
UPDATE gateway.maintenance SET ends_at = greatest(:now, starts_at + interval '1 second')
WHERE region = :region AND id = :id AND ends_at > :now
RETURNING slug
"""

TAKE_OUT = """
-- A window that is cancelled before it began.
DELETE FROM gateway.maintenance WHERE region = :region AND id = :id AND starts_at > :now
RETURNING slug
"""

LIST = """
-- Windows, those announced last first, from a cursor on; without what is over where asked.
SELECT id, slug AS link, starts_at, ends_at, text, text_en, planned_by FROM gateway.maintenance
WHERE region = :region AND (CAST(:slug AS text) IS NULL OR slug = :slug)
    AND (NOT :ahead OR ends_at > :now) AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC LIMIT :limit
"""


class NewMaintenance(ApiModel):
    """A window in which a link's operator works on it."""

    link: Slug
    starts_at: UtcDatetime
    ends_at: UtcDatetime
    text: Text = Field(min_length=1)
    text_en: Text | None = None


class Maintenance(ApiModel):
    """A window in which a link's operator works on it."""

    id: UUID
    link: Slug
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    text: Text
    text_en: Text | None
    planned_by: str


async def plan(
    session: WriteSession, region: str, given: NewMaintenance, *, agency: str, now: datetime
) -> Maintenance:
    """Announces maintenance."""
    window = Maintenance(id=new_id(), planned_by=agency, **given.model_dump())
    values = window.model_dump()
    await session.execute(text(PLAN), {"region": region, "slug": values.pop("link")} | values)
    content = window.model_dump(mode="json", exclude={"id", "link"}) | {"maintenance": window.id}
    await keep_change(
        session, region, kind="maintenance.planned", slug=window.link, content=content, now=now
    )
    return window


async def cancel(session: WriteSession, region: str, window: UUID, *, now: datetime) -> bool:
    """Ends maintenance now, or before it begins; False where there is none to end."""
    parameters: dict[str, Any] = {"region": region, "id": window, "now": now}
    slug = await session.scalar(text(TAKE_OUT), parameters)
    slug = slug or await session.scalar(text(CANCEL), parameters)
    if slug is None:
        return False
    content = {"maintenance": window}
    await keep_change(
        session, region, kind="maintenance.cancelled", slug=slug, content=content, now=now
    )
    return True


async def list_maintenance(
    session: ReadSession,
    region: str,
    *,
    now: datetime,
    link: str | None = None,
    ahead: bool = False,
    cursor: UUID | None = None,
    limit: int,
) -> list[Maintenance]:
    """Windows, the one announced last first; `ahead` leaves out what is over."""
    rows = await session.execute(
        text(LIST),
        {
            "region": region,
            "slug": link,
            "ahead": ahead,
            "now": now,
            "cursor": cursor,
            "limit": limit,
        },
    )
    return [Maintenance.model_validate(dict(row)) for row in rows.mappings()]
