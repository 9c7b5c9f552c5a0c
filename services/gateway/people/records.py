"""People and their roles as they are stored."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text

from services.gateway.people.roles import AgencyRole, RoleAssignment, role_assignment
from services.platform.database import ReadSession, WriteSession
from services.platform.languages import SOURCE_LANGUAGE, Language

PersonState = Literal["invited", "active", "disabled"]

CONTROL = re.compile(r"[\x00-\x1F\x7F\uD800-\uDFFF]")
"""Characters that no address has; PostgreSQL cannot store NUL and lone surrogates."""

SELECT_PEOPLE = """
-- Select people with their roles: all in order, the one with an id, or with an e-mail address.
SELECT p.id, p.email, p.name, p.language, p.wants_digest, p.created_at, p.activated_at,
    p.disabled_at,
    COALESCE((
        SELECT jsonb_agg(jsonb_build_object('role', r.role, 'agency', NULLIF(r.agency, ''))
            ORDER BY r.granted_at, r.role)
        FROM gateway.person_role r WHERE r.region = p.region AND r.person = p.id
    ), '[]') AS roles
FROM gateway.person p
WHERE p.region = :region
    AND (CAST(:person AS uuid) IS NULL OR p.id = :person)
    AND (CAST(:email AS text) IS NULL OR p.email = :email)
    AND (CAST(:cursor AS uuid) IS NULL OR p.id > :cursor)
ORDER BY p.id
LIMIT :limit
"""

INSERT_PERSON = """
-- Insert an invited person.
INSERT INTO gateway.person (region, id, email, name, invited_by, created_at)
VALUES (:region, :id, :email, '', :by, :now)
"""

INSERT_ROLES = """
-- Give roles to a person, who may have some of them.
INSERT INTO gateway.person_role (region, person, role, agency, granted_by, granted_at)
SELECT :region, :person, role, agency, :by, :now
FROM unnest(CAST(:roles AS text[]), CAST(:agencies AS text[])) AS given (role, agency)
ON CONFLICT DO NOTHING
"""

SELECT_HOLDERS = """
-- Select who can sign in and has a role for an agency, by agency.
SELECT r.agency, array_agg(p.id) AS people
FROM gateway.person_role r
JOIN gateway.person p ON p.region = r.region AND p.id = r.person
WHERE r.region = :region AND r.role = :role AND r.agency <> ''
    AND p.activated_at IS NOT NULL AND p.disabled_at IS NULL
GROUP BY r.agency
"""

SELECT_NAMES = """
-- Select what people are called.
SELECT id, COALESCE(NULLIF(name, ''), email, '') AS name FROM gateway.person
WHERE region = :region AND id = ANY(CAST(:people AS uuid[]))
"""

COUNT_ADMINISTRATORS = """
-- Count the administrators who can sign in.
SELECT count(DISTINCT p.id) FROM gateway.person p
JOIN gateway.person_role r ON r.region = p.region AND r.person = p.id
WHERE p.region = :region AND r.role = 'administrator'
    AND p.activated_at IS NOT NULL AND p.disabled_at IS NULL
"""


@dataclass(frozen=True)
class Person:
    """A person who keeps the hub."""

    id: UUID
    email: str | None
    name: str
    created_at: datetime
    activated_at: datetime | None
    disabled_at: datetime | None
    roles: tuple[RoleAssignment, ...]
    language: Language = SOURCE_LANGUAGE
    """Of mails to the person."""
    wants_digest: bool = True
    """Whether the person gets the daily digest."""

    @property
    def state(self) -> PersonState:
        """Whether the person can sign in."""
        if self.disabled_at is not None:
            return "disabled"
        return "invited" if self.activated_at is None else "active"

    @property
    def language_query(self) -> dict[str, str]:
        """The query parameter that opens a page in the person's language."""
        return {"lang": self.language} if self.language != SOURCE_LANGUAGE else {}

    @property
    def subject(self) -> str:
        """The id by which tokens and the audit log name the person."""
        return subject_of(self.id)


