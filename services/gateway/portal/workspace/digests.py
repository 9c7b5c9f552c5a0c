"""The daily mail about what waits for a person: the lines of the desk as counts, with links.

It is made of what the desk shows, so that both tell the same. A line that names a record becomes a
count of its source: names of records and people stay behind the sign-in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.gateway.people.mail.digest_days import claim_day, find_due
from services.gateway.people.mail.outbox import MailOutbox, NewMail
from services.gateway.people.mail.texts import DigestLine, DigestPart, digest
from services.gateway.people.mail.unsubscribing import UnsubscribeLinks
from services.gateway.people.mail.working_hours import WorkingHours
from services.gateway.people.records import Person, find_person
from services.gateway.people.roles import agencies_of
from services.gateway.portal.workspace.access import AGENCY, Workspace, workspace_of
from services.gateway.portal.workspace.account import ACCOUNT
from services.gateway.portal.workspace.desk import sources_of
from services.gateway.portal.workspace.tasks import Task, TaskSource
from services.platform.database import Database
from services.platform.service_client import RequestRejectedError
from services.platform.translation import translator


@dataclass(frozen=True)
class Digests:
    """Stores the digests of a working day, one for each person for whom something waits.

    The mail is stored in the transaction that marks the day, so that several processes, or one
    that was restarted, store it once. If a service does not answer, the rest is done at the next
    run.
    """

    app: FastAPI
    database: Database
    region: str
    outbox: MailOutbox
    hours: WorkingHours
    links: UnsubscribeLinks
    public_address: str

    async def send_now(self) -> None:
        """Store the digests that are due now."""
        await self.send_due(now=datetime.now(UTC))

    async def send_due(self, *, now: datetime) -> None:
        """Store the digests of the day of a moment in working hours; else do nothing."""
        day = self.hours.day_at(now)
        if day is None:
            return
        async with self.database.read_session() as session:
            people = await find_due(session, self.region, day)
        for person in people:
            await self._send(person, day, now=now)

    async def _send(self, person_id: UUID, day: date, *, now: datetime) -> None:
        async with self.database.read_session() as session:
            person = await find_person(session, self.region, person_id)
        if person is None:
            return
        parts = await self._parts(person)
        async with self.database.write_session() as session:
            if not await claim_day(session, self.region, person_id, day) or not parts:
                return
            mail = digest(
                translator(person.language),
                day,
                parts,
                account=_in_language(person, self.public_address + ACCOUNT),
                unsubscribe=_in_language(person, self.links.address_of(person_id)),
            )
            await self.outbox.add(session, [NewMail(person_id, mail, is_digest=True)], now=now)

    async def _parts(self, person: Person) -> list[DigestPart]:
        """Return what waits for a person in each agency; what is the hub's stands once."""
        told: set[DigestLine] = set()
        parts: list[DigestPart] = []
        agencies = agencies_of(person.roles)
        for agency in agencies or [None]:
            workspace = workspace_of(self.app, person, agency)
            lines: list[DigestLine] = []
            for source in sources_of(workspace):
                found = await self._lines(workspace, source)
                lines += found if source.needs_agency else [x for x in found if x not in told]
                told.update(found)
            if agency is not None and len(agencies) > 1:
                lines = [_for_agency(line, agency) for line in lines]
            if lines:
                names = {} if agency is None else await workspace.agency_names()
                parts.append(DigestPart(names.get(agency or "", agency), lines))
        return parts

    async def _lines(self, workspace: Workspace, source: TaskSource) -> list[DigestLine]:
        try:
            tasks = await source.find(workspace)
        except RequestRejectedError:
            return []
        lines = [self._line(workspace, task.text, task.href) for task in tasks if task.is_count]
        named = [task for task in tasks if not task.is_count]
        if named:
            lines.append(self._line(workspace, _summary(workspace, source, named), source.href))
        return lines

    def _line(self, workspace: Workspace, text: str, href: str) -> DigestLine:
        return DigestLine(text, _in_language(workspace.person, self.public_address + href))


def _summary(workspace: Workspace, source: TaskSource, tasks: Sequence[Task]) -> str:
    """Return how many lines a source has, and how many of them are urgent."""
    messages = workspace.page.messages
    name, urgent = messages.translate(source.name), sum(task.is_urgent for task in tasks)
    if not urgent:
        return messages.gettext("%(name)s: %(count)s", name=name, count=messages.number(len(tasks)))
    return messages.gettext(
        "%(name)s: %(count)s (mendesak: %(urgent)s)",
        name=name,
        count=messages.number(len(tasks)),
        urgent=messages.number(urgent),
    )


def _for_agency(line: DigestLine, agency: str) -> DigestLine:
    """Return a line whose link asks to act for the agency."""
    return replace(line, link=str(httpx.URL(line.link).copy_merge_params({AGENCY: agency})))


def _in_language(person: Person, address: str) -> str:
    """Return the address of a page in the person's language."""
    query = person.language_query
    return str(httpx.URL(address).copy_merge_params(query)) if query else address
