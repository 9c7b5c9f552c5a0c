"""Upload sessions: a browser that showed an agency's key or link may upload for half an hour.

The cookie holds neither the key nor the link: only, encrypted, the id of the key and a token that
every form must repeat (against forged requests from other sites). Each request checks that the
key is still valid.
"""

import base64
import hmac
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request
from fastapi.responses import Response

from services.gateway.api_keys.keys import load_caller
from services.platform.database import Database
from services.platform.derived_keys import derived_key
from services.platform.identity import Caller, load_private_key
from services.platform.problems import NotAllowed, NotAuthenticated
from services.platform.settings import Settings

COOKIE = "emall_unggah"
LIFETIME = timedelta(minutes=30)
PURPOSE = b"emall upload session"
"""What the encryption key is derived for."""


@dataclass(frozen=True)
class Session:
    """The agency that uploads, and the token that the forms of this session carry."""

    caller: Caller
    form_token: str

    @property
    def agency(self) -> str:
        return self.caller.agency or ""


def start_session(response: Response, request: Request, key_id: str, *, now: datetime) -> None:
    """Set the cookie of a session with this key."""
    content = {"key": key_id, "form_token": base64.urlsafe_b64encode(os.urandom(18)).decode()}
    encrypted = _cipher(request).encrypt_at_time(json.dumps(content).encode(), int(now.timestamp()))
    response.set_cookie(
        COOKIE,
        encrypted.decode(),
        max_age=int(LIFETIME.total_seconds()),
        path="/unggah",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def end_session(response: Response, request: Request) -> None:
    """Delete the cookie."""
    response.delete_cookie(
        COOKIE, path="/unggah", secure=_is_secure(request), httponly=True, samesite="strict"
    )


async def current_session(request: Request) -> Session | None:
    """Return the session of a request; None if there is none or it or its key has expired."""
    cookie = request.cookies.get(COOKIE)
    if cookie is None or len(cookie) > 1000:
        return None
    now = datetime.now(UTC)
    try:
        content = json.loads(
            _cipher(request).decrypt_at_time(
                cookie.encode(), int(LIFETIME.total_seconds()), int(now.timestamp())
            )
        )
    except InvalidToken:
        return None
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    try:
        caller, _ = await load_caller(database, settings.region, content["key"], now=now)
    except NotAuthenticated:
        return None
    if not caller.has_scope("usage:write"):
        return None
    request.scope["request_log"].impersonate(caller)
    # Whatever else the key allows, these pages only report.
    narrowed = caller.model_copy(update={"scopes": frozenset({"usage:write"})})
    return Session(narrowed, content["form_token"])


def check_form_token(session: Session, submitted: str) -> None:
    """Reject a form that is not of this session."""
    if not hmac.compare_digest(session.form_token.encode(), submitted.encode()):
        raise NotAllowed("The form belongs to another session; open /unggah again.")


def _cipher(request: Request) -> Fernet:
    state = request.app.state
    if not hasattr(state, "upload_cipher"):
        key = load_private_key(state.settings.private_key_file)
        state.upload_cipher = Fernet(base64.urlsafe_b64encode(derived_key(key, PURPOSE)))
    cipher: Fernet = state.upload_cipher
    return cipher


def _is_secure(request: Request) -> bool:
    settings: Settings = request.app.state.settings
    public = settings.public_url
    return request.url.scheme == "https" or (public is not None and public.scheme == "https")
