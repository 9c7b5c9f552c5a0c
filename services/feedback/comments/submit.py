"""Takes a comment in: with a ticket, a promise, and a look at whether it may be spam."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text

from services.feedback.comments.cases import (
    CONSENT_GIVEN,
    Stored,
    add_entry,
    addresses_of,
    day_of,
    find_case,
    promise_state,
)
from services.feedback.comments.contacts import check_consent, keep_contact
from services.feedback.comments.keys import Keys, token_hash
from services.feedback.comments.repeats import claim
from services.feedback.comments.schemas import CommentFiled, NewComment
from services.feedback.comments.service_levels import promises
from services.feedback.comments.spam_filter import (
    MOST_A_DAY,
    Doubt,
    content_hash,
    doubts_about,
    said_before,
    sent_today,
)
from services.feedback.comments.tickets import new_ticket
from services.feedback.comments.working_days import after_working_days
from services.feedback.surveys.responses import OFFERED_BY
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.problems import Conflict, FieldError
from services.platform.service import API

STORE = """
-- A comment as it came.
INSERT INTO feedback.comment
    (region, id, ticket, token_hash, kind, category, service, agency, link, district, place,
     latitude, longitude, content, content_hash, language, source, is_public, held, state, promise,
     received_on, verify_by, answer_by, created_at, updated_at)
VALUES (:region, :id, :ticket, :token_hash, :kind, :category, :service, :agency, :link, :district,
        :place, :latitude, :longitude, :content, :content_hash, :language, :source, :is_public,
        CAST(:held AS text[]), 'received', :promise, :received_on, :verify_by, :answer_by, :now,
        :now)
"""

TICKET_OF = """
-- The ticket of a comment.
SELECT ticket FROM feedback.comment WHERE region = :region AND id = :id
"""


async def file_comment(
    session: WriteSession,
    keys: Keys,
    region: str,
    comment: NewComment,
    *,
    caller: Caller,
    sender: Sequence[str],
    source: str,
    key: str | None,
    now: datetime,
) -> tuple[CommentFiled, bool]:
    """Stores a comment; answers its receipt, and whether it is new."""
    if comment.contact is not None:
        check_consent(comment.contact)
    agency = await _agency(session, region, comment)
    comment_id, is_new = await claim(
        session,
        region,
        caller=caller.subject,
        key=key,
        # Its hash is kept, and a phone number could be found by trying all of them.
        body=comment.model_copy(update={"contact": None, "form": None}),
        now=now,
    )
    if not is_new:
        ticket = await session.scalar(text(TICKET_OF), {"region": region, "id": comment_id})
        stored = await find_case(session, region, str(ticket))
        return _receipt(keys, stored, now=now), False
    trusted = caller.has_scope("comments:write")
    held = [] if trusted else await _doubts(session, keys, region, comment, sender=sender, now=now)
    stored = await _store(
        session, keys, region, comment_id, comment=comment, agency=agency, source=source, held=held,
        now=now,
    )  # fmt: skip
    by: Literal["agency", "citizen"] = "agency" if trusted else "citizen"
    await add_entry(
        session, stored, action="received", state="received", now=now, who=by, caller=caller
    )
    if comment.contact is not None:
        await keep_contact(session, keys, region, comment_id, contact=comment.contact, now=now)
        # The consent has to be proved also when the contact is gone.
        await add_entry(
            session,
            stored,
            action=CONSENT_GIVEN,
            state="received",
            now=now,
            who=by,
            caller=caller,
            content=comment.contact.consent,
        )
    return _receipt(keys, stored, now=now), True


async def _store(
    session: WriteSession,
    keys: Keys,
    region: str,
    comment_id: UUID,
    *,
    comment: NewComment,
    agency: str,
    source: str,
    held: Sequence[Doubt],
    now: datetime,
) -> Stored:
    today = day_of(now)
    promise = promises().of(comment.kind, comment.category)
    ticket = new_ticket(secrets.randbelow)
    await session.execute(
        text(STORE),
        {
            "region": region,
            "id": comment_id,
            "ticket": ticket,
            "token_hash": token_hash(keys.ticket_token(region, comment_id)),
            "kind": comment.kind,
            "category": comment.category,
            "service": comment.service or "",
            "agency": agency,
            "link": comment.link or "",
            "district": comment.district or "",
            "place": comment.place or "",
            "latitude": comment.latitude,
            "longitude": comment.longitude,
            "content": comment.text.strip(),
            "content_hash": content_hash(comment),
            "language": comment.language,
            "source": source,
            "is_public": comment.public,
            "held": list(held),
            "promise": promise.id,
            "received_on": today,
            "verify_by": promises().verify_by(today),
            "answer_by": after_working_days(today, promise.working_days),
            "now": now,
        },
    )
    return await find_case(session, region, ticket)


def _receipt(keys: Keys, stored: Stored, *, now: datetime) -> CommentFiled:
    href, page = addresses_of(stored.ticket)
    return CommentFiled(
        ticket=stored.ticket,
        token=keys.ticket_token(stored.region, stored.id),
        state=stored.state,
        held=bool(stored.held),
        promise=promise_state(stored, today=day_of(now)),
        href=href,
        page=page,
    )


async def _doubts(
    session: WriteSession,
    keys: Keys,
    region: str,
    comment: NewComment,
    *,
    sender: Sequence[str],
    now: datetime,
) -> list[Doubt]:
    doubts = doubts_about(comment, keys, now=now)
    if await sent_today(session, region, sender, today=day_of(now)) > MOST_A_DAY:
        doubts.append("too_many")
    if await said_before(session, region, content_hash(comment), now=now):
        doubts.append("repeated")
    return doubts


async def _agency(session: WriteSession, region: str, comment: NewComment) -> str:
    """The agency in charge; empty where nobody said, and an administrator hands it on.

    A hub without a catalogue takes what it is given.
    """
    service, agency = comment.service or "", comment.agency or ""
    if not service and not agency:
        return ""
    known = (
        await session.execute(
            text(OFFERED_BY), {"region": region, "service": service, "agency": agency}
        )
    ).one()
    if not known.any_known:
        return agency
    offered_by: list[str] = known.agencies or []
    if service and not offered_by:
        raise _refused("service", f"is no service of the catalogue; see {API}/services")
    if service and agency and agency not in offered_by:
        raise _refused("agency", f"does not offer {service}; {', '.join(offered_by)} does")
    if agency and not service and not known.agency_known:
        raise _refused("agency", f"offers no service; see {API}/agencies")
    return agency or (offered_by[0] if len(offered_by) == 1 else "")


def _refused(place: str, detail: str) -> Conflict:
    error = FieldError(pointer=f"#/{place}", parameter=None, detail=detail)
    return Conflict("The comment is about something that the hub does not know.", errors=[error])
