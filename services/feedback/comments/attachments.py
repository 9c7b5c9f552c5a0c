"""Attachments of comments: images, for the citizen with the token and the agency in charge."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response
from sqlalchemy import text

from services.feedback.comments.cases import (
    CommentRow,
    Viewer,
    attachments_of,
    find_case,
    lock_case,
    reader_of,
    ticket_urls,
    viewer_of,
)
from services.feedback.comments.dependencies import TicketPath, TicketToken
from services.feedback.comments.handling import access_error
from services.feedback.comments.schemas import AttachmentItem
from services.platform.bounded_process import Limits, call_bounded
from services.platform.database import Database, ReadSessionDep
from services.platform.file_upload import file_body, read_file
from services.platform.identity import CurrentCaller
from services.platform.ids import new_id
from services.platform.images import (
    MAX_BYTES,
    MEDIA_TYPES,
    ImageTooLargeError,
    InvalidImageError,
    SanitisedImage,
    sanitise_image,
)
from services.platform.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    TooLarge,
    problem_responses,
)
from services.platform.router import Router
from services.platform.security_headers import DATA_POLICY
from services.platform.service import API, get_region

router = Router(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 403, 404, 422)
)

MAX_ATTACHMENTS = 5
BINARY = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES.values()}

STORE = """
-- An image; storing the same one again changes nothing.
INSERT INTO feedback.comment_attachment
    (region, id, comment, media_type, size, sha256, content, created_at)
VALUES (:region, :id, :comment, :media_type, :size, :sha256, :content, :now)
ON CONFLICT (region, comment, sha256) DO NOTHING
"""

READ = """
-- An attachment of a comment.
SELECT media_type, content FROM feedback.comment_attachment
WHERE region = :region AND comment = :comment AND id = :id
"""


@router.post(
    "/{ticket}/attachments",
    operation_id="post_comment_attachment",
    status_code=201,
    responses=problem_responses(400, 409, 413, 415, 503),
    openapi_extra=file_body(*MEDIA_TYPES.values()),
)
async def post_comment_attachment(
    request: Request, caller: CurrentCaller, *, ticket: TicketPath, token: TicketToken = None
) -> AttachmentItem:
    """Add an image (JPEG, PNG or WebP, up to 6 MiB, five to a ticket).

    Its type is detected from its content, and it is re-encoded without metadata, such as place and
    device. One that would take more than 128 MiB to decode gets 413: PNG has room for 12 million
    pixels, WebP for 4 million, JPEG for 50 million.
    """
    region, database = get_region(request), request.app.state.database
    body = await read_file(request, media_type_to_send="image/jpeg", max_bytes=MAX_BYTES)
    # Access is checked before decoding, which is expensive.
    async with database.read_session() as session:
        stored = await find_case(session, region, ticket)
        if viewer_of(stored, caller, token) is Viewer.public:
            raise access_error(caller)
    try:
        image = await call_bounded(Limits(), sanitise_image, body)
    except ImageTooLargeError as error:
        raise TooLarge(f"The image {error}.") from None
    except InvalidImageError as error:
        invalid = FieldError(pointer="#", parameter=None, detail=str(error))
        raise Invalid("This attachment cannot be accepted.", errors=[invalid]) from None
    return await _store(database, stored, image)


async def _store(database: Database, stored: CommentRow, image: SanitisedImage) -> AttachmentItem:
    digest = hashlib.sha256(image.content)
    href, _ = ticket_urls(stored.ticket)
    async with database.write_session() as session:
        await lock_case(session, stored.region, stored.ticket)
        attachments = await attachments_of(session, stored.region, stored.id, href=href)
        existing = next((item for item in attachments if item.sha256 == digest.hexdigest()), None)
        if existing is not None:
            return existing
        if len(attachments) >= MAX_ATTACHMENTS:
            raise Conflict(f"A ticket may have at most {MAX_ATTACHMENTS} attachments.")
        attachment_id = new_id()
        await session.execute(
            text(STORE),
            {
                "region": stored.region,
                "id": attachment_id,
                "comment": stored.id,
                "media_type": image.media_type,
                "size": len(image.content),
                "sha256": digest.digest(),
                "content": image.content,
                "now": datetime.now(UTC),
            },
        )
    return AttachmentItem(
        id=attachment_id,
        media_type=image.media_type,
        size=len(image.content),
        sha256=digest.hexdigest(),
        href=f"{href}/attachments/{attachment_id}",
    )


@router.get(
    "/{ticket}/attachments/{attachment}",
    operation_id="get_comment_attachment",
    response_class=Response,
    responses={
        200: {
            "description": "The image, without the metadata that it was sent with.",
            "content": BINARY,
        }
    },
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
    """Return an attachment, for the citizen with the token and the agency in charge."""
    stored = await find_case(session, get_region(request), ticket)
    if reader_of(stored, caller, token) is Viewer.public:
        raise access_error(caller)
    key = {"region": stored.region, "comment": stored.id, "id": attachment}
    row = (await session.execute(text(READ), key)).one_or_none()
    if row is None:
        raise NotFound("This ticket has no such attachment.")
    extension = row.media_type.removeprefix("image/")
    return Response(
        row.content,
        media_type=row.media_type,
        headers={
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'inline; filename="{stored.ticket}-{attachment}.{extension}"',
            "Content-Security-Policy": f"{DATA_POLICY}; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
