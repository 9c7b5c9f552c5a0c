"""Upload sessions: a browser that showed an agency's key or link may upload for half an hour.

The cookie is a random id; the key it stands for is in the database, with the id's hash only. The
session ends when its user signs out, after half an hour, and when the key is revoked or expires.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import text

from services.gateway.api_keys.keys import load_caller
from services.gateway.portal.secret_links import is_secure
from services.platform.database import Database, WriteSession
from services.platform.identity import Caller
from services.platform.problems import NotAllowed, NotAuthenticated
from services.platform.service import get_region

LIFETIME = timedelta(minutes=30)
COOKIE = "emall_unggah"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""Name over TLS: browsers accept it from this host alone, not from its neighbours in the domain."""

INSERT_SESSION = """
-- Insert a session of a key.
INSERT INTO gateway.upload_session (region, id_hash, key_id, expires_at)
VALUES (:region, :id_hash, :key_id, :expires_at)
"""

SELECT_KEY_ID = """
-- Select the key of a session that has not ended.
SELECT key_id FROM gateway.upload_session
WHERE region = :region AND id_hash = :id_hash AND expires_at > :now
"""

DELETE_SESSION = """
-- Delete a session.
DELETE FROM gateway.upload_session WHERE region = :region AND id_hash = :id_hash
"""

DELETE_EXPIRED = """
-- Delete expired sessions and return their number.
WITH deleted AS (
    DELETE FROM gateway.upload_session WHERE region = :region AND expires_at <= :now RETURNING 1
)
SELECT count(*) FROM deleted
"""


@dataclass(frozen=True)
class Session:
    """The agency that uploads, and the token that the forms of this session carry."""

    caller: Caller
    form_token: str

    @property
    def agency(self) -> str:
        return self.caller.agency or ""


async def start_session(
    response: Response, request: Request, key_id: str, *, now: datetime
) -> None:
    """Store a session with this key and set its cookie; one that the browser had ends."""
    session_id = secrets.token_urlsafe(32)
    parameters = {
        "region": get_region(request),
        "id_hash": _digest(session_id),
        "key_id": key_id,
        "expires_at": now + LIFETIME,
    }
    async with _database(request).write_session() as session:
        await _delete_session(session, request)
        await session.execute(text(INSERT_SESSION), parameters)
    secure = is_secure(request)
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        session_id,
        max_age=int(LIFETIME.total_seconds()),
        secure=secure,
        httponly=True,
        samesite="strict",
    )


async def end_session(response: Response, request: Request) -> None:
    """End the session of a request and delete its cookie."""
    async with _database(request).write_session() as session:
        await _delete_session(session, request)
    secure = is_secure(request)
    response.delete_cookie(
        SECURE_COOKIE if secure else COOKIE, secure=secure, httponly=True, samesite="strict"
    )


async def current_session(request: Request) -> Session | None:
    """Return the session of a request; None if there is none or it or its key has ended."""
    session_id = _session_id(request)
    if session_id is None:
        return None
    now = datetime.now(UTC)
    region, database = get_region(request), _database(request)
    parameters = {"region": region, "id_hash": _digest(session_id), "now": now}
    async with database.read_session() as session:
        key_id = await session.scalar(text(SELECT_KEY_ID), parameters)
    if key_id is None:
        return None
    try:
        caller, _ = await load_caller(database, region, key_id, now=now)
    except NotAuthenticated:
        return None
    if not caller.has_scope("usage:write"):
        return None
    request.scope["request_log"].impersonate(caller)
    # Whatever else the key allows, these pages only report.
    narrowed = caller.model_copy(update={"scopes": frozenset({"usage:write"})})
    return Session(narrowed, _form_token(session_id))


def check_form_token(session: Session, submitted: str) -> None:
    """Reject a form that is not of this session."""
    if not hmac.compare_digest(session.form_token.encode(), submitted.encode()):
        raise NotAllowed("The form belongs to another session; open /unggah again.")


async def delete_expired_sessions(
    session: WriteSession, *, region: str, now: datetime, zone: ZoneInfo
) -> int:
    """Delete expired sessions; return how many."""
    deleted = await session.scalar(text(DELETE_EXPIRED), {"region": region, "now": now})
    return int(deleted or 0)


async def _delete_session(session: WriteSession, request: Request) -> None:
    session_id = _session_id(request)
    if session_id is not None:
        parameters = {"region": get_region(request), "id_hash": _digest(session_id)}
        await session.execute(text(DELETE_SESSION), parameters)


def _session_id(request: Request) -> str | None:
    return request.cookies.get(SECURE_COOKIE if is_secure(request) else COOKIE)


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()


def _form_token(session_id: str) -> str:
    return hmac.new(session_id.encode(), b"form", hashlib.sha256).hexdigest()


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database
