"""`/kelola/akun/kunci-sandi`: the own passkeys, which answer in place of a code."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.gateway.people.passkeys import (
    MAX_NAME,
    PasskeyKnownError,
    PasskeyRefusedError,
    add_passkey,
    ask_for_new,
    delete_passkey,
)
from services.gateway.portal.scripts import allow_scripts
from services.gateway.portal.workspace.access import Enter, RefusedError, Workspace, database_of
from services.gateway.portal.workspace.account import ACCOUNT
from services.gateway.portal.workspace.passkey_requests import relying_party
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, Message

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

PASSKEY = "/kelola/akun/kunci-sandi"
NO_PASSKEYS_HERE = N_(
    "Kunci sandi memerlukan alamat dengan nama dan HTTPS. Hub ini dibuka tanpa keduanya."
)
NO_NAME = N_("Tulis nama untuk kunci sandi ini, paling banyak 60 karakter.")
NOT_MADE = N_(
    "Kunci sandi belum tersimpan: perangkat tidak menjawab dengan benar, atau halamannya terbuka "
    "terlalu lama. Coba sekali lagi."
)
KNOWN = N_("Kunci sandi ini sudah Anda tambahkan, atau sudah ada 10. Hapus satu lebih dahulu.")

Confirmed = Annotated[Workspace, Depends(Enter(confirmed=True))]
"""Anybody who gave a code in the last minutes."""


@router.get(PASSKEY)
async def show_form(workspace: Confirmed) -> Response:
    """Show the form with which the browser makes a passkey."""
    return await _form_page(workspace)


@router.post(PASSKEY)
async def add(request: Request, workspace: Confirmed) -> Response:
    """Store the passkey that the browser made."""
    party = relying_party(workspace.page)
    if party is None:
        raise RefusedError(NO_PASSKEYS_HERE)
    name = " ".join(workspace.fields.get("nama", "").split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        return await _form_page(workspace, error=NO_NAME)
    async with database_of(request).write_session() as session:
        try:
            await add_passkey(
                session,
                get_region(request),
                party,
                workspace.person.id,
                workspace.session.id,
                name=name,
                answer=workspace.fields.get("jawaban", ""),
                now=datetime.now(UTC),
            )
        except PasskeyRefusedError:
            fault = NOT_MADE
        except PasskeyKnownError:
            fault = KNOWN
        else:
            return workspace.redirect(ACCOUNT)
    return await _form_page(workspace, error=fault)


@router.post(f"{PASSKEY}/{{id}}/hapus")
async def delete(request: Request, workspace: Confirmed, id: UUID) -> Response:
    """Delete a passkey of the person."""
    async with database_of(request).write_session() as session:
        await delete_passkey(session, get_region(request), workspace.person.id, id)
    return workspace.redirect(ACCOUNT)


async def _form_page(workspace: Workspace, *, error: Message | None = None) -> HTMLResponse:
    page = workspace.page
    party = relying_party(page)
    if party is None:
        raise RefusedError(NO_PASSKEYS_HERE)
    async with database_of(page.request).write_session() as session:
        options = await ask_for_new(
            session,
            get_region(page.request),
            party,
            workspace.person,
            workspace.session.id,
            now=datetime.now(UTC),
        )
    return allow_scripts(
        workspace.render(
            "workspace/passkey.html",
            status=422 if error else 200,
            options=options,
            name=workspace.fields.get("nama", ""),
            max_name=MAX_NAME,
            error=page.messages.translate(error) if error else None,
        )
    )
