"""Tells the people of an agency by e-mail of comments that they have to answer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import text

from services.catalog.client import CatalogClient
from services.feedback.client import CommentItem, FeedbackClient
from services.gateway.people.mail.outbox import MailOutbox, NewMail
from services.gateway.people.mail.texts import CaseLine, MailText, due_cases, new_cases
from services.gateway.people.mail.working_hours import WorkingHours
from services.platform.database import Database, WriteSession
from services.platform.languages import Language
from services.platform.translation import translator

NEW_INTERVAL = timedelta(seconds=20)
DUE_INTERVAL = timedelta(minutes=30)
DUE_SOON = 2
"""Working days before its deadline from which a case that is not answered is told of."""
MAX_CASES = 1000
"""Comments of a state that are read in a run, the newest."""
RETENTION = timedelta(days=800)
"""How long it is known that people were told of a case; longer than cases are open."""

NoticeKind = Literal["new", "due"]

SELECT_RECIPIENTS = """
-- The people with a role for an agency who can sign in.
SELECT DISTINCT r.agency, p.id AS person, p.language
FROM gateway.person_role r
JOIN gateway.person p ON p.region = r.region AND p.id = r.person
WHERE r.region = :region AND r.role = ANY(CAST(:roles AS text[]))
    AND p.activated_at IS NOT NULL AND p.disabled_at IS NULL AND p.email IS NOT NULL
ORDER BY p.id
"""

SELECT_NOTICES = """
-- Of which of these comments people were told, and of which agency.
SELECT ticket, agency FROM gateway.case_notice
WHERE region = :region AND kind = :kind AND ticket = ANY(CAST(:tickets AS text[]))
"""

CLAIM_NOTICES = """
-- Claim the notices of comments, and return those that nobody claimed for their agency before.
INSERT INTO gateway.case_notice AS known (region, kind, ticket, agency, noticed_at)
SELECT :region, :kind, ticket, agency, :now
FROM unnest(CAST(:tickets AS text[]), CAST(:agencies AS text[])) AS open (ticket, agency)
ORDER BY ticket
ON CONFLICT (region, kind, ticket) DO UPDATE
    SET agency = excluded.agency, noticed_at = excluded.noticed_at
    WHERE known.agency <> excluded.agency
RETURNING ticket
"""

DELETE_OLD_NOTICES = """
-- Delete what was told long ago, and return its number.
WITH deleted AS (
    DELETE FROM gateway.case_notice WHERE region = :region AND noticed_at < :before
    RETURNING ticket
)
SELECT count(*) FROM deleted
"""


@dataclass(frozen=True)
class Recipient:
    """Somebody who is told of an agency's cases."""

    person: UUID
    language: Language


