"""Cases: comments with their timeline, found by ticket and shown as a viewer may see them."""

import hmac
from datetime import datetime
from enum import Enum
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text

from services.feedback.comments.keys import token_hash
from services.feedback.comments.schemas import (
    AttachmentItem,
    CommentCase,
    CommentDetails,
    ServiceLevelStatus,
    TimelineEntry,
)
from services.feedback.comments.service_levels import service_levels
from services.feedback.comments.states import State
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.local_time import day_of
from services.platform.problems import NotAllowed, NotFound
from services.platform.service import API
from services.platform.working_days import working_days_between

CommentRow = Row[Any]
"""A row of `feedback.comment` with the columns of `CASE_COLUMNS`."""

CONSENT_GIVEN = "contact_given"
"""The action of the entry that records a contact; its content is the version of the consent."""

SETTLED_AT = """
coalesce(least(c.answered_at, c.forwarded_at, c.closed_at),
         (SELECT least(m.answered_at, m.forwarded_at, m.closed_at) FROM feedback.comment m
          WHERE m.region = c.region AND m.id = c.merged_into))
"""
"""When a comment `c` was first answered, forwarded or closed, or else the comment that it was
merged into: the end of its service level's clock."""

CASE_COLUMNS = f"""
c.*, {SETTLED_AT} AS settled_at,
(SELECT m.ticket FROM feedback.comment m
 WHERE m.region = c.region AND m.id = c.merged_into) AS merged_ticket,
EXISTS (SELECT FROM feedback.comment_contact k
        WHERE k.region = c.region AND k.comment = c.id) AS has_contact
"""  # noqa: S608 - a constant of this module
"""The columns of a `CommentRow`, of a comment `c`."""

FIND = f"""
-- A comment by its ticket.
SELECT {CASE_COLUMNS} FROM feedback.comment c WHERE c.region = :region AND c.ticket = :ticket
"""  # noqa: S608 - a constant of this module

LOCK = """
-- Locks a comment until the transaction ends, so that changes are serialised.
SELECT id FROM feedback.comment WHERE region = :region AND ticket = :ticket FOR UPDATE
"""

TIMELINE = """
-- The entries of a comment, and the agency's replies to the comment that it was merged into.
SELECT number, recorded_at, actor, agency, action, state, content, comment
FROM feedback.comment_entry
WHERE region = :region
  AND (comment = :comment OR (comment = :merged_into AND actor <> 'citizen' AND action = 'reply'))
ORDER BY recorded_at, comment, number
"""

ATTACHMENTS = """
-- The attachments of a comment, without their content.
SELECT id, media_type, size, encode(sha256, 'hex') AS sha256
FROM feedback.comment_attachment WHERE region = :region AND comment = :comment
ORDER BY created_at, id
"""

ADD_ENTRY = """
-- An entry of the timeline.
INSERT INTO feedback.comment_entry
    (region, comment, number, recorded_at, actor, agency, key, action, state, content)
SELECT :region, :comment, coalesce(max(number), 0) + 1, :now, :actor, :agency, :key, :action,
       :state, :content
FROM feedback.comment_entry WHERE region = :region AND comment = :comment
"""


Actor = Literal["citizen", "agency", "hub"]


class Viewer(Enum):
    """The role of the person or program that reads a comment."""

    public = "public"
    citizen = "citizen"
    agency = "agency"


def viewer_of(stored: CommentRow, caller: Caller, token: str | None) -> Viewer:
    """Return the role of a caller: the agency in charge, the citizen with the token, or public.

    Raises:
        NotAllowed: the token belongs to another ticket.
    """
    if caller.has_scope("comments:write") and caller.can_write_for(stored.agency):
        return Viewer.agency
    if token is None:
        return Viewer.public
    if not hmac.compare_digest(stored.token_hash, token_hash(token)):
        raise NotAllowed("This Ticket-Token does not belong to this ticket.")
    return Viewer.citizen


def reader_of(stored: CommentRow, caller: Caller, token: str | None) -> Viewer:
    """Return the role of a caller that changes nothing: also of who may only read for the agency.

    Raises:
        NotAllowed: the token belongs to another ticket.
    """
    if caller.has_scope("comments:read") and caller.can_write_for(stored.agency):
        return Viewer.agency
    return viewer_of(stored, caller, token)


async def find_case(session: ReadSession | WriteSession, region: str, ticket: str) -> CommentRow:
    """Return the comment with this ticket; raise `NotFound` if there is none."""
    rows = await session.execute(text(FIND), {"region": region, "ticket": ticket})
    row = rows.one_or_none()
    if row is None:
        raise NotFound(f"There is no ticket {ticket}; check every letter and digit.")
    return row


