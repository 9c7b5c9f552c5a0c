"""Submission of comments: ticket, service level and spam filter."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import text

from services.feedback.catalogue_lookup import find_agency
from services.feedback.comments.cases import (
    CASE_COLUMNS,
    CONSENT_GIVEN,
    Actor,
    CommentRow,
    add_entry,
    service_level_status,
    ticket_urls,
)
from services.feedback.comments.contacts import check_consent, store_contact
from services.feedback.comments.keys import CommentKeys, token_hash
from services.feedback.comments.schemas import CommentFiled, NewComment
from services.feedback.comments.service_levels import service_levels
from services.feedback.comments.spam_filter import (
    FORM,
    MAX_PER_ADDRESS_AND_DAY,
    MAX_PER_SENDER_AND_DAY,
    OTHER_AGENCY,
    ReviewReason,
    content_hash,
    content_review_reasons,
    is_duplicate,
)
from services.feedback.comments.tickets import new_ticket
from services.feedback.senders import count_from_sender, hash_sender
from services.platform.concurrency_control import claim_idempotency_key
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.local_time import day_of
from services.platform.personal_data import PersonalDataKind, mask_personal_data
from services.platform.problems import Conflict, FieldError
from services.platform.settings import Service
from services.platform.working_days import after_working_days

STORE = f"""
-- A new comment.
INSERT INTO feedback.comment AS c
    (region, id, ticket, token_hash, kind, category, service, agency, link, district, place,
     latitude, longitude, content, content_hash, language, source, is_public, review_reasons, state,
     service_level, received_on, verify_by, answer_by, created_at, updated_at)
VALUES (:region, :id, :ticket, :token_hash, :kind, :category, :service, :agency, :link, :district,
        :place, :latitude, :longitude, :content, :content_hash, :language, :source, :is_public,
        CAST(:review_reasons AS text[]), 'received', :service_level, :received_on, :verify_by,
        :answer_by, :now, :now)
