"""Open work of an agency, which a successor continues.

Cases, months, drafts and action items belong to the agency: whoever has the role for them sees and
continues them. Who entered a month stays its author, since nobody approves their own figures.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field

from services.assessment.client import AssessmentClient, Meeting, Stakeholder
from services.catalog.client import CatalogClient
from services.feedback.client import FeedbackClient
from services.gateway.announcements.draft_routes import MAX_OPEN_DRAFTS
from services.gateway.announcements.listing import list_written
from services.platform.api_model import ApiModel
from services.platform.database import Database
from services.platform.draft_steps import OpenState
from services.platform.local_time import day_of

MAX_CASES = 1000
"""Comments of a state that are listed, the newest."""
MONTHS = 36
"""Months back whose drafts are listed."""
OPEN_STATES = ("received", "in_progress", "reopened")

WorkKind = Literal["case", "month", "service", "announcement", "action_item"]


class WorkItem(ApiModel):
    """Something that an agency has begun and not finished."""

    kind: WorkKind = Field(
        description="`case`: a comment to be answered; `month`: statistics that are not approved; "
        "`service`, `announcement`: a draft that is not published; `action_item`: of a meeting, "
        "not done."
    )
    id: str = Field(
        description="Ticket, month, slug of the service, or id of the announcement or meeting, by "
        "its kind."
    )
    title: str = Field(description="What it is about; of a case nothing, to repeat no citizen.")
    due: date | None = Field(description="Day by which it is to be done, if it has one.")
    is_own: bool = Field(
        description="Whether the person who left had a part in it, as far as that is on record."
    )


@dataclass(frozen=True)
class OpenWork:
    """Reads the open work of agencies with the identity of an administrator.

    Methods raise `httpx.HTTPError` if a service does not answer.
    """

    database: Database
    """The gateway's, which has the announcements."""
    region: str
    catalog: CatalogClient
    feedback: FeedbackClient
    assessment: AssessmentClient
    zone: ZoneInfo

    async def of(self, agency: str, *, subject: str, now: datetime) -> list[WorkItem]:
        """Return the open work of an agency; `subject` is the person who leaves."""
        parts = await asyncio.gather(
            self._cases(agency),
            self._months(agency, subject, day_of(now, self.zone)),
            self._services(agency),
            self._announcements(agency, subject, now),
            self._action_items(agency),
        )
        return [item for part in parts for item in part]

    async def _cases(self, agency: str) -> Iterable[WorkItem]:
        found = [
            case
            for state in OPEN_STATES
            for case in await self.feedback.list_all_comments(
                agency=agency, state=state, most=MAX_CASES
            )
        ]
        return [
            WorkItem(
                kind="case",
                id=case.ticket,
                title="",
                due=case.service_level.answer_by,
                is_own=False,
            )
            for case in sorted(found, key=lambda case: case.service_level.answer_by)
        ]

    async def _months(self, agency: str, subject: str, today: date) -> Sequence[WorkItem]:
        last = today.year * 12 + today.month - 1
        span = [f"{month // 12}-{month % 12 + 1:02}" for month in (last - MONTHS + 1, last)]
        drafts = await self.feedback.list_drafts(agency=agency, first=span[0], last=span[1])
        return [
            WorkItem(
                kind="month",
                id=draft.period,
                title="",
                due=None,
                is_own=subject in draft.authors,
            )
            for draft in drafts
            if draft.state in {"draft", "submitted"}
        ]

    async def _services(self, agency: str) -> Sequence[WorkItem]:
        return [
            WorkItem(kind="service", id=draft.slug, title=draft.name, due=None, is_own=False)
            for draft in await self.catalog.list_drafts(agency=agency)
        ]

    async def _announcements(self, agency: str, subject: str, now: datetime) -> Sequence[WorkItem]:
        async with self.database.read_session() as session:
            found = [
                draft
                for state in get_args(OpenState)
                for draft in await list_written(
                    session,
                    self.region,
                    agency=agency,
                    draft=state,
                    person=subject,
                    cursor=None,
                    limit=MAX_OPEN_DRAFTS,
                    now=now,
                )
            ]
        return [
            WorkItem(
                kind="announcement",
                id=str(draft.id),
                title=draft.title,
                due=None,
                is_own=draft.is_own,
            )
            for draft in found
        ]

    async def _action_items(self, agency: str) -> Sequence[WorkItem]:
        own = {
            record.content.key
            for record in await self.assessment.list_evidence(Stakeholder)
            if record.content and record.content.agency == agency
        }
        found = [
            WorkItem(
                kind="action_item",
                id=str(record.id),
                title=item.task,
                due=item.due,
                is_own=False,
            )
            for record in await self.assessment.list_evidence(Meeting)
            if record.content
            for item in record.content.action_items or ()
            if not item.done and (item.owner in own or record.recorded_by == agency)
        ]
        return sorted(found, key=lambda item: item.due or date.max)
