"""What agencies and citizens do with a comment: replies, changes of state, contacts withdrawn."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.feedback.comments.cases import (
    Reader,
    Stored,
    add_entry,
    find_case,
    lock_case,
    reader_of,
)
from services.feedback.comments.contacts import erase_contacts
from services.feedback.comments.repeats import claim
from services.feedback.comments.schemas import NewReply, StateChange
from services.feedback.comments.states import ENDED, State, may_follow
from services.feedback.surveys.responses import OFFERED_BY
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.problems import Conflict, FieldError, NotAllowed, NotAuthenticated, NotFound

MOST_ENTRIES = 200
"""Of one case: enough for a long talk, and a bound."""

CHANGE = """
-- How far a comment is now. The first look and the first answer stay what they were.
UPDATE feedback.comment SET
    state = :state, agency = :agency, held = CAST(:held AS text[]), merged_into = :merged_into,
    verified_at = coalesce(verified_at, :verified_at),
    answered_at = coalesce(answered_at, :answered_at),
    closed_at = :closed_at,
    forwarded_at = coalesce(:forwarded_at, forwarded_at),
    forwarded_number = coalesce(:forwarded_number, forwarded_number),
    updated_at = :now
WHERE region = :region AND id = :id
"""

ENTRIES = """
-- How much happened to a comment.
SELECT count(*) FROM feedback.comment_entry WHERE region = :region AND comment = :comment
"""

WITH_MERGED = """
-- A comment and those that were merged into it.
SELECT id FROM feedback.comment
WHERE region = :region AND (id = :comment OR merged_into = :comment)
"""


async def reply(
    session: WriteSession,
    region: str,
    ticket: str,
    reply: NewReply,
    *,
    caller: Caller,
    token: str | None,
    key: str | None,
    now: datetime,
) -> tuple[Stored, Reader]:
    """Adds a reply; the agency's is an answer, the citizen's opens an ended case again."""
    stored = await lock_case(session, region, ticket)
    reader = reader_of(stored, caller, token)
    if reader is Reader.anybody:
        raise not_yours(caller)
    _, is_new = await claim(
        session,
        region,
        caller=f"{caller.subject} {ticket} {reader.value}",
        key=key,
        body=reply,
        now=now,
    )
    if not is_new:
        return stored, reader
    await _check_room(session, stored)
    by_agency = reader is Reader.agency
    if by_agency:
        wanted: State = reply.state
        if stored.state != wanted:
            _check_follows(stored.state, wanted)
    else:
        wanted = "reopened" if stored.state in {"answered", "closed"} else stored.state
    changes: dict[str, Any] = {"state": wanted}
    if by_agency:
        changes |= {"held": [], "verified_at": now}
        if wanted == "answered":
            changes["answered_at"] = now
    if wanted == "reopened":
        changes["closed_at"] = None
    await _change(session, stored, changes, now=now)
    await add_entry(
        session,
        stored,
        action="reply",
        state=wanted,
        now=now,
        who=reader.value,
        caller=caller,
        content=reply.text.strip(),
    )
    return await find_case(session, region, ticket), reader


async def change_state(
    session: WriteSession,
    region: str,
    ticket: str,
    change: StateChange,
    *,
    caller: Caller,
    now: datetime,
) -> Stored:
    """Moves a comment on, as far as its state allows."""
    stored = await lock_case(session, region, ticket)
    check_in_charge(stored, caller)
    if change.state == "received":
        if stored.state not in {"received", "reopened", "in_progress"}:
            raise _cannot_follow(stored.state, "received")
    else:
        _check_follows(stored.state, change.state)
    await _check_room(session, stored)
    changes: dict[str, Any] = {
        "state": change.state,
        "held": [],
        # Only what was taken up was looked at; a comment that is handed on was not.
        "verified_at": None if change.agency is not None else now,
        "closed_at": now if change.state in ENDED else None,
        "merged_into": None,
    }
    if change.state == "closed":
        changes["held"] = list(stored.held)  # closed as what it was held for
    if change.agency is not None:
        changes["agency"] = await _known_agency(session, region, change.agency)
    if change.into is not None:
        changes["merged_into"] = await _target(session, stored, change.into, caller)
    if change.number is not None:
        changes |= {"forwarded_at": now, "forwarded_number": change.number}
    await _change(session, stored, changes, now=now)
    await add_entry(
        session,
        stored,
        action=change.state,
        state=change.state,
        now=now,
        caller=caller,
        content=(change.note or "").strip(),
    )
    if change.state in ENDED:
        await end_contacts(session, stored, now=now)
    return await find_case(session, region, ticket)


async def end_contacts(session: WriteSession, stored: Stored, *, now: datetime) -> int:
    """Erases the contacts of a case that is over, and of those merged into it."""
    together = await session.scalars(
        text(WITH_MERGED), {"region": stored.region, "comment": stored.id}
    )
    erased = await erase_contacts(session, stored.region, list(together))
    if stored.id in erased:
        await add_entry(
            session, stored, action="contact_erased", state="closed", now=now, who="hub"
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
    """Ends the consent: the contact is erased at once, and that it was is written down."""
    stored = await lock_case(session, region, ticket)
    reader = reader_of(stored, caller, token)
    if reader is Reader.anybody:
        raise not_yours(caller)
    if not await erase_contacts(session, region, [stored.id]):
        raise NotFound("No contact is kept for this ticket.")
    await add_entry(
        session,
        stored,
        action="contact_withdrawn",
        state=stored.state,
        now=now,
        who=reader.value,
        caller=caller,
    )


def check_in_charge(stored: Stored, caller: Caller) -> None:
    """Refuses the key of an agency that is not in charge."""
    if not caller.can_write_for(stored.agency):
        raise NotAllowed("This ticket is another agency's, or nobody's yet.")


async def _change(
    session: WriteSession, stored: Stored, changes: dict[str, Any], *, now: datetime
) -> None:
    kept = {
        name: getattr(stored, name)
        for name in ("region", "id", "agency", "held", "merged_into", "closed_at")
    }
    new = dict.fromkeys(("verified_at", "answered_at", "forwarded_at", "forwarded_number"))
    await session.execute(text(CHANGE), kept | new | changes | {"now": now})


async def _check_room(session: WriteSession, stored: Stored) -> None:
    key = {"region": stored.region, "comment": stored.id}
    entries: int | None = await session.scalar(text(ENTRIES), key)
    if (entries or 0) >= MOST_ENTRIES:
        raise Conflict(f"This ticket has {MOST_ENTRIES} entries; open a new one.")


async def _known_agency(session: WriteSession, region: str, agency: str) -> str:
    parameters = {"region": region, "service": "", "agency": agency}
    known = (await session.execute(text(OFFERED_BY), parameters)).one()
    if known.any_known and not known.agency_known:
        error = FieldError(pointer="#/agency", parameter=None, detail="offers no service")
        raise Conflict("The hub does not know this agency.", errors=[error])
    return agency


async def _target(session: WriteSession, stored: Stored, into: str, caller: Caller) -> UUID:
    """The comment that another is merged into."""

    def refused(detail: str) -> Conflict:
        error = FieldError(pointer="#/into", parameter=None, detail=detail)
        return Conflict("This ticket cannot be merged there.", errors=[error])

    try:
        target = await find_case(session, stored.region, into)
    except NotFound:
        raise refused("is no ticket") from None
    if target.id == stored.id:
        raise refused("is the ticket itself")
    if not caller.can_write_for(target.agency):
        raise refused("is another agency's ticket")
    if target.state in {"merged", "closed"}:
        raise refused(f"is {target.state}")
    key = {"region": stored.region, "comment": stored.id}
    if len((await session.scalars(text(WITH_MERGED), key)).all()) > 1:
        raise refused("cannot take a ticket into which others were merged; merge those first")
    return target.id


def _check_follows(state: State, wanted: State) -> None:
    if not may_follow(state, wanted):
        raise _cannot_follow(state, wanted)


def _cannot_follow(state: State, wanted: State) -> Conflict:
    error = FieldError(
        pointer="#/state", parameter=None, detail=f"{wanted} does not follow {state}"
    )
    return Conflict(f"This ticket is {state}.", errors=[error])


def not_yours(caller: Caller) -> NotAuthenticated | NotAllowed:
    """Why somebody who neither filed a comment nor is in charge of it gets no further."""
    if caller.has_scope("comments:write"):
        return NotAllowed("This ticket is another agency's, or nobody's yet.")
    return NotAuthenticated("Send the ticket's secret as Ticket-Token, or the agency's key.")
