"""Mails about a planned meeting, to people of the invited agencies."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.gateway.meetings.calendar import cancellation_calendar, invitation_calendar
from services.gateway.meetings.plans import Plan
from services.gateway.meetings.times import period_text
from services.gateway.people.mail.outbox import MailOutbox, NewMail
from services.gateway.people.mail.texts import (
    InvitedMeeting,
    MailText,
    meeting_cancellation,
    meeting_invitation,
)
from services.gateway.people.roles import AgencyRole
from services.platform.database import WriteSession
from services.platform.languages import SOURCE_LANGUAGE, Language
from services.platform.translation import Translator, translator

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


def agencies_of(plan: Plan) -> set[str]:
    """Return the agencies that a plan invites."""
    return {one.agency for one in plan.invited if one.agency is not None}


async def find_people_of(
    session: WriteSession, region: str, agencies: Iterable[str]
) -> list[InvitedPerson]:
    """Return the people of agencies to whom mail about meetings is sent."""
    parameters = {"region": region, "roles": list(ROLES), "agencies": sorted(agencies)}
    rows = await session.execute(text(SELECT_INVITED_PEOPLE), parameters)
    return [InvitedPerson(row.person, row.language or SOURCE_LANGUAGE) for row in rows]


@dataclass(frozen=True)
class PlanMailer:
    """Stores mails about a plan, each in the language of its reader, with a calendar file."""

    outbox: MailOutbox
    organiser: str
    """The name of who plans the meeting."""
    contact: str
    """The organiser's address in calendar files, a URI."""
    region: str
    zone: ZoneInfo
    now: datetime

    async def invite(
        self, session: WriteSession, plan: Plan, people: Sequence[InvitedPerson]
    ) -> None:
        """Invite people to a meeting, or tell them how it has changed."""
        calendar = invitation_calendar(
            plan, region=self.region, organiser=self.organiser, contact=self.contact
        )
        await self._mail(session, plan, people, meeting_invitation, calendar)

    async def cancel(
        self, session: WriteSession, plan: Plan, people: Sequence[InvitedPerson], *, sequence: int
    ) -> None:
        """Tell people that they are no longer invited, or that the meeting is called off.

        `sequence` is that of the calendar file, above that of the invitation they hold.
        """
        calendar = cancellation_calendar(
            plan,
            sequence=sequence,
            region=self.region,
            organiser=self.organiser,
            contact=self.contact,
        )
        await self._mail(session, plan, people, meeting_cancellation, calendar)

    async def _mail(
        self,
        session: WriteSession,
        plan: Plan,
        people: Sequence[InvitedPerson],
        write: Callable[[Translator, InvitedMeeting], MailText],
        calendar: bytes,
    ) -> None:
        meeting = plan.meeting
        mails: list[NewMail] = []
        for one in people:
            messages = translator(one.language)
            invited = InvitedMeeting(
                name=messages.choose(meeting.name, en=meeting.name_en),
                organiser=self.organiser,
                when=period_text(messages, meeting.starts_at, meeting.ends_at, self.zone),
                place=meeting.place,
                problem_statement=meeting.problem_statement,
                agenda=meeting.agenda,
                is_changed=plan.mailed is not None,
            )
            mails.append(NewMail(one.person, write(messages, invited), calendar=calendar))
        await self.outbox.add(session, mails, now=self.now)
