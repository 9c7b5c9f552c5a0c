"""`/aduan`, and a ticket's page `/aduan/{ticket}`.

The address that a citizen saves carries the ticket's secret as `kunci`: whoever has it can reply.
It redirects to the ticket's page, which has the secret in a cookie and sends it in its forms. These
pages are never cached.
"""

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import httpx
from fastapi import Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.feedback.client import CommentCase
from services.gateway.portal.complaints.form import (
    NOT_SENT,
    PERSONAL_DATA_KINDS,
    PLEASE_CORRECT,
    UNKNOWN_TICKET,
    FoundPersonalData,
    Submission,
    field_errors,
    normalise_ticket,
    read_submission,
)
from services.gateway.portal.complaints.labels import ACTIONS, DEADLINE_STATES, STATES
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.platform.router import Router
from services.platform.service import API
from services.platform.service_client import RequestRejectedError
from services.platform.translation import Message
from services.platform.types import TEXT_PATTERN, Slug

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

TicketCode = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=60)]
Secret = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")] | None,
    Query(alias="kunci", description="The ticket's secret."),
]
LINK = SecretLink("emall_aduan", re.compile(r"[A-Za-z0-9_-]{1,100}"))


@dataclass(frozen=True)
class CaseNotices:
    """What a ticket's page says about the last request, and whether it corrects the message."""

    is_correcting: bool = False
    is_new: bool = False
    photo_refused: bool = False
    refused: bool = False


@router.get("/aduan")
async def new_comment(
    page: CurrentPage, service: Annotated[Slug | None, Query()] = None
) -> HTMLResponse:
    """Show the form."""
    fields = {"service": service} if service is not None else {}
    try:
        return await _form(page, Submission(fields), errors={})
    except httpx.HTTPError:
        return page.unavailable()


@router.post("/aduan")
async def file_comment(request: Request, page: CurrentPage) -> Response:
    """Submit the comment: redirect to its ticket, or show the form with the fields in error."""
    submission = await read_submission(request)
    try:
        if found := submission.undecided_personal_data():
            return await _form(page, submission, errors={}, found=found, status=422)
        try:
            filed = await page.feedback.submit_comment(
                submission.to_comment(page.language),
                idempotency_key=submission.id,
                headers=page.sender_headers,
            )
        except RequestRejectedError as error:
            errors = field_errors(error.problem, page.messages)
            return await _form(page, submission, errors=errors, notice=PLEASE_CORRECT, status=422)
        refused = await _send_photos(page, filed.ticket, filed.token, submission)
    except httpx.HTTPError:
        try:
            return await _form(page, submission, errors={}, notice=NOT_SENT, status=503)
        except httpx.HTTPError:
            return page.unavailable()
    query = {"baru": "1"} | ({"foto": "0"} if refused else {}) | page.language_query
    return LINK.redirect(request, filed.token, _ticket_path(filed.ticket), query)


@router.get("/aduan/cari")
async def find_ticket(page: CurrentPage, tiket: TicketCode = "") -> Response:
    """Redirect to a ticket's page, however its code was typed."""
    ticket = normalise_ticket(tiket)
    return _to_ticket(page, ticket) if ticket else _to_form(page)


@router.get("/aduan/{ticket}")
async def ticket_page(
    request: Request,
    page: CurrentPage,
    ticket: TicketCode,
    *,
    shown: Secret = None,
    baru: Annotated[str | None, Query(max_length=1)] = None,
    foto: Annotated[str | None, Query(max_length=1)] = None,
    ditolak: Annotated[str | None, Query(max_length=1)] = None,
    perbaiki: Annotated[str | None, Query(max_length=1)] = None,
) -> Response:
    """Show the state of a comment; with its secret also the text and the forms to reply."""
    if shown is not None:
        return LINK.redirect(request, shown, _ticket_path(ticket), page.language_query)
    notices = CaseNotices(
        is_correcting=perbaiki is not None,
        is_new=baru is not None,
        photo_refused=foto is not None,
        refused=ditolak is not None,
    )
    return await _show_case(request, page, ticket, LINK.read(request), notices)


