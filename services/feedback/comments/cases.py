"""Comments as they are stored, found by their ticket and shown to whoever asks."""

import hmac
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from services.feedback.comments.keys import token_hash
from services.feedback.comments.schemas import (
    AttachmentItem,
    CommentCase,
    Entry,
    Inside,
    PromiseState,
)
from services.feedback.comments.service_levels import promises
from services.feedback.comments.states import State
from services.feedback.comments.working_days import working_days_between
from services.platform.database import ReadSession, WriteSession
from services.platform.identity import Caller
from services.platform.local_time import JAKARTA
from services.platform.problems import NotAllowed, NotFound
from services.platform.service import API

Stored = Row[Any]
"""A row of `feedback.comment`."""

CONSENT_GIVEN = "contact_given"
"""The entry that a contact was given; its content is the version of the text agreed to."""

SETTLED_AT = """
coalesce(least(c.answered_at, c.forwarded_at, c.closed_at),
         least(m.answered_at, m.forwarded_at, m.closed_at))
"""
"""When a comment `c` was first answered, forwarded or closed; else the one `m` it was merged into.
With that its clock ends."""

FIND = f"""
-- A comment by its ticket.
SELECT c.*, m.ticket AS merged_ticket, {SETTLED_AT} AS settled_at,
       EXISTS (SELECT FROM feedback.comment_contact k
               WHERE k.region = c.region AND k.comment = c.id) AS has_contact
FROM feedback.comment c
LEFT JOIN feedback.comment m ON m.region = c.region AND m.id = c.merged_into
WHERE c.region = :region AND c.ticket = :ticket
"""  # noqa: S608 - of a part that stands above

LOCK = """
-- The comment is changed by one at a time.
SELECT id FROM feedback.comment WHERE region = :region AND ticket = :ticket FOR UPDATE
"""

TIMELINE = """
-- What happened to a comment; of the one that it was merged into, what its agency did since.
SELECT number, recorded_at, who, agency, action, state, content, comment
FROM feedback.comment_entry
WHERE region = :region
  AND (comment = :comment OR (comment = :merged_into AND who <> 'citizen' AND action = 'reply'))
ORDER BY recorded_at, comment, number
"""

ATTACHMENTS = """
-- The pictures to a comment, without their content.
SELECT id, media_type, size, encode(sha256, 'hex') AS sha256
FROM feedback.comment_attachment WHERE region = :region AND comment = :comment
ORDER BY created_at, id
"""

ADD_ENTRY = """
-- Something that happened.
INSERT INTO feedback.comment_entry
    (region, comment, number, recorded_at, who, agency, key, action, state, content)
SELECT :region, :comment, coalesce(max(number), 0) + 1, :now, :who, :agency, :key, :action, :state,
       :content
FROM feedback.comment_entry WHERE region = :region AND comment = :comment
"""


class Reader(Enum):
    """Who looks at a comment."""

    anybody = "anybody"
    citizen = "citizen"
    agency = "agency"


def reader_of(stored: Stored, caller: Caller, token: str | None) -> Reader:
    """Whether the agency in charge asks, whoever filed the comment, or anybody.

    `NotAllowed` for a token that is another ticket's.
    """
    if caller.has_scope("comments:write") and caller.can_write_for(stored.agency):
        return Reader.agency
    if token is None:
        return Reader.anybody
    if not hmac.compare_digest(stored.token_hash, token_hash(token)):
        raise NotAllowed("This Ticket-Token does not belong to this ticket.")
    return Reader.citizen


async def find_case(session: ReadSession | WriteSession, region: str, ticket: str) -> Stored:
    """The comment with this ticket; `NotFound` where there is none."""
    found = await session.execute(text(FIND), {"region": region, "ticket": ticket})
    row = found.one_or_none()
    if row is None:
        raise NotFound(f"There is no ticket {ticket}; look at every letter and digit again.")
    return row


async def lock_case(session: WriteSession, region: str, ticket: str) -> Stored:
    """The comment, which nobody else changes until the transaction ends."""
    await session.execute(text(LOCK), {"region": region, "ticket": ticket})
    return await find_case(session, region, ticket)


