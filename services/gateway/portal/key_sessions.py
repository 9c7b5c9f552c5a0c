"""Sessions of browsers that showed an agency's key, for one purpose each.

The cookie is a random id; the key it stands for is in the database, with the id's hash only. A
session ends when its user ends it, when its time is over, and when the key is revoked or expires.
"""

import hashlib
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
from services.platform.problems import NotAuthenticated
from services.platform.service import get_region

INSERT_SESSION = """
-- Insert a session of a key.
INSERT INTO gateway.key_session (region, id_hash, purpose, key_id, expires_at)
VALUES (:region, :id_hash, :purpose, :key_id, :expires_at)
"""

SELECT_KEY_ID = """
-- Select the key of a session that has not ended.
SELECT key_id FROM gateway.key_session
WHERE region = :region AND id_hash = :id_hash AND purpose = :purpose AND expires_at > :now
"""

DELETE_SESSION = """
-- Delete a session.
DELETE FROM gateway.key_session WHERE region = :region AND id_hash = :id_hash
"""

DELETE_EXPIRED = """
-- Delete expired sessions and return their number.
WITH deleted AS (
    DELETE FROM gateway.key_session WHERE region = :region AND expires_at <= :now RETURNING 1
)
SELECT count(*) FROM deleted
"""


@dataclass(frozen=True)
class KeySession:
    """A session that has not ended: its random id, and the caller of its key."""

    id: str
    caller: Caller


@dataclass(frozen=True)
class KeySessions:
    """The sessions of one purpose."""

    purpose: str
    cookie: str
    lifetime: timedelta

    async def start(
        self, response: Response, request: Request, key_id: str, *, now: datetime
    ) -> None:
        """Store a session with this key and set its cookie; one that the browser had ends."""
        session_id = secrets.token_urlsafe(32)
        parameters = {
            "region": get_region(request),
            "id_hash": _digest(session_id),
            "purpose": self.purpose,
            "key_id": key_id,
            "expires_at": now + self.lifetime,
        }
        async with _database(request).write_session() as session:
            await self._delete(session, request)
            await session.execute(text(INSERT_SESSION), parameters)
        response.set_cookie(
            self._cookie_name(request),
            session_id,
            max_age=int(self.lifetime.total_seconds()),
            secure=is_secure(request),
            httponly=True,
            samesite="strict",
        )

    async def end(self, response: Response, request: Request) -> None:
        """End the session of a request and delete its cookie."""
        async with _database(request).write_session() as session:
            await self._delete(session, request)
        response.delete_cookie(
            self._cookie_name(request),
            secure=is_secure(request),
            httponly=True,
            samesite="strict",
        )

    async def find(self, request: Request) -> KeySession | None:
        """Return the session of a request; None if there is none or it or its key has ended."""
        session_id = self._id(request)
        if session_id is None:
            return None
        now = datetime.now(UTC)
        region, database = get_region(request), _database(request)
        parameters = {
            "region": region,
            "id_hash": _digest(session_id),
            "purpose": self.purpose,
            "now": now,
        }
        async with database.read_session() as session:
            key_id = await session.scalar(text(SELECT_KEY_ID), parameters)
        if key_id is None:
            return None
        try:
            caller, _ = await load_caller(database, region, key_id, now=now)
        except NotAuthenticated:
            return None
        return KeySession(session_id, caller)

    async def _delete(self, session: WriteSession, request: Request) -> None:
        session_id = self._id(request)
        if session_id is not None:
            parameters = {"region": get_region(request), "id_hash": _digest(session_id)}
            await session.execute(text(DELETE_SESSION), parameters)

    def _id(self, request: Request) -> str | None:
        return request.cookies.get(self._cookie_name(request))

    def _cookie_name(self, request: Request) -> str:
        # Over TLS browsers accept such a name from this host alone, not from its neighbours in the
        # domain.
        return f"__Host-{self.cookie}" if is_secure(request) else self.cookie


async def delete_expired_sessions(
    session: WriteSession, *, region: str, now: datetime, zone: ZoneInfo
) -> int:
    """Delete expired sessions; return how many."""
    deleted = await session.scalar(text(DELETE_EXPIRED), {"region": region, "now": now})
    return int(deleted or 0)


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database
