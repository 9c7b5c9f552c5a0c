"""What the agency in charge does with comments, with its key."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import text

from services.feedback.comments.cases import (
    SETTLED_AT,
    Reader,
    Stored,
    add_entry,
    addresses_of,
    day_of,
    lock_case,
    promise_state,
    show_case,
)
from services.feedback.comments.contacts import read_contact
from services.feedback.comments.dependencies import OwnKeys, TicketPath
from services.feedback.comments.handling import change_state, check_in_charge
from services.feedback.comments.schemas import (
    CommentCase,
    CommentItem,
    ContactDetails,
    StateChange,
)
from services.feedback.comments.service_levels import Kind
from services.feedback.comments.states import State
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import Caller, CommentsHandler
from services.platform.paging import Page, next_page_url
from services.platform.parameters import Limit, ServiceQuery
from services.platform.problems import NotAllowed, NotFound, problem_responses
from services.platform.service import API, get_region
from services.platform.types import Slug

router = APIRouter(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 403, 422)
)

LIST = f"""
-- The comments to an agency, newest first.
SELECT c.*, m.ticket AS merged_ticket, {SETTLED_AT} AS settled_at,
       EXISTS (SELECT FROM feedback.comment_contact k
               WHERE k.region = c.region AND k.comment = c.id) AS has_contact
FROM feedback.comment c
LEFT JOIN feedback.comment m ON m.region = c.region AND m.id = c.merged_into
WHERE c.region = :region
  AND (CAST(:agency AS text) IS NULL OR c.agency = :agency)
  AND (CAST(:state AS text) IS NULL OR c.state = :state)
  AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
  AND (CAST(:service AS text) IS NULL OR c.service = :service)
  AND (CAST(:held AS boolean) IS NULL OR (cardinality(c.held) > 0) = :held)
  AND (CAST(:late AS boolean) IS NULL
       OR ({SETTLED_AT} IS NULL AND c.answer_by < :today) = :late)
  AND (CAST(:cursor AS uuid) IS NULL OR c.id < :cursor)
ORDER BY c.id DESC
LIMIT :limit
"""  # noqa: S608 - of a part that stands in `cases`


def agency_of(caller: Caller, wanted: str | None = None) -> str | None:
    """Whose comments a key gives: its own agency's; an administrator's those wanted, or all."""
    if "admin" in caller.scopes:
        return wanted
    if caller.agency is None:
        raise NotAllowed("This key belongs to no agency.")
    if wanted not in (None, caller.agency):
        raise NotAllowed(f"This key gives the comments to {caller.agency} alone.")
    return caller.agency


@router.get("", operation_id="list_comments")
async def list_comments(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: CommentsHandler,
    *,
    agency: Annotated[
        Slug | None, Query(description="For an administrator: of this agency alone.")
    ] = None,
    state: Annotated[State | None, Query(description="Those in this state alone.")] = None,
    kind: Annotated[Kind | None, Query(description="Those of this kind alone.")] = None,
    service: ServiceQuery = None,
    held: Annotated[bool | None, Query(description="Whether it waits for a look.")] = None,
    late: Annotated[bool | None, Query(description="Whether its answer is overdue.")] = None,
    limit: Limit = 20,
    cursor: Annotated[UUID | None, Query(description="Taken from `next`.")] = None,
) -> Page[CommentItem]:
    """The comments to the key's agency, newest first."""
    today = day_of(datetime.now(UTC))
    rows = await session.execute(
        text(LIST),
        {
            "region": get_region(request),
            "agency": agency_of(caller, agency),
            "state": state,
            "kind": kind,
            "service": service,
            "held": held,
            "late": late,
            "today": today,
            "cursor": cursor,
            "limit": limit + 1,
        },
    )
    found = rows.all()
    more = str(found[limit - 1].id) if len(found) > limit else None
    response.headers["Cache-Control"] = "private, no-store"
    return Page(
        items=[
            CommentItem(
                ticket=row.ticket,
                kind=row.kind,
                category=row.category,
                service=row.service or None,
                agency=row.agency or None,
                link=row.link or None,
                district=row.district or None,
                state=row.state,
                held_for=list(row.held),
                text=row.content,
                has_contact=row.has_contact,
                created_at=row.created_at,
                promise=promise_state(row, today=today),
                href=addresses_of(row.ticket)[0],
            )
            for row in found[:limit]
        ],
        next=next_page_url(request, more),
    )


@router.post(
    "/{ticket}/states",
    operation_id="change_comment_state",
    responses=problem_responses(404, 409, 413),
)
async def change_comment_state(
    request: Request,
    session: WriteSessionDep,
    caller: CommentsHandler,
    *,
    ticket: TicketPath,
    change: StateChange,
) -> CommentCase:
    """Moves a comment on: taken up, closed, merged, forwarded, handed to another agency."""
    now = datetime.now(UTC)
    stored = await change_state(
        session, get_region(request), ticket, change, caller=caller, now=now
    )
    return await show_case(session, stored, reader=Reader.agency, today=day_of(now))


@router.get(
    "/{ticket}/contact", operation_id="get_comment_contact", responses=problem_responses(404)
)
async def get_comment_contact(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    keys: OwnKeys,
    caller: CommentsHandler,
    *,
    ticket: TicketPath,
) -> ContactDetails:
    """The contact of somebody who asked for a reply; that it was read is written down."""
    now = datetime.now(UTC)
    stored: Stored = await lock_case(session, get_region(request), ticket)
    check_in_charge(stored, caller)
    contact = await read_contact(session, keys, stored.region, stored.id)
    if contact is None:
        raise NotFound("No contact is kept for this ticket.")
    await add_entry(
        session, stored, action="contact_read", state=stored.state, now=now, caller=caller
    )
    response.headers["Cache-Control"] = "private, no-store"
    return contact
