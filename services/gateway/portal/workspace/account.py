"""`/kelola/akun`: the own account: sessions, password, passkeys, recovery codes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.people.accounts import (
    change_password,
    list_sessions,
    replace_recovery_codes,
    set_mail_choices,
)
from services.gateway.people.passkeys import MAX_PASSKEYS, list_passkeys
from services.gateway.people.passwords import MIN_LENGTH, find_fault
from services.gateway.people.second_factors import new_recovery_codes
from services.gateway.people.sessions import IDLE, end_all_sessions, end_session
from services.gateway.people.sign_in import SignIn, TooManyAttemptsError
from services.gateway.portal.workspace.access import AnyPerson, Enter, Workspace, database_of
from services.gateway.portal.workspace.labels import ROLES
from services.gateway.portal.workspace.passkey_requests import relying_party
from services.gateway.portal.workspace.sign_in import TOO_MANY, address_of
from services.platform.languages import COMPLETE_LANGUAGES, LANGUAGE_NAMES, Language
from services.platform.local_time import format_time
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

ACCOUNT = "/kelola/akun"
PASSWORD = "/kelola/akun/sandi"  # noqa: S105 - the address of a page
UNKNOWN_LANGUAGE = N_("Pilih salah satu bahasa di daftar.")
WRONG_PASSWORD = N_("Kata sandi sekarang tidak cocok.")

Confirmed = Annotated[Workspace, Depends(Enter(confirmed=True))]
"""Anybody who gave a code in the last minutes."""


@router.get(ACCOUNT)
async def show_account(request: Request, workspace: AnyPerson) -> Response:
    """Show who is signed in, with which roles, and where."""
    return await _account_page(request, workspace)


async def _account_page(
    request: Request, workspace: Workspace, errors: Mapping[str, Message] | None = None
) -> HTMLResponse:
    now, page = datetime.now(UTC), workspace.page
    async with database_of(request).read_session() as session:
        sessions = await list_sessions(
            session,
            get_region(request),
            person=workspace.person.id,
            now=now,
            idle_since=now - IDLE,
        )
        passkeys = await list_passkeys(session, get_region(request), workspace.person.id)

    def at(when: datetime) -> str:
        return format_time(when, now=now, zone=page.zone, language=page.language)

    return workspace.render(
        "workspace/account.html",
        status=422 if errors else 200,
        errors=page.messages.labels(errors or {}),
        wants_digest=(
            workspace.fields.get("ringkasan") == "ya" if errors else workspace.person.wants_digest
        ),
        sessions=sessions,
        passkeys=passkeys,
        may_add_passkey=len(passkeys) < MAX_PASSKEYS and relying_party(page) is not None,
        at=at,
        languages=[(code, LANGUAGE_NAMES[code]) for code in COMPLETE_LANGUAGES],
        agency_names=await workspace.agency_names(),
        roles=[
            (page.messages.translate(ROLES[each.role]), each.agency)
            for each in workspace.person.roles
        ],
    )


@router.post("/kelola/akun/sesi/{id}/akhiri")
async def end_one_session(request: Request, workspace: Confirmed, id: UUID) -> Response:
    """End another session of the person."""
    async with database_of(request).write_session() as session:
        await end_session(
            session, get_region(request), workspace.person.id, id, now=datetime.now(UTC)
        )
    return workspace.redirect(ACCOUNT)


@router.post("/kelola/akun/sesi/akhiri")
async def end_other_sessions(request: Request, workspace: Confirmed) -> Response:
    """End all sessions of the person but this one."""
    async with database_of(request).write_session() as session:
        await end_all_sessions(
            session,
            get_region(request),
            workspace.person.id,
            now=datetime.now(UTC),
            kept=workspace.session.id,
        )
    return workspace.redirect(ACCOUNT)


@router.post("/kelola/akun/surel")
async def choose_mails(request: Request, workspace: AnyPerson) -> Response:
    """Set the language of mails to the person, and whether the daily digest is one of them."""
    chosen = workspace.fields.get("bahasa")
    language: Language | None = next((code for code in COMPLETE_LANGUAGES if code == chosen), None)
    if language is None:
        return await _account_page(request, workspace, {"bahasa": UNKNOWN_LANGUAGE})
    async with database_of(request).write_session() as session:
        await set_mail_choices(
            session,
            get_region(request),
            workspace.person.id,
            language=language,
            wants_digest=workspace.fields.get("ringkasan") == "ya",
        )
    return workspace.redirect(ACCOUNT)


@router.get(PASSWORD)
async def show_password_form(workspace: AnyPerson) -> Response:
    """Show the form for another password."""
    return _password_page(workspace, {})


@router.post(PASSWORD)
async def set_password(request: Request, workspace: AnyPerson) -> Response:
    """Replace the password; it takes the present one, and ends the other sessions."""
    sign_in: SignIn = request.app.state.sign_in
    person, now = workspace.person, datetime.now(UTC)
    form = await request.form()
    new = str(form.get("baru", ""))
    try:
        known = await sign_in.check_password(
            person.email or "", str(form.get("sandi", "")), address=address_of(request), now=now
        )
    except TooManyAttemptsError:
        return _password_page(workspace, {"sandi": TOO_MANY}, status=429)
    errors: dict[str, Message] = {}
    if known is None:
        errors["sandi"] = WRONG_PASSWORD
    if fault := find_fault(new, email=person.email or "", name=person.name):
        errors["baru"] = fault
    if errors:
        return _password_page(workspace, errors, status=422)
    password_hash = await sign_in.hashes.hash(new)
    async with database_of(request).write_session() as session:
        await change_password(
            session,
            get_region(request),
            person.id,
            password_hash,
            now=now,
            kept=workspace.session.id,
        )
    await sign_in.forget_attempts(person)
    return workspace.redirect(ACCOUNT)


@router.post("/kelola/akun/kode-cadangan")
async def make_recovery_codes(request: Request, workspace: Confirmed) -> Response:
    """Replace the recovery codes and show the new ones once."""
    sign_in: SignIn = request.app.state.sign_in
    codes = new_recovery_codes()
    hashes = await sign_in.hash_recovery_codes(workspace.person.id, codes)
    async with database_of(request).write_session() as session:
        await replace_recovery_codes(session, get_region(request), workspace.person.id, hashes)
    return workspace.render("workspace/recovery-codes.html", codes=codes)


def _password_page(
    workspace: Workspace, errors: Mapping[str, Message], *, status: int = 200
) -> HTMLResponse:
    return workspace.render(
        "workspace/password.html",
        status=status,
        errors=workspace.page.messages.labels(errors),
        min_length=MIN_LENGTH,
    )
