"""Keys that keys make: they hang on the key that made them, or take its place by rotation.

A key that a key makes has the same or fewer scopes, ends with it at the latest, and shares its
quota and rate limits (its family's). Rotation needs no downtime: the successor takes the place of
the old key, which remains valid below it for an overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from services.gateway.api_keys.keys import IssuedKey, issue_key
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
-- Select a valid key and lock it, so that it is revoked before or after; with the earliest end of
-- the keys above it (null: there are none).
WITH RECURSIVE above AS (
    SELECT p.id, p.parent, p.expires_at, p.revoked_at
    FROM gateway.api_key k JOIN gateway.api_key p ON p.region = k.region AND p.id = k.parent
    WHERE k.region = :region AND k.id = :id
    UNION
    SELECT p.id, p.parent, p.expires_at, p.revoked_at
    FROM gateway.api_key p JOIN above a ON p.id = a.parent WHERE p.region = :region
)
SELECT id, agency, scopes, rate_multiplier, monthly_quota, expires_at, parent, family,
    (SELECT min(expires_at) FROM above) AS parent_ends_at
FROM gateway.api_key
WHERE region = :region AND id = :id AND NOT is_link AND revoked_at IS NULL AND expires_at > :now
    AND NOT EXISTS (SELECT 1 FROM above WHERE revoked_at IS NOT NULL OR expires_at <= :now)
FOR UPDATE
"""

REPLACE_KEY = """
-- Put a successor in the place of a key: the keys below it and the key itself hang on it.
UPDATE gateway.api_key
SET parent = :successor,
    expires_at = CASE WHEN id = :id THEN CAST(:expires_at AS timestamptz) ELSE expires_at END
WHERE region = :region AND (id = :id OR parent = :id)
"""


@dataclass(frozen=True)
class RotatedKey:
    """A new key, and when the key that it replaces expires."""

    new_key: IssuedKey
    agency: str
    scopes: list[Scope]
    old_expires_at: datetime


async def issue_first_key(
    session: WriteSession,
    region: str,
    *,
    agency: str,
    scopes: Sequence[Scope],
    now: datetime,
    lifetime: timedelta,
    key_id: str,
) -> IssuedKey:
    """Issue a key that hangs on no other, the first of its family.

    Raises:
        Conflict: `MAX_VALID_KEYS` keys with these scopes are valid already.
    """
    await _check_number(session, region, agency=agency, scopes=scopes, now=now)
    return await issue_key(
        session,
        region,
        agency=agency,
        scopes=scopes,
        now=now,
        lifetime=lifetime,
        key_id=key_id,
    )


async def issue_below(
    session: WriteSession,
    region: str,
    parent: str,
    *,
    agency: str,
    scopes: Sequence[Scope],
    now: datetime,
    lifetime: timedelta | None = None,
    key_id: str | None = None,
    code_hash: str | None = None,
) -> IssuedKey | None:
    """Issue a key, or with the hash of a code a link, that hangs on a valid key.

    It ends with its parent, or after `lifetime` if that is sooner. Return None if there is no such
    key.

    Raises:
        Conflict: `MAX_VALID_KEYS` keys with these scopes are valid already.
    """
    above = await _lock_valid_key(session, region, parent, now=now)
    if above is None:
        return None
    if code_hash is None:
        await _check_number(session, region, agency=agency, scopes=scopes, now=now)
    ends_at = min(above.expires_at, above.parent_ends_at or above.expires_at)
    return await issue_key(
        session,
        region,
        agency=agency,
        scopes=scopes,
        now=now,
        lifetime=min(ends_at - now, lifetime or ends_at - now),
        key_id=key_id,
        # More than the usual limits are for the agency that they were given to.
        rate_multiplier=above.rate_multiplier if agency == above.agency else 1,
        monthly_quota=above.monthly_quota,
        code_hash=code_hash,
        parent=parent,
        family=above.family,
    )


