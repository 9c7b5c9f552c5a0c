"""Routes for the writer of a comment, with its secret: correct it, erase it or one of its images.

The timeline records that it happened and when, not what the comment said.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Request
from sqlalchemy import text

from services.feedback.comments.cases import (
    CommentRow,
    Viewer,
    add_entry,
    build_case,
    find_case,
    lock_case,
    viewer_of,
)
from services.feedback.comments.contacts import erase_contacts
from services.feedback.comments.dependencies import TicketPath, TicketToken
from services.feedback.comments.erasure import erase_comments
from services.feedback.comments.handling import access_error, check_entry_limit
from services.feedback.comments.schemas import CommentCorrection, HandledCase
from services.platform.database import WriteSession, WriteSessionDep
from services.platform.identity import Caller, CurrentCaller
from services.platform.local_time import ZoneDep
from services.platform.personal_data import mask_personal_data
from services.platform.problems import Conflict, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 403, 404, 422)
)

CORRECT = """
-- Replaces the text and place of a comment. What was published was the old text.
UPDATE feedback.comment
SET content = :content, content_hash = '', place = :place, latitude = :latitude,
    longitude = :longitude, published_text = NULL, published_at = NULL, updated_at = :now
WHERE region = :region AND id = :id
"""

CLOSE = """
-- Closes a case unless it has ended.
UPDATE feedback.comment SET state = 'closed', closed_at = coalesce(closed_at, :now),
    updated_at = :now
WHERE region = :region AND id = :id AND state <> 'merged'
"""

DELETE_ATTACHMENT = """
-- Deletes an attachment of a comment.
DELETE FROM feedback.comment_attachment
WHERE region = :region AND comment = :comment AND id = :id RETURNING 1
"""


@router.put("/{ticket}/text", operation_id="correct_comment", responses=problem_responses(409, 413))
async def correct_comment(
    request: Request,
    session: WriteSessionDep,
    caller: CurrentCaller,
    zone: ZoneDep,
    *,
    ticket: TicketPath,
    body: CommentCorrection,
    token: TicketToken = None,
) -> HandledCase:
    """Replace the text and place of a comment, as its writer; it is no longer published."""
    now = datetime.now(UTC)
    stored = await _lock_as_writer(session, get_region(request), ticket, caller, token)
    if not stored.content:
        raise Conflict("This comment was erased; write a new one.")
    await check_entry_limit(session, stored)
    masked = mask_personal_data(body.text.strip())
    place = mask_personal_data(body.place or "")
    kept = body.keep_personal_data
    await session.execute(
        text(CORRECT),
        {
            "region": stored.region,
            "id": stored.id,
            "content": body.text.strip() if kept else masked.text,
            "place": (body.place or "") if kept else place.text,
            "latitude": body.latitude,
            "longitude": body.longitude,
            "now": now,
        },
    )
    await add_entry(
        session, stored, action="corrected", state=stored.state, now=now, actor="citizen"
    )
    corrected = await find_case(session, stored.region, ticket)
    case = await build_case(session, corrected, viewer=Viewer.citizen, now=now, zone=zone)
    kinds = dict.fromkeys(masked.kinds + place.kinds)
    return HandledCase(**dict(case), personal_data=list(kinds))


@router.delete("/{ticket}", operation_id="erase_comment", status_code=204)
async def erase_comment(
    request: Request,
    session: WriteSessionDep,
    caller: CurrentCaller,
    *,
    ticket: TicketPath,
    token: TicketToken = None,
) -> None:
    """Erase a comment with its replies, images and contact, as its writer, and close the case.

    The ticket, its classification and its dates remain.
    """
    now = datetime.now(UTC)
    stored = await _lock_as_writer(session, get_region(request), ticket, caller, token)
    await erase_comments(session, stored.region, [stored.id])
    await erase_contacts(session, stored.region, [stored.id])
    if stored.content:
        names = {"region": stored.region, "id": stored.id, "now": now}
        await session.execute(text(CLOSE), names)
        state = "merged" if stored.state == "merged" else "closed"
        await add_entry(session, stored, action="erased", state=state, now=now, actor="citizen")


@router.delete(
    "/{ticket}/attachments/{attachment}",
    operation_id="delete_comment_attachment",
    status_code=204,
)
async def delete_comment_attachment(
    request: Request,
    session: WriteSessionDep,
    caller: CurrentCaller,
    *,
    ticket: TicketPath,
    attachment: Annotated[UUID, Path(description="Id of the attachment.")],
    token: TicketToken = None,
) -> None:
    """Delete an image of a comment, as its writer."""
    stored = await _lock_as_writer(session, get_region(request), ticket, caller, token)
    names = {"region": stored.region, "comment": stored.id, "id": attachment}
    if await session.scalar(text(DELETE_ATTACHMENT), names) is None:
        raise NotFound("This ticket has no such attachment.")
    await add_entry(
        session,
        stored,
        action="attachment_deleted",
        state=stored.state,
        now=datetime.now(UTC),
        actor="citizen",
    )


async def _lock_as_writer(
    session: WriteSession, region: str, ticket: str, caller: Caller, token: str | None
) -> CommentRow:
    """Lock a comment for its writer; raise a problem for anybody else, the agency too."""
    stored = await lock_case(session, region, ticket)
    if token is None:
        raise access_error(caller)
    # The secret decides, also if the request carries an agency's key.
    viewer_of(stored, caller.model_copy(update={"scopes": frozenset()}), token)
    return stored