RETURNING {CASE_COLUMNS}
"""  # noqa: S608 - a constant of `cases`

FIND_BY_ID = f"""
-- A comment by its id.
SELECT {CASE_COLUMNS} FROM feedback.comment c WHERE c.region = :region AND c.id = :id
"""  # noqa: S608 - a constant of `cases`


class _CommentIdentity(BaseModel):
    """Identity of a comment for its `Idempotency-Key`."""

    comment: NewComment
    contact: str | None
    """A keyed digest: an unkeyed hash of a phone number can be found by brute force."""

    @classmethod
    def of(cls, comment: NewComment, keys: CommentKeys) -> Self:
        contact = comment.contact and keys.contact_digest(
            comment.contact.model_dump_json().encode()
        )
        return cls(
            comment=comment.model_copy(update={"contact": None, "form_token": None}),
            contact=contact,
        )


def _form_of(keys: CommentKeys, comment: NewComment, *, now: datetime) -> str | None:
    """Return the form of a comment, which only its sender knows; None without a valid token."""
    token = comment.form_token
    if token is None or keys.forms.age(FORM, token, now) is None:
        return None
    return f"form {token_hash(token).hex()}"


async def submit_comment(
    session: WriteSession,
    keys: CommentKeys,
    region: str,
    comment: NewComment,
    *,
    caller: Caller,
    sender: Sequence[str],
    source: str,
    key: str | None,
    now: datetime,
    zone: ZoneInfo,
) -> tuple[CommentFiled, bool]:
    """Store a comment; return its receipt, and whether it is new."""
    if comment.contact is not None:
        check_consent(comment.contact)
    agency = await _agency_in_charge(session, region, comment)
    comment, personal_data = _masked(comment)
    form = _form_of(keys, comment, now=now) if caller.is_anonymous else None
    comment_id, is_new = await claim_idempotency_key(
        session,
        Service.feedback,
        region,
        caller=form or caller.subject,
        operation="post_open311_request" if source == "open311" else "post_comment",
        key=key,
        body=_CommentIdentity.of(comment, keys),
        new_id=new_id(),
        now=now,
    )
    if not is_new and caller.is_anonymous and form is None:
        # Anybody may have sent the first one: its receipt contains that person's secret.
        detail = "was used for a comment; send the form_token of its form to get the receipt again"
        error = FieldError(pointer=None, parameter="Idempotency-Key", detail=detail)
        raise Conflict("This Idempotency-Key was already used.", errors=[error])
    if not is_new:
        rows = await session.execute(text(FIND_BY_ID), {"region": region, "id": comment_id})
        return _receipt(keys, rows.one(), personal_data, now=now, zone=zone), False
    is_from_agency = caller.has_scope("comments:write")
    # An agency vouches for comments to itself; one about another could be made up by a rival.
    is_trusted = is_from_agency and caller.can_write_for(agency)
    review_reasons = (
        []
        if is_trusted
        else await _review_reasons(
            session, keys, region, comment, sender=sender, now=now, zone=zone
        )
    )
    if is_from_agency and not is_trusted:
        review_reasons.append(OTHER_AGENCY)
    stored = await _store(
        session,
        keys,
        region,
        comment_id,
        comment=comment,
        agency=agency,
        source=source,
        review_reasons=review_reasons,
        now=now,
        zone=zone,
    )
    actor: Actor = "agency" if is_from_agency else "citizen"
    await add_entry(
        session, stored, action="received", state="received", now=now, actor=actor, caller=caller
    )
    if comment.contact is not None:
        await store_contact(session, keys, region, comment_id, contact=comment.contact, now=now)
        # The consent must be provable after the contact has been erased.
        await add_entry(
            session,
            stored,
            action=CONSENT_GIVEN,
            state="received",
            now=now,
            actor=actor,
            caller=caller,
            content=comment.contact.consent,
        )
    return _receipt(keys, stored, personal_data, now=now, zone=zone), True


async def _store(
    session: WriteSession,
    keys: CommentKeys,
    region: str,
    comment_id: UUID,
    *,
    comment: NewComment,
    agency: str,
    source: str,
    review_reasons: Sequence[ReviewReason],
    now: datetime,
    zone: ZoneInfo,
) -> CommentRow:
    today = day_of(now, zone)
    levels = service_levels()
    service_level = levels.level_for(comment.kind, comment.category)
    rows = await session.execute(
        text(STORE),
        {
            "region": region,
            "id": comment_id,
            "ticket": new_ticket(secrets.randbelow),
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
            "review_reasons": list(review_reasons),
            "service_level": service_level.id,
            "received_on": today,
            "verify_by": levels.verify_by(today),
            "answer_by": after_working_days(today, service_level.working_days),
            "now": now,
        },
    )
    return rows.one()


def _masked(comment: NewComment) -> tuple[NewComment, list[PersonalDataKind]]:
    """Return the comment as it is stored, and which personal data was found in it."""
    found = mask_personal_data(comment.text)
    place = mask_personal_data(comment.place or "")
    kinds = list(dict.fromkeys(found.kinds + place.kinds))
    if comment.keep_personal_data or not kinds:
        return comment, kinds
    changes = {"text": found.text, "place": place.text or None}
    return comment.model_copy(update=changes), kinds


def _receipt(
    keys: CommentKeys,
    stored: CommentRow,
    personal_data: list[PersonalDataKind],
    *,
    now: datetime,
    zone: ZoneInfo,
) -> CommentFiled:
    href, page = ticket_urls(stored.ticket)
    return CommentFiled(
        ticket=stored.ticket,
        token=keys.ticket_token(stored.region, stored.id),
        state=stored.state,
        under_review=bool(stored.review_reasons),
        personal_data=personal_data,
        service_level=service_level_status(stored, now=now, zone=zone),
        href=href,
        page=page,
    )


async def _review_reasons(
    session: WriteSession,
    keys: CommentKeys,
    region: str,
    comment: NewComment,
    *,
    sender: Sequence[str],
    now: datetime,
    zone: ZoneInfo,
) -> list[ReviewReason]:
    reasons = content_review_reasons(comment, keys.forms, now=now)
    today = day_of(now, zone)
    limits = {"comments": MAX_PER_SENDER_AND_DAY, "comments of an address": MAX_PER_ADDRESS_AND_DAY}
    senders = {"comments": sender, "comments of an address": sender[:1]}
    counts = {
        purpose: await count_from_sender(
            session,
            region,
            await hash_sender(session, region, sender, purpose=purpose, today=today),
            today=today,
        )
        for purpose, sender in senders.items()
    }
    if any(counts[purpose] > limit for purpose, limit in limits.items()):
        reasons.append("too_many_from_sender")
    if await is_duplicate(session, region, content_hash(comment), now=now):
        reasons.append("duplicate")
    return reasons


async def _agency_in_charge(session: WriteSession, region: str, comment: NewComment) -> str:
    # Empty if none is known: an administrator hands such a comment to an agency.
    agency, error = await find_agency(
        session, region, service=comment.service or "", agency=comment.agency or ""
    )
    if error is not None:
        detail = "The comment is about a service or an agency that the hub does not know."
        raise Conflict(detail, errors=[error])
    return agency
