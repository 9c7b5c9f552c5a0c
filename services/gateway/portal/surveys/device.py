"""The device of an enumerator or a kiosk, which an agency's key vouches for.

The cookie holds, encrypted, the id of the key, and lasts as long as the key: an enumerator is
offline for days, a kiosk is never signed in again. Each request checks that the key is still valid,
so that a lost phone is locked out by revoking its key.
"""

import base64
import json
from datetime import UTC, datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request
from fastapi.responses import Response

from services.gateway.api_keys.keys import load_caller
from services.platform.database import Database
from services.platform.derived_keys import derived_key
from services.platform.identity import Caller, load_private_key
from services.platform.problems import NotAuthenticated
from services.platform.settings import Settings

COOKIE = "emall_perangkat"
PATH = "/survei"
LIFETIME = timedelta(days=400)
"""The longest that browsers keep a cookie."""
PURPOSE = b"emall survey device"
"""What the encryption key is derived for."""


def register_device(response: Response, request: Request, caller: Caller) -> None:
    """Set the cookie of a device with this caller's key."""
    sealed = _cipher(request).encrypt(json.dumps({"key": caller.subject}).encode())
    response.set_cookie(
        COOKIE,
        sealed.decode(),
        max_age=int(LIFETIME.total_seconds()),
        path=PATH,
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def forget_device(response: Response, request: Request) -> None:
    """Delete the cookie."""
    response.delete_cookie(
        COOKIE, path=PATH, secure=_is_secure(request), httponly=True, samesite="strict"
    )


def may_collect(caller: Caller) -> bool:
    """Return whether a key may submit the responses of a device."""
    return caller.agency is not None and (
        caller.has_scope("surveys:collect") or caller.has_scope("usage:write")
    )


async def current_collector(request: Request) -> Caller | None:
    """Return the caller whose key the device has; None without one, or if it is no longer valid."""
    cookie = request.cookies.get(COOKIE)
    if cookie is None or len(cookie) > 1000:
        return None
    try:
        content = json.loads(_cipher(request).decrypt(cookie, int(LIFETIME.total_seconds())))
    except InvalidToken:
        return None
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    now = datetime.now(UTC)
    try:
        caller, _ = await load_caller(database, settings.region, content["key"], now=now)
    except NotAuthenticated:
        return None
    if not may_collect(caller):
        return None
    request.scope["request_log"].impersonate(caller)
    # Whatever else the key allows, a device only collects.
    collects = caller.has_scope("surveys:collect")
    scope = "surveys:collect" if collects else "usage:write"
    return caller.model_copy(update={"scopes": frozenset({scope})})


def _cipher(request: Request) -> Fernet:
    state = request.app.state
    if not hasattr(state, "survey_device_cipher"):
        key = load_private_key(state.settings.private_key_file)
        derived = derived_key(key, PURPOSE)
        state.survey_device_cipher = Fernet(base64.urlsafe_b64encode(derived))
    cipher: Fernet = state.survey_device_cipher
    return cipher


def _is_secure(request: Request) -> bool:
    settings: Settings = request.app.state.settings
    public = settings.public_url
    return request.url.scheme == "https" or (public is not None and public.scheme == "https")
