"""Key rotation: the new key is issued before the old one expires, so access never lapses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from services.gateway.api_keys.keys import DEFAULT_LIFETIME, IssuedKey, issue_key
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict
from services.platform.scopes import Scope

MAX_VALID_KEYS = 2
"""Maximum number of valid keys of an agency with the same scopes."""
OVERLAP = timedelta(days=7)

LOCK_AGENCY = """
-- Serialise issuing keys of an agency, so that concurrent requests count each other's keys.
SELECT pg_advisory_xact_lock(hashtextextended('emall keys ' || :region || ' ' || :agency, 0))
"""

SELECT_VALID_IDS = """
-- Select the ids of an agency's valid keys with exactly these scopes.
SELECT id FROM gateway.api_key
WHERE region = :region AND agency = :agency AND scopes @> CAST(:scopes AS text[])
    AND scopes <@ CAST(:scopes AS text[]) AND NOT is_link
    AND revoked_at IS NULL AND expires_at > :now
ORDER BY created_at
"""

SELECT_VALID_KEY = """
-- Select a valid key.
SELECT agency, scopes, rate_multiplier, monthly_quota, expires_at FROM gateway.api_key
WHERE region = :region AND id = :id AND NOT is_link AND revoked_at IS NULL AND expires_at > :now
"""

UPDATE_EXPIRY = """
-- Set when a key expires.
UPDATE gateway.api_key SET expires_at = :expires_at WHERE region = :region AND id = :id
"""


@dataclass(frozen=True)
class RotatedKey:
    """A new key, and when the key that it replaces expires."""

    new_key: IssuedKey
    agency: str
    old_expires_at: datetime


async def issue_second_key(
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
) -> IssuedKey:
    """Issue a key if at most one other with the same agency and scopes is valid.

    Raises:
        Conflict: `MAX_VALID_KEYS` keys with these scopes are valid already.
    """
    parameters = {"region": region, "agency": agency, "scopes": list(scopes), "now": now}
    await session.execute(text(LOCK_AGENCY), {"region": region, "agency": agency})
    valid = list(await session.scalars(text(SELECT_VALID_IDS), parameters))
    if len(valid) >= MAX_VALID_KEYS:
        raise Conflict(
            f"{agency} has {len(valid)} valid keys with these scopes ({', '.join(valid)}); "
            "revoke one first."
        )
    return await issue_key(
        session,
        region,
        agency=agency,
        scopes=scopes,
        now=now,
        lifetime=lifetime,
        key_id=key_id,
        rate_multiplier=rate_multiplier,
        monthly_quota=monthly_quota,
    )


async def rotate_key(
    session: WriteSession,
    region: str,
    key_id: str,
    *,
    now: datetime,
    lifetime: timedelta = DEFAULT_LIFETIME,
    overlap: timedelta = OVERLAP,
) -> RotatedKey | None:
    """Issue a key like this one, which then expires after `overlap`.

    Return None if there is no such valid key.
    """
    found = await session.execute(
        text(SELECT_VALID_KEY), {"region": region, "id": key_id, "now": now}
    )
    old = found.one_or_none()
    if old is None:
        return None
    new = await issue_second_key(
        session,
        region,
        agency=old.agency,
        scopes=old.scopes,
        now=now,
        lifetime=lifetime,
        rate_multiplier=old.rate_multiplier,
        monthly_quota=old.monthly_quota,
    )
    old_expires_at: datetime = min(old.expires_at, now + overlap)
    await session.execute(
        text(UPDATE_EXPIRY), {"region": region, "id": key_id, "expires_at": old_expires_at}
    )
    return RotatedKey(new, old.agency, old_expires_at)


SELECT_PAGE = """
-- Select a page of keys after a cursor, of one agency or of all.
SELECT id, agency, scopes, created_at, expires_at, revoked_at, last_used_at, rate_multiplier,
    monthly_quota, is_link
FROM gateway.api_key
WHERE region = :region AND (CAST(:agency AS text) IS NULL OR agency = :agency)
    AND (CAST(:cursor AS text) IS NULL OR id > :cursor)
ORDER BY id LIMIT :limit
"""

SELECT_AGENCY = """
-- Select the agency of a key.
SELECT agency FROM gateway.api_key WHERE region = :region AND id = :id
"""


async def list_keys(
    session: ReadSession, region: str, *, agency: str | None, cursor: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return keys ordered by id, without secrets (only their hashes are stored)."""
    parameters = {"region": region, "agency": agency, "cursor": cursor, "limit": limit}
    return [dict(row) for row in (await session.execute(text(SELECT_PAGE), parameters)).mappings()]


async def agency_of_key(
    session: ReadSession | WriteSession, region: str, key_id: str
) -> str | None:
    """Return the agency that a key belongs to, or None if there is no such key."""
    return await session.scalar(text(SELECT_AGENCY), {"region": region, "id": key_id})
