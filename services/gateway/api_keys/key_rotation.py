"""Keys change without a pause: two of a kind live at once, the new one before the old one ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from services.gateway.api_keys.keys import DEFAULT_LIFE, IssuedKey, issue_key
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict
from services.platform.scopes import Scope

AT_ONCE = 2
"""Keys of an agency with the same scopes that may be in force together."""
OVERLAP = timedelta(days=7)

LOCK = """
-- One at a time makes keys of an agency, so that two do not count the same keys.
SELECT pg_advisory_xact_lock(hashtextextended('emall keys ' || :region || ' ' || :agency, 0))
"""

LIVE = """
-- Keys of an agency with just these scopes that are in force.
SELECT id FROM gateway.api_key
WHERE region = :region AND agency = :agency AND scopes @> CAST(:scopes AS text[])
    AND scopes <@ CAST(:scopes AS text[]) AND NOT is_link
    AND revoked_at IS NULL AND expires_at > :now
ORDER BY created_at
"""

IN_FORCE = """
-- A key that is in force.
SELECT agency, scopes, pace, monthly_quota, expires_at FROM gateway.api_key
WHERE region = :region AND id = :id AND NOT is_link AND revoked_at IS NULL AND expires_at > :now
"""

END_AT = """
-- Lets a key end earlier.
UPDATE gateway.api_key SET expires_at = :ends WHERE region = :region AND id = :id
"""


@dataclass(frozen=True)
class Rotated:
    """A new key, and when the one that it replaces ends."""

    new: IssuedKey
    agency: str
    old_ends: datetime


async def issue_beside(
    session: WriteSession,
    region: str,
    *,
    agency: str,
    scopes: Sequence[Scope],
    now: datetime,
    life: timedelta = DEFAULT_LIFE,
    **more: Any,
) -> IssuedKey:
    """Makes a key beside at most one other of its kind; `Conflict` where there are two."""
    of_kind = {"region": region, "agency": agency, "scopes": list(scopes), "now": now}
    await session.execute(text(LOCK), {"region": region, "agency": agency})
    live = list(await session.scalars(text(LIVE), of_kind))
    if len(live) >= AT_ONCE:
        raise Conflict(
            f"{agency} has {len(live)} keys with these scopes in force ({', '.join(live)}); "
            "revoke one first."
        )
    return await issue_key(
        session, region, agency=agency, scopes=scopes, now=now, life=life, **more
    )


async def rotate_key(
    session: WriteSession,
    region: str,
    key_id: str,
    *,
    now: datetime,
    life: timedelta = DEFAULT_LIFE,
    overlap: timedelta = OVERLAP,
) -> Rotated | None:
    """Makes a key like this one, which ends when the overlap is over; None where there is none."""
    found = await session.execute(text(IN_FORCE), {"region": region, "id": key_id, "now": now})
    old = found.one_or_none()
    if old is None:
        return None
    new = await issue_beside(
        session,
        region,
        agency=old.agency,
        scopes=old.scopes,
        now=now,
        life=life,
        pace=old.pace,
        monthly_quota=old.monthly_quota,
    )
    old_ends: datetime = min(old.expires_at, now + overlap)
    await session.execute(text(END_AT), {"region": region, "id": key_id, "ends": old_ends})
    return Rotated(new, old.agency, old_ends)


LIST = """
-- Keys, of one agency or of all, from a cursor on.
SELECT id, agency, scopes, created_at, expires_at, revoked_at, last_used_at, pace, monthly_quota,
    is_link
FROM gateway.api_key
WHERE region = :region AND (CAST(:agency AS text) IS NULL OR agency = :agency)
    AND (CAST(:cursor AS text) IS NULL OR id > :cursor)
ORDER BY id LIMIT :limit
"""

OWNER = """
-- Whose key this is.
SELECT agency FROM gateway.api_key WHERE region = :region AND id = :id
"""


async def list_keys(
    session: ReadSession, region: str, *, agency: str | None, cursor: str | None, limit: int
) -> list[dict[str, Any]]:
    """Keys by id; of no key its secret, which nobody has."""
    parameters = {"region": region, "agency": agency, "cursor": cursor, "limit": limit}
    return [dict(row) for row in (await session.execute(text(LIST), parameters)).mappings()]


async def agency_of_key(
    session: ReadSession | WriteSession, region: str, key_id: str
) -> str | None:
    """The agency that a key belongs to."""
    return await session.scalar(text(OWNER), {"region": region, "id": key_id})
