"""Signing in and out of the workspace, and giving password or code anew for a dangerous act."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.people.records import Person
from services.gateway.people.sessions import (
    PersonSession,
    end_session,
    renew_verification,
    start_session,
)
from services.gateway.people.sign_in import WINDOW, SignIn, TooManyAttemptsError
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.scripts import allow_scripts
from services.gateway.portal.workspace.access import (
    MAX_TARGET,
    SIGN_IN,
    AnyPerson,
    Workspace,
    current_session,
    database_of,
    delete_session_cookie,
    no_store,
    redirect,
    safe_target,
    set_session_cookie,
    with_target,
)
from services.gateway.portal.workspace.passkey_requests import ask_for_passkey, relying_party
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

Target = Annotated[
    str | None, Query(alias="ke", max_length=MAX_TARGET, description="The page to return to.")
]

SECOND_FACTOR = "/kelola/masuk/kode"
NOT_ACCEPTED = N_("Surel atau kata sandi tidak cocok.")
WRONG_PASSKEY = N_(
    "Kunci sandi ini tidak cocok, atau halamannya terbuka terlalu lama. Coba sekali lagi, atau "
    "masukkan kode."
)
WRONG_CODE = N_("Kode ini tidak cocok atau sudah dipakai. Tunggu kode berikutnya, lalu coba lagi.")
TOO_MANY = N_("Terlalu banyak percobaan. Cobalah lagi 15 menit lagi.")
TOO_LATE = N_("Waktu untuk memasukkan kode sudah habis. Silakan masuk lagi.")


@router.get(SIGN_IN)
async def show_sign_in(request: Request, page: CurrentPage, target: Target = None) -> Response:
    """Show the form; somebody who is signed in goes on."""
    session = await current_session(request)
    if session is not None and session.verified_at is not None:
        return redirect(page, safe_target(target))
    return password_page(page, target)


@router.post(SIGN_IN)
async def sign_in(request: Request, page: CurrentPage, target: Target = None) -> Response:
    """Check address and password; the second factor follows."""
    form = await request.form(max_files=0)
    email, password = str(form.get("surel", "")), str(form.get("sandi", ""))
    now = datetime.now(UTC)
    try:
        person = await _sign_in(request).check_password(
            email, password, address=address_of(request), now=now
        )
    except TooManyAttemptsError:
        return _too_many(password_page(page, target, email=email, error=TOO_MANY, status=429))
    if person is None:
        return password_page(page, target, email=email, error=NOT_ACCEPTED, status=403)
    response = redirect(page, with_target(SECOND_FACTOR, target))
    await start(request, response, person, is_verified=False)
    return response


@router.get(SECOND_FACTOR)
async def show_code(request: Request, page: CurrentPage, target: Target = None) -> Response:
    """Ask for the code of the authenticator."""
    session = await current_session(request)
    if session is None:
        return redirect(page, with_target(SIGN_IN, target))
    if session.verified_at is not None:
        return redirect(page, safe_target(target))
    return await _code_page(page, session, target)


@router.post(SECOND_FACTOR)
async def enter_code(request: Request, page: CurrentPage, target: Target = None) -> Response:
    """Check code or passkey and begin the session, under a new id."""
    session = await current_session(request)
    if session is None or session.verified_at is not None:
        return password_page(page, target, error=TOO_LATE, status=403)
    form = await request.form(max_files=0)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        error = await _check_second_factor(page, session, fields)
    except TooManyAttemptsError:
        return _too_many(await _code_page(page, session, target, error=TOO_MANY, status=429))
    if error is not None:
        return await _code_page(page, session, target, error=error, status=403)
    response = redirect(page, safe_target(target))
    await start(request, response, session.person, is_verified=True, before=session)
    return response


@router.post("/kelola/keluar")
async def sign_out(request: Request, workspace: AnyPerson) -> Response:
    """End the session."""
    async with database_of(request).write_session() as session:
        await end_session(
            session,
            get_region(request),
            workspace.person.id,
            workspace.session.id,
            now=datetime.now(UTC),
        )
    response = workspace.redirect(SIGN_IN)
    delete_session_cookie(response, request)
    return response


@router.get("/kelola/konfirmasi")
async def show_confirmation(workspace: AnyPerson, target: Target = None) -> Response:
    """Ask for a code or a passkey before a dangerous act."""
    return await _confirmation_page(workspace, target)


@router.post("/kelola/konfirmasi")
async def confirm(request: Request, workspace: AnyPerson, target: Target = None) -> Response:
    """Check code or passkey and return to the page of the act."""
    now, status = datetime.now(UTC), 403
    try:
        error = await _check_second_factor(workspace.page, workspace.session, workspace.fields)
    except TooManyAttemptsError:
        error, status = TOO_MANY, 429
    if error is not None:
        return await _confirmation_page(workspace, target, error=error, status=status)
    async with database_of(request).write_session() as session:
        await renew_verification(session, get_region(request), workspace.session.id, now=now)
    return workspace.redirect(safe_target(target))


async def start(
    request: Request,
    response: Response,
    person: Person,
    *,
    is_verified: bool,
    before: PersonSession | None = None,
) -> None:
    """Start a session and set its cookie; the one that led to it ends."""
    region, now = get_region(request), datetime.now(UTC)
    async with database_of(request).write_session() as session:
        if before is not None:
            await end_session(session, region, person.id, before.id, now=now)
        token = await start_session(
            session,
            region,
            person,
            user_agent=request.headers.get("user-agent", ""),
            now=now,
            is_verified=is_verified,
        )
    set_session_cookie(response, request, token)


def password_page(
    page: Page,
    target: str | None,
    *,
    email: str = "",
    error: Message | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return the page that asks for e-mail address and password.

    Its script removes the pages that a phone stored for whoever was signed in before.
    """
    return allow_scripts(
        no_store(
            page.render(
                "workspace/sign-in.html",
                status=status,
                target=safe_target(target),
                email=email[:254],
                has_provider=page.request.app.state.identity_provider is not None,
                error=page.messages.translate(error) if error else None,
            )
        )
    )


