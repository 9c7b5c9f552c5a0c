"""Handovers: a person who leaves gives roles and open work of an agency to a successor.

What a person has is roles: with them come the lines of the desk, the mails about cases, and the
right to continue what is open. All else belongs to the agency; the record names it, as it was.
The role of administrator never passes this way: it is given by itself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text

from services.gateway.handovers.open_work import WorkItem
from services.gateway.people.accounts import lock_people, set_account
from services.gateway.people.records import Person, find_person, give_roles, list_people
from services.gateway.people.roles import Role, RoleAssignment, agencies_of, role_assignment
from services.gateway.people.sessions import end_all_sessions
from services.platform.database import ReadSession, WriteSession
from services.platform.translation import N_, Message

MAX_PEOPLE = 1000
KEPT_ROLES: Sequence[Role] = ("administrator",)

INSERT_HANDOVER = """
-- Store what was handed over.
INSERT INTO gateway.handover (region, id, from_person, to_person, agency, recorded_at, recorded_by,
    is_disabled, roles, work)
VALUES (:region, :id, :from_person, :to_person, :agency, :now, :by, :is_disabled,
    CAST(:roles AS text[]), CAST(:work AS jsonb))
"""

SELECT_HANDOVERS = """
-- Select handovers, newest first: all, the one with an id, or those from or to a person.
SELECT id, from_person, to_person, agency, recorded_at, recorded_by, is_disabled, roles, work
FROM gateway.handover
WHERE region = :region
    AND (CAST(:id AS uuid) IS NULL OR id = :id)
    AND (CAST(:person AS uuid) IS NULL OR :person IN (from_person, to_person))
    AND (CAST(:cursor AS uuid) IS NULL OR id < :cursor)