async def _show_case(
    request: Request,
    page: Page,
    ticket: str,
    secret: str | None,
    notices: CaseNotices,
    *,
    submission: Submission | None = None,
) -> HTMLResponse:
    """Show a ticket's page; with a reply whose writer has to decide about personal data."""
    try:
        case = await _case(page, ticket, secret)
    except httpx.HTTPError:
        return page.unavailable()
    if case is None:
        try:
            return await _form(page, Submission({}), errors={}, notice=UNKNOWN_TICKET, status=404)
        except httpx.HTTPError:
            return page.unavailable()
    address = request.url.replace(
        path=_ticket_path(case.ticket), query=str(httpx.QueryParams(page.language_query))
    )
    return _no_store(
        page.render(
            "comment-case.html",
            states=page.messages.labels(STATES),
            actions=page.messages.labels(ACTIONS),
            deadline_states=page.messages.labels(DEADLINE_STATES),
            case=case,
            service=await _service_name(page, case.service),
            secret=secret if case.details is not None else None,
            own_address=str(address.include_query_params(kunci=secret or "")),
            notices=notices,
            values=submission.fields if submission else {},
            found=submission.undecided_personal_data() if submission else None,
            form_id=submission.id if submission else None,
            personal_data_kinds=page.messages.labels(PERSONAL_DATA_KINDS),
            status=422 if submission else 200,
            day=lambda when: _day(page, when),
            data=case.href,
        )
    )


@router.post("/aduan/{ticket}/balasan")
async def reply(request: Request, page: CurrentPage, ticket: TicketCode) -> Response:
    """Add a reply and photos."""
    submission = await read_submission(request)
    secret = LINK.read(request, submission.fields.get("kunci"))
    if submission.undecided_personal_data():
        notices = CaseNotices()
        return await _show_case(request, page, ticket, secret, notices, submission=submission)
    refused = False
    try:
        if text := submission.fields.get("text", "").strip():
            try:
                await page.feedback.reply_to_comment(
                    ticket,
                    secret=secret,
                    text=text,
                    keep_personal_data=submission.keeps_personal_data,
                    idempotency_key=submission.id,
                )
            except httpx.HTTPStatusError:
                refused = True
        if await _send_photos(page, ticket, secret or "", submission):
            refused = True
    except httpx.HTTPError:
        return page.unavailable()
    return _back_to_ticket(request, page, ticket, secret, refused=refused)


@router.post("/aduan/{ticket}/kontak")
async def withdraw_contact(request: Request, page: CurrentPage, ticket: TicketCode) -> Response:
    """Withdraw the consent, which erases the contact."""
    submission = await read_submission(request)
    secret = LINK.read(request, submission.fields.get("kunci"))
    change = page.feedback.withdraw_contact(ticket, secret=secret)
    return await _change(request, page, ticket, secret, change)


@router.post("/aduan/{ticket}/pesan")
async def correct(request: Request, page: CurrentPage, ticket: TicketCode) -> Response:
    """Replace the text and place of the comment."""
    submission = await read_submission(request)
    secret = LINK.read(request, submission.fields.get("kunci"))
    change = page.feedback.correct_comment(ticket, secret=secret, fields=submission.correction())
    return await _change(request, page, ticket, secret, change)


@router.post("/aduan/{ticket}/hapus")
async def erase(request: Request, page: CurrentPage, ticket: TicketCode) -> Response:
    """Erase the comment, if its writer confirmed it."""
    submission = await read_submission(request)
    secret = LINK.read(request, submission.fields.get("kunci"))
    if not submission.fields.get("confirmed"):
        return _back_to_ticket(request, page, ticket, secret, refused=False)
    change = page.feedback.erase_comment(ticket, secret=secret)
    return await _change(request, page, ticket, secret, change)


@router.post("/aduan/{ticket}/foto/{photo}/hapus")
async def delete_photo(
    request: Request, page: CurrentPage, ticket: TicketCode, photo: UUID
) -> Response:
    """Delete a photo of the comment."""
    submission = await read_submission(request)
    secret = LINK.read(request, submission.fields.get("kunci"))
    change = page.feedback.delete_photo(ticket, photo, secret=secret)
    return await _change(request, page, ticket, secret, change)


