"""API keys of agencies: issue, authenticate, revoke."""

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
    """A dependency that requires an agency's key with any scope."""

    def __init__(self) -> None:
        super().__init__("usage:write")

    async def __call__(self, request: Request) -> Caller:
        caller = get_caller(request)
        if caller.is_anonymous:
            raise NotAuthenticated("Send an agency's key: Authorization: Bearer emk_<id>_<secret>.")
        return caller


AgencyKey = Annotated[Caller, Depends(RequiresAgency())]

DEFAULT_LIFETIME = timedelta(days=365)
LAST_USED_PRECISION = timedelta(minutes=1)

INSERT_KEY = """
-- Insert a key with the hash of its secret.
INSERT INTO gateway.api_key (region, id, agency, scopes, secret_hash, created_at, expires_at,
    rate_multiplier, monthly_quota, is_link, code_hash, parent, family)
VALUES (:region, :id, :agency, CAST(:scopes AS text[]), :secret_hash, :now, :expires_at,
    :rate_multiplier, :monthly_quota, :is_link, :code_hash, :parent, :family)
"""

SELECT_KEY = """
-- Select a key by id, also a revoked or expired one, with the keys that it ends with.
WITH RECURSIVE lineage AS (
    SELECT id, parent, expires_at, revoked_at FROM gateway.api_key
    WHERE region = :region AND id = :id
    UNION
    SELECT k.id, k.parent, k.expires_at, k.revoked_at
    FROM gateway.api_key k JOIN lineage l ON k.id = l.parent WHERE k.region = :region
), whole AS (
    SELECT array_agg(id) AS lineage, min(expires_at) AS ends_at,
        bool_or(revoked_at IS NOT NULL) AS is_revoked
    FROM lineage
)
SELECT agency, scopes, secret_hash, expires_at, last_used_at, rate_multiplier, monthly_quota,
    family, lineage, ends_at, is_revoked
FROM gateway.api_key CROSS JOIN whole WHERE region = :region AND id = :id
"""

UPDATE_LAST_USED = """
-- Record when a key was last used.
UPDATE gateway.api_key SET last_used_at = :now WHERE region = :region AND id = :id
"""

REVOKE_KEY = """
-- Revoke a key that is not yet revoked, and all keys below it.
WITH RECURSIVE below AS (
    SELECT id FROM gateway.api_key WHERE region = :region AND id = :id AND revoked_at IS NULL
    UNION
    SELECT k.id FROM gateway.api_key k JOIN below b ON k.parent = b.id WHERE k.region = :region
)
UPDATE gateway.api_key SET revoked_at = :now
WHERE region = :region AND id IN (SELECT id FROM below) AND revoked_at IS NULL
RETURNING id
"""

REVOKE_FAMILY = """
-- Revoke all keys of a key's family that are not yet revoked.
UPDATE gateway.api_key SET revoked_at = :now
WHERE region = :region AND revoked_at IS NULL
    AND family = (SELECT family FROM gateway.api_key WHERE region = :region AND id = :id)
RETURNING id
"""


@dataclass(frozen=True)
class Principal:
    """The authenticated caller of a key, with the key's expiry, rate limits and quota."""

    caller: Caller
    expires_at: datetime
    """When it or a key above it expires, whichever is first."""
    family: str
    """Id of the keys that share the quota and the rate limits."""
    lineage: frozenset[str]
    """Ids of the key and of those above it: it ends with each of them."""
    rate_multiplier: int = 1
    """Factor by which the usual rate limits are multiplied."""
    monthly_quota: int | None = None
    """Requests per calendar month; None means no quota."""


@dataclass(frozen=True)
class IssuedKey:
    """A new key with its secret, which is shown only once."""

    id: str
    key: str
    expires_at: datetime


