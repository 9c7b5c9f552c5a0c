"""Half an hour in which a browser that showed an agency's key or link may upload for it.

The cookie holds neither: only, sealed, which key it was, until when, and a word that every form
must repeat. Whether the key is still in force is asked at each step.
"""

import base64
import hmac
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request
from fastapi.responses import Response

from services.gateway.api_keys.keys import caller_of_id
from services.platform.database import Database
from services.platform.derived_keys import derived_key
from services.platform.identity import Caller, load_private_key
from services.platform.problems import NotAllowed, NotAuthenticated
from services.platform.settings import Settings

COOKIE = "emall_unggah"
LIFE = timedelta(minutes=30)
PURPOSE = b"emall upload session"
_NONCE = 12


@dataclass(frozen=True)
class Session:
    """Who uploads, and the word that the forms of this session carry."""

    caller: Caller
    word: str

    @property
    def agency(self) -> str:
        return self.caller.agency or ""


def begin(response: Response, request: Request, key_id: str, *, now: datetime) -> None:
    """Gives the browser a session of this key."""
    content = {
        "key": key_id,
        "until": (now + LIFE).timestamp(),
        "word": base64.urlsafe_b64encode(os.urandom(18)).decode(),
    }
    nonce = os.urandom(_NONCE)
    sealed = nonce + _seal(request).encrypt(nonce, json.dumps(content).encode(), PURPOSE)
    response.set_cookie(
        COOKIE,
        base64.urlsafe_b64encode(sealed).decode().rstrip("="),
        max_age=int(LIFE.total_seconds()),
        path="/unggah",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def end(response: Response, request: Request) -> None:
    """Takes the session from the browser."""
    response.delete_cookie(
        COOKIE, path="/unggah", secure=_is_secure(request), httponly=True, samesite="strict"
    )


async def session_of(request: Request) -> Session | None:
    """The session of a request; None where there is none, it is over, or its key is revoked."""
    given = request.cookies.get(COOKIE)
    if given is None or len(given) > 1000:
        return None
    now = datetime.now(UTC)
    try:
        sealed = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        content = json.loads(_seal(request).decrypt(sealed[:_NONCE], sealed[_NONCE:], PURPOSE))
    except (ValueError, InvalidTag):
        return None
    if content["until"] <= now.timestamp():
        return None
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    try:
        caller, _ = await caller_of_id(database, settings.region, content["key"], now=now)
    except NotAuthenticated:
        return None
    if not caller.has_scope("usage:write"):
        return None
    request.scope["visit"].acts_for(caller)
    # Whatever else the key may do, this page does not.
    mine = caller.model_copy(update={"scopes": frozenset({"usage:write"})})
    return Session(mine, content["word"])


def check_word(session: Session, given: str) -> None:
    """Refuses a form that this session did not hand out."""
    if not hmac.compare_digest(session.word.encode(), given.encode()):
        raise NotAllowed("This form is not of this visit; open /unggah again.")


def check_origin(request: Request) -> None:
    """Refuses a form that another site sends in somebody's name."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise NotAllowed("A form of another site is not taken.")
        return
    origin = request.headers.get("origin")
    if origin is None:
        return
    settings: Settings = request.app.state.settings
    own = {request.headers.get("host")}
    if settings.public_url is not None:
        own.add(urlsplit(str(settings.public_url)).netloc)
    if urlsplit(origin).netloc not in own:
        raise NotAllowed("A form of another site is not taken.")


def _seal(request: Request) -> AESGCM:
    state = request.app.state
    if not hasattr(state, "upload_seal"):
        key = load_private_key(state.settings.private_key_file)
        state.upload_seal = AESGCM(derived_key(key, PURPOSE))
    seal: AESGCM = state.upload_seal
    return seal


def _is_secure(request: Request) -> bool:
    settings: Settings = request.app.state.settings
    public = settings.public_url
    return request.url.scheme == "https" or (public is not None and public.scheme == "https")
