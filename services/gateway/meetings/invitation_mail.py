"""The invitation to a planned meeting by mail, to people of the invited agencies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.gateway.meetings.plans import Plan
from services.gateway.meetings.times import period_text
from services.gateway.people.mail.outbox import MailOutbox, NewMail
from services.gateway.people.mail.texts import InvitedMeeting, meeting_invitation
from services.gateway.people.roles import AgencyRole
from services.platform.database import WriteSession
from services.platform.languages import SOURCE_LANGUAGE, Language
from services.platform.translation import translator

ROLES: tuple[AgencyRole, ...] = ("reporter", "editor")
"""Who in an agency is told of a meeting."""

SELECT_INVITED_PEOPLE = """
-- The people with one of some roles for one of some agencies who can sign in and have an address.
SELECT DISTINCT p.id AS person, p.language
FROM gateway.person_role r
JOIN gateway.person p ON p.region = r.region AND p.id = r.person
WHERE r.region = :region AND r.role = ANY(CAST(:roles AS text[]))
    AND r.agency = ANY(CAST(:agencies AS text[]))
    AND p.activated_at IS NOT NULL AND p.disabled_at IS NULL AND p.email IS NOT NULL
ORDER BY p.id
"""


@dataclass(frozen=True)
class InvitedPerson:
    """Somebody to whom an invitation is mailed."""

    person: UUID
    language: Language


async def find_invited_people(
    session: WriteSession, region: str, plan: Plan
) -> list[InvitedPerson]:
    """Return the people of the invited agencies to whom mail is sent."""
    agencies = {one.agency for one in plan.invited if one.agency is not None}
    parameters = {"region": region, "roles": list(ROLES), "agencies": sorted(agencies)}
    rows = await session.execute(text(SELECT_INVITED_PEOPLE), parameters)
    return [InvitedPerson(row.person, row.language or SOURCE_LANGUAGE) for row in rows]


async def mail_plan(
    session: WriteSession,
    outbox: MailOutbox,
    plan: Plan,
    people: Sequence[InvitedPerson],
    *,
    organiser: str,
    calendar: bytes,
    zone: ZoneInfo,
    now: datetime,
) -> None:
    """Store the mails with the calendar file, each in the language of its reader."""
    meeting = plan.meeting
    mails: list[NewMail] = []
    for one in people:
        messages = translator(one.language)
        invited = InvitedMeeting(
            name=messages.choose(meeting.name, en=meeting.name_en),
            organiser=organiser,
            when=period_text(messages, meeting.starts_at, meeting.ends_at, zone),
            place=meeting.place,
            problem_statement=meeting.problem_statement,
            agenda=meeting.agenda,
            is_changed=plan.mailed is not None,
        )
        mails.append(NewMail(one.person, meeting_invitation(messages, invited), calendar=calendar))
    await outbox.add(session, mails, now=now)