ORDER BY id DESC
LIMIT :limit
"""

NO_PERSON = N_("tidak ada orang dengan id ini")
NO_AGENCY = N_("bukan instansi tempat orang ini mempunyai peran yang dapat diserahkan")
SAME_PERSON = N_("pilih orang lain sebagai penerus")
NOT_ACTIVE = N_("penerus harus mempunyai akun yang aktif")
NOT_SAME_AGENCY = N_("penerus harus sudah mempunyai peran di instansi yang sama")
OTHER_AGENCIES = N_(
    "akun belum dapat dinonaktifkan: orang ini masih mempunyai peran di %(agencies)s; "
    "serahkan dulu peran itu"
)
_WORK: TypeAdapter[list[WorkItem]] = TypeAdapter(list[WorkItem])

Field = Literal["from", "to", "agency", "disable"]


class HandoverRefusedError(Exception):
    """Why something cannot be handed over, and the field to correct."""

    def __init__(self, field: Field, message: Message, **values: str) -> None:
        super().__init__(message.text)
        self.field: Field = field
        self.message = message
        self.values = values


@dataclass(frozen=True)
class Handover:
    """A handover as it is stored."""

    id: UUID
    from_person: UUID
    to_person: UUID
    agency: str
    recorded_at: datetime
    recorded_by: str
    """The subject of who handed it over."""
    is_disabled: bool
    """Whether the account of the person who left was disabled with it."""
    roles: Sequence[Role]
    work: Sequence[WorkItem]


@dataclass(frozen=True)
class HandoverPlan:
    """What passes from one person to another, if both may take part."""

    leaver: Person
    successor: Person
    agency: str
    roles: Sequence[RoleAssignment]
    disables: bool


def roles_to_hand_over(person: Person, agency: str) -> list[RoleAssignment]:
    """Return the roles of a person in an agency that pass to a successor."""
    return [each for each in person.roles if each.agency == agency and each.role not in KEPT_ROLES]


def agencies_to_hand_over(person: Person) -> list[str]:
    """Return the agencies where a person has roles that pass to a successor."""
    return [agency for agency in agencies_of(person.roles) if roles_to_hand_over(person, agency)]


async def list_successors(
    session: ReadSession | WriteSession, region: str, leaver: Person, agency: str
) -> list[Person]:
    """Return who may follow a person in an agency, by name."""
    people = await list_people(session, region, cursor=None, limit=MAX_PEOPLE)
    found = [
        each
        for each in people
        if each.id != leaver.id and each.state == "active" and agency in agencies_of(each.roles)
    ]
    return sorted(found, key=lambda each: each.name.lower())


async def plan_handover(
    session: ReadSession | WriteSession,
    region: str,
    *,
    leaver: UUID,
    successor: UUID,
    agency: str | None,
    disables: bool,
) -> HandoverPlan:
    """Return what would pass between two people; without an agency, in the only one.

    Raises:
        HandoverRefusedError: One of them may not take part, or the agency is not theirs.
    """
    giver = await find_person(session, region, leaver)
    if giver is None:
        raise HandoverRefusedError("from", NO_PERSON)
    agencies = agencies_to_hand_over(giver)
    chosen = agencies[0] if agency is None and len(agencies) == 1 else agency
    if chosen is None or chosen not in agencies:
        raise HandoverRefusedError("agency", NO_AGENCY)
    taker = await find_person(session, region, successor)
    if taker is None:
        raise HandoverRefusedError("to", NO_PERSON)
    if taker.id == giver.id:
        raise HandoverRefusedError("to", SAME_PERSON)
    if taker.state != "active":
        raise HandoverRefusedError("to", NOT_ACTIVE)
    if chosen not in agencies_of(taker.roles):
        raise HandoverRefusedError("to", NOT_SAME_AGENCY)
    others = [each for each in agencies if each != chosen]
    if disables and others:
        raise HandoverRefusedError("disable", OTHER_AGENCIES, agencies=", ".join(others))
    return HandoverPlan(giver, taker, chosen, roles_to_hand_over(giver, chosen), disables)


async def record_handover(
    session: WriteSession,
    region: str,
    plan: HandoverPlan,
    work: Sequence[WorkItem],
    *,
    id: UUID,
    by: str,
    now: datetime,
) -> Handover:
    """Give the roles of a plan to the successor, end the sessions of who leaves, and record it.

    Raises:
        HandoverRefusedError: The people changed since the plan was made.
        Conflict: No administrator would be left.
    """
    await lock_people(session, region)
    plan = await plan_handover(
        session,
        region,
        leaver=plan.leaver.id,
        successor=plan.successor.id,
        agency=plan.agency,
        disables=plan.disables,
    )
    await give_roles(session, region, plan.successor.id, plan.roles, by=by, now=now)
    await set_account(
        session,
        region,
        plan.leaver.id,
        roles=[each for each in plan.leaver.roles if each not in plan.roles],
        is_disabled=plan.disables or plan.leaver.state == "disabled",
        by=by,
        now=now,
    )
    await end_all_sessions(session, region, plan.leaver.id, now=now)
    handover = Handover(
        id,
        plan.leaver.id,
        plan.successor.id,
        plan.agency,
        now,
        by,
        plan.disables,
        [each.role for each in plan.roles],
        work,
    )
    parameters = {
        "region": region,
        "id": id,
        "from_person": handover.from_person,
        "to_person": handover.to_person,
        "agency": handover.agency,
        "now": now,
        "by": by,
        "is_disabled": handover.is_disabled,
        "roles": list(handover.roles),
        "work": json.dumps(_WORK.dump_python(list(work), mode="json")),
    }
    await session.execute(text(INSERT_HANDOVER), parameters)
    return handover


async def find_handover(
    session: ReadSession | WriteSession, region: str, id: UUID
) -> Handover | None:
    """Return a handover; None if there is none with this id."""
    return next(iter(await list_handovers(session, region, id=id)), None)


async def list_handovers(
    session: ReadSession | WriteSession,
    region: str,
    *,
    id: UUID | None = None,
    person: UUID | None = None,
    cursor: UUID | None = None,
    limit: int = 1,
) -> list[Handover]:
    """Return handovers, newest first: all, the one with an id, or those from or to a person."""
    parameters = {
        "region": region,
        "id": id,
        "person": person,
        "cursor": cursor,
        "limit": limit,
    }
    return [
        Handover(
            row.id,
            row.from_person,
            row.to_person,
            row.agency,
            row.recorded_at,
            row.recorded_by,
            row.is_disabled,
            [role_assignment(role, row.agency).role for role in row.roles],
            _WORK.validate_python(row.work),
        )
        for row in await session.execute(text(SELECT_HANDOVERS), parameters)
    ]
