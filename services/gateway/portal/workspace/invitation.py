"""`/kelola/undangan`: an invited person chooses a password and sets up the second factor."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Path, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.exc import IntegrityError

from services.gateway.people.invitations import Invitation, find_invitation, store_choice
from services.gateway.people.mail.addresses import is_accepted
from services.gateway.people.passwords import MAX_LENGTH, MIN_LENGTH, find_fault
from services.gateway.people.records import normalised_email
from services.gateway.people.second_factors import enrolment_uri
from services.gateway.people.sign_in import SignIn
from services.gateway.portal.page import CurrentPage, Page
from services.gateway.portal.secret_links import SecretLink
from services.gateway.portal.workspace.access import database_of, no_store, redirect
from services.gateway.portal.workspace.sign_in import start
from services.platform.lazy_module import LazyModule
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.translation import N_, Message

if TYPE_CHECKING:
    import segno
else:
    segno = LazyModule("segno")

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

INVITATION = "/kelola/undangan"
SECOND_FACTOR = "/kelola/undangan/kode"
LINK = SecretLink("emall_undangan", re.compile(r"emi_[A-Za-z0-9_-]{43}"))
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
MAX_NAME = 100

NO_NAME = N_("Tulis nama Anda, paling banyak 100 karakter.")
NO_EMAIL = N_(
    "Tulis alamat surel, misalnya nama@contoh.go.id: huruf tanpa aksen, tanpa spasi, tanda kutip, "
    "atau titik ganda."
)
EMAIL_TAKEN = N_("Alamat surel ini sudah dipakai akun lain.")
WRONG_CODE = N_("Kode ini tidak cocok. Periksa jam telepon Anda, lalu masukkan kode yang tampil.")


@router.get(SECOND_FACTOR)
async def show_second_factor(request: Request, page: CurrentPage) -> Response:
    """Show the secret for the authenticator, as a QR code and as text."""
    token, invitation = await _read(request)
    if invitation is None:
        return _over(page)
    if invitation.password_hash is None:
        return redirect(page, INVITATION)
    return _second_factor_page(request, page, token, invitation)


@router.post(SECOND_FACTOR)
async def confirm_second_factor(request: Request, page: CurrentPage) -> Response:
    """Check the first code, and show the recovery codes once."""
    form = await request.form(max_files=0)
    token, invitation = await _read(request, str(form.get("undangan", "")))
    if invitation is None:
        return _over(page)
    if invitation.password_hash is None:
        return redirect(page, INVITATION)
    accepted = await _sign_in(request).accept_invitation(
        invitation, token, str(form.get("kode", "")), now=datetime.now(UTC)
    )
    if accepted is None:
        return _second_factor_page(request, page, token, invitation, error=WRONG_CODE)
    person, codes = accepted
    response = no_store(page.render("workspace/recovery-codes.html", codes=codes))
    LINK.forget(response, request, INVITATION)
    await start(request, response, person, is_verified=True)
    return response


@router.get(INVITATION)
async def show_invitation(request: Request, page: CurrentPage) -> Response:
    """Show the form for name and password."""
    token, invitation = await _read(request)
    if invitation is None:
        return _over(page)
    return _password_page(page, token, invitation, values={"nama": invitation.name}, errors={})


@router.post(INVITATION)
async def choose_password(request: Request, page: CurrentPage) -> Response:
    """Store name and password until the second factor is set up."""
    form = await request.form(max_files=0)
    values = {name: value for name, value in form.items() if isinstance(value, str)}
    token, invitation = await _read(request, values.get("undangan", ""))
    if invitation is None:
        return _over(page)
    name = " ".join(values.get("nama", "").split())
    email = invitation.email or normalised_email(values.get("surel", ""))
    password = values.get("sandi", "")
    errors = _errors(name, email, password)
    if not errors:
        password_hash = await _sign_in(request).hashes.hash(password)
        try:
            async with database_of(request).write_session() as session:
                await store_choice(
                    session,
                    get_region(request),
                    invitation,
                    name=name,
                    email=email,
                    password_hash=password_hash,
                )
        except IntegrityError:
            errors = {"surel": EMAIL_TAKEN}
    if errors:
        return _password_page(page, token, invitation, values=values, errors=errors)
    return redirect(page, SECOND_FACTOR)


@router.get(f"{INVITATION}/{{token}}")
async def open_link(request: Request, page: CurrentPage, token: Token) -> Response:
    """Redirect to the page of the invitation, whose address is no secret."""
    return LINK.redirect(request, token, INVITATION, page.language_query)


def _errors(name: str, email: str, password: str) -> Mapping[str, Message]:
    errors: dict[str, Message] = {}
    if not is_accepted(email):
        errors["surel"] = NO_EMAIL
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        errors["nama"] = NO_NAME
    if fault := find_fault(password, email=email, name=name):
        errors["sandi"] = fault
    return errors


async def _read(request: Request, submitted: str | None = None) -> tuple[str, Invitation | None]:
    """Return the token in the form or the cookie, and its invitation if it is valid."""
    token = LINK.read(request, submitted)
    if token is None:
        return "", None
    async with database_of(request).read_session() as session:
        found = await find_invitation(session, get_region(request), token, now=datetime.now(UTC))
    return token, found


def _password_page(
    page: Page,
    token: str,
    invitation: Invitation,
    *,
    values: Mapping[str, str],
    errors: Mapping[str, Message],
) -> HTMLResponse:
    return no_store(
        page.render(
            "workspace/invitation.html",
            status=422 if errors else 200,
            token=token,
            invitation=invitation,
            values=values,
            errors=page.messages.labels(errors),
            min_length=MIN_LENGTH,
            max_length=MAX_LENGTH,
        )
    )


def _second_factor_page(
    request: Request,
    page: Page,
    token: str,
    invitation: Invitation,
    *,
    error: Message | None = None,
) -> HTMLResponse:
    secret = _sign_in(request).second_factors.secret_for(token)
    issuer = "e-Mall" if page.regency is None else f"e-Mall {page.regency.name}"
    uri = enrolment_uri(secret, account=invitation.email or "", issuer=issuer)
    return no_store(
        page.render(
            "workspace/second-factor.html",
            status=422 if error else 200,
            token=token,
            secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
            uri=uri,
            picture=segno.make(uri, error="m", micro=False).svg_data_uri(scale=4, border=4),
            error=page.messages.translate(error) if error else None,
        )
    )


def _over(page: Page) -> HTMLResponse:
    return no_store(page.render("workspace/invitation-over.html", status=404))


def _sign_in(request: Request) -> SignIn:
    sign_in: SignIn = request.app.state.sign_in
    return sign_in
