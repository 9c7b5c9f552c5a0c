"""Signing in with an account at the agency's identity provider (OpenID Connect)."""

import base64
from datetime import UTC, datetime
from typing import Annotated

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from services.gateway.people.accounts import find_or_bind
from services.gateway.people.oidc import Login, Provider, ProviderError
from services.gateway.portal.page import CurrentPage
from services.gateway.portal.secret_links import is_secure
from services.gateway.portal.workspace.access import (
    current_session,
    database_of,
    redirect,
    safe_target,
)
from services.gateway.portal.workspace.sign_in import Target, password_page, start
from services.platform.derived_keys import derived_key
from services.platform.logging import get_logger
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Settings
from services.platform.translation import N_

log = get_logger(__name__)

router = Router(include_in_schema=False, default_response_class=HTMLResponse)

BEGIN = "/kelola/masuk/oidc"
RETURN = "/kelola/masuk/oidc/kembali"
COOKIE = "emall_oidc"
SECONDS = 600
"""How long somebody may be at the provider."""
NO_PROVIDER = N_("Penyedia akun instansi tidak menjawab dengan benar. Cobalah lagi sebentar lagi.")
NOT_INVITED = N_(
    "Akun instansi ini belum diundang, atau alamat surelnya belum dipastikan. Mintalah undangan "
    "pada pengelola hub."
)


@router.get(BEGIN)
async def begin(
    request: Request,
    page: CurrentPage,
    target: Target = None,
    *,
    renewed: Annotated[bool, Query(alias="ulang")] = False,
) -> Response:
    """Redirect to the provider; with `ulang` it asks for password or code anew."""
    provider = _provider(request)
    if provider is None:
        return page.not_found()
    try:
        url, login = await provider.begin(
            _redirect_uri(request), target=safe_target(target), is_renewed=renewed
        )
    except ProviderError as error:
        log.warning("identity provider not usable", error=str(error))
        return password_page(page, target, error=NO_PROVIDER, status=503)
    response = RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        _cookie(request),
        _seal(request).encrypt(login.model_dump_json().encode()).decode(),
        max_age=SECONDS,
        secure=is_secure(request),
        httponly=True,
        samesite="lax",  # the provider's redirect is another site's
    )
    return response


@router.get(RETURN)
async def come_back(
    request: Request,
    page: CurrentPage,
    *,
    state: Annotated[str, Query(max_length=500)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """Exchange the provider's code, and begin a session of the invited person."""
    provider, login = _provider(request), _login(request)
    if provider is None:
        return page.not_found()
    if login is None:
        return password_page(page, None, error=NO_PROVIDER, status=403)
    now = datetime.now(UTC)
    try:
        identity = await provider.finish(
            login, state=state, code=code, redirect_uri=_redirect_uri(request), now=now
        )
    except ProviderError as error:
        log.warning("sign-in at the identity provider refused", error=str(error))
        return _forget(request, password_page(page, login.target, error=NO_PROVIDER, status=403))
    async with database_of(request).write_session() as session:
        person = await find_or_bind(session, get_region(request), identity, now=now)
    if person is None:
        return _forget(request, password_page(page, login.target, error=NOT_INVITED, status=403))
    before = await current_session(request)
    response = _forget(request, redirect(page, login.target))
    is_same = before is not None and before.person.id == person.id
    await start(request, response, person, is_verified=True, before=before if is_same else None)
    return response


def _forget(request: Request, response: Response) -> Response:
    """Delete the cookie of the sign-in, which is valid for one answer."""
    response.delete_cookie(
        _cookie(request), secure=is_secure(request), httponly=True, samesite="lax"
    )
    return response


def _login(request: Request) -> Login | None:
    """Return the sign-in that this browser began; None if there is none or it is too long ago."""
    sealed = request.cookies.get(_cookie(request), "")
    try:
        content = _seal(request).decrypt(sealed.encode("utf-8", "replace"), ttl=SECONDS)
        return Login.model_validate_json(content)
    except (InvalidToken, ValidationError):
        return None


def _seal(request: Request) -> Fernet:
    key: Ed25519PrivateKey = request.app.state.secrets_key
    return Fernet(base64.urlsafe_b64encode(derived_key(key, b"emall people: sign-in")))


def _redirect_uri(request: Request) -> str:
    settings: Settings = request.app.state.settings
    scheme = "https" if is_secure(request) else "http"
    return (settings.public_address or f"{scheme}://{request.url.netloc}") + RETURN


def _cookie(request: Request) -> str:
    return f"__Host-{COOKIE}" if is_secure(request) else COOKIE


def _provider(request: Request) -> Provider | None:
    provider: Provider | None = request.app.state.identity_provider
    return provider
