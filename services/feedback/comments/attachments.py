"""Pictures to a comment: sent with its token, seen by its holder and the agency in charge."""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import text

from services.feedback.comments.cases import (
    Reader,
    Stored,
    addresses_of,
    attachments_of,
    find_case,
    lock_case,
    reader_of,
)
from services.feedback.comments.dependencies import TicketPath, TicketToken
from services.feedback.comments.handling import not_yours
from services.feedback.comments.images import (
    LARGEST_BYTES,
    MEDIA_TYPES,
    Picture,
    PictureError,
    cleaned,
)
from services.feedback.comments.schemas import AttachmentItem
from services.platform.database import Database, ReadSessionDep
from services.platform.identity import CurrentCaller
from services.platform.ids import new_id
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    TooLarge,
    problem_responses,
)
from services.platform.service import API, get_region

router = APIRouter(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 403, 404, 422)
)

MOST_PICTURES = 5
BINARY = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()}

KEEP = """
-- A picture; the same one again changes nothing.
INSERT INTO feedback.comment_attachment
    (region, id, comment, media_type, size, sha256, content, created_at)
VALUES (:region, :id, :comment, :media_type, :size, :sha256, :content, :now)
ON CONFLICT (region, comment, sha256) DO NOTHING
"""

READ = """
-- A picture to a comment.
SELECT media_type, content FROM feedback.comment_attachment
WHERE region = :region AND comment = :comment AND id = :id
"""


@router.post(
    "/{ticket}/attachments",
    operation_id="post_comment_attachment",
    status_code=201,
    responses=problem_responses(409, 413),
    openapi_extra={"requestBody": {"required": True, "content": BINARY}},
)
async def post_comment_attachment(
    request: Request, caller: CurrentCaller, *, ticket: TicketPath, token: TicketToken = None
) -> AttachmentItem:
    """Adds a picture (JPEG, PNG, WebP; up to 6 MiB, five to a ticket).

    It is known by its content and written anew, so that place and device in its metadata are gone.
    """
    region, database = get_region(request), request.app.state.database
    given = await request.body()
    if len(given) > LARGEST_BYTES:
        raise TooLarge(f"A picture may have {LARGEST_BYTES} bytes.")
    # Before anything is decoded: a stranger's bytes cost no time.
    async with database.read_session() as session:
        stored = await find_case(session, region, ticket)
        if reader_of(stored, caller, token) is Reader.anybody:
            raise not_yours(caller)
    try:
        picture = await asyncio.to_thread(cleaned, given)
    except PictureError as error:
        fault = FieldError(pointer="#", parameter=None, detail=str(error))
        raise Invalid("This attachment cannot be taken.", errors=[fault]) from None
    return await _keep(database, stored, picture)


async def _keep(database: Database, stored: Stored, picture: Picture) -> AttachmentItem:
    digest = hashlib.sha256(picture.content)
    href, _ = addresses_of(stored.ticket)
    async with database.write_session() as session:
        await lock_case(session, stored.region, stored.ticket)
        kept = await attachments_of(session, stored.region, stored.id, href=href)
        known = next((item for item in kept if item.sha256 == digest.hexdigest()), None)
        if known is not None:
            return known
        if len(kept) >= MOST_PICTURES:
            raise Conflict(f"A ticket takes {MOST_PICTURES} pictures.")
        attachment_id = new_id()
        await session.execute(
            text(KEEP),
            {
                "region": stored.region,
                "id": attachment_id,
                "comment": stored.id,
                "media_type": picture.media_type,
                "size": len(picture.content),
                "sha256": digest.digest(),
                "content": picture.content,
                "now": datetime.now(UTC),
            },
        )
    return AttachmentItem(
        id=attachment_id,
        media_type=picture.media_type,
        size=len(picture.content),
        sha256=digest.hexdigest(),
        href=f"{href}/attachments/{attachment_id}",
    )


@router.get(
    "/{ticket}/attachments/{attachment}",
    operation_id="get_comment_attachment",
    response_class=Response,
    responses={200: {"description": "The picture.", "content": BINARY}},
)
async def get_comment_attachment(
    request: Request,
    session: ReadSessionDep,
    caller: CurrentCaller,
    *,
    ticket: TicketPath,
    attachment: Annotated[UUID, Path(description="Id of the attachment.")],
    token: TicketToken = None,
) -> Response:
    """A picture, for whoever filed the comment and for the agency in charge."""
    stored = await find_case(session, get_region(request), ticket)
    if reader_of(stored, caller, token) is Reader.anybody:
        raise not_yours(caller)
    key = {"region": stored.region, "comment": stored.id, "id": attachment}
    row = (await session.execute(text(READ), key)).one_or_none()
    if row is None:
        raise NotFound("This ticket has no such picture.")
    ending = row.media_type.removeprefix("image/")
    return Response(
        row.content,
        media_type=row.media_type,
        headers={
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'inline; filename="{stored.ticket}-{attachment}.{ending}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