async def lock_case(session: WriteSession, region: str, ticket: str) -> CommentRow:
    """Lock a comment until the transaction ends; return it as read after the lock was granted."""
    await session.execute(text(LOCK), {"region": region, "ticket": ticket})
    return await find_case(session, region, ticket)


async def add_entry(
    session: WriteSession,
    stored: CommentRow,
    *,
    action: str,
    state: State,
    now: datetime,
    caller: Caller | None = None,
    actor: Actor = "agency",
    content: str = "",
) -> None:
    """Add an entry to the timeline of a comment: what was done, and by whom."""
    await session.execute(
        text(ADD_ENTRY),
        {
            "region": stored.region,
            "comment": stored.id,
            "now": now,
            "actor": actor,
            "agency": (caller.agency or "") if caller is not None and actor == "agency" else "",
            "key": caller.subject if caller is not None and actor == "agency" else "",
            "action": action,
            "state": state,
            "content": content,
        },
    )


def service_level_status(
    stored: CommentRow, *, now: datetime, zone: ZoneInfo
) -> ServiceLevelStatus:
    """Return the state of the clock of a comment's service level."""
    today = day_of(now, zone)
    settled = None if stored.settled_at is None else day_of(stored.settled_at, zone)
    is_late = (settled or today) > stored.answer_by
    if settled is not None:
        status = "missed" if is_late else "met"
    else:
        status = "overdue" if is_late else "running"
    return ServiceLevelStatus(
        id=stored.service_level,
        working_days=service_levels().find(stored.service_level).working_days,
        verify_by=stored.verify_by,
        answer_by=stored.answer_by,
        verified_at=stored.verified_at,
        answered_at=stored.answered_at,
        status=status,
        working_days_left=(
            working_days_between(today, stored.answer_by) if status == "running" else None
        ),
    )


def ticket_urls(ticket: str) -> tuple[str, str]:
    """Return the URLs of a ticket: of the API and of the page."""
    return f"{API}/comments/{ticket}", f"/aduan/{ticket}"


async def build_case(
    session: ReadSession | WriteSession,
    stored: CommentRow,
    *,
    viewer: Viewer,
    now: datetime,
    zone: ZoneInfo,
) -> CommentCase:
    """Return a comment as the viewer may see it."""
    has_access = viewer is not Viewer.public
    key = {"region": stored.region, "comment": stored.id}
    entries = await session.execute(text(TIMELINE), key | {"merged_into": stored.merged_into})
    href, page = ticket_urls(stored.ticket)
    return CommentCase(
        ticket=stored.ticket,
        kind=stored.kind,
        category=stored.category,
        service=stored.service or None,
        agency=stored.agency or None,
        link=stored.link or None,
        district=stored.district or None,
        state=stored.state,
        under_review=bool(stored.review_reasons),
        merged_into=stored.merged_ticket,
        forwarded_number=stored.forwarded_number,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        service_level=service_level_status(stored, now=now, zone=zone),
        timeline=[
            TimelineEntry(
                number=number,
                at=row.recorded_at,
                actor=row.actor,
                agency=row.agency or None,
                action=row.action,
                state=row.state,
                text=(row.content or None) if has_access or row.actor != "citizen" else None,
            )
            for number, row in enumerate(
                (row for row in entries if _is_visible(row.action, viewer)), start=1
            )
        ],
        details=(
            await _details(session, stored, href=href, for_agency=viewer is Viewer.agency)
            if has_access
            else None
        ),
        href=href,
        page=page,
    )


def _is_visible(action: str, viewer: Viewer) -> bool:
    # That a contact was given is visible to the agency, which may have to prove the consent; the
    # public sees nothing about contacts.
    if action == CONSENT_GIVEN:
        return viewer is Viewer.agency
    return viewer is not Viewer.public or not action.startswith("contact_")


async def _details(
    session: ReadSession | WriteSession, stored: CommentRow, *, href: str, for_agency: bool
) -> CommentDetails:
    return CommentDetails(
        text=stored.content,
        place=stored.place or None,
        latitude=stored.latitude,
        longitude=stored.longitude,
        public=stored.is_public,
        published_text=stored.published_text,
        review_reasons=list(stored.review_reasons) if for_agency else [],
        has_contact=stored.has_contact,
        attachments=await attachments_of(session, stored.region, stored.id, href=href),
    )


async def attachments_of(
    session: ReadSession | WriteSession, region: str, comment: UUID, *, href: str
) -> list[AttachmentItem]:
    """Return the attachments of a comment, whose URL is `href`."""
    rows = await session.execute(text(ATTACHMENTS), {"region": region, "comment": comment})
    return [
        AttachmentItem(
            id=row.id,
            media_type=row.media_type,
            size=row.size,
            sha256=row.sha256,
            href=f"{href}/attachments/{row.id}",
        )
        for row in rows
    ]