async def rotate_key(
    session: WriteSession,
    region: str,
    key_id: str,
    *,
    now: datetime,
    lifetime: timedelta | None = None,
    overlap: timedelta = OVERLAP,
    new_key_id: str | None = None,
) -> RotatedKey | None:
    """Issue a key that takes the place of this one, which then expires after `overlap`.

    The new key ends when the old one would have, or after `lifetime`; in either case with the
    keys above it. Return None if there is no such valid key.

    Raises:
        Conflict: `MAX_VALID_KEYS` keys with these scopes are valid already.
    """
    old = await _lock_valid_key(session, region, key_id, now=now)
    if old is None:
        return None
    await _check_number(session, region, agency=old.agency, scopes=old.scopes, now=now)
    ends_at: datetime = old.expires_at if lifetime is None else now + lifetime
    new = await issue_key(
        session,
        region,
        agency=old.agency,
        scopes=old.scopes,
        now=now,
        lifetime=min(ends_at, old.parent_ends_at or ends_at) - now,
        key_id=new_key_id,
        rate_multiplier=old.rate_multiplier,
        monthly_quota=old.monthly_quota,
        parent=old.parent,
        family=old.family,
    )
    old_expires_at: datetime = min(old.expires_at, now + overlap)
    await session.execute(
        text(REPLACE_KEY),
        {"region": region, "id": key_id, "successor": new.id, "expires_at": old_expires_at},
    )
    return RotatedKey(new, old.agency, old.scopes, old_expires_at)


async def _lock_valid_key(session: WriteSession, region: str, key_id: str, *, now: datetime) -> Any:
    found = await session.execute(
        text(SELECT_VALID_KEY), {"region": region, "id": key_id, "now": now}
    )
    return found.one_or_none()


async def _check_number(
    session: WriteSession, region: str, *, agency: str, scopes: Sequence[Scope], now: datetime
) -> None:
    parameters = {"region": region, "agency": agency, "scopes": list(scopes), "now": now}
    await session.execute(text(LOCK_AGENCY), {"region": region, "agency": agency})
    valid = list(await session.scalars(text(SELECT_VALID_IDS), parameters))
    if len(valid) >= MAX_VALID_KEYS:
        raise Conflict(
            f"{agency} has {len(valid)} valid keys with these scopes ({', '.join(valid)}); "
            "revoke one first."
        )


SELECT_PAGE = """
-- Select a page of keys after a cursor, of one agency or of all.
SELECT id, agency, scopes, created_at, expires_at, revoked_at, last_used_at, rate_multiplier,
    monthly_quota, is_link, wrong_codes, parent, family
FROM gateway.api_key
WHERE region = :region AND (CAST(:agency AS text) IS NULL OR agency = :agency)
    AND (CAST(:cursor AS text) IS NULL OR id > :cursor)
ORDER BY id LIMIT :limit
"""

SELECT_PLACE = """
-- Select the agency and scopes of a key, and whether it is another key or below it.
WITH RECURSIVE lineage AS (
    SELECT id, parent FROM gateway.api_key WHERE region = :region AND id = :id
    UNION
    SELECT k.id, k.parent FROM gateway.api_key k JOIN lineage l ON k.id = l.parent
    WHERE k.region = :region
)
SELECT agency, scopes, EXISTS (SELECT 1 FROM lineage WHERE id = :top) AS is_below
FROM gateway.api_key WHERE region = :region AND id = :id
"""

SELECT_VALID_FAMILY = """
-- Select the ids of the valid keys of a key's family.
SELECT id FROM gateway.api_key
WHERE region = :region AND revoked_at IS NULL AND expires_at > :now
    AND family = (SELECT family FROM gateway.api_key WHERE region = :region AND id = :id)
ORDER BY created_at
"""


async def list_keys(
    session: ReadSession, region: str, *, agency: str | None, cursor: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return keys ordered by id, without secrets (only their hashes are stored)."""
    parameters = {"region": region, "agency": agency, "cursor": cursor, "limit": limit}
    return [dict(row) for row in (await session.execute(text(SELECT_PAGE), parameters)).mappings()]


@dataclass(frozen=True)
class KeyPlace:
    """Whose a key is, what it allows, and where it stands."""

    agency: str
    scopes: frozenset[Scope]
    is_below: bool
    """Whether it is the key that was asked about, or hangs on it."""


async def place_of_key(
    session: ReadSession | WriteSession, region: str, key_id: str, *, top: str
) -> KeyPlace | None:
    """Return a key's agency, its scopes and whether it is `top` or hangs on it; None without it."""
    parameters = {"region": region, "id": key_id, "top": top}
    row = (await session.execute(text(SELECT_PLACE), parameters)).one_or_none()
    return None if row is None else KeyPlace(row.agency, frozenset(row.scopes), row.is_below)


async def valid_family(
    session: WriteSession, region: str, key_id: str, *, now: datetime
) -> list[str]:
    """Return the ids of the keys of a key's family that are valid."""
    parameters = {"region": region, "id": key_id, "now": now}
    return list(await session.scalars(text(SELECT_VALID_FAMILY), parameters))
