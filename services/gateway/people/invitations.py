"""Invitations: links for one use with which a person sets password and second factor.

The link of a person who has an account replaces both, such as after a lost telephone. So whoever
sends one has to know the person.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from services.gateway.people.records import (
    find_by_email,
    give_roles,
    insert_person,
    normalised_email,
)
from services.gateway.people.roles import HubRoleAssignment, RoleAssignment
from services.platform.database import ReadSession, WriteSession
from services.platform.ids import new_id

LIFETIME = timedelta(days=7)
FIRST_ADMINISTRATOR: Sequence[RoleAssignment] = (
    HubRoleAssignment(role="administrator", agency=None),
)
PREFIX = "emi_"
"""Of every token; no word of an address looks like it, so log lines leave it out."""

INSERT_INVITATION = """
-- Insert an invitation with the hash of its token.
INSERT INTO gateway.person_invitation (region, id, person, token_hash, created_by, created_at,
    expires_at)
VALUES (:region, :id, :person, :token_hash, :by, :now, :expires_at)
"""

DELETE_OPEN_INVITATIONS = """
-- Delete the unused invitations of a person: only the newest link is valid.
DELETE FROM gateway.person_invitation
WHERE region = :region AND person = :person AND used_at IS NULL
"""

DELETE_UNNAMED = """
-- Delete first administrators whose link nobody used.
DELETE FROM gateway.person WHERE region = :region AND email IS NULL
"""

SELECT_OPEN_INVITATIONS = """
-- Select the invitations that are still valid, oldest first.
SELECT id, person, created_at, expires_at FROM gateway.person_invitation
WHERE region = :region AND used_at IS NULL AND expires_at > :now
    AND (CAST(:cursor AS uuid) IS NULL OR id > :cursor)
ORDER BY id
LIMIT :limit
"""

DELETE_INVITATION = """
-- Delete an unused invitation.
DELETE FROM gateway.person_invitation
WHERE region = :region AND id = :id AND used_at IS NULL
RETURNING id
"""

SELECT_INVITATION = """
-- Select a valid invitation by the hash of its token.
SELECT i.id, i.person, i.password_hash, i.expires_at, p.email, p.name, p.activated_at
FROM gateway.person_invitation i
JOIN gateway.person p ON p.region = i.region AND p.id = i.person
WHERE i.region = :region AND i.token_hash = :token_hash AND i.used_at IS NULL
    AND i.expires_at > :now AND p.disabled_at IS NULL
"""

STORE_CHOICE = """
-- Store what the invited person chose until the second factor is confirmed.
UPDATE gateway.person_invitation SET password_hash = :password_hash
WHERE region = :region AND id = :id AND used_at IS NULL
"""

NAME_PERSON = """
-- Set the name of an invited person, and the e-mail address of a first administrator.
UPDATE gateway.person SET name = :name, email = COALESCE(email, :email)
WHERE region = :region AND id = :person
"""

USE_INVITATION = """
-- Use an invitation whose password was chosen, once.
UPDATE gateway.person_invitation SET used_at = :now, password_hash = NULL
WHERE region = :region AND id = :id AND used_at IS NULL AND expires_at > :now
RETURNING person
"""

ACTIVATE_PERSON = """
-- Let a person sign in from now on.
UPDATE gateway.person SET activated_at = COALESCE(activated_at, :now)
WHERE region = :region AND id = :person
"""

STORE_CREDENTIAL = """
-- Store what a person signs in with, in place of what was there.
INSERT INTO gateway.person_credential (region, person, password_hash, password_changed_at,
    totp_secret, totp_step)
VALUES (:region, :person, :password_hash, :now, :totp_secret, :totp_step)
ON CONFLICT (region, person) DO UPDATE SET password_hash = excluded.password_hash,
    password_changed_at = excluded.password_changed_at, totp_secret = excluded.totp_secret,
    totp_step = excluded.totp_step
"""

DELETE_RECOVERY_CODES = """
-- Delete the recovery codes of a person.
DELETE FROM gateway.recovery_code WHERE region = :region AND person = :person
"""

DELETE_PASSKEYS = """
-- Delete the passkeys of a person.
DELETE FROM gateway.passkey WHERE region = :region AND person = :person
"""

INSERT_RECOVERY_CODES = """
-- Insert the hashes of a person's recovery codes.
INSERT INTO gateway.recovery_code (region, person, code_hash)
SELECT :region, :person, unnest(CAST(:hashes AS bytea[]))
"""


@dataclass(frozen=True)
class IssuedInvitation:
    """A new invitation; its token is shown only once."""

    id: UUID
    person: UUID
    token: str
    expires_at: datetime

    @property
    def path(self) -> str:
        """Path of the page that this link opens."""
        return f"/kelola/undangan/{self.token}"


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation that is still valid, as lists show it."""

    id: UUID
    person: UUID
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Invitation:
    """A valid invitation: whom it invites, and the password that was chosen, if it was."""

    id: UUID
    person: UUID
    email: str | None
    name: str
    is_new: bool
    """Whether the person has no account yet."""
    password_hash: str | None


