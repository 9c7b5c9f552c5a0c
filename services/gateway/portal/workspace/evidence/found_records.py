"""What the pages of evidence read: a record with its newest content, and names of what it cites."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path

from services.assessment.client import (
    Agreement,
    Decision,
    Declaration,
    Evidence,
    IndexLevel,
    IndexValue,
    Record,
    Stakeholder,
    Verdict,
)
from services.gateway.portal.workspace.access import Enter, Workspace
from services.gateway.portal.workspace.evidence.fields import Choices, List
from services.gateway.portal.workspace.evidence.index_kinds import index_name
from services.gateway.portal.workspace.evidence.kinds import MODELS, kind_of
from services.gateway.portal.workspace.evidence.record_kind import RecordKind
from services.gateway.portal.workspace.evidence.stored_records import (
    Found,
    author_name,
    file_size,
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
    if kind.model is IndexLevel:
        return await _index_lists(workspace)
    if kind.model is IndexValue:
        indices = await workspace.assessment.list_indices()
        return {"indices": {one.id: workspace.page.in_language(one, "name") for one in indices}}
    if kind.model in {Verdict, Declaration}:
        return {}
    stakeholders = await workspace.assessment.list_evidence(Stakeholder)
    lists: dict[List, Choices] = {"stakeholders": _names(workspace, stakeholders)}
    if kind.model is Agreement:
        lists["agreements"] = _names(workspace, await workspace.assessment.list_evidence(Agreement))
    if kind.model is Stakeholder:
        lists["decisions"] = _names(workspace, await workspace.assessment.list_evidence(Decision))
        lists["agencies"] = await workspace.agency_names()
    return lists


async def _index_lists(workspace: Workspace) -> Mapping[List, Choices]:
    """Return the indicators of every index, and the levels that any of them has."""
    messages = workspace.page.messages
    indicators: dict[str, str] = {}
    levels: set[int] = set()
    for index in await workspace.assessment.list_indices():
        found = await workspace.assessment.find_index_levels(index.id)
        if found is None:
            continue
        name = index_name(found.id, messages)
        levels |= set(range(found.lowest_level, found.highest_level + 1))
        indicators |= {
            f"{found.id}:{one.number}": f"{name} {one.number}. {one.name or one.aspect}"
            for one in found.indicators
        }
    return {
        "indicators": indicators,
        "levels": {str(level): str(level) for level in sorted(levels)},
    }


def title_of(workspace: Workspace, record: Evidence) -> str:
    """Return the name of a record in the page's language, or what its kind says of it."""
    if isinstance(record, MODELS) and (title := kind_of(record).title) is not None:
        return title(record, workspace.page.messages)
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
        "file_size": file_size(messages),
        "title_of": lambda record: title_of(workspace, record),
        "translated": messages.translate,
    }


def _names(workspace: Workspace, records: list[Record[Any]]) -> Choices:
    found = [one.content for one in records if one.content is not None]
    return {one.key: title_of(workspace, one) for one in found}
