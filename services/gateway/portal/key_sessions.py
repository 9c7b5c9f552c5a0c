"""Sessions of browsers in which somebody opened a link and typed its code, for one purpose each.

The cookie is a random id; the link it stands for is in the database, with the id's hash only. A
session ends when its user ends it, in any browser, when its time is over, when nobody used it for
its time of rest, and when the link is revoked or expires.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import text

from services.gateway.api_keys.keys import load_caller
from services.gateway.people.browsers import device_name
from services.gateway.portal.secret_links import is_secure
from services.platform.database import Database, WriteSession
from services.platform.identity import Caller
from services.platform.ids import new_id
from services.platform.problems import NotAuthenticated
from services.platform.service import get_region

LAST_USED_PRECISION = timedelta(minutes=1)

INSERT_SESSION = """
-- Insert a session of a link.
INSERT INTO gateway.key_session (region, id, id_hash, purpose, key_id, user_agent, created_at,
    last_used_at, expires_at)
VALUES (:region, :id, :id_hash, :purpose, :key_id, :user_agent, :now, :now, :expires_at)
"""

SELECT_SESSION = """
-- Select a session that has not ended. A key without a code begins none.
SELECT s.id, s.key_id, s.last_used_at
FROM gateway.key_session s JOIN gateway.api_key k ON k.region = s.region AND k.id = s.key_id
WHERE s.region = :region AND s.id_hash = :id_hash AND s.purpose = :purpose AND s.expires_at > :now
    AND k.code_hash IS NOT NULL
"""

TOUCH_SESSION = """
-- Record that a session is in use, which puts off its end, within its lifetime.
UPDATE gateway.key_session SET last_used_at = :now,
    expires_at = LEAST(created_at + :lifetime, CAST(:now AS timestamptz) + :rest)
WHERE region = :region AND id = :id
"""

SELECT_SESSIONS = """
-- Select the sessions of a link that have not ended, the newest first.
SELECT id, user_agent, created_at, last_used_at FROM gateway.key_session
WHERE region = :region AND key_id = :key_id AND purpose = :purpose AND expires_at > :now
ORDER BY created_at DESC, id LIMIT 100
"""

DELETE_SESSION = """
-- Delete a session.
DELETE FROM gateway.key_session WHERE region = :region AND id_hash = :id_hash
"""

DELETE_SESSIONS_OF_LINK = """
-- Delete a session of a link, or all.
DELETE FROM gateway.key_session
WHERE region = :region AND key_id = :key_id AND (CAST(:id AS uuid) IS NULL OR id = :id)
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
    """A session that has not ended."""

    id: UUID
    token: str
    """The random id in the cookie."""
    caller: Caller
    """The caller of its link."""


@dataclass(frozen=True)
class OpenSession:
    """A session as its user sees it in a list."""

    id: UUID
    user_agent: str
    """Browser and system, as far as known."""
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True)
class KeySessions:
    """The sessions of one purpose."""

    purpose: str
    cookie: str
    lifetime: timedelta
    rest: timedelta
    """How long a session lasts without use."""

    async def start(
        self, response: Response, request: Request, key_id: str, *, now: datetime
    ) -> None:
        """Store a session of this link and set its cookie; one that the browser had ends."""
        token = secrets.token_urlsafe(32)
        parameters = {
            "region": get_region(request),
            "id": new_id(),
            "id_hash": _digest(token),
            "purpose": self.purpose,
            "key_id": key_id,
            "user_agent": device_name(request.headers.get("user-agent", "")),
            "now": now,
            "expires_at": now + self.rest,
        }
        async with _database(request).write_session() as session:
            await self._delete(session, request)
            await session.execute(text(INSERT_SESSION), parameters)
        response.set_cookie(
            self._cookie_name(request),
            token,
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
        """Return the session of a request; None if there is none or it or its link has ended."""
        token = self._token(request)
        if token is None:
            return None
        now = datetime.now(UTC)
        region, database = get_region(request), _database(request)
        parameters = {
            "region": region,
            "id_hash": _digest(token),
            "purpose": self.purpose,
            "now": now,
        }
        async with database.read_session() as session:
            row = (await session.execute(text(SELECT_SESSION), parameters)).one_or_none()
        if row is None:
            return None
        try:
            caller, _ = await load_caller(database, region, row.key_id, now=now)
        except NotAuthenticated:
            return None
        if now - row.last_used_at > LAST_USED_PRECISION:
            await self._touch(request, row.id, now=now)
        return KeySession(row.id, token, caller)

    async def list_open(self, request: Request, key_id: str) -> Sequence[OpenSession]:
        """Return the sessions of a link that have not ended, the newest first; at most 100."""
        parameters = {
            "region": get_region(request),
            "key_id": key_id,
            "purpose": self.purpose,
            "now": datetime.now(UTC),
        }
        async with _database(request).read_session() as session:
            found = await session.execute(text(SELECT_SESSIONS), parameters)
        return [
            OpenSession(row.id, row.user_agent, row.created_at, row.last_used_at) for row in found
        ]

    async def end_of_link(
        self, request: Request, key_id: str, *, session_id: UUID | None = None
    ) -> None:
        """End a session of a link, or all of them."""
        parameters = {"region": get_region(request), "key_id": key_id, "id": session_id}
        async with _database(request).write_session() as session:
            await session.execute(text(DELETE_SESSIONS_OF_LINK), parameters)

    async def _touch(self, request: Request, session_id: UUID, *, now: datetime) -> None:
        parameters = {
            "region": get_region(request),
            "id": session_id,
            "now": now,
            "lifetime": self.lifetime,
            "rest": self.rest,
        }
        async with _database(request).write_session() as session:
            await session.execute(text(TOUCH_SESSION), parameters)

    async def _delete(self, session: WriteSession, request: Request) -> None:
        token = self._token(request)
        if token is not None:
            parameters = {"region": get_region(request), "id_hash": _digest(token)}
            await session.execute(text(DELETE_SESSION), parameters)

    def _token(self, request: Request) -> str | None:
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


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database
