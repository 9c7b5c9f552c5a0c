"""Reminds agencies by e-mail of a month that they have not reported in full.

The lead agency asks for it. An agency is reminded of a month once a day, however often it is asked.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from services.feedback.client import ReportingMonth
from services.gateway.people.mail.outbox import MailOutbox, NewMail
from services.gateway.people.mail.texts import IncompleteMonth, month_reminder
from services.gateway.people.roles import AgencyRole
from services.platform.api_model import ApiModel
from services.platform.concurrency_control import claim_idempotency_key
from services.platform.database import WriteSession
from services.platform.ids import new_id
from services.platform.languages import SOURCE_LANGUAGE, Language
from services.platform.months import parse_period
from services.platform.settings import Service
from services.platform.translation import translator

ROLES: tuple[AgencyRole, ...] = ("reporter", "approver")
"""Who in an agency is reminded: those who enter a month and those who approve it."""

SELECT_PEOPLE = """
-- The people with one of some roles for each of some agencies who take mail.
SELECT DISTINCT r.agency, p.id AS person, p.language
FROM gateway.person_role r
JOIN gateway.person p ON p.region = r.region AND p.id = r.person
WHERE r.region = :region AND r.role = ANY(CAST(:roles AS text[]))
    AND r.agency = ANY(CAST(:agencies AS text[]))
    AND p.activated_at IS NOT NULL AND p.disabled_at IS NULL AND p.email IS NOT NULL
ORDER BY r.agency, p.id
"""


class _Day(ApiModel):
    """The month and day of a reminder, which happens once."""

    period: str
    day: date


@dataclass(frozen=True)
class MonthReminders:
    """Stores the mails of a day about one month."""

    region: str
    outbox: MailOutbox
    public_address: str
    names: Mapping[str, str]
    """Names of agencies by their slugs."""
    today: date
    now: datetime

    async def remind(
        self, session: WriteSession, months: Sequence[ReportingMonth]
    ) -> dict[str, int | None]:
        """Return by agency how many people were mailed; None if it was reminded today already."""
        people = await self._people(session, [month.agency for month in months])
        mailed: dict[str, int | None] = {}
        for month in months:
            readers = people.get(month.agency, {})
            if readers and not await self._claim(session, month):
                mailed[month.agency] = None
                continue
            mails = [
                NewMail(person, month_reminder(translator(language), self._told(month, language)))
                for person, language in readers.items()
            ]
            await self.outbox.add(session, mails, now=self.now)
            mailed[month.agency] = len(mails)
        return mailed

    async def _claim(self, session: WriteSession, month: ReportingMonth) -> bool:
        """Return whether the agency is not reminded of the month today yet."""
        _, is_new = await claim_idempotency_key(
            session,
            Service.gateway,
            self.region,
            caller="hub",
            operation="remind of month",
            key=f"{month.agency}/{month.period}/{self.today}",
            body=_Day(period=month.period, day=self.today),
            new_id=new_id(),
            now=self.now,
        )
        return is_new

    async def _people(
        self, session: WriteSession, agencies: Sequence[str]
    ) -> Mapping[str, dict[UUID, Language]]:
        parameters = {"region": self.region, "roles": list(ROLES), "agencies": list(agencies)}
        found: defaultdict[str, dict[UUID, Language]] = defaultdict(dict)
        for row in await session.execute(text(SELECT_PEOPLE), parameters):
            found[row.agency][row.person] = row.language or SOURCE_LANGUAGE
        return found

    def _told(self, month: ReportingMonth, language: Language) -> IncompleteMonth:
        query = "" if language == SOURCE_LANGUAGE else f"&lang={language}"
        page = f"/kelola/laporan/{month.period}?untuk={month.agency}{query}"
        return IncompleteMonth(
            agency=self.names.get(month.agency, month.agency),
            month=parse_period(month.period),
            due_on=month.due_on or self.today,
            services_reported=month.services_reported,
            services_expected=month.services_expected,
            link=f"{self.public_address}{page}",
        )
