"""What the pages of evidence read: a record with its newest content, and names of what it cites."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path

from services.assessment.client import Agreement, Decision, Evidence, Record, Stakeholder
from services.gateway.portal.workspace.access import Enter, Workspace
from services.gateway.portal.workspace.evidence.fields import Choices, List
from services.gateway.portal.workspace.evidence.kinds import kind_of
from services.gateway.portal.workspace.evidence.record_kind import RecordKind
from services.gateway.portal.workspace.evidence.stored_records import (
    Found,
    author_name,
    find_record,
)
from services.gateway.portal.workspace.evidence.vocabulary import STATES
from services.platform.translation import N_

CHANGED = N_("Catatan ini berubah sesudah Anda membukanya. Baca yang terbaru, lalu ulangi.")
NOT_YOURS = N_("Hanya instansi yang mencatat bukti ini yang dapat mengubahnya.")

Reader = Annotated[Workspace, Depends(Enter("editor", "approver", "lead", "evaluator"))]
Recorder = Annotated[Workspace, Depends(Enter("editor", "lead", "evaluator"))]
Confirmer = Annotated[Workspace, Depends(Enter("approver", "lead"))]
KindSlug = Annotated[str, Path(max_length=40)]
RecordId = Annotated[UUID, Path()]


async def find_of_kind(workspace: Workspace, kind: RecordKind, id: UUID) -> Found[Evidence] | None:
    """Return a record of a kind; None if there is none, or if it is of another kind."""
    found = await find_record(workspace, kind.model, id)
    return found if found is not None and kind_of(found.content) is kind else None


async def read_lists(workspace: Workspace, kind: RecordKind) -> Mapping[List, Choices]:
    """Return what the fields of a kind can refer to, by keys, with names in the page's language."""
    stakeholders = await workspace.assessment.list_evidence(Stakeholder)
    lists: dict[List, Choices] = {"stakeholders": _names(workspace, stakeholders)}
    if kind.model is Agreement:
        lists["agreements"] = _names(workspace, await workspace.assessment.list_evidence(Agreement))
    if kind.model is Stakeholder:
        lists["decisions"] = _names(workspace, await workspace.assessment.list_evidence(Decision))
        lists["agencies"] = await workspace.agency_names()
    return lists


def title_of(workspace: Workspace, record: Evidence) -> str:
    """Return the name of a record in the page's language."""
    name: str = workspace.page.in_language(record, "name") or getattr(record, "name", record.key)
    return name


def labels(workspace: Workspace, agencies: Mapping[str, str]) -> dict[str, Any]:
    """Return what the templates of evidence call: names of states, authors, days."""
    messages = workspace.page.messages

    return {
        "states": messages.labels(STATES),
        "day": messages.long_date,
        "local_day": workspace.page.local_date,
        "author": author_name(workspace, agencies),
        "title_of": lambda record: title_of(workspace, record),
        "translated": messages.translate,
    }


def _names(workspace: Workspace, records: list[Record[Any]]) -> Choices:
    found = [one.content for one in records if one.content is not None]
    return {one.key: title_of(workspace, one) for one in found}
