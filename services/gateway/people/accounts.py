"""Changes of accounts: roles, disabling, passwords, recovery codes.

Sessions of a person end with what they rested on. The last administrator stays one, so that a hub
is never without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from services.gateway.people.invitations import (
    DELETE_OPEN_INVITATIONS,
    DELETE_RECOVERY_CODES,
    INSERT_RECOVERY_CODES,
)
from services.gateway.people.oidc import Identity
from services.gateway.people.records import Person, count_administrators, find_person, give_roles
from services.gateway.people.roles import RoleAssignment
from services.gateway.people.sessions import end_all_sessions
from services.platform.database import ReadSession, WriteSession
from services.platform.languages import Language
from services.platform.problems import Conflict, FieldError, NotFound

LOCK_PEOPLE = """
-- Let changes of who is administrator follow one another, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('people of ' || :region, 0))
"""

DELETE_OTHER_ROLES = """
-- Take away the roles of a person that are not among these, and return them.
DELETE FROM gateway.person_role r
WHERE r.region = :region AND r.person = :person AND NOT EXISTS (
    SELECT FROM unnest(CAST(:roles AS text[]), CAST(:agencies AS text[])) AS kept (role, agency)
    WHERE kept.role = r.role AND kept.agency = r.agency
)
RETURNING r.role
"""

SET_DISABLED = """
-- Disable a person, or let one sign in again.
UPDATE gateway.person SET disabled_at = :disabled_at WHERE region = :region AND id = :person
"""

STORE_HASH = """
-- Replace a person's password.
UPDATE gateway.person_credential
SET password_hash = :password_hash, password_changed_at = :now
WHERE region = :region AND person = :person
"""

SET_MAIL_CHOICES = """
-- Set the language of mails to a person, and whether the daily digest is one of them.
UPDATE gateway.person SET language = :language, wants_digest = :wants_digest
WHERE region = :region AND id = :person
"""

STOP_DIGEST = """
-- Send a person no daily digest any more.
UPDATE gateway.person SET wants_digest = false WHERE region = :region AND id = :person
"""

SELECT_SESSIONS = """
-- Select the sessions that are not over, of one person or of all, newest first.
SELECT id, person, user_agent, created_at, last_seen_at, expires_at
FROM gateway.person_session
WHERE region = :region AND (CAST(:person AS uuid) IS NULL OR person = :person)
    AND verified_at IS NOT NULL AND ended_at IS NULL AND expires_at > :now
    AND last_seen_at > :idle_since
    AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC
LIMIT :limit
"""

SELECT_BY_SUBJECT = """
-- Select the person whom the identity provider knows by an id.
SELECT id FROM gateway.person WHERE region = :region AND oidc_subject = :subject
"""

BIND_SUBJECT = """
-- Bind an invited person, by the verified e-mail address, to an id at the identity provider.
UPDATE gateway.person SET oidc_subject = :subject, activated_at = COALESCE(activated_at, :now),
    name = CASE WHEN name = '' THEN :name ELSE name END
