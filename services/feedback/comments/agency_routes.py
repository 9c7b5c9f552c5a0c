"""Routes of comments for the agency in charge, with its key."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import text

from services.feedback.comments.cases import (
    CASE_COLUMNS,
    SETTLED_AT,
    CommentRow,
    Viewer,
    add_entry,
    build_case,
    lock_case,
    service_level_status,
    ticket_urls,
)
from services.feedback.comments.contacts import read_contact
from services.feedback.comments.dependencies import Keys, TicketPath
from services.feedback.comments.handling import change_state, check_in_charge
from services.feedback.comments.schemas import (
    CommentItem,
    ContactDetails,
    HandledCase,
    StateChange,
)
from services.feedback.comments.service_levels import Kind
from services.feedback.comments.states import State
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import Caller, CommentsHandler, CommentsReader
from services.platform.local_time import ZoneDep, day_of
from services.platform.paging import Page, next_page_url
from services.platform.parameters import Limit, ServiceQuery
from services.platform.problems import NotAllowed, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.types import Slug

router = Router(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 403, 422)
)

LIST = f"""
-- The comments to an agency, newest first.
SELECT {CASE_COLUMNS}
FROM feedback.comment c
WHERE c.region = :region
  AND (CAST(:agency AS text) IS NULL OR c.agency = :agency)
  AND (CAST(:state AS text) IS NULL OR c.state = :state)
  AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
  AND (CAST(:service AS text) IS NULL OR c.service = :service)
  AND (CAST(:under_review AS boolean) IS NULL
       OR (cardinality(c.review_reasons) > 0) = :under_review)
  AND (CAST(:overdue AS boolean) IS NULL
       OR ({SETTLED_AT} IS NULL AND c.answer_by < :today) = :overdue)
  AND (CAST(:cursor AS uuid) IS NULL OR c.id < :cursor)
ORDER BY c.id DESC
LIMIT :limit
"""  # noqa: S608 - constants of `cases`


def agency_of(caller: Caller, wanted: str | None = None) -> str | None:
    """Return the agency whose comments a key may read; None is all, for an administrator.

    `wanted` is the agency asked for.
    """
    if "admin" in caller.scopes:
        return wanted
    if caller.agency is None:
        raise NotAllowed("This key belongs to no agency.")
    if wanted not in (None, caller.agency):
        raise NotAllowed(f"This key can only read the comments to {caller.agency}.")
    return caller.agency


@router.get("", operation_id="list_comments")
async def list_comments(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: CommentsReader,
    zone: ZoneDep,
    *,
    agency: Annotated[
        Slug | None, Query(description="For an administrator: only this agency.")
    ] = None,
    state: Annotated[State | None, Query(description="Only this state.")] = None,
    kind: Annotated[Kind | None, Query(description="Only this kind.")] = None,
    service: ServiceQuery = None,
    under_review: Annotated[bool | None, Query(description="Whether it is under review.")] = None,
    overdue: Annotated[bool | None, Query(description="Whether its answer is overdue.")] = None,
    limit: Limit = 20,
    cursor: Annotated[UUID | None, Query(description="Taken from `next`.")] = None,
) -> Page[CommentItem]:
    """List the comments to the key's agency, newest first."""
    now = datetime.now(UTC)
    rows = await session.execute(
        text(LIST),
        {
            "region": get_region(request),
            "agency": agency_of(caller, agency),
            "state": state,
            "kind": kind,
            "service": service,
            "under_review": under_review,
            "overdue": overdue,
            "today": day_of(now, zone),
            "cursor": cursor,
            "limit": limit + 1,
        },
    )
    comments = rows.all()
    next_cursor = str(comments[limit - 1].id) if len(comments) > limit else None
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
                review_reasons=list(row.review_reasons),
                text=row.content,
                has_contact=row.has_contact,
                created_at=row.created_at,
                service_level=service_level_status(row, now=now, zone=zone),
                href=ticket_urls(row.ticket)[0],
            )
            for row in comments[:limit]
        ],
        next=next_page_url(request, next_cursor),
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
    zone: ZoneDep,
    *,
    ticket: TicketPath,
    change: StateChange,
) -> HandledCase:
    """Change the state of a comment: take it up, close, merge, forward, or hand it over."""
    now = datetime.now(UTC)
    stored, personal_data = await change_state(
        session, get_region(request), ticket, change, caller=caller, now=now
    )
    case = await build_case(session, stored, viewer=Viewer.agency, now=now, zone=zone)
    return HandledCase(**dict(case), personal_data=personal_data)


@router.post(
    "/{ticket}/contact/reads",
    operation_id="read_comment_contact",
    responses=problem_responses(404),
)
async def read_comment_contact(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    keys: Keys,
    caller: CommentsHandler,
    *,
    ticket: TicketPath,
) -> ContactDetails:
    """Return the contact of a citizen who asked for a reply, and record the access.

    It is a POST because the access is stored in the timeline.
    """
    now = datetime.now(UTC)
    stored: CommentRow = await lock_case(session, get_region(request), ticket)
    check_in_charge(stored, caller)
    contact = await read_contact(session, keys, stored.region, stored.id)
    if contact is None:
        raise NotFound("No contact is stored for this ticket.")
    await add_entry(
        session, stored, action="contact_read", state=stored.state, now=now, caller=caller
    )
    response.headers["Cache-Control"] = "private, no-store"
    return contact