def secret_hash(secret: str) -> bytes:
    """Return the SHA-256 of a secret. A secret of 256 random bits needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


async def issue_key(
    session: WriteSession,
    region: str,
    *,
    agency: str,
    scopes: Sequence[Scope],
    now: datetime,
    lifetime: timedelta = DEFAULT_LIFETIME,
    key_id: str | None = None,
    rate_multiplier: int = 1,
    monthly_quota: int | None = None,
    code_hash: str | None = None,
    parent: str | None = None,
    family: str | None = None,
) -> IssuedKey:
    """Issue a key for an agency; its secret exists only in the returned value.

    It ends with its `parent`. Without a `family` it is the first of a new one. With the hash of a
    code it is that of a link.
    """
    key_id = key_id or secrets.token_hex(6)
    secret = secrets.token_hex(32)
    expires_at = now + lifetime
    await session.execute(
        text(INSERT_KEY),
        {
            "region": region,
            "id": key_id,
            "agency": agency,
            "scopes": list(scopes),
            "secret_hash": secret_hash(secret),
            "now": now,
            "expires_at": expires_at,
            "rate_multiplier": rate_multiplier,
            "monthly_quota": monthly_quota,
            "is_link": code_hash is not None,
            "code_hash": code_hash,
            "parent": parent,
            "family": family or key_id,
        },
    )
    return IssuedKey(key_id, f"emk_{key_id}_{secret}", expires_at)


async def revoke_key(
    session: WriteSession, region: str, key_id: str, *, now: datetime, family: bool = False
) -> list[str]:
    """Revoke a key and all keys below it, or its whole family; return their ids.

    The list is empty if there is no unrevoked key to revoke.
    """
    parameters = {"region": region, "id": key_id, "now": now}
    revoked = await session.scalars(text(REVOKE_FAMILY if family else REVOKE_KEY), parameters)
    return sorted(revoked)


async def authenticate_key(
    database: Database, region: str, key: str, *, now: datetime
) -> Principal:
    """Return the principal of a key.

    Raises:
        NotAuthenticated: The key is malformed, unknown, expired or revoked.
    """
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != "emk" or not secret.isascii() or not key_id.isalnum() or not key_id.isascii():
        raise NotAuthenticated("A key has the form emk_<id>_<secret>.")
    async with database.read_session() as session:
        row = (
            await session.execute(text(SELECT_KEY), {"region": region, "id": key_id})
        ).one_or_none()
    # An unknown id takes the same comparison, so that response time reveals nothing.
    stored = row.secret_hash if row is not None else secret_hash("")
    matches = hmac.compare_digest(stored, secret_hash(secret))
    if row is None or not matches:
        raise NotAuthenticated("This key is unknown; issue one with `emall keys issue`.")
    _require_valid(row, now)
    if row.last_used_at is None or now - row.last_used_at > LAST_USED_PRECISION:
        async with database.write_session() as session:
            await session.execute(
                text(UPDATE_LAST_USED), {"region": region, "id": key_id, "now": now}
            )
    return Principal(
        _caller(key_id, row),
        expires_at=row.ends_at,
        family=row.family,
        lineage=frozenset(row.lineage),
        rate_multiplier=row.rate_multiplier,
        monthly_quota=row.monthly_quota,
    )


async def load_caller(
    database: Database, region: str, key_id: str, *, now: datetime
) -> tuple[Caller, datetime]:
    """Load the caller and expiry of a key whose secret was verified before.

    Raises:
        NotAuthenticated: The key is unknown, expired or revoked.
    """
    async with database.read_session() as session:
        row = (
            await session.execute(text(SELECT_KEY), {"region": region, "id": key_id})
        ).one_or_none()
    if row is None:
        raise NotAuthenticated("This key is unknown; issue one with `emall keys issue`.")
    _require_valid(row, now)
    caller = _caller(key_id, row)
    return caller, row.expires_at


def _caller(key_id: str, row: Any) -> Caller:
    return Caller(
        subject=key_id, agency=row.agency, scopes=frozenset(row.scopes), family=row.family
    )


def _require_valid(row: Any, now: datetime) -> None:
    if row.is_revoked:
        raise NotAuthenticated("This key was revoked; issue another with `emall keys issue`.")
    if row.ends_at <= now:
        raise NotAuthenticated(f"This key expired on {row.ends_at:%Y-%m-%d}; issue another.")
