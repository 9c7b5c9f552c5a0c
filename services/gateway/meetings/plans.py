"""Planned meetings as they are stored: a row each, deleted when the meeting has been recorded.

Evidence knows only meetings that took place. A plan is the gateway's own, and the record that
follows from it has the key `record_key(id)`, so that one meeting is recorded once.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import Row, text

from services.gateway.meetings.schemas import (
    InvitedStakeholder,
    MailedInvitation,
    MeetingPlan,
    PlannedMeeting,
)
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import NotFound
from services.platform.service import API
from services.platform.stored import parse_stored

RETENTION = timedelta(days=180)
"""How long after its end a meeting that nobody recorded stays planned."""

LOCK_PLANS = """
-- One process at a time plans meetings of a region.
SELECT pg_advisory_xact_lock(hashtext('gateway.meeting_plan'), hashtext(:region))
"""

COLUMNS = """p.id, p.organiser, p.version, p.recorded_at, p.content, p.invited, p.mailed_at,
    p.mailed_version, p.mailed_people, p.mailed_agencies"""

SELECT_PLAN = f"""
-- A planned meeting.
SELECT {COLUMNS} FROM gateway.meeting_plan p WHERE p.region = :region AND p.id = :id
"""  # noqa: S608 - a constant

LOCK_PLAN = f"{SELECT_PLAN} FOR UPDATE"

SELECT_PLANS = f"""
-- The planned meetings of an organiser, or of all, by id.
SELECT {COLUMNS} FROM gateway.meeting_plan p
WHERE p.region = :region
    AND (CAST(:organiser AS text) IS NULL OR p.organiser = :organiser)
    AND (CAST(:cursor AS uuid) IS NULL OR p.id > :cursor)
ORDER BY p.id LIMIT :limit
"""  # noqa: S608 - a constant

COUNT_PLANS = """
-- How many meetings an organiser has planned.
SELECT count(*) FROM gateway.meeting_plan WHERE region = :region AND organiser = :organiser
"""

STORE_PLAN = """
-- Store a plan, or its next version.
INSERT INTO gateway.meeting_plan AS p
    (region, id, organiser, version, recorded_at, ends_at, content, invited)
VALUES (:region, :id, :organiser, 1, :now, :ends_at, CAST(:content AS jsonb),
    CAST(:invited AS jsonb))
ON CONFLICT (region, id) DO UPDATE SET version = p.version + 1, recorded_at = excluded.recorded_at,
    ends_at = excluded.ends_at, content = excluded.content, invited = excluded.invited
"""

DELETE_PLAN = """
-- Delete a plan with everything that belongs to it.
DELETE FROM gateway.meeting_plan WHERE region = :region AND id = :id
"""

MARK_MAILED = """
-- Note which version of a plan was mailed, to how many people of which agencies.
UPDATE gateway.meeting_plan
SET mailed_at = :now, mailed_version = version, mailed_people = :people,
    mailed_agencies = CAST(:agencies AS text[])
WHERE region = :region AND id = :id
"""

FORGET_AGENCIES = """
-- Note that agencies which were invited by mail were told that they no longer are.
UPDATE gateway.meeting_plan SET mailed_agencies = ARRAY(
    SELECT unnest(mailed_agencies) EXCEPT SELECT unnest(CAST(:agencies AS text[])))