async def invite(
    session: WriteSession,
    region: str,
    *,
    email: str | None,
    roles: Sequence[RoleAssignment],
    by: str,
    now: datetime,
    invitation_id: UUID | None = None,
) -> IssuedInvitation:
    """Invite a person, or send a person who is known a new link; the roles are added.

    Without an e-mail address the person is a first administrator, who enters it. Links that were
    issued before and not used become invalid.
    """
    found = None
    if email is None:
        await session.execute(text(DELETE_UNNAMED), {"region": region})
    else:
        found = await find_by_email(session, region, email)
    if found is None:
        person = new_id()
        known = None if email is None else normalised_email(email)
        await insert_person(session, region, person, known, by=by, now=now)
    else:
        person = found.id
    await give_roles(session, region, person, roles, by=by, now=now)
    await session.execute(text(DELETE_OPEN_INVITATIONS), {"region": region, "person": person})
    token = PREFIX + secrets.token_urlsafe(32)
    issued = IssuedInvitation(invitation_id or new_id(), person, token, now + LIFETIME)
    parameters = {
        "region": region,
        "id": issued.id,
        "person": person,
        "token_hash": _digest(token),
        "by": by,
        "now": now,
        "expires_at": issued.expires_at,
    }
    await session.execute(text(INSERT_INVITATION), parameters)
    return issued


async def list_invitations(
    session: ReadSession, region: str, *, now: datetime, cursor: UUID | None, limit: int
) -> list[OpenInvitation]:
    """Return the invitations that are still valid, oldest first."""
    parameters = {"region": region, "now": now, "cursor": cursor, "limit": limit}
    rows = (await session.execute(text(SELECT_OPEN_INVITATIONS), parameters)).mappings()
    return [OpenInvitation(**row) for row in rows]


async def delete_invitation(session: WriteSession, region: str, invitation: UUID) -> bool:
    """Delete an unused invitation; return whether there was one."""
    parameters = {"region": region, "id": invitation}
    return await session.scalar(text(DELETE_INVITATION), parameters) is not None


async def find_invitation(
    session: ReadSession | WriteSession, region: str, token: str, *, now: datetime
) -> Invitation | None:
    """Return the invitation of a token; None if it is not valid, or the person is disabled."""
    parameters = {"region": region, "token_hash": _digest(token), "now": now}
    row = (await session.execute(text(SELECT_INVITATION), parameters)).one_or_none()
    if row is None:
        return None
    is_new = row.activated_at is None
    return Invitation(row.id, row.person, row.email, row.name, is_new, row.password_hash)


async def store_choice(
    session: WriteSession,
    region: str,
    invitation: Invitation,
    *,
    name: str,
    email: str | None,
    password_hash: str,
) -> None:
    """Store name and password that an invited person chose; the password is not valid yet."""
    parameters = {
        "region": region,
        "id": invitation.id,
        "person": invitation.person,
        "name": name,
        "email": email,
        "password_hash": password_hash,
    }
    await session.execute(text(STORE_CHOICE), parameters)
    await session.execute(text(NAME_PERSON), parameters)


async def accept(
    session: WriteSession,
    region: str,
    invitation: Invitation,
    *,
    totp_secret: bytes,
    totp_step: int,
    recovery_hashes: Sequence[bytes],
    now: datetime,
) -> bool:
    """Use an invitation: store what the person signs in with, in place of what was there before.

    Return False if it was used meanwhile.
    """
    parameters = {
        "region": region,
        "id": invitation.id,
        "person": invitation.person,
        "now": now,
        "password_hash": invitation.password_hash,
        "totp_secret": totp_secret,
        "totp_step": totp_step,
        "hashes": list(recovery_hashes),
    }
    if await session.scalar(text(USE_INVITATION), parameters) is None:
        return False
    for statement in (
        ACTIVATE_PERSON,
        STORE_CREDENTIAL,
        DELETE_PASSKEYS,
        DELETE_RECOVERY_CODES,
        INSERT_RECOVERY_CODES,
    ):
        await session.execute(text(statement), parameters)
    return True


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
