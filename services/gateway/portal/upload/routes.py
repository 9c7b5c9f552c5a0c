"""`/unggah`: enter with a key or a link, download the template, check the file, send it."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast
from zoneinfo import ZoneInfo

import httpx
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from services.gateway.api_keys.keys import caller_of_key
from services.gateway.api_keys.upload_links import caller_of_link
from services.gateway.portal.page import Page, ThisPage
from services.gateway.portal.upload.messages import short_month, upload_words
from services.gateway.portal.upload.session import (
    Session,
    begin,
    check_origin,
    check_word,
    end,
    session_of,
)
from services.platform.database import Database
from services.platform.identity import Caller, TokenSigner, load_private_key
from services.platform.problems import NotAuthenticated
from services.platform.service import API
from services.platform.settings import Service, Settings
from services.platform.spreadsheets import CSV, XLSX

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

MAX_FILE = 2 * 1024 * 1024
MAX_PART = 3 * 1024 * 1024
"""A file of the largest size as a field of a form."""
SHOWN = 200

Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


@dataclass(frozen=True)
class Form:
    """What a form sent."""

    fields: Mapping[str, str]
    name: str
    content: bytes


@router.get("/unggah")
async def enter_or_go_on(request: Request, page: ThisPage) -> Response:
    """The way in; for whoever is in, what the agency owes and the way to send it."""
    session = await session_of(request)
    if session is None:
        return _entry(page)
    return await _home(page, session)


@router.get("/unggah/tautan/{token}")
async def open_link(request: Request, page: ThisPage, token: Token) -> Response:
    """Says for whom a link is. Only its button begins a session: programs that look at links in
    messages press none."""
    try:
        caller, until = await _behind_link(request, token)
        agency = await _agency_name(page, caller.agency or "")
    except NotAuthenticated:
        return _entry(page, fault="not_accepted", status=403)
    except httpx.HTTPError:
        return page.unavailable()
    return _private(
        page.render(
            "upload-link.html",
            s=upload_words(page.language),
            token=token,
            agency=agency,
            until=until,
        )
    )


@router.post("/unggah/masuk")
async def enter(request: Request, page: ThisPage) -> Response:
    """Begins a session with a key or a link."""
    check_origin(request)
    form = await _form_of(request)
    try:
        if token := form.fields.get("tautan"):
            caller, _ = await _behind_link(request, token)
        else:
            caller = await _behind_key(request, form.fields.get("kunci", ""))
    except NotAuthenticated:
        return _entry(page, fault="not_accepted", status=403)
    if not caller.has_scope("usage:write"):
        return _entry(page, fault="no_scope", status=403)
    response = _to_home(page)
    begin(response, request, caller.subject, now=datetime.now(UTC))
    return response


@router.post("/unggah/keluar")
async def leave(request: Request, page: ThisPage) -> Response:
    """Ends the session."""
    check_origin(request)
    response = _to_home(page)
    end(response, request)
    return response


@router.get("/unggah/templat.{form}")
async def download_template(
    request: Request, page: ThisPage, form: Literal["xlsx", "csv"], tahun: int | None = None
) -> Response:
    """The template of the session's agency; with a year, that year with the figures sent."""
    session = await session_of(request)
    if session is None:
        return _entry(page, fault="over", status=403)
    query = {"format": form}
    if tahun is not None and 2000 <= tahun <= 2099:
        query |= {"from": f"{tahun}-01", "to": f"{tahun}-12"}
    try:
        answer = await _ask(page, session, "GET", "statistics/template", params=query)
        answer.raise_for_status()
    except httpx.HTTPError:
        return page.unavailable()
    kept = ("content-type", "content-disposition")
    headers = {name: answer.headers[name] for name in kept}
    return Response(answer.content, headers=headers | {"Cache-Control": "no-store"})


@router.post("/unggah/periksa")
async def check(request: Request, page: ThisPage) -> Response:
    """Says what a file would change, or what is wrong in which cell; stores nothing."""
    check_origin(request)
    session = await session_of(request)
    if session is None:
        return _entry(page, fault="over", status=403)
    form = await _form_of(request)
    check_word(session, form.fields.get("kata", ""))
    if not form.content or len(form.content) > MAX_FILE:
        fault = "too_large" if form.content else "no_file"
        return await _home(page, session, fault=fault, status=422)
    try:
        answer = await _send(page, session, form.content, dry_run=True)
    except httpx.HTTPError:
        return page.unavailable()
    if not answer.is_success:
        return await _refused(page, session, form.name, answer)
    return _private(
        page.render(
            "upload-preview.html",
            s=upload_words(page.language),
            session=session,
            agency=await _name_or_slug(page, session),
            name=form.name,
            content=base64.urlsafe_b64encode(form.content).decode(),
            received=answer.json(),
            shown=SHOWN,
            month=_months(page),
        )
    )


@router.post("/unggah/kirim")
async def send(request: Request, page: ThisPage) -> Response:
    """Stores what was checked. Sent again, it changes nothing: a reload does no harm."""
    check_origin(request)
    session = await session_of(request)
    if session is None:
        return _entry(page, fault="over", status=403)
    form = await _form_of(request)
    check_word(session, form.fields.get("kata", ""))
    try:
        content = base64.urlsafe_b64decode(form.fields.get("isi", "").encode())
    except ValueError:
        content = b""
    if not content:
        return await _home(page, session, fault="no_file", status=422)
    name = form.fields.get("nama", "")[:200]
    try:
        answer = await _send(page, session, content, dry_run=False)
    except httpx.HTTPError:
        return page.unavailable()
    if not answer.is_success:
        return await _refused(page, session, name, answer)
    return _private(
        page.render(
            "upload-receipt.html",
            s=upload_words(page.language),
            session=session,
            agency=await _name_or_slug(page, session),
            name=name,
            fingerprint=hashlib.sha256(content).hexdigest(),
            at=datetime.now(_zone(page)),
            received=answer.json(),
            month=_months(page),
        )
    )


