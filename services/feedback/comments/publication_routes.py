"""Routes to publish a comment, which its writer allowed: an act of the agency in charge."""

from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import text

from services.feedback.comments.cases import CommentRow, add_entry, lock_case
from services.feedback.comments.dependencies import TicketPath
from services.feedback.comments.handling import check_entry_limit, check_in_charge
from services.feedback.comments.schemas import CommentPublication, PublicationRequest
from services.feedback.comments.shortening import find_added_word
from services.platform.database import WriteSession, WriteSessionDep
from services.platform.identity import CommentsHandler
from services.platform.personal_data import mask_personal_data
from services.platform.problems import Conflict, FieldError, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(
    prefix=f"{API}/comments/{{ticket}}/publication",
    tags=["comments"],
    responses=problem_responses(401, 403, 404, 422),
)

PUBLISH = """
-- Sets what everybody may read of a comment; null: nothing.
UPDATE feedback.comment SET published_text = :published, published_at = :published_at
WHERE region = :region AND id = :id
"""


@router.put("", operation_id="publish_comment", responses=problem_responses(409, 413))
async def publish_comment(
    request: Request,
    session: WriteSessionDep,
    caller: CommentsHandler,
    *,
    ticket: TicketPath,
    body: PublicationRequest,
) -> CommentPublication:
    """Publish the text of a comment, or a shortened one, without the personal data found in it.

    Its writer must have allowed it (`public`), and it must not be under review. A shortened text
    has the writer's words in their order; `[...]` or the like stands for what was left out.
    """
    now = datetime.now(UTC)
    stored = await lock_case(session, get_region(request), ticket)
    check_in_charge(stored, caller)
    if not stored.is_public:
        raise Conflict("The writer of this comment did not allow its publication.")
    if stored.review_reasons:
        raise Conflict("This comment is under review: accept it first.")
    if body.text is not None and (added := find_added_word(body.text, stored.content)):
        detail = f"adds {added[:40]!r}; leave words out, or mark them as [...], but add none"
        error = FieldError(pointer="#/text", parameter=None, detail=detail)
        raise Conflict("Only what its writer wrote is published.", errors=[error])
    masked = mask_personal_data((body.text or stored.content).strip())
    await _set(session, stored, published=masked.text, now=now)
    await check_entry_limit(session, stored)
    await add_entry(session, stored, action="published", state=stored.state, now=now, caller=caller)
    return CommentPublication(
        ticket=stored.ticket,
        text=masked.text,
        published_at=now,
        personal_data=list(masked.kinds),
    )


@router.delete("", operation_id="unpublish_comment", status_code=204)
async def unpublish_comment(
    request: Request, session: WriteSessionDep, caller: CommentsHandler, *, ticket: TicketPath
) -> None:
    """Withdraw the publication of a comment."""
    now = datetime.now(UTC)
    stored = await lock_case(session, get_region(request), ticket)
    check_in_charge(stored, caller)
    if stored.published_text is None:
        raise NotFound(f"The ticket {ticket} is not published.")
    await _set(session, stored, published=None, now=now)
    await add_entry(
        session, stored, action="unpublished", state=stored.state, now=now, caller=caller
    )


async def _set(
    session: WriteSession, stored: CommentRow, *, published: str | None, now: datetime
) -> None:
    names = {
        "region": stored.region,
        "id": stored.id,
        "published": published,
        "published_at": None if published is None else now,
    }
    await session.execute(text(PUBLISH), names)