async def _check_second_factor(
    page: Page, session: PersonSession, fields: Mapping[str, str]
) -> Message | None:
    """Return what is wrong with the code, or with a passkey's answer; None if it is right.

    Raises:
        TooManyAttemptsError: The account or the address tried too often.
    """
    request, answer = page.request, fields.get("jawaban", "")
    sign_in, address, now = _sign_in(request), address_of(request), datetime.now(UTC)
    party = relying_party(page) if answer else None
    if party is None:
        is_right = await sign_in.check_code(
            session.person, fields.get("kode", ""), address=address, now=now
        )
        return None if is_right else WRONG_CODE
    is_right = await sign_in.check_passkey(
        session.person, session.id, answer, party, address=address, now=now
    )
    return None if is_right else WRONG_PASSKEY


async def _code_page(
    page: Page,
    session: PersonSession,
    target: str | None,
    *,
    error: Message | None = None,
    status: int = 200,
) -> HTMLResponse:
    return allow_scripts(
        no_store(
            page.render(
                "workspace/code.html",
                status=status,
                target=safe_target(target),
                passkey_options=await ask_for_passkey(page, session),
                error=page.messages.translate(error) if error else None,
            )
        )
    )


async def _confirmation_page(
    workspace: Workspace, target: str | None, *, error: Message | None = None, status: int = 200
) -> HTMLResponse:
    page = workspace.page
    return allow_scripts(
        workspace.render(
            "workspace/confirm.html",
            status=status,
            target=safe_target(target),
            has_provider=page.request.app.state.identity_provider is not None,
            passkey_options=await ask_for_passkey(page, workspace.session),
            error=page.messages.translate(error) if error else None,
        )
    )


def _too_many(response: HTMLResponse) -> HTMLResponse:
    response.headers["Retry-After"] = str(int(WINDOW.total_seconds()))
    return response


def address_of(request: Request) -> str:
    """Return the address of the browser, by which attempts are counted."""
    return request.client.host if request.client is not None else ""


def _sign_in(request: Request) -> SignIn:
    sign_in: SignIn = request.app.state.sign_in
    return sign_in