@router.post("/unggah/penjelasan")
async def explain(request: Request, page: ThisPage) -> Response:
    """Keeps why a figure is right."""
    check_origin(request)
    session = await session_of(request)
    if session is None:
        return _entry(page, fault="over", status=403)
    form = await _form_of(request)
    check_word(session, form.fields.get("kata", ""))
    flag = form.fields.get("tanda", "")
    said = {"explanation": form.fields.get("penjelasan", "").strip()[:1000]}
    if not flag.replace("-", "").isalnum() or not flag.isascii():
        return page.not_found()
    try:
        answer = await _ask(
            page, session, "POST", f"statistics/flags/{flag}/explanation", json=said
        )
        if answer.status_code >= 500:
            answer.raise_for_status()
    except httpx.HTTPError:
        return page.unavailable()
    return _to_home(page)


async def _form_of(request: Request) -> Form:
    """The fields of a form, and the file in it."""
    fields: dict[str, str] = {}
    name, content = "", b""
    async with request.form(max_files=1, max_fields=10, max_part_size=MAX_PART) as form:
        for field, value in form.multi_items():
            if isinstance(value, UploadFile):
                name, content = (value.filename or "")[:200], await value.read(MAX_FILE + 1)
            else:
                fields[field] = value
    return Form(fields, name, content)


async def _behind_key(request: Request, key: str) -> Caller:
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    return await caller_of_key(database, settings.region, key.strip(), now=datetime.now(UTC))


async def _behind_link(request: Request, token: str) -> tuple[Caller, datetime]:
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    key = load_private_key(settings.private_key_file)
    return await caller_of_link(database, settings.region, token, key=key, now=datetime.now(UTC))


async def _ask(page: Page, session: Session, method: str, path: str, **more: Any) -> httpx.Response:
    """Asks the feedback service in the agency's name."""
    clients: dict[Service, httpx.AsyncClient] = page.request.app.state.clients
    signer: TokenSigner = page.request.app.state.signer
    headers = {"Authorization": f"Bearer {signer.sign(session.caller)}"} | more.pop("headers", {})
    return await clients[Service.feedback].request(
        method, f"{API}/usage/{path}", headers=headers, auth=None, **more
    )


async def _send(page: Page, session: Session, content: bytes, *, dry_run: bool) -> httpx.Response:
    answer = await _ask(
        page,
        session,
        "POST",
        "statistics/upload",
        params={"dry_run": str(dry_run).lower(), "lang": page.language},
        content=content,
        headers={"Content-Type": XLSX if content.startswith(b"PK") else CSV},
    )
    if answer.status_code >= 500:
        answer.raise_for_status()
    return answer


async def _home(
    page: Page, session: Session, *, fault: str | None = None, status: int = 200
) -> Response:
    try:
        agency = await _agency_name(page, session.agency)
        months = await _items(page, session, "completeness", agency=session.agency)
        flags = await _items(page, session, "statistics/flags", state="open")
    except httpx.HTTPError:
        return page.unavailable()
    return _private(
        page.render(
            "upload.html",
            status=status,
            s=upload_words(page.language),
            session=session,
            agency=agency,
            months=list(reversed(months)),
            flags=flags,
            fault=fault,
            month=_months(page),
            year=datetime.now(_zone(page)).year,
            reminders=f"{API}/usage/reminders.ics?agency={session.agency}",
        )
    )


async def _items(page: Page, session: Session, path: str, **query: str) -> list[dict[str, Any]]:
    answer = await _ask(page, session, "GET", path, params=query)
    return answer.raise_for_status().json()["items"]


async def _refused(page: Page, session: Session, name: str, answer: httpx.Response) -> Response:
    problem: dict[str, Any] = answer.json()
    rows = cast("list[dict[str, Any]]", problem.get("rows", []))
    beside = {cell["fault"] for row in rows for cell in row["cells"]}
    alone = [error for error in problem.get("errors", []) if error["detail"] not in beside]
    return _private(
        page.render(
            "upload-refused.html",
            status=422,
            s=upload_words(page.language),
            session=session,
            agency=await _name_or_slug(page, session),
            name=name,
            rows=rows,
            alone=[
                (str(error.get("pointer") or "").removeprefix("#/"), error["detail"])
                for error in alone
            ],
            detail=problem["detail"],
        )
    )


async def _agency_name(page: Page, slug: str) -> str:
    found = await page.from_catalog("/agencies", {"limit": "100"})
    agencies: list[dict[str, Any]] = (found or {"items": []})["items"]
    return next((page.text_of(item, "name") for item in agencies if item["slug"] == slug), slug)


async def _name_or_slug(page: Page, session: Session) -> str:
    """A catalogue that is down is no reason to lose an upload."""
    try:
        return await _agency_name(page, session.agency)
    except httpx.HTTPError:
        return session.agency


def _entry(page: Page, *, fault: str | None = None, status: int = 200) -> Response:
    return _private(
        page.render("upload-enter.html", status=status, s=upload_words(page.language), fault=fault)
    )


def _to_home(page: Page) -> RedirectResponse:
    target = "/unggah?lang=en" if page.language == "en" else "/unggah"
    return RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})


def _private(response: HTMLResponse) -> HTMLResponse:
    """Nothing of these pages is kept by a browser or a cache between, or told to another site."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _months(page: Page) -> Any:
    return lambda period: short_month(period, page.language)


def _zone(page: Page) -> ZoneInfo:
    return ZoneInfo(page.regency.timezone if page.regency is not None else "Asia/Jakarta")