class CaseNotices:
    """Stores mails about the comments of each agency, once for each comment and agency.

    Comments are read over HTTP as an administrator reads them. Several that are found together are
    told of in one mail; those of an agency without people wait until it has some.
    """

    def __init__(
        self,
        database: Database,
        region: str,
        outbox: MailOutbox,
        *,
        feedback: FeedbackClient,
        catalog: CatalogClient,
        hours: WorkingHours,
        public_address: str,
    ) -> None:
        self._database = database
        self._region = region
        self._outbox = outbox
        self._feedback = feedback
        self._catalog = catalog
        self._hours = hours
        self._public_address = public_address

    async def tell_of_new(self) -> None:
        """Tell responders of comments that came in, or were handed to their agency."""
        cases = await self._list("received")
        await self._tell("new", ("responder",), cases)

    async def tell_of_due_now(self) -> None:
        """Tell responders and approvers of cases that are due soon, if it is in working hours."""
        if self._hours.day_at(datetime.now(UTC)) is not None:
            await self.tell_of_due()

    async def tell_of_due(self) -> None:
        """Tell responders and approvers of cases that are due soon and not answered."""
        cases = [
            case
            for state in ("received", "in_progress", "reopened")
            for case in await self._list(state)
            if is_due_soon(case)
        ]
        await self._tell("due", ("responder", "approver"), cases)

    async def _list(self, state: str) -> list[CommentItem]:
        """Return the comments with a state that nobody has to review first."""
        return await self._feedback.list_all_comments(
            agency=None, state=state, under_review=False, most=MAX_CASES
        )

    async def _tell(
        self, kind: NoticeKind, roles: Sequence[str], cases: Sequence[CommentItem]
    ) -> None:
        recipients = await self._recipients(roles) if cases else {}
        told = await self._told(kind, cases) if recipients else {}
        open_cases = {
            case.ticket: case
            for case in cases
            if case.agency in recipients and told.get(case.ticket) != case.agency
        }
        if not open_cases:
            return
        names = await self._agency_names()
        now = datetime.now(UTC)
        async with self._database.write_session() as session:
            parameters = {
                "region": self._region,
                "kind": kind,
                "tickets": list(open_cases),
                "agencies": [case.agency for case in open_cases.values()],
                "now": now,
            }
            claimed = (await session.scalars(text(CLAIM_NOTICES), parameters)).all()
            by_agency: defaultdict[str, list[CommentItem]] = defaultdict(list)
            for ticket in claimed:
                by_agency[open_cases[ticket].agency or ""].append(open_cases[ticket])
            mails = [
                NewMail(to.person, self._text(kind, to, names.get(agency, agency), found))
                for agency, found in by_agency.items()
                for to in recipients[agency]
            ]
            await self._outbox.add(session, mails, now=now)

    def _text(
        self, kind: NoticeKind, to: Recipient, agency: str, cases: Sequence[CommentItem]
    ) -> MailText:
        lines = [
            CaseLine(
                case.ticket,
                case.service_level.answer_by,
                f"{self._public_address}/kelola/pengaduan/{case.ticket}?untuk={case.agency}",
            )
            for case in sorted(cases, key=lambda case: case.service_level.answer_by)
        ]
        write = new_cases if kind == "new" else due_cases
        return write(translator(to.language), agency, lines)

    async def _recipients(self, roles: Sequence[str]) -> Mapping[str, list[Recipient]]:
        """Return who is told of the cases of each agency."""
        parameters = {"region": self._region, "roles": list(roles)}
        found: defaultdict[str, dict[UUID, Recipient]] = defaultdict(dict)
        async with self._database.read_session() as session:
            for row in await session.execute(text(SELECT_RECIPIENTS), parameters):
                found[row.agency][row.person] = Recipient(row.person, row.language or "id")
        return {agency: list(people.values()) for agency, people in found.items()}

    async def _told(self, kind: NoticeKind, cases: Sequence[CommentItem]) -> dict[str, str]:
        """Return the agency whose people were told of each case."""
        parameters = {
            "region": self._region,
            "kind": kind,
            "tickets": [case.ticket for case in cases],
        }
        async with self._database.read_session() as session:
            rows = await session.execute(text(SELECT_NOTICES), parameters)
            return {row.ticket: row.agency for row in rows}

    async def _agency_names(self) -> dict[str, str]:
        """Return the names of agencies; none if the catalogue does not answer."""
        try:
            return {agency.slug: agency.name for agency in await self._catalog.list_agencies()}
        except httpx.HTTPError:
            return {}


def is_due_soon(case: CommentItem) -> bool:
    """Return whether a case is to be answered within two working days, and is not late yet."""
    level = case.service_level
    left = level.working_days_left
    return level.status == "running" and left is not None and left <= DUE_SOON


async def delete_old_notices(
    session: WriteSession, *, region: str, now: datetime, zone: ZoneInfo
) -> int:
    """Delete the notices of cases that were told of long ago; return how many."""
    parameters = {"region": region, "before": now - RETENTION}
    return int(await session.scalar(text(DELETE_OLD_NOTICES), parameters) or 0)
