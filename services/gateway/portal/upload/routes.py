"""`/unggah`: sign in with a link and its code, download the template, check a file, submit it."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Annotated, Any, Literal

import httpx
from fastapi import Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from services.feedback.client import FeedbackClient, UploadProblem, UploadReceipt
from services.gateway.api_keys.signed_links import PATH_OF, TOKEN
from services.gateway.portal.key_sessions import KeySession
from services.gateway.portal.link_sign_in import (
    ALL_SESSIONS,
    CodeRefusedError,
    LinkRefusedError,
    LinkSignIn,
)
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.gateway.portal.service_clients import feedback_client
from services.gateway.portal.upload.labels import (
    LABELS,
    NO_FILE,
    SESSION_OVER,
    TOO_LARGE,
    WRONG_NAME,
    short_month,
)
from services.gateway.portal.upload.session import (
    UPLOADS,
    Session,
    check_form_token,
    current_session,
)
from services.platform.local_time import format_time
from services.platform.router import Router
from services.platform.service import API
from services.platform.service_client import RequestRejectedError
from services.platform.spreadsheets.model import CSV, ODS, XLSX, media_type_of
from services.platform.translation import Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

MAX_FILE_BYTES = 2 * 1024 * 1024
MAX_FIELD_BYTES = 3 * 1024 * 1024
"""The largest file in base64, as a field of a form."""
MAX_NAME_LENGTH = 200
MAX_ROWS_SHOWN = 200
SUFFIXES: Mapping[str, frozenset[str]] = {
    XLSX: frozenset({".xlsx"}),
    ODS: frozenset({".ods"}),
    CSV: frozenset({".csv", ".tsv", ".txt"}),  # a spreadsheet's "Unicode text" is `.txt`
}
"""How the name of a file may end, by the type of its content."""

Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
LINK = SecretLink("emall_tautan", TOKEN)
LINK_PAGE = PATH_OF["upload"]
SESSIONS_PAGE = "/unggah/sesi"
SIGN_IN = LinkSignIn("upload", UPLOADS)


@dataclass(frozen=True)
class Form:
    """The submitted fields, and the name and content of the file."""

    fields: Mapping[str, str]
    name: str
    content: bytes


@router.get("/unggah")
async def upload_home(request: Request, page: CurrentPage) -> Response:
    """Show the sign-in form; in a session, the months to report and the upload form."""
    session = await current_session(request)
    if session is None:
        return _sign_in_page(page)
    return await _home_page(page, session)


@router.get("/unggah/tautan/{token}")
async def open_link(request: Request, page: CurrentPage, token: Token) -> Response:
    """Redirect to the page about this link."""
    return LINK.redirect(request, token, LINK_PAGE, page.language_query)


@router.get(LINK_PAGE)
async def show_link(request: Request, page: CurrentPage) -> Response:
    """Show which agency a link is for, and ask for its code."""
    return await _link_page(page, LINK.read(request) or "")


@router.post("/unggah/masuk")
async def enter(request: Request, page: CurrentPage) -> Response:
    """Start a session with a link and its code."""
    form = await _read_form(request)
    link = form.fields.get("tautan", "")
    try:
        caller = await SIGN_IN.check(request, link, form.fields.get("kode", ""))
    except CodeRefusedError as error:
        return await _link_page(page, link, error=error)
    except LinkRefusedError as error:
        return _sign_in_page(page, error=error.message, status=error.status)
    response = _to_home_page(page)
    await UPLOADS.start(response, request, caller.subject, now=datetime.now(UTC))
    LINK.forget(response, request, LINK_PAGE)
    return response


@router.post("/unggah/keluar")
async def leave(request: Request, page: CurrentPage) -> Response:
    """End the session of a link; a person's ends in the workspace."""
    if await current_session(request) is None:
        return _sign_in_page(page, error=SESSION_OVER, status=403)
    response = _to_home_page(page)
    await UPLOADS.end(response, request)
    return response


@router.get(SESSIONS_PAGE)
async def show_sessions(request: Request, page: CurrentPage) -> Response:
    """List the browsers that are signed in with the same link; a person's are in the workspace."""
    session = await current_session(request)
    if session is None:
        return _sign_in_page(page, error=SESSION_OVER, status=403)
    if session.link is None:
        return RedirectResponse("/kelola/akun", status_code=303)
    return await _sessions_page(page, session, session.link)