WHERE region = :region AND email = :email AND oidc_subject IS NULL AND disabled_at IS NULL
RETURNING id
"""

LAST_ADMINISTRATOR = "This is the only administrator who can sign in; invite another one before."


@dataclass(frozen=True)
class OpenSession:
    """A session that is not over, as lists show it."""

    id: UUID
    person: UUID
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


async def lock_people(session: WriteSession, region: str) -> None:
    """Let changes of accounts follow one another, until the transaction ends."""
    await session.execute(text(LOCK_PEOPLE), {"region": region})


async def set_account(
    session: WriteSession,
    region: str,
    person_id: UUID,
    *,
    roles: Sequence[RoleAssignment],
    is_disabled: bool,
    by: str,
    now: datetime,
) -> Person:
    """Set the roles of a person and whether the account is disabled; return the person.

    Sessions end if a role is taken away or the account is disabled.

    Raises:
        NotFound: There is no such person.
        Conflict: No administrator would be left.
    """
    await lock_people(session, region)
    before = await find_person(session, region, person_id)
    if before is None:
        raise NotFound(f"There is no person {person_id}.")
    had_administrator = await count_administrators(session, region) > 0
    parameters = {
        "region": region,
        "person": person_id,
        "roles": [each.role for each in roles],
        "agencies": [each.agency or "" for each in roles],
        "disabled_at": (before.disabled_at or now) if is_disabled else None,
    }
    taken = (await session.scalars(text(DELETE_OTHER_ROLES), parameters)).all()
    await give_roles(session, region, person_id, roles, by=by, now=now)
    await session.execute(text(SET_DISABLED), parameters)
    if had_administrator and not await count_administrators(session, region):
        error = FieldError(pointer="#/roles", parameter=None, detail=LAST_ADMINISTRATOR)
        raise Conflict(LAST_ADMINISTRATOR, errors=[error])
    if taken or is_disabled:
        await end_all_sessions(session, region, person_id, now=now)
    after = await find_person(session, region, person_id)
    assert after is not None  # noqa: S101 - read in this transaction before
    return after


async def find_or_bind(
    session: WriteSession, region: str, identity: Identity, *, now: datetime
) -> Person | None:
    """Return the person whom an identity provider names; None if nobody who was invited.

    The first time it is by the verified e-mail address, afterwards by the provider's id, so that an
    address which the provider gives to somebody else opens no account.
    """
    parameters = {
        "region": region,
        "subject": identity.subject,
        "email": identity.email,
        "name": identity.name,
        "now": now,
    }
    found = await session.scalar(text(SELECT_BY_SUBJECT), parameters)
    if found is None and identity.email is not None:
        found = await session.scalar(text(BIND_SUBJECT), parameters)
        if found is not None:
            open_invitations = {"region": region, "person": found}
            await session.execute(text(DELETE_OPEN_INVITATIONS), open_invitations)
    if found is None:
        return None
    person = await find_person(session, region, found)
    return person if person is not None and person.state == "active" else None


async def change_password(
    session: WriteSession,
    region: str,
    person: UUID,
    password_hash: str,
    *,
    now: datetime,
    kept: UUID | None,
) -> None:
    """Replace a person's password; all sessions but the one to be kept end."""
    parameters = {"region": region, "person": person, "password_hash": password_hash, "now": now}
    await session.execute(text(STORE_HASH), parameters)
    await end_all_sessions(session, region, person, now=now, kept=kept)


async def set_mail_choices(
    session: WriteSession, region: str, person: UUID, *, language: Language, wants_digest: bool
) -> None:
    """Set the language of mails to a person, and whether the daily digest is one of them."""
    parameters = {
        "region": region,
        "person": person,
        "language": language,
        "wants_digest": wants_digest,
    }
    await session.execute(text(SET_MAIL_CHOICES), parameters)


async def stop_digest(session: WriteSession, region: str, person: UUID) -> None:
    """Send a person no daily digest any more."""
    await session.execute(text(STOP_DIGEST), {"region": region, "person": person})


async def replace_recovery_codes(
    session: WriteSession, region: str, person: UUID, hashes: Sequence[bytes]
) -> None:
    """Replace a person's recovery codes by new ones."""
    parameters = {"region": region, "person": person, "hashes": list(hashes)}
    await session.execute(text(DELETE_RECOVERY_CODES), parameters)
    await session.execute(text(INSERT_RECOVERY_CODES), parameters)


async def list_sessions(
    session: ReadSession | WriteSession,
    region: str,
    *,
    person: UUID | None,
    now: datetime,
    idle_since: datetime,
    cursor: UUID | None = None,
    limit: int = 100,
) -> list[OpenSession]:
    """Return the sessions that are not over, newest first; of one person, or of all."""
    parameters = {
        "region": region,
        "person": person,
        "now": now,
        "idle_since": idle_since,
        "cursor": cursor,
        "limit": limit,
    }
    rows = (await session.execute(text(SELECT_SESSIONS), parameters)).mappings()
    return [OpenSession(**row) for row in rows]
