"""Lines of the desk about evidence: what waits for confirmation, ends soon or needs a review."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from services.assessment.client import Agreement, Record, Risk
from services.gateway.portal.workspace.access import Workspace
from services.gateway.portal.workspace.evidence.found_records import title_of
from services.gateway.portal.workspace.evidence.kinds import AGREEMENT, RISK
from services.gateway.portal.workspace.evidence.lists import count_waiting
from services.gateway.portal.workspace.evidence.record_kind import EVIDENCE
from services.gateway.portal.workspace.evidence.stored_records import own_stakeholders
from services.gateway.portal.workspace.tasks import Task

ENDS_WITHIN = timedelta(days=60)
MAX_LINES = 10
"""Lines about agreements, and about risks; the list has all of them."""


async def find_evidence_tasks(workspace: Workspace) -> list[Task]:
    """Return what waits for confirmation, agreements that end soon, and risks to review.

    Agreements and risks are those that the person's agency recorded or takes part in; the lead
    sees all.
    """
    waiting, own, agreements, risks = await asyncio.gather(
        count_waiting(workspace),
        workspace.once(own_stakeholders),
        workspace.assessment.list_evidence(Agreement),
        workspace.assessment.list_evidence(Risk),
    )
    tasks: list[Task] = []
    if waiting:
        text = workspace.page.messages.ngettext(
            "%(num)s bukti menunggu konfirmasi Anda",
            "%(num)s bukti menunggu konfirmasi Anda",
            waiting,
        )
        tasks.append(Task(text, f"{EVIDENCE}/menunggu", is_count=True))
    return [
        *tasks,
        *_agreements_that_end(workspace, agreements, own),
        *_risks_to_review(workspace, risks, own),
    ]


def _agreements_that_end(
    workspace: Workspace, records: Sequence[Record[Agreement]], own: set[str]
) -> list[Task]:
    """Return the agreements that end within 60 days and that no other one continues."""
    found = [(one, one.content) for one in records if one.content]
    continued = {agreement.renews for _, agreement in found}
    today = workspace.today
    ending = sorted(
        (agreement.valid_to, agreement.key, record, agreement)
        for record, agreement in found
        if agreement.valid_to
        and today <= agreement.valid_to <= today + ENDS_WITHIN
        and not agreement.renewed
        and agreement.key not in continued
        and _concerns(workspace, record.recorded_by, own, agreement.parties)
    )
    messages = workspace.page.messages
    return [
        Task(
            messages.gettext(
                "Perjanjian berakhir %(day)s: %(name)s",
                day=messages.long_date(end),
                name=title_of(workspace, agreement),
            ),
            f"{AGREEMENT.address}/{record.id}",
        )
        for end, _, record, agreement in ending[:MAX_LINES]
    ]


def _risks_to_review(
    workspace: Workspace, records: Sequence[Record[Risk]], own: set[str]
) -> list[Task]:
    """Return the risks on the register whose day of review has come."""
    today = workspace.today
    due = sorted(
        (risk.review_on, risk.key, record, risk)
        for record in records
        if (risk := record.content)
        and risk.review_on
        and risk.review_on <= today
        and (risk.valid_to or date.max) >= today
        and _concerns(workspace, record.recorded_by, own, [risk.owner] if risk.owner else [])
    )
    messages = workspace.page.messages
    return [
        Task(
            messages.gettext(
                "Tinjau risiko %(name)s: jadwalnya %(day)s",
                name=title_of(workspace, risk),
                day=messages.long_date(day),
            ),
            f"{RISK.address}/{record.id}",
            is_urgent=day < today,
        )
        for day, _, record, risk in due[:MAX_LINES]
    ]


def _concerns(workspace: Workspace, recorded_by: str, own: set[str], named: Iterable[str]) -> bool:
    return recorded_by == workspace.agency or not own.isdisjoint(named) or workspace.holds("lead")
