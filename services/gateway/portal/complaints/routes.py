"""`/aduan`, and a ticket's page `/aduan/{ticket}`.

The secret of a ticket stands in its address as `kunci`: whoever keeps the address can reply. These
pages are kept by no cache and tell no other site where somebody came from.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import httpx
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from services.gateway.portal.complaints.form import Sent, as_ticket, faults_of, sent_by
from services.gateway.portal.complaints.messages import comment_words
from services.gateway.portal.page import Page, ThisPage
from services.gateway.portal.status import zone_of
from services.platform.local_time import MONTHS
from services.platform.service import API
from services.platform.settings import Service
from services.platform.types import TEXT_PATTERN, Slug

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Written = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=60)]
Secret = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")] | None,
    Query(alias="kunci", description="The ticket's secret."),
]


@router.get("/aduan")
async def new_comment(
    page: ThisPage, service: Annotated[Slug | None, Query()] = None
) -> HTMLResponse:
    """The form."""
    given = {"service": service} if service is not None else {}
    try:
        return await _form(page, Sent(given), faults={})
    except httpx.HTTPError:
        return page.unavailable()


@router.post("/aduan")
async def file_comment(request: Request, page: ThisPage) -> Response:
    """Files the comment: the ticket's page, or the form with what is wrong beside the fields."""
    sent = await sent_by(request)
    words = comment_words(page.language)
    try:
        answer = await _feedback(page).post(
            f"{API}/comments",
            json=sent.comment(page.language),
            headers=_visitor(request) | {"Idempotency-Key": sent.id},
        )
        if answer.status_code >= 500:
            answer.raise_for_status()
        if not answer.is_success:
            faults = faults_of(answer.json(), words)
            return await _form(page, sent, faults=faults, whole=words["please_correct"], status=422)
        filed = answer.json()
        refused = await _send_photos(page, filed["ticket"], filed["token"], sent)
    except httpx.HTTPError:
        try:
            return await _form(page, sent, faults={}, whole=words["not_sent"], status=503)
        except httpx.HTTPError:
            return page.unavailable()
    query = {"kunci": filed["token"], "baru": "1"} | ({"foto": "0"} if refused else {})
    return _to_ticket(page, filed["ticket"], query)


@router.get("/aduan/cari")
async def find_ticket(page: ThisPage, tiket: Written = "") -> Response:
    """Leads to a ticket's page, however its code was written."""
    ticket = as_ticket(tiket)
    return _to_ticket(page, ticket, {}) if ticket else _to_form(page)


@router.get("/aduan/{ticket}")
async def ticket_page(
    page: ThisPage,
    ticket: Written,
    *,
    secret: Secret = None,
    baru: Annotated[str | None, Query(max_length=1)] = None,
    foto: Annotated[str | None, Query(max_length=1)] = None,
    ditolak: Annotated[str | None, Query(max_length=1)] = None,
) -> HTMLResponse:
    """How far a comment is; with its secret also the text, the reply and the contact."""
    try:
        case = await _case(page, ticket, secret)
    except httpx.HTTPError:
        return page.unavailable()
    words = comment_words(page.language)
    if case is None:
        try:
            return await _form(page, Sent({}), faults={}, whole=words["unknown_ticket"], status=404)
        except httpx.HTTPError:
            return page.unavailable()
    query = ({"kunci": secret} if secret else {}) | _language(page)
    return _private(
        page.render(
            "comment-case.html",
            s=words,
            case=case,
            service=await _named(page, case["service"]),
            secret=secret if case["inside"] is not None else None,
            query=str(httpx.QueryParams(query)),
            kept_address=str(page.request.url.remove_query_params(["baru", "foto", "ditolak"])),
            is_new=baru is not None,
            photo_refused=foto is not None,
            refused=ditolak is not None,
            day=lambda written: _day(page, written),
            data=case["href"],
        )
    )


@router.post("/aduan/{ticket}/balasan")
async def reply(
    request: Request, page: ThisPage, ticket: Written, secret: Secret = None
) -> Response:
    """Adds what somebody writes back, and photos."""
    sent = await sent_by(request)
    refused = False
    try:
        if said := sent.fields.get("text", "").strip():
            answer = await _feedback(page).post(
                f"{_address(ticket)}/replies",
                json={"text": said},
                headers=_token(secret) | {"Idempotency-Key": sent.id},
            )
            refused = not answer.is_success
        if await _send_photos(page, ticket, secret or "", sent):
            refused = True
    except httpx.HTTPError:
        return page.unavailable()
    query = ({"kunci": secret} if secret else {}) | ({"ditolak": "1"} if refused else {})
    return _to_ticket(page, ticket, query)


