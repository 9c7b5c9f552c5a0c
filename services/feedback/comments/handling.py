"""Handling of comments: replies, changes of state, merging and forwarding, erasure of contacts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.feedback.catalogue_lookup import look_up
from services.feedback.comments.cases import (
    CASE_COLUMNS,
    CommentRow,
    Viewer,
    add_entry,
    find_case,
    lock_case,
    viewer_of,
)
from services.feedback.comments.contacts import erase_contacts
from services.feedback.comments.schemas import NewReply, StateChange
from services.feedback.comments.spam_filter import OTHER_AGENCY
from services.feedback.comments.states import ENDED, State, can_transition
from services.platform.concurrency_control import claim_idempotency_key
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.personal_data import PersonalDataKind, mask_personal_data
from services.platform.problems import Conflict, FieldError, NotAllowed, NotAuthenticated, NotFound
from services.platform.settings import Service

MAX_ENTRIES = 200
"""Entries of one case: enough for a long exchange, and a bound on its size."""

CHANGE = f"""
-- Changes a comment. The times of its first review and of its first answer never change.
UPDATE feedback.comment AS c SET
    state = :state, agency = :agency, review_reasons = CAST(:review_reasons AS text[]),
    merged_into = :merged_into,
    -- Only the agency in charge decides what is read under its name.
    published_text = CASE WHEN agency = :agency THEN published_text END,
    published_at = CASE WHEN agency = :agency THEN published_at END,
    verified_at = coalesce(verified_at, :verified_at),
    answered_at = coalesce(answered_at, :answered_at),
    closed_at = :closed_at,
    forwarded_at = coalesce(:forwarded_at, forwarded_at),
    forwarded_number = coalesce(:forwarded_number, forwarded_number),
    updated_at = :now
WHERE c.region = :region AND c.id = :id
RETURNING {CASE_COLUMNS}
"""  # noqa: S608 - a constant of `cases`

COUNT_ENTRIES = """
-- The number of entries of a comment.
SELECT count(*) FROM feedback.comment_entry WHERE region = :region AND comment = :comment
"""

FILED_BY = """
-- The agency whose key filed a comment; empty if a citizen did.
SELECT agency FROM feedback.comment_entry
WHERE region = :region AND comment = :comment AND action = 'received' ORDER BY number LIMIT 1
"""

WITH_MERGED = """
-- A comment and those that were merged into it.
SELECT id FROM feedback.comment
WHERE region = :region AND (id = :comment OR merged_into = :comment)
"""


async def add_reply(
    session: WriteSession,
    region: str,
    ticket: str,
    reply: NewReply,
    *,
    caller: Caller,
    token: str | None,
    key: str | None,
    now: datetime,
) -> tuple[CommentRow, Viewer, list[PersonalDataKind]]:
    """Add a reply; the agency's is an answer, the citizen's reopens an ended case.

    Return the case, who replied, and the personal data found in the reply.
    """
    stored = await lock_case(session, region, ticket)
    viewer = viewer_of(stored, caller, token)
    if viewer is Viewer.public:
        raise access_error(caller)
    by_agency = viewer is Viewer.agency
    masked = mask_personal_data(reply.text.strip())
    if by_agency or not reply.keep_personal_data:
        reply = reply.model_copy(update={"text": masked.text})
    _, is_new = await claim_idempotency_key(
        session,
        Service.feedback,
        region,
        caller=caller.subject,
        # The citizen is whoever knows the ticket's secret, which was checked.
        operation=f"post_comment_reply {ticket} {viewer.value}",
        key=key,
        body=reply,
        new_id=new_id(),
        now=now,
    )
    if not is_new:
        return stored, viewer, list(masked.kinds)
    await check_entry_limit(session, stored)
    if by_agency:
        state: State = reply.state
        if stored.state != state:
            _check_transition(stored.state, state)
    else:
        state = "reopened" if stored.state in {"answered", "closed"} else stored.state
    changes: dict[str, Any] = {"state": state}
    if by_agency:
        changes |= {"review_reasons": [], "verified_at": now}
        if state == "answered":
            changes["answered_at"] = now
    if state == "reopened":
        changes["closed_at"] = None
    await add_entry(
        session,
        stored,
        action="reply",
        state=state,
        now=now,
        actor="agency" if by_agency else "citizen",
        caller=caller,
        content=reply.text.strip(),
    )
    return await _change(session, stored, changes, now=now), viewer, list(masked.kinds)


async def change_state(
    session: WriteSession,
    region: str,
    ticket: str,
    change: StateChange,
    *,
    caller: Caller,
    now: datetime,
) -> tuple[CommentRow, list[PersonalDataKind]]:
    """Change the state of a comment; raise `Conflict` if its current state does not allow it.

    Return the case and the personal data found, and masked, in the note.
    """
    stored = await lock_case(session, region, ticket)
    check_in_charge(stored, caller)
    if change.state == "received":
        if stored.state not in {"received", "reopened", "in_progress"}:
            raise _transition_error(stored.state, "received")
    else:
        _check_transition(stored.state, change.state)
    await check_entry_limit(session, stored)
    changes: dict[str, Any] = {
        "state": change.state,
        "review_reasons": [],
        # A comment that is handed to another agency has not been reviewed yet.
        "verified_at": None if change.agency is not None else now,
        "closed_at": now if change.state in ENDED else None,
        "merged_into": None,
    }
    if change.state == "closed":
        # Closed while under review: it stays marked, and does not count.
        changes["review_reasons"] = list(stored.review_reasons)
    if change.agency is not None:
        changes["agency"] = await _known_agency(session, region, change.agency)
        changes["review_reasons"] = await _reasons_after_handover(
            session, stored, change.agency, caller
        )
    if change.into is not None:
        changes["merged_into"] = await _merge_target(session, stored, change.into, caller)
    if change.number is not None:
        changes |= {"forwarded_at": now, "forwarded_number": change.number}
    note = mask_personal_data((change.note or "").strip())
    await add_entry(
        session,
        stored,
        action=change.state,
        state=change.state,
        now=now,
        caller=caller,
        content=note.text,
    )
    if change.state in ENDED:
        await erase_case_contacts(session, stored, now=now)
    return await _change(session, stored, changes, now=now), list(note.kinds)


async def erase_case_contacts(session: WriteSession, stored: CommentRow, *, now: datetime) -> int:
    """Erase the contacts of an ended case and of those merged into it; return how many."""
    comments = await session.scalars(
        text(WITH_MERGED), {"region": stored.region, "comment": stored.id}
    )
    erased = await erase_contacts(session, stored.region, list(comments))
    if stored.id in erased:
        await add_entry(
            session, stored, action="contact_erased", state="closed", now=now, actor="hub"
        )
    return len(erased)


async def withdraw_contact(
    session: WriteSession,
    region: str,
    ticket: str,
    *,
    caller: Caller,
    token: str | None,
    now: datetime,
) -> None:
    """Erase a contact whose consent is withdrawn, and record the withdrawal in the timeline."""
    stored = await lock_case(session, region, ticket)
    viewer = viewer_of(stored, caller, token)
    if viewer is Viewer.public:
        raise access_error(caller)
    if not await erase_contacts(session, region, [stored.id]):
        raise NotFound("No contact is stored for this ticket.")
    await add_entry(
        session,
        stored,
        action="contact_withdrawn",
        state=stored.state,
        now=now,
        actor="agency" if viewer is Viewer.agency else "citizen",
        caller=caller,
    )


def check_in_charge(stored: CommentRow, caller: Caller) -> None:
    """Raise `NotAllowed` if the key's agency is not in charge of the comment."""
    if not caller.can_write_for(stored.agency):
        raise NotAllowed("This ticket belongs to another agency or to none yet.")