WHERE region = :region AND id = :id
"""

DELETE_OLD_PLANS = """
-- Delete the plans of meetings that ended long ago, and return their number.
WITH deleted AS (
    DELETE FROM gateway.meeting_plan WHERE region = :region AND ends_at < :before RETURNING id
)
SELECT count(*) FROM deleted
"""

_INVITED: TypeAdapter[list[InvitedStakeholder]] = TypeAdapter(list[InvitedStakeholder])


@dataclass(frozen=True)
class Plan:
    """A planned meeting."""

    id: UUID
    organiser: str
    version: int
    recorded_at: datetime
    meeting: PlannedMeeting
    invited: Sequence[InvitedStakeholder]
    mailed: MailedInvitation | None
    mailed_agencies: frozenset[str]
    """Agencies whose people hold an invitation that was mailed."""

    def shown(self) -> MeetingPlan:
        """Return the plan as the API does."""
        return MeetingPlan(
            id=self.id,
            organiser=self.organiser,
            meeting=self.meeting,
            invited=list(self.invited),
            version=self.version,
            recorded_at=self.recorded_at,
            mailed=self.mailed,
            record_key=record_key(self.id),
            href=f"{API}/meeting-plans/{self.id}",
        )


def record_key(plan: UUID) -> str:
    """Return the key of the record of evidence that follows from a plan."""
    return f"rapat-{plan.hex}"


async def lock_plans(session: WriteSession, region: str) -> None:
    """Wait until no other process plans a meeting of the region, so that an id is taken once."""
    await session.execute(text(LOCK_PLANS), {"region": region})


async def find_plan(
    session: ReadSession | WriteSession, region: str, id: UUID, *, lock: bool = False
) -> Plan | None:
    """Return a planned meeting; None if there is none. With `lock` nobody else changes it."""
    statement = text(LOCK_PLAN if lock else SELECT_PLAN)
    row = (await session.execute(statement, {"region": region, "id": id})).one_or_none()
    return None if row is None else _plan(row)


async def get_plan(
    session: ReadSession | WriteSession, region: str, id: UUID, *, lock: bool = False
) -> Plan:
    """Return a planned meeting; raise `NotFound` if there is none."""
    plan = await find_plan(session, region, id, lock=lock)
    if plan is None:
        raise NotFound(
            f"No meeting {id} is planned; {API}/meeting-plans lists those that are, and "
            f"{API}/meetings those that were recorded."
        )
    return plan


async def list_plans(
    session: ReadSession, region: str, *, organiser: str | None, cursor: UUID | None, limit: int
) -> list[Plan]:
    """Return planned meetings of an organiser, or of all, by id."""
    parameters = {"region": region, "organiser": organiser, "cursor": cursor, "limit": limit}
    return [_plan(row) for row in await session.execute(text(SELECT_PLANS), parameters)]


async def count_plans(session: WriteSession, region: str, organiser: str) -> int:
    """Return how many meetings an organiser has planned."""
    parameters = {"region": region, "organiser": organiser}
    return int(await session.scalar(text(COUNT_PLANS), parameters) or 0)


async def store_plan(
    session: WriteSession,
    region: str,
    id: UUID,
    meeting: PlannedMeeting,
    invited: Sequence[InvitedStakeholder],
    *,
    organiser: str,
    now: datetime,
) -> None:
    """Store a new plan, or the next version of one, whose organiser stays."""
    await session.execute(
        text(STORE_PLAN),
        {
            "region": region,
            "id": id,
            "organiser": organiser,
            "now": now,
            "ends_at": meeting.ends_at,
            "content": meeting.model_dump_json(),
            "invited": json.dumps([one.model_dump(mode="json") for one in invited]),
        },
    )


async def delete_plan(session: WriteSession, region: str, id: UUID) -> None:
    """Delete a plan."""
    await session.execute(text(DELETE_PLAN), {"region": region, "id": id})


async def mark_mailed(
    session: WriteSession,
    region: str,
    id: UUID,
    *,
    people: int,
    agencies: Iterable[str],
    now: datetime,
) -> None:
    """Note that the invitation to a meeting was mailed to so many people of these agencies."""
    parameters = {"region": region, "id": id, "people": people, "now": now}
    await session.execute(text(MARK_MAILED), parameters | {"agencies": sorted(agencies)})


async def forget_agencies(
    session: WriteSession, region: str, id: UUID, agencies: Iterable[str]
) -> None:
    """Note that the people of these agencies were told that they are no longer invited."""
    parameters = {"region": region, "id": id, "agencies": sorted(agencies)}
    await session.execute(text(FORGET_AGENCIES), parameters)


async def delete_old_plans(
    session: WriteSession, *, region: str, now: datetime, zone: ZoneInfo
) -> int:
    """Delete the plans of meetings that ended half a year ago; return how many."""
    parameters = {"region": region, "before": now - RETENTION}
    return int(await session.scalar(text(DELETE_OLD_PLANS), parameters) or 0)


def _plan(row: Row[Any]) -> Plan:
    mailed = None
    if row.mailed_at is not None:
        mailed = MailedInvitation(
            at=row.mailed_at, version=row.mailed_version, people=row.mailed_people
        )
    return Plan(
        id=row.id,
        organiser=row.organiser,
        version=row.version,
        recorded_at=row.recorded_at,
        meeting=parse_stored(PlannedMeeting, row.content),
        invited=_INVITED.validate_python(row.invited, extra="ignore"),
        mailed=mailed,
        mailed_agencies=frozenset(row.mailed_agencies or ()),
    )