@router.post("/aduan/{ticket}/kontak")
async def withdraw_contact(page: ThisPage, ticket: Written, secret: Secret = None) -> Response:
    """Withdraws the consent: the contact is erased."""
    try:
        answer = await _feedback(page).delete(f"{_address(ticket)}/contact", headers=_token(secret))
    except httpx.HTTPError:
        return page.unavailable()
    query = ({"kunci": secret} if secret else {}) | (
        {} if answer.status_code in {204, 404} else {"ditolak": "1"}
    )
    return _to_ticket(page, ticket, query)


@router.get("/aduan/{ticket}/foto/{photo}")
async def photo(page: ThisPage, ticket: Written, photo: UUID, secret: Secret = None) -> Response:
    """A photo, for whoever has the ticket's secret."""
    try:
        answer = await _feedback(page).get(
            f"{_address(ticket)}/attachments/{photo}", headers=_token(secret)
        )
    except httpx.HTTPError:
        return page.unavailable()
    if not answer.is_success:
        return page.not_found()
    names = ("Content-Type", "Cache-Control", "Content-Security-Policy", "X-Content-Type-Options")
    return Response(
        answer.content,
        headers={name: answer.headers[name] for name in names} | {"Referrer-Policy": "no-referrer"},
    )


async def _form(
    page: Page,
    sent: Sent,
    *,
    faults: Mapping[str, str],
    whole: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    answer = await _feedback(page).get(f"{API}/comments/form")
    services = await page.from_catalog("/services", {"limit": "100"})
    return _private(
        page.render(
            "comment-form.html",
            status=status,
            s=comment_words(page.language),
            form=answer.raise_for_status().json(),
            services=(services or {"items": []})["items"],
            values=sent.fields,
            given_id=sent.id,
            faults=faults,
            whole=whole,
            data=f"{API}/comments/form",
        )
    )


async def _case(page: Page, ticket: str, secret: str | None) -> dict[str, Any] | None:
    """The case; without the secret where it is not the ticket's."""
    answer = await _feedback(page).get(_address(ticket), headers=_token(secret))
    if answer.status_code == 403:
        answer = await _feedback(page).get(_address(ticket))
    if answer.status_code in {404, 422}:
        return None
    case: dict[str, Any] = answer.raise_for_status().json()
    return case


async def _named(page: Page, service: str | None) -> str | None:
    """The name of a service; its slug where the catalogue does not answer."""
    if service is None:
        return None
    try:
        found = await page.from_catalog(f"/services/{service}")
    except httpx.HTTPError:
        return service
    return service if found is None else page.text_of(found["service"], "name")


async def _send_photos(page: Page, ticket: str, secret: str, sent: Sent) -> bool:
    """Whether one of the photos was refused."""
    refused = False
    for content in sent.photos:
        answer = await _feedback(page).post(
            f"{_address(ticket)}/attachments",
            content=content,
            headers=_token(secret) | {"Content-Type": "image/jpeg"},
        )
        refused = refused or not answer.is_success
    return refused


def _feedback(page: Page) -> httpx.AsyncClient:
    clients: dict[Service, httpx.AsyncClient] = page.request.app.state.clients
    return clients[Service.feedback]


def _visitor(request: Request) -> dict[str, str]:
    """Who is there, for the day's salted hash of the feedback service."""
    host = request.client.host if request.client is not None else ""
    agent = request.headers.get("user-agent", "")
    return {"X-Forwarded-For": host, "User-Agent": agent[:500].encode("ascii", "replace").decode()}


def _token(secret: str | None) -> dict[str, str]:
    return {"Ticket-Token": secret} if secret else {}


def _address(ticket: str) -> str:
    return f"{API}/comments/{quote(ticket, safe='')}"


def _language(page: Page) -> dict[str, str]:
    return {"lang": "en"} if page.language == "en" else {}


def _to_ticket(page: Page, ticket: str, query: Mapping[str, str]) -> RedirectResponse:
    target = httpx.URL(f"/aduan/{quote(ticket, safe='')}", params={**query, **_language(page)})
    return RedirectResponse(str(target), status_code=303, headers={"Cache-Control": "no-store"})


def _to_form(page: Page) -> RedirectResponse:
    return RedirectResponse(str(httpx.URL("/aduan", params=_language(page))), status_code=303)


def _private(response: HTMLResponse) -> HTMLResponse:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _day(page: Page, written: str) -> str:
    """`3 Maret 2026` for a date or a time as the API writes it."""
    if "T" in written:
        day = datetime.fromisoformat(written).astimezone(zone_of(page)).date()
    else:
        day = date.fromisoformat(written)
    return f"{day.day} {MONTHS[page.language].split()[day.month - 1]} {day.year}"