async def add_entry(
    session: WriteSession,
    stored: Stored,
    *,
    action: str,
    state: State,
    now: datetime,
    caller: Caller | None = None,
    who: str = "agency",
    content: str = "",
) -> None:
    """Writes down what happened to a comment, and who did it."""
    await session.execute(
        text(ADD_ENTRY),
        {
            "region": stored.region,
            "comment": stored.id,
            "now": now,
            "who": who,
            "agency": (caller.agency or "") if caller is not None and who == "agency" else "",
            "key": caller.subject if caller is not None and who == "agency" else "",
            "action": action,
            "state": state,
            "content": content,
        },
    )


def day_of(moment: datetime) -> date:
    return moment.astimezone(JAKARTA).date()


def promise_state(stored: Stored, *, today: date) -> PromiseState:
    """How far the clock is."""
    settled = None if stored.settled_at is None else day_of(stored.settled_at)
    late = (settled or today) > stored.answer_by
    if settled is not None:
        standing = "broken" if late else "kept"
    else:
        standing = "late" if late else "running"
    wanted = next(p for p in promises().promises if p.id == stored.promise)
    return PromiseState(
        promise=stored.promise,
        working_days=wanted.working_days,
        verify_by=stored.verify_by,
        answer_by=stored.answer_by,
        verified_at=stored.verified_at,
        answered_at=stored.answered_at,
        standing=standing,
        working_days_left=(
            working_days_between(today, stored.answer_by) if standing == "running" else None
        ),
    )


def addresses_of(ticket: str) -> tuple[str, str]:
    """Where a ticket is for programs and for people."""
    return f"{API}/comments/{ticket}", f"/aduan/{ticket}"


async def show_case(
    session: ReadSession | WriteSession, stored: Stored, *, reader: Reader, today: date
) -> CommentCase:
    """A comment as this reader may see it."""
    inner = reader is not Reader.anybody
    key = {"region": stored.region, "comment": stored.id}
    happened = await session.execute(text(TIMELINE), key | {"merged_into": stored.merged_into})
    href, page = addresses_of(stored.ticket)
    return CommentCase(
        ticket=stored.ticket,
        kind=stored.kind,
        category=stored.category,
        service=stored.service or None,
        agency=stored.agency or None,
        link=stored.link or None,
        district=stored.district or None,
        state=stored.state,
        held=bool(stored.held),
        merged_into=stored.merged_ticket,
        forwarded_number=stored.forwarded_number,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        promise=promise_state(stored, today=today),
        timeline=[
            Entry(
                number=number,
                at=row.recorded_at,
                who=row.who,
                agency=row.agency or None,
                action=row.action,
                state=row.state,
                text=(row.content or None) if inner or row.who != "citizen" else None,
            )
            for number, row in enumerate(
                (row for row in happened if _is_shown(row.action, reader)), start=1
            )
        ],
        inside=(
            await _inside(session, stored, href=href, for_agency=reader is Reader.agency)
            if inner
            else None
        ),
        href=href,
        page=page,
    )


def _is_shown(action: str, reader: Reader) -> bool:
    """Whether a reader sees that this happened. That somebody gave a contact is nobody's business
    but theirs and the agency's, which may have to prove the consent."""
    if action == CONSENT_GIVEN:
        return reader is Reader.agency
    return reader is not Reader.anybody or not action.startswith("contact_")


async def _inside(
    session: ReadSession | WriteSession, stored: Stored, *, href: str, for_agency: bool
) -> Inside:
    return Inside(
        text=stored.content,
        place=stored.place or None,
        latitude=stored.latitude,
        longitude=stored.longitude,
        public=stored.is_public,
        held_for=list(stored.held) if for_agency else [],
        has_contact=stored.has_contact,
        attachments=await attachments_of(session, stored.region, stored.id, href=href),
    )


async def attachments_of(
    session: ReadSession | WriteSession, region: str, comment: UUID, *, href: str
) -> list[AttachmentItem]:
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
