"""Comments over HTTP for everybody: `/api/v1/comments/...`."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from services.feedback.comments.cases import day_of, find_case, reader_of, show_case
from services.feedback.comments.contacts import CONSENT
from services.feedback.comments.dependencies import OwnKeys, Sender, TicketPath, TicketToken
from services.feedback.comments.handling import reply, withdraw_contact
from services.feedback.comments.schemas import (
    LONGEST,
    Choice,
    CommentCase,
    CommentFiled,
    CommentForm,
    NewComment,
    NewReply,
    PromiseInfo,
)
from services.feedback.comments.service_levels import KIND_NAMES, KINDS, promises
from services.feedback.comments.submit import file_comment
from services.platform.concurrency_control import IdempotencyKey
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import CurrentCaller
from services.platform.problems import problem_responses
from services.platform.service import API, get_region

router = APIRouter(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 422)
)


@router.get("/form", operation_id="get_comment_form")
async def get_comment_form(response: Response, keys: OwnKeys) -> CommentForm:
    """What a form needs: its token, the choices, the text of the consent, the promises."""
    response.headers["Cache-Control"] = "no-store"
    known = promises()
    return CommentForm(
        form=keys.form_token(datetime.now(UTC)),
        kinds=[
            Choice(code=kind, name=KIND_NAMES[kind][0], name_en=KIND_NAMES[kind][1])
            for kind in sorted(KINDS, key=list(KIND_NAMES).index)
        ],
        categories=[Choice(code=c.code, name=c.name, name_en=c.name_en) for c in known.categories],
        consent=CONSENT,
        longest=LONGEST,
        verify_working_days=known.verify_working_days,
        promises=[PromiseInfo.model_validate(p.model_dump()) for p in known.promises],
        sources=[source.title for source in known.sources],
    )


@router.post(
    "",
    operation_id="post_comment",
    status_code=201,
    responses=problem_responses(409, 413)
    | {200: {"model": CommentFiled, "description": "Stored before; nothing changed."}},
)
async def post_comment(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    keys: OwnKeys,
    caller: CurrentCaller,
    *,
    sender: Sender,
    comment: NewComment,
    idempotency_key: IdempotencyKey = None,
) -> CommentFiled:
    """Files a comment or a complaint; needs no key and no name. Keep the ticket and its token."""
    source = {"anonymous": "api", "gateway": "page"}.get(caller.subject, "agency")
    filed, is_new = await file_comment(
        session,
        keys,
        get_region(request),
        comment,
        caller=caller,
        sender=sender,
        source=source,
        key=idempotency_key,
        now=datetime.now(UTC),
    )
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = filed.href
    response.headers["Cache-Control"] = "no-store"
    return filed


@router.get("/{ticket}", operation_id="get_comment", responses=problem_responses(403, 404))
async def get_comment(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: CurrentCaller,
    *,
    ticket: TicketPath,
    token: TicketToken = None,
) -> CommentCase:
    """How far a comment is. Its text is shown with its token or the agency's key alone."""
    stored = await find_case(session, get_region(request), ticket)
    response.headers["Cache-Control"] = "private, no-store"
    return await show_case(
        session,
        stored,
        reader=reader_of(stored, caller, token),
        today=day_of(datetime.now(UTC)),
    )


@router.post(
    "/{ticket}/replies",
    operation_id="post_comment_reply",
    status_code=201,
    responses=problem_responses(403, 404, 409, 413),
)
async def post_comment_reply(
    request: Request,
    session: WriteSessionDep,
    caller: CurrentCaller,
    *,
    ticket: TicketPath,
    body: NewReply,
    token: TicketToken = None,
    idempotency_key: IdempotencyKey = None,
) -> CommentCase:
    """Replies: the agency in charge with its key, whoever filed the comment with the token.

    An agency's reply is the answer unless it says otherwise; a citizen's reply to an answer opens
    the case again.
    """
    now = datetime.now(UTC)
    stored, reader = await reply(
        session,
        get_region(request),
        ticket,
        body,
        caller=caller,
        token=token,
        key=idempotency_key,
        now=now,
    )
    return await show_case(session, stored, reader=reader, today=day_of(now))


@router.delete(
    "/{ticket}/contact",
    operation_id="withdraw_comment_contact",
    status_code=204,
    responses=problem_responses(403, 404),
)
async def withdraw_comment_contact(
    request: Request,
    session: WriteSessionDep,
    caller: CurrentCaller,
    *,
    ticket: TicketPath,
    token: TicketToken = None,
) -> None:
    """Withdraws the consent to keep a contact: it is erased at once."""
    await withdraw_contact(
        session, get_region(request), ticket, caller=caller, token=token, now=datetime.now(UTC)
    )