def subject_of(person: UUID) -> str:
    """Return the id by which tokens and the audit log name a person, beside those of keys."""
    return f"p{person.hex}"


def person_of_subject(subject: str) -> UUID | None:
    """Return the id of the person whom a subject names; None if it names a key."""
    try:
        person = UUID(subject[1:])
    except ValueError:
        return None
    return person if subject == subject_of(person) else None


def normalised_email(email: str) -> str:
    """Return an e-mail address as it is stored and looked up."""
    return email.strip().lower()


async def list_people(
    session: ReadSession | WriteSession, region: str, *, cursor: UUID | None, limit: int
) -> list[Person]:
    """Return people in the order in which they were invited, after the one of the cursor."""
    return await _select(session, region, cursor=cursor, limit=limit)


async def find_person(
    session: ReadSession | WriteSession, region: str, person: UUID
) -> Person | None:
    """Return a person; None if there is none with this id."""
    return next(iter(await _select(session, region, person=person)), None)


async def find_by_email(
    session: ReadSession | WriteSession, region: str, email: str
) -> Person | None:
    """Return the person with an e-mail address; None if there is none, or if it is no address."""
    if CONTROL.search(email):
        return None
    return next(iter(await _select(session, region, email=normalised_email(email))), None)


async def names_of(
    session: ReadSession | WriteSession, region: str, subjects: Collection[str]
) -> dict[str, str]:
    """Return the names of the people among subjects, by subject."""
    people = [person for each in subjects if (person := person_of_subject(each)) is not None]
    if not people:
        return {}
    rows = await session.execute(text(SELECT_NAMES), {"region": region, "people": people})
    return {subject_of(row.id): row.name for row in rows}


async def holders_of(
    session: ReadSession | WriteSession, region: str, role: AgencyRole
) -> dict[str, set[str]]:
    """Return the subjects of those who can sign in and have a role, by its agency."""
    rows = await session.execute(text(SELECT_HOLDERS), {"region": region, "role": role})
    return {row.agency: {subject_of(person) for person in row.people} for row in rows}


async def insert_person(
    session: WriteSession, region: str, person: UUID, email: str | None, *, by: str, now: datetime
) -> None:
    """Store an invited person, without roles."""
    parameters = {"region": region, "id": person, "email": email, "by": by, "now": now}
    await session.execute(text(INSERT_PERSON), parameters)


async def give_roles(
    session: WriteSession,
    region: str,
    person: UUID,
    roles: Sequence[RoleAssignment],
    *,
    by: str,
    now: datetime,
) -> None:
    """Give roles to a person; those that the person has stay as they are."""
    parameters = {
        "region": region,
        "person": person,
        "roles": [each.role for each in roles],
        "agencies": [each.agency or "" for each in roles],
        "by": by,
        "now": now,
    }
    await session.execute(text(INSERT_ROLES), parameters)


async def count_administrators(session: ReadSession | WriteSession, region: str) -> int:
    """Return how many administrators can sign in."""
    return int(await session.scalar(text(COUNT_ADMINISTRATORS), {"region": region}) or 0)


async def _select(
    session: ReadSession | WriteSession,
    region: str,
    *,
    person: UUID | None = None,
    email: str | None = None,
    cursor: UUID | None = None,
    limit: int = 1,
) -> list[Person]:
    parameters = {
        "region": region,
        "person": person,
        "email": email,
        "cursor": cursor,
        "limit": limit,
    }
    return [
        Person(
            id=row.id,
            email=row.email,
            name=row.name,
            created_at=row.created_at,
            activated_at=row.activated_at,
            disabled_at=row.disabled_at,
            roles=tuple(role_assignment(each["role"], each["agency"]) for each in row.roles),
            language=row.language or SOURCE_LANGUAGE,
            wants_digest=row.wants_digest,
        )
        for row in await session.execute(text(SELECT_PEOPLE), parameters)
    ]
