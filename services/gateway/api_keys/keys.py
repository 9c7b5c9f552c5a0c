"""API keys of agencies: issued, found again by their secret, revoked."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import text

from services.platform.database import Database, WriteSession
from services.platform.identity import Caller, RequireScope, get_caller
from services.platform.problems import NotAuthenticated
from services.platform.scopes import Scope


class RequiresAgency(RequireScope):
    """Lets through whoever holds a key of an agency, whatever its scopes."""

    def __init__(self) -> None:
        super().__init__("usage:write")

    async def __call__(self, request: Request) -> Caller:
        caller = get_caller(request)
        if caller.is_anonymous:
            raise NotAuthenticated("Send an agency's key: Authorization: Bearer emk_<id>_<secret>.")
        return caller


AgencyKey = Annotated[Caller, Depends(RequiresAgency())]
Administrator = Annotated[Caller, Depends(RequireScope("admin"))]

DEFAULT_LIFE = timedelta(days=365)
USE_NOTED_EVERY = timedelta(minutes=1)

STORE_KEY = """
-- A new key; of its secret only the hash.
INSERT INTO gateway.api_key (region, id, agency, scopes, secret_hash, created_at, expires_at,
    pace, monthly_quota, is_link)
VALUES (:region, :id, :agency, CAST(:scopes AS text[]), :secret_hash, :now, :expires_at, :pace,
    :monthly_quota, :is_link)
"""

FIND_KEY = """
-- The key with this id, whatever its state.
SELECT agency, scopes, secret_hash, expires_at, revoked_at, last_used_at, pace, monthly_quota
FROM gateway.api_key WHERE region = :region AND id = :id
"""

NOTE_USE = """
-- When a key was used last.
UPDATE gateway.api_key SET last_used_at = :now WHERE region = :region AND id = :id
"""

REVOKE_KEY = """
-- Ends a key for good.
UPDATE gateway.api_key SET revoked_at = :now
WHERE region = :region AND id = :id AND revoked_at IS NULL
RETURNING id
"""


@dataclass(frozen=True)
class KeyHolder:
    """Who holds a key, until when, and how much may be done with it."""

    caller: Caller
    expires_at: datetime
    pace: int = 1
    monthly_quota: int | None = None


@dataclass(frozen=True)
class IssuedKey:
    """A key as it is shown once."""

    id: str
    key: str
    expires_at: datetime


def secret_hash(secret: str) -> bytes:
    """SHA-256 of a secret. A secret of 256 random bits needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


async def issue_key(
    session: WriteSession,
    region: str,
    *,
    agency: str,
    scopes: Sequence[Scope],
    now: datetime,
    life: timedelta = DEFAULT_LIFE,
    key_id: str | None = None,
    pace: int = 1,
    monthly_quota: int | None = None,
    is_link: bool = False,
) -> IssuedKey:
    """Makes a key for an agency; its secret exists in the answer alone."""
    key_id = key_id or secrets.token_hex(6)
    secret = secrets.token_hex(32)
    expires_at = now + life
    await session.execute(
        text(STORE_KEY),
        {
            "region": region,
            "id": key_id,
            "agency": agency,
            "scopes": list(scopes),
            "secret_hash": secret_hash(secret),
            "now": now,
            "expires_at": expires_at,
            "pace": pace,
            "monthly_quota": monthly_quota,
            "is_link": is_link,
        },
    )
    return IssuedKey(key_id, f"emk_{key_id}_{secret}", expires_at)


async def revoke_key(session: WriteSession, region: str, key_id: str, *, now: datetime) -> bool:
    """Ends a key; False where there is no such key in force."""
    parameters = {"region": region, "id": key_id, "now": now}
    return await session.scalar(text(REVOKE_KEY), parameters) is not None


async def holder_of_key(database: Database, region: str, key: str, *, now: datetime) -> KeyHolder:
    """Who holds a key; `NotAuthenticated` for one that is wrong, over or revoked."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != "emk" or not secret.isascii() or not key_id.isalnum() or not key_id.isascii():
        raise NotAuthenticated("A key has the form emk_<id>_<secret>.")
    async with database.read_session() as session:
        row = (
            await session.execute(text(FIND_KEY), {"region": region, "id": key_id})
        ).one_or_none()
    # An unknown id takes the same comparison, so that the time of the answer tells nothing.
    stored = row.secret_hash if row is not None else secret_hash("")
    matches = hmac.compare_digest(stored, secret_hash(secret))
    if row is None or not matches:
        raise NotAuthenticated("This key is not known; issue one with `emall keys issue`.")
    _check_in_force(row, now)
    if row.last_used_at is None or now - row.last_used_at > USE_NOTED_EVERY:
        async with database.write_session() as session:
            await session.execute(text(NOTE_USE), {"region": region, "id": key_id, "now": now})
    return KeyHolder(
        Caller(subject=key_id, agency=row.agency, scopes=frozenset(row.scopes)),
        expires_at=row.expires_at,
        pace=row.pace,
        monthly_quota=row.monthly_quota,
    )


async def caller_of_id(
    database: Database, region: str, key_id: str, *, now: datetime
) -> tuple[Caller, datetime]:
    """Whoever proved before to hold this key, as long as it is in force; and until when it is."""
    async with database.read_session() as session:
        row = (
            await session.execute(text(FIND_KEY), {"region": region, "id": key_id})
        ).one_or_none()
    if row is None:
        raise NotAuthenticated("This key is not known; issue one with `emall keys issue`.")
    _check_in_force(row, now)
    caller = Caller(subject=key_id, agency=row.agency, scopes=frozenset(row.scopes))
    return caller, row.expires_at


def _check_in_force(row: Any, now: datetime) -> None:
    if row.revoked_at is not None:
        raise NotAuthenticated("This key was revoked; issue another with `emall keys issue`.")
    if row.expires_at <= now:
        raise NotAuthenticated(f"This key expired on {row.expires_at:%Y-%m-%d}; issue another.")


async def caller_of_key(database: Database, region: str, key: str, *, now: datetime) -> Caller:
    """The agency behind a key; `NotAuthenticated` for one that is wrong, over or revoked."""
    return (await holder_of_key(database, region, key, now=now)).caller
