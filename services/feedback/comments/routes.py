"""Public routes of comments: `/api/v1/comments/...`."""

from datetime import UTC, datetime

from fastapi import Request, Response

from services.feedback.comments.cases import build_case, find_case, reader_of
from services.feedback.comments.contacts import CONSENT
from services.feedback.comments.dependencies import Keys, Sender, TicketPath, TicketToken
from services.feedback.comments.handling import add_reply, withdraw_contact
from services.feedback.comments.schemas import (
    MAX_TEXT_LENGTH,
    Choice,
    CommentCase,
    CommentFiled,
    CommentForm,
    HandledCase,
    NewComment,
    NewReply,
    ServiceLevelInfo,
)
from services.feedback.comments.service_levels import KIND_NAMES, KINDS, service_levels
from services.feedback.comments.spam_filter import FORM
from services.feedback.comments.submit import submit_comment
from services.platform.concurrency_control import IdempotencyKey
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import CurrentCaller
from services.platform.local_time import ZoneDep
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region

router = Router(prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 422))


@router.get("/form", operation_id="get_comment_form")
async def get_comment_form(response: Response, keys: Keys) -> CommentForm:
    """Return the data of a form: token, choices, consent text and service levels."""
    response.headers["Cache-Control"] = "no-store"
    levels = service_levels()
    return CommentForm(
        form_token=keys.forms.issue(FORM, datetime.now(UTC)),
        kinds=[
            Choice(code=kind, name=KIND_NAMES[kind][0], name_en=KIND_NAMES[kind][1])
            for kind in sorted(KINDS, key=list(KIND_NAMES).index)
        ],
        categories=[Choice(code=c.code, name=c.name, name_en=c.name_en) for c in levels.categories],
        consent=CONSENT,
        max_text_length=MAX_TEXT_LENGTH,
        verify_working_days=levels.verify_working_days,
        service_levels=[
            ServiceLevelInfo.model_validate(level.model_dump()) for level in levels.service_levels
        ],
        sources=[source.title for source in levels.sources],
    )


@router.post(
    "",
    operation_id="post_comment",
    status_code=201,
    responses=problem_responses(409, 413)
    | {
        200: {
            "model": CommentFiled,
            "description": "Filed by an earlier request with this key; nothing changed.",
        }
    },
)
async def post_comment(
    request: Request,
    response: Response,
    session: WriteSessionDep,
    keys: Keys,
    caller: CurrentCaller,
    *,
    zone: ZoneDep,
    sender: Sender,
    comment: NewComment,
    idempotency_key: IdempotencyKey = None,
) -> CommentFiled:
    """Submit a comment or a complaint, without key and name. Store the ticket and its token."""
    source = {"anonymous": "api", "gateway": "page"}.get(caller.subject, "agency")
    receipt, is_new = await submit_comment(
        session,
        keys,
        get_region(request),
        comment,
        caller=caller,
        sender=sender,
        source=source,
        key=idempotency_key,
        now=datetime.now(UTC),
        zone=zone,
    )
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = receipt.href
    response.headers["Cache-Control"] = "no-store"
    return receipt


@router.get("/{ticket}", operation_id="get_comment", responses=problem_responses(403, 404))
async def get_comment(
    request: Request,
    response: Response,
    session: ReadSessionDep,
    caller: CurrentCaller,
    zone: ZoneDep,
    *,
    ticket: TicketPath,
    token: TicketToken = None,
) -> CommentCase:
    """Return a comment; its text only with its token or the agency's key."""
    stored = await find_case(session, get_region(request), ticket)
    response.headers["Cache-Control"] = "private, no-store"
    return await build_case(
        session,
        stored,
        viewer=reader_of(stored, caller, token),
        now=datetime.now(UTC),
        zone=zone,
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
    zone: ZoneDep,
    *,
    ticket: TicketPath,
    body: NewReply,
    token: TicketToken = None,
    idempotency_key: IdempotencyKey = None,
) -> HandledCase:
    """Reply: as the agency in charge with its key, as the citizen with the token.

    An agency's reply is the answer unless its `state` is `in_progress`; a citizen's reply to an
    answer reopens the case.
    """
    now = datetime.now(UTC)
    stored, viewer, personal_data = await add_reply(
        session,
        get_region(request),
        ticket,
        body,
        caller=caller,
        token=token,
        key=idempotency_key,
        now=now,
    )
    case = await build_case(session, stored, viewer=viewer, now=now, zone=zone)
    return HandledCase(**dict(case), personal_data=personal_data)


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
    """Withdraw the consent to a contact: it is erased immediately."""
    await withdraw_contact(
        session, get_region(request), ticket, caller=caller, token=token, now=datetime.now(UTC)
    )