@router.post(SESSIONS_PAGE)
async def end_sessions(request: Request, page: CurrentPage) -> Response:
    """End one or all sessions of the link, after its code."""
    session = await current_session(request)
    if session is None or session.link is None:
        return _sign_in_page(page, error=SESSION_OVER, status=403)
    form = await _read_form(request)
    check_form_token(session, form.fields.get("kata", ""))
    chosen, code = form.fields.get("sesi", ""), form.fields.get("kode", "")
    try:
        is_over = await SIGN_IN.end_sessions(request, session.link, chosen=chosen, code=code)
    except LinkRefusedError as error:
        return await _sessions_page(page, session, session.link, error=error)
    response = _to_home_page(page) if is_over else _redirect(page, SESSIONS_PAGE)
    if is_over:
        await UPLOADS.end(response, request)
    return response


@router.get("/unggah/templat.{form}")
async def download_template(
    request: Request, page: CurrentPage, form: Literal["xlsx", "csv"], tahun: int | None = None
) -> Response:
    """Return the template of the agency; with a year, that year with its reported figures."""
    session = await current_session(request)
    if session is None:
        return _sign_in_page(page, error=SESSION_OVER, status=403)
    first = last = None
    if tahun is not None and 2000 <= tahun <= 2099:
        first, last = f"{tahun}-01", f"{tahun}-12"
    try:
        answer = await _feedback(page, session).get_template(form, first=first, last=last)
    except httpx.HTTPError:
        return page.unavailable()
    forwarded = ("content-type", "content-disposition")
    headers = {name: answer.headers[name] for name in forwarded}
    return Response(answer.content, headers=headers | {"Cache-Control": "no-store"})


@router.post("/unggah/periksa")
async def check(request: Request, page: CurrentPage) -> Response:
    """Show what a file would change, or which cells are wrong; store nothing."""
    session = await current_session(request)
    if session is None:
        return _sign_in_page(page, error=SESSION_OVER, status=403)
    form = await _read_form(request)
    check_form_token(session, form.fields.get("kata", ""))
    if not form.content or len(form.content) > MAX_FILE_BYTES:
        error = TOO_LARGE if form.content else NO_FILE
        return await _home_page(page, session, error=error, status=422)
    if PurePath(form.name).suffix.lower() not in SUFFIXES[media_type_of(form.content)]:
        return await _home_page(page, session, error=WRONG_NAME, status=422)
    try:
        receipt = await _submit_file(page, session, form.content, dry_run=True)
    except RequestRejectedError as error:
        return await _rejected_page(page, session, form.name, error)
    except httpx.HTTPError:
        return page.unavailable()
    return _no_store(
        page.render(
            "upload-preview.html",
            labels=page.messages.labels(LABELS),
            session=session,
            agency=await page.agency_name(session.agency),
            name=form.name,
            content=base64.urlsafe_b64encode(form.content).decode(),
            received=receipt,
            max_rows=MAX_ROWS_SHOWN,
            month=_months(page),
        )
    )


@router.post("/unggah/kirim")
async def submit(request: Request, page: CurrentPage) -> Response:
    """Store the checked file. Submitting it again, as a reload does, changes nothing."""
    session = await current_session(request)
    if session is None:
        return _sign_in_page(page, error=SESSION_OVER, status=403)
    form = await _read_form(request)
    check_form_token(session, form.fields.get("kata", ""))
    try:
        content = base64.urlsafe_b64decode(form.fields.get("isi", "").encode())
    except ValueError:
        content = b""
    if not content:
        return await _home_page(page, session, error=NO_FILE, status=422)
    name = form.fields.get("nama", "")[-MAX_NAME_LENGTH:]
    try:
        receipt = await _submit_file(page, session, content, dry_run=False)
    except RequestRejectedError as error:
        return await _rejected_page(page, session, name, error)
    except httpx.HTTPError:
        return page.unavailable()
    now = datetime.now(page.zone)
    return _no_store(
        page.render(
            "upload-receipt.html",
            labels=page.messages.labels(LABELS),
            session=session,
            agency=await page.agency_name(session.agency),
            name=name,
            fingerprint=hashlib.sha256(content).hexdigest(),
            at=now,
            received_at=f"{page.local_date(now)} {page.messages.clock(now)} {now:%Z}",
            received=receipt,
            month=_months(page),
        )
    )


@router.post("/unggah/penjelasan")
async def explain(request: Request, page: CurrentPage) -> Response:
    """Store the explanation of a flagged figure."""
    session = await current_session(request)
    if session is None:
        return _sign_in_page(page, error=SESSION_OVER, status=403)
    form = await _read_form(request)
    check_form_token(session, form.fields.get("kata", ""))
    flag = form.fields.get("tanda", "")
    explanation = form.fields.get("penjelasan", "").strip()[:1000]
    if not flag.replace("-", "").isalnum() or not flag.isascii():
        return page.not_found()
    try:
        await _feedback(page, session).explain_flag(flag, explanation)
    except RequestRejectedError:
        pass  # the flag is shown again
    except httpx.HTTPError:
        return page.unavailable()
    return _to_home_page(page)


