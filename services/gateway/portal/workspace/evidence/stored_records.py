"""Evidence as pages read it: a record with its newest content, and who recorded it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from services.assessment.client import Evidence, Record, Stakeholder
from services.gateway.portal.workspace.access import Workspace
from services.platform.translation import Translator

EvidenceT = TypeVar("EvidenceT", bound=Evidence)


@dataclass(frozen=True)
class Found(Generic[EvidenceT]):
    """A record in its newest version, with its newest content if that is to withdraw it."""

    record: Record[EvidenceT]
    tag: str
    content: EvidenceT


async def find_record(
    workspace: Workspace, model: type[EvidenceT], id: UUID
) -> Found[EvidenceT] | None:
    """Return a record of a model; None if there is none."""
    found = await workspace.assessment.find_evidence(model, id)
    if found is None:
        return None
    record, tag = found
    content = record.content
    version = record.version
    while content is None and version > 1:  # a version that is to withdraw the record
        version -= 1
        earlier = await workspace.assessment.find_evidence(model, id, version=version)
        content = None if earlier is None else earlier[0].content
    return None if content is None else Found(record, tag, content)


def file_size(messages: Translator) -> Callable[[int], str]:
    """Return what writes a number of bytes as offices know it."""

    def write(size: int) -> str:
        if size < 1_000_000:
            return f"{messages.number(max(1, round(size / 1000)))} KB"
        return f"{messages.number(size / 1_000_000, 1)} MB"

    return write


def author_name(workspace: Workspace, agencies: Mapping[str, str]) -> Callable[[str], str]:
    """Return what names who recorded something: an agency, the pack, or the lead of the hub."""
    messages = workspace.page.messages

    def name(recorded_by: str) -> str:
        if recorded_by == "pack":
            return messages.gettext("paket data kabupaten")
        return agencies.get(recorded_by) or messages.gettext("pengelola hub")

    return name


async def own_stakeholders(workspace: Workspace) -> set[str]:
    """Return the keys of the stakeholders that are of the agency for which the person acts."""
    found = [one.content for one in await workspace.assessment.list_evidence(Stakeholder)]
    return {one.key for one in found if one and one.agency and one.agency == workspace.agency}
