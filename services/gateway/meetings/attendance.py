"""Attendance lists: people present enter their names by a QR code, without an account.

A list belongs to a planned meeting. Its token is derived from the hub's key, so that the page with
the code can be shown again; only its hash is stored. Names are deleted with the plan, which goes
when the meeting is recorded, and otherwise a month after the meeting.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.gateway.meetings.attendance_schemas import (
    TOKEN_LENGTH,
    AttendanceEntry,
    AttendanceSignature,
)
from services.gateway.meetings.plans import Plan, find_plan
from services.platform.database import ReadSession, WriteSession
from services.platform.derived_keys import derived_key
from services.platform.local_time import day_of, start_of_day

PAGE = "/hadir"
MAX_ENTRIES = 500
"""Names in a list."""
RETENTION = timedelta(days=30)
"""How long after the meeting names are stored if nobody records it."""

SELECT_LIST = """
-- How often the list of a meeting was opened, and the hash of its token; null: it is closed.
SELECT attendance_round AS round, attendance_hash AS hash
FROM gateway.meeting_plan WHERE region = :region AND id = :id
"""

OPEN_LIST = """
-- Open the list of a meeting with a new token.
UPDATE gateway.meeting_plan SET attendance_round = :round, attendance_hash = :hash
WHERE region = :region AND id = :id
"""

CLOSE_LIST = """
-- Close the list of a meeting: its token opens nothing any more.
UPDATE gateway.meeting_plan SET attendance_hash = NULL WHERE region = :region AND id = :id
"""

FIND_MEETING = """
-- The meeting whose list a token opens.
SELECT id FROM gateway.meeting_plan WHERE region = :region AND attendance_hash = :hash
"""

SELECT_ENTRIES = """
-- The names in the list of a meeting.
SELECT id, stakeholder, organisation, name, entered_at FROM gateway.meeting_attendance
WHERE region = :region AND meeting = :meeting
ORDER BY entered_at, id
"""

INSERT_ENTRY = """
-- Enter a name.
INSERT INTO gateway.meeting_attendance
    (region, meeting, id, stakeholder, organisation, name, entered_at)
VALUES (:region, :meeting, :id, :stakeholder, :organisation, :name, :now)
"""

DELETE_OLD_ENTRIES = """
-- Delete the names in lists of meetings that ended long ago, and return their number.
WITH deleted AS (
    DELETE FROM gateway.meeting_attendance a USING gateway.meeting_plan p
    WHERE a.region = :region AND p.region = a.region AND p.id = a.meeting AND p.ends_at < :before
    RETURNING a.id
)
SELECT count(*) FROM deleted
"""


@dataclass(frozen=True)
class Opening:
    """Whether the list of a meeting is open, and since which time it was opened."""

    round: int
    hash: bytes | None


class AttendanceTokens:
    """Makes the tokens of lists: 60 bits, short enough to be typed, valid for a day."""

    def __init__(self, key: Ed25519PrivateKey, region: str) -> None:
        self._key = derived_key(key, b"emall meetings: attendance")
        self._region = region

    def token(self, meeting: UUID, round: int) -> str:
        """Return the token of a list that was opened so many times."""
        message = f"{self._region} {meeting} {round}".encode()
        digest = hmac.digest(self._key, message, "sha256")
        return base64.b32encode(digest[:10]).decode().lower()[:TOKEN_LENGTH]

    def current(self, meeting: UUID, opening: Opening) -> str | None:
        """Return the token of a list; None if it is closed, or was opened under another key."""
        token = self.token(meeting, opening.round)
        return token if opening.hash == token_hash(token) else None


def token_hash(token: str) -> bytes:
    """Return the hash that a token is stored as."""
    return hashlib.sha256(token.encode()).digest()


def opening_times(plan: Plan, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return from when until when names can be entered: the local days of the meeting."""
    first, last = day_of(plan.meeting.starts_at, zone), day_of(plan.meeting.ends_at, zone)
    return start_of_day(first, zone), start_of_day(last + timedelta(days=1), zone)


async def find_opening(session: ReadSession | WriteSession, region: str, plan: Plan) -> Opening:
    """Return whether the list of a planned meeting is open."""
    row = (await session.execute(text(SELECT_LIST), {"region": region, "id": plan.id})).one()
    return Opening(row.round, row.hash)


async def open_list(
    session: WriteSession, region: str, plan: Plan, tokens: AttendanceTokens
) -> None:
    """Open the list of a meeting; one that is open keeps its token."""
    opening = await find_opening(session, region, plan)
    if tokens.current(plan.id, opening) is None:
        opened = opening.round + 1
        stored = token_hash(tokens.token(plan.id, opened))
        parameters = {"region": region, "id": plan.id, "round": opened, "hash": stored}
        await session.execute(text(OPEN_LIST), parameters)


async def close_list(session: WriteSession, region: str, plan: Plan) -> None:
    """Close the list of a meeting; its names stay."""
    await session.execute(text(CLOSE_LIST), {"region": region, "id": plan.id})


async def find_meeting(
    session: ReadSession | WriteSession,
    region: str,
    token: str,
    *,
    zone: ZoneInfo,
    now: datetime,
    lock: bool = False,
) -> Plan | None:
    """Return the meeting whose list a token opens now; None without one.

    With `lock` nobody else enters a name meanwhile.
    """
    parameters = {"region": region, "hash": token_hash(token)}
    found = await session.scalar(text(FIND_MEETING), parameters)
    plan = None if found is None else await find_plan(session, region, found, lock=lock)
    if plan is None:
        return None
    opens_at, closes_at = opening_times(plan, zone)
    return plan if opens_at <= now < closes_at else None


async def list_entries(
    session: ReadSession | WriteSession, region: str, meeting: UUID
) -> list[AttendanceEntry]:
    """Return the names in the list of a meeting, the first one first."""
    parameters = {"region": region, "meeting": meeting}
    rows = await session.execute(text(SELECT_ENTRIES), parameters)
    return [AttendanceEntry(**row) for row in rows.mappings()]


async def enter(
    session: WriteSession,
    region: str,
    meeting: UUID,
    signature: AttendanceSignature,
    *,
    now: datetime,
) -> None:
    """Enter a name in the list of a meeting."""
    parameters = signature.model_dump(exclude={"token"})
    await session.execute(
        text(INSERT_ENTRY), parameters | {"region": region, "meeting": meeting, "now": now}
    )


async def delete_old_entries(
    session: WriteSession, *, region: str, now: datetime, zone: ZoneInfo
) -> int:
    """Delete the names in lists of meetings that ended a month ago; return how many."""
    parameters = {"region": region, "before": now - RETENTION}
    return int(await session.scalar(text(DELETE_OLD_ENTRIES), parameters) or 0)