async def _read_form(request: Request) -> Form:
    """Read the fields of a form and its file."""
    fields: dict[str, str] = {}
    name, content = "", b""
    async with request.form(max_files=1, max_fields=10, max_part_size=MAX_FIELD_BYTES) as form:
        for field, value in form.multi_items():
            if isinstance(value, UploadFile):
                name = (value.filename or "")[-MAX_NAME_LENGTH:]
                content = await value.read(MAX_FILE_BYTES + 1)
            else:
                fields[field] = value
    return Form(fields, name, content)


def _feedback(page: Page, session: Session) -> FeedbackClient:
    """Return the client of feedback for requests in the agency's name."""
    auth = page.request.app.state.auth_for(session.caller)
    return feedback_client(page.request, auth=auth, language=page.language)


async def _submit_file(
    page: Page, session: Session, content: bytes, *, dry_run: bool
) -> UploadReceipt:
    return await _feedback(page, session).upload_statistics(
        content,
        media_type=media_type_of(content),
        dry_run=dry_run,
        language=page.language,
    )


async def _home_page(
    page: Page, session: Session, *, error: Message | None = None, status: int = 200
) -> Response:
    try:
        agency = await _agency_name(page, session.agency)
        months = await _feedback(page, session).list_reporting_months(agency=session.agency)
        flags = await _feedback(page, session).list_flags("open")
    except httpx.HTTPError:
        return page.unavailable()
    return _no_store(
        page.render(
            "upload.html",
            status=status,
            labels=page.messages.labels(LABELS),
            session=session,
            agency=agency,
            months=list(reversed(months)),
            flags=flags.items,
            error=page.messages.translate(error) if error is not None else None,
            month=_months(page),
            year=datetime.now(page.zone).year,
            reminders=f"{API}/usage/reminders.ics?agency={session.agency}",
        )
    )


async def _rejected_page(
    page: Page, session: Session, name: str, rejected: RequestRejectedError
) -> Response:
    problem = rejected.problem_as(UploadProblem)
    in_cells = {cell.error for row in problem.rows for cell in row.cells}
    others = [error for error in problem.errors if error.detail not in in_cells]
    return _no_store(
        page.render(
            "upload-rejected.html",
            status=422,
            labels=page.messages.labels(LABELS),
            session=session,
            agency=await page.agency_name(session.agency),
            name=name,
            rows=problem.rows,
            others=[((error.pointer or "").removeprefix("#/"), error.detail) for error in others],
            detail=problem.detail,
        )
    )


async def _agency_name(page: Page, slug: str) -> str:
    agency = await page.catalog.find_agency(slug)
    return slug if agency is None else page.in_language(agency, "name")


async def _link_page(page: Page, link: str, *, error: LinkRefusedError | None = None) -> Response:
    try:
        caller, until = await SIGN_IN.find(page.request, link)
        agency = await _agency_name(page, caller.agency or "")
    except LinkRefusedError as refused:
        return _sign_in_page(page, error=refused.message, status=refused.status)
    except httpx.HTTPError:
        return page.unavailable()
    return _no_store(
        page.render(
            "upload-link.html",
            status=200 if error is None else error.status,
            link=link,
            agency=agency,
            until=until,
            day=page.local_date(until),
            error=error and page.messages.translate(error.message, **error.values),
        )
    )


async def _sessions_page(
    page: Page, session: Session, link: KeySession, *, error: LinkRefusedError | None = None
) -> Response:
    now = datetime.now(page.zone)
    return _no_store(
        page.render(
            "upload-sessions.html",
            status=200 if error is None else error.status,
            session=session,
            agency=await page.agency_name(session.agency),
            sessions=await SIGN_IN.list_sessions(page.request, link),
            current=link.id,
            all_sessions=ALL_SESSIONS,
            at=lambda when: format_time(when, now=now, zone=page.zone, language=page.language),
            error=error and page.messages.translate(error.message),
        )
    )


def _sign_in_page(page: Page, *, error: Message | None = None, status: int = 200) -> Response:
    return _no_store(
        page.render(
            "upload-sign-in.html",
            status=status,
            error=page.messages.translate(error) if error is not None else None,
        )
    )


def _to_home_page(page: Page) -> RedirectResponse:
    return _redirect(page, "/unggah")


def _redirect(page: Page, path: str) -> RedirectResponse:
    target = httpx.URL(path, params=page.language_query)
    return RedirectResponse(str(target), status_code=303, headers={"Cache-Control": "no-store"})


def _no_store(response: HTMLResponse) -> HTMLResponse:
    """Keep a page out of browsers' caches, shared caches and search engines."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _months(page: Page) -> Any:
    return lambda period: short_month(period, page.messages)
