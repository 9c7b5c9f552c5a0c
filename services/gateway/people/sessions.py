"""Sessions of people at `/kelola`.

The cookie is a random id, of which the database has the hash. A session begins after the password
and is good for nothing until the second factor; then it gets a new id. It ends when its owner or an
administrator ends it, when nobody used it for an hour, after twelve hours, when the person is
disabled, loses a role or gets new credentials. Bounds: NIST SP 800-63B-4, AAL2.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.gateway.people.browsers import device_name
from services.gateway.people.records import Person, find_person
from services.gateway.people.roles import agencies_of, roles_for, scopes_of
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.ids import new_id

IDLE = timedelta(hours=1)
LIFETIME = timedelta(hours=12)
SECOND_FACTOR_WITHIN = timedelta(minutes=10)
"""How long after the password the second factor may come."""
RECENT = timedelta(minutes=10)
"""How long password or code count for acts that need them anew."""
LAST_SEEN_PRECISION = timedelta(minutes=1)
RETENTION = timedelta(days=30)
"""How long sessions that are over are listed to their owner."""

INSERT_SESSION = """
-- Insert a session.
INSERT INTO gateway.person_session (region, id, id_hash, person, agency, user_agent, created_at,
    last_seen_at, verified_at, expires_at)
VALUES (:region, :id, :id_hash, :person, :agency, :user_agent, :now, :now, :verified_at,
    :expires_at)
"""

SELECT_SESSION = """
-- Select a session that is not over.
SELECT id, person, agency, verified_at, last_seen_at FROM gateway.person_session
WHERE region = :region AND id_hash = :id_hash AND ended_at IS NULL
    AND expires_at > :now AND last_seen_at > :idle_since
"""

TOUCH_SESSION = """
-- Record that a session is in use.
UPDATE gateway.person_session SET last_seen_at = :now WHERE region = :region AND id = :id
"""

VERIFY_SESSION = """
-- Record that password or code was given anew.
UPDATE gateway.person_session SET verified_at = :now WHERE region = :region AND id = :id
"""

CHOOSE_AGENCY = """
-- Set for which agency a session acts.
UPDATE gateway.person_session SET agency = :agency WHERE region = :region AND id = :id
"""

END_SESSION = """
-- End a session, of one person or of anybody, and return whether there was one.
UPDATE gateway.person_session SET ended_at = :now
WHERE region = :region AND (CAST(:person AS uuid) IS NULL OR person = :person)
    AND id = :id AND ended_at IS NULL
RETURNING id
"""

END_ALL_SESSIONS = """
-- End all sessions of a person, but one if it is named.
UPDATE gateway.person_session SET ended_at = :now
WHERE region = :region AND person = :person AND ended_at IS NULL
    AND id IS DISTINCT FROM CAST(:kept AS uuid)
"""

DELETE_OLD = """
-- Delete sessions that are over for the retention, and return their number.
WITH deleted AS (
    DELETE FROM gateway.person_session
    WHERE region = :region AND COALESCE(ended_at, expires_at) < :before RETURNING 1
)
SELECT count(*) FROM deleted
"""


@dataclass(frozen=True)
class PersonSession:
    """A session that is not over, with its person."""

    id: UUID
    token: str
    """The random id in the cookie."""
    person: Person
    agency: str | None
    """For which agency it acts; None for the hub as a whole."""
    verified_at: datetime | None
    """When password or code was last given; None until the second factor is."""

    @property
    def form_token(self) -> str:
        """The token that the forms of this session carry."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()

    @property
    def caller(self) -> Caller:
        """The person as services and the audit log know callers."""
        roles = roles_for(self.person.roles, self.agency)
        return Caller(subject=self.person.subject, agency=self.agency, scopes=scopes_of(roles))

    def is_recent(self, now: datetime) -> bool:
        """Return whether password or code was given in the last minutes."""
        return self.verified_at is not None and now - self.verified_at < RECENT


async def start_session(
    session: WriteSession,
    region: str,
    person: Person,
    *,
    user_agent: str,
    now: datetime,
    is_verified: bool,
) -> str:
    """Start a session and return its random id; not verified, it waits for the second factor."""
    token = secrets.token_urlsafe(32)
    agencies = agencies_of(person.roles)
    lifetime = LIFETIME if is_verified else SECOND_FACTOR_WITHIN
    parameters = {
        "region": region,
        "id": new_id(),
        "id_hash": _digest(token),
        "person": person.id,
        "agency": agencies[0] if agencies else None,
        "user_agent": device_name(user_agent),
        "now": now,
        "verified_at": now if is_verified else None,
        "expires_at": now + lifetime,
    }
    await session.execute(text(INSERT_SESSION), parameters)
    return token


async def find_session(
    session: WriteSession, region: str, token: str, *, now: datetime
) -> PersonSession | None:
    """Return the session of a cookie; None if it is over or its person disabled.

    Person and roles are those of this moment.
    """
    parameters = {
        "region": region,
        "id_hash": _digest(token),
        "now": now,
        "idle_since": now - IDLE,
    }
    row = (await session.execute(text(SELECT_SESSION), parameters)).one_or_none()
    if row is None:
        return None
    person = await find_person(session, region, row.person)
    if person is None or person.state != "active":
        return None
    if now - row.last_seen_at > LAST_SEEN_PRECISION:
        await session.execute(text(TOUCH_SESSION), {"region": region, "id": row.id, "now": now})
    agencies = agencies_of(person.roles)
    agency = row.agency if row.agency in agencies else next(iter(agencies), None)
    return PersonSession(row.id, token, person, agency, row.verified_at)


async def renew_verification(
    session: WriteSession, region: str, session_id: UUID, *, now: datetime
) -> None:
    """Record that password or code was given anew."""
    await session.execute(text(VERIFY_SESSION), {"region": region, "id": session_id, "now": now})


async def choose_agency(
    session: WriteSession, region: str, session_id: UUID, agency: str | None
) -> None:
    """Set for which agency a session acts."""
    parameters = {"region": region, "id": session_id, "agency": agency}
    await session.execute(text(CHOOSE_AGENCY), parameters)


async def end_session(
    session: WriteSession, region: str, person: UUID, session_id: UUID, *, now: datetime
) -> bool:
    """End a session of a person; return whether there was one."""
    parameters = {"region": region, "person": person, "id": session_id, "now": now}
    return await session.scalar(text(END_SESSION), parameters) is not None


async def end_session_of_anybody(
    session: WriteSession, region: str, session_id: UUID, *, now: datetime
) -> bool:
    """End a session, whosever it is; return whether there was one."""
    parameters = {"region": region, "person": None, "id": session_id, "now": now}
    return await session.scalar(text(END_SESSION), parameters) is not None


async def end_all_sessions(
    session: WriteSession, region: str, person: UUID, *, now: datetime, kept: UUID | None = None
) -> None:
    """End all sessions of a person, but the one to be kept."""
    parameters = {"region": region, "person": person, "now": now, "kept": kept}
    await session.execute(text(END_ALL_SESSIONS), parameters)


async def delete_old_person_sessions(
    session: WriteSession, *, region: str, now: datetime, zone: ZoneInfo
) -> int:
    """Delete sessions that were over 30 days ago; return how many."""
    parameters = {"region": region, "before": now - RETENTION}
    return int(await session.scalar(text(DELETE_OLD), parameters) or 0)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