def access_error(caller: Caller) -> NotAuthenticated | NotAllowed:
    """Return the error for a caller that is neither the citizen nor the agency in charge."""
    if caller.has_scope("comments:write"):
        return NotAllowed("This ticket belongs to another agency or to none yet.")
    return NotAuthenticated("Send the ticket's token as Ticket-Token, or the agency's key.")


async def _change(
    session: WriteSession, stored: CommentRow, changes: dict[str, Any], *, now: datetime
) -> CommentRow:
    unchanged = {
        name: getattr(stored, name)
        for name in ("region", "id", "agency", "review_reasons", "merged_into", "closed_at")
    }
    unset = dict.fromkeys(("verified_at", "answered_at", "forwarded_at", "forwarded_number"))
    rows = await session.execute(text(CHANGE), unchanged | unset | changes | {"now": now})
    return rows.one()


async def check_entry_limit(session: WriteSession, stored: CommentRow) -> None:
    key = {"region": stored.region, "comment": stored.id}
    entries: int | None = await session.scalar(text(COUNT_ENTRIES), key)
    if (entries or 0) >= MAX_ENTRIES:
        raise Conflict(f"This ticket has {MAX_ENTRIES} entries; open a new one.")


async def _known_agency(session: WriteSession, region: str, agency: str) -> str:
    entry = await look_up(session, region, service="", agency=agency)
    if entry.has_catalogue and not entry.agency_known:
        error = FieldError(pointer="#/agency", parameter=None, detail="offers no service")
        raise Conflict("The hub does not know this agency.", errors=[error])
    return agency


async def _reasons_after_handover(
    session: WriteSession, stored: CommentRow, agency: str, caller: Caller
) -> list[str]:
    """Return why another agency reviews a comment that it is handed.

    Who hands a comment on does not accept it for the other agency; and one that an agency's key
    filed has been accepted by nobody else.
    """
    if caller.can_write_for(agency):
        return []
    key = {"region": stored.region, "comment": stored.id}
    filed_by: str | None = await session.scalar(text(FILED_BY), key)
    reasons = list(stored.review_reasons)
    if filed_by not in (None, "", agency) and OTHER_AGENCY not in reasons:
        reasons.append(OTHER_AGENCY)
    return reasons


async def _merge_target(
    session: WriteSession, stored: CommentRow, into: str, caller: Caller
) -> UUID:
    def refusal(detail: str) -> Conflict:
        error = FieldError(pointer="#/into", parameter=None, detail=detail)
        return Conflict("This ticket cannot be merged into that one.", errors=[error])

    try:
        target = await find_case(session, stored.region, into)
    except NotFound:
        raise refusal("is not a ticket") from None
    if target.id == stored.id:
        raise refusal("is the ticket itself")
    if not caller.can_write_for(target.agency):
        raise refusal("is another agency's ticket")
    if target.state in {"merged", "closed"}:
        raise refusal(f"is {target.state}")
    key = {"region": stored.region, "comment": stored.id}
    if len((await session.scalars(text(WITH_MERGED), key)).all()) > 1:
        raise refusal("cannot take a ticket into which others were merged; merge those first")
    return target.id


def _check_transition(state: State, new_state: State) -> None:
    if not can_transition(state, new_state):
        raise _transition_error(state, new_state)


def _transition_error(state: State, new_state: State) -> Conflict:
    error = FieldError(
        pointer="#/state", parameter=None, detail=f"{new_state} does not follow {state}"
    )
    return Conflict(f"This ticket is {state}.", errors=[error])