async def _change(
    request: Request, page: Page, ticket: str, secret: str | None, change: Awaitable[None]
) -> Response:
    """Make a change, then return to the ticket; what is gone already is as wanted."""
    refused = False
    try:
        await change
    except httpx.HTTPStatusError as error:
        refused = error.response.status_code != 404
    except httpx.HTTPError:
        return page.unavailable()
    return _back_to_ticket(request, page, ticket, secret, refused=refused)


@router.get("/aduan/{ticket}/foto/{photo}")
async def photo(request: Request, page: CurrentPage, ticket: TicketCode, photo: UUID) -> Response:
    """Return a photo, for which the ticket's secret is needed."""
    try:
        answer = await page.feedback.get_photo(ticket, photo, secret=LINK.read(request))
    except httpx.HTTPStatusError:
        return page.not_found()
    except httpx.HTTPError:
        return page.unavailable()
    names = ("Content-Type", "Cache-Control", "Content-Security-Policy", "X-Content-Type-Options")
    return Response(
        answer.content,
        headers={name: answer.headers[name] for name in names} | {"Referrer-Policy": "no-referrer"},
    )


async def _form(
    page: Page,
    submission: Submission,
    *,
    errors: Mapping[str, str],
    notice: Message | None = None,
    found: FoundPersonalData | None = None,
    status: int = 200,
) -> HTMLResponse:
    form = await page.feedback.get_comment_form()
    services = await page.catalog.list_services()
    return _no_store(
        page.render(
            "comment-form.html",
            status=status,
            form=form,
            services=services.items,
            values=submission.fields,
            form_id=submission.id,
            errors=errors,
            found=found,
            personal_data_kinds=page.messages.labels(PERSONAL_DATA_KINDS),
            notice=page.messages.translate(notice) if notice is not None else None,
            data=f"{API}/comments/form",
        )
    )


async def _case(page: Page, ticket: str, secret: str | None) -> CommentCase | None:
    """Return the case; as without a secret if that is not the ticket's."""
    try:
        return await page.feedback.find_comment(ticket, secret=secret)
    except RequestRejectedError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return await page.feedback.find_comment(ticket, secret=None)


async def _service_name(page: Page, service: str | None) -> str | None:
    """Return the name of a service; its slug if the catalogue does not answer."""
    if service is None:
        return None
    try:
        found = await page.catalog.find_service(service)
    except httpx.HTTPError:
        return service
    return service if found is None else page.in_language(found.service, "name")


async def _send_photos(page: Page, ticket: str, secret: str, submission: Submission) -> bool:
    """Attach the photos; return whether one was rejected."""
    refused = False
    for content in submission.photos:
        try:
            await page.feedback.attach_photo(ticket, secret=secret, content=content)
        except httpx.HTTPStatusError:
            refused = True
    return refused


def _ticket_path(ticket: str) -> str:
    return f"/aduan/{quote(ticket, safe='')}"


def _to_ticket(page: Page, ticket: str, **query: str) -> RedirectResponse:
    target = httpx.URL(_ticket_path(ticket), params=query | page.language_query)
    return RedirectResponse(str(target), status_code=303, headers={"Cache-Control": "no-store"})


def _back_to_ticket(
    request: Request, page: Page, ticket: str, secret: str | None, *, refused: bool
) -> RedirectResponse:
    """Return to the ticket's page after one of its forms."""
    query = {"ditolak": "1"} if refused else {}
    if secret is None:
        return _to_ticket(page, ticket, **query)
    return LINK.redirect(request, secret, _ticket_path(ticket), query | page.language_query)


def _to_form(page: Page) -> RedirectResponse:
    return RedirectResponse(str(httpx.URL("/aduan", params=page.language_query)), status_code=303)


def _no_store(response: HTMLResponse) -> HTMLResponse:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _day(page: Page, when: date | datetime) -> str:
    """Return the day of a date or a moment, such as `3 Maret 2026`."""
    return page.local_date(when) if isinstance(when, datetime) else page.messages.long_date(when)
