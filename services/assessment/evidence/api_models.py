"""API models of evidence: its kinds, and a record of a kind."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import text

from services.assessment.evidence import store
from services.assessment.evidence.records import (
    Agreement,
    Decision,
    Declaration,
    Evidence,
    IndexLevel,
    IndexValue,
    Meeting,
    Observation,
    Programme,
    Recognition,
    Risk,
    Stakeholder,
    Verdict,
)
from services.assessment.evidence.states import EvidenceState, EvidenceStateChange
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.packs import Source
from services.platform.problems import NotFound
from services.platform.service import API
from services.platform.types import Href

Content = TypeVar("Content", bound=Evidence)

RecordId = Annotated[UUID, Path(description="Id of the record.")]


class SourceItem(Source):
    """A source with its address."""

    href: Href


class Record(BaseModel, Generic[Content]):
    """A piece of evidence in one version, with its sources in full."""

    model_config = ConfigDict(
        extra="forbid",
        defer_build=True,
        json_schema_extra={
            "description": "A piece of evidence in one version, with its sources in full."
        },
    )

    id: UUID
    version: int
    recorded_at: AwareDatetime
    recorded_by: str = Field(description="Agency that recorded this version, or `pack`.")
    state: EvidenceState = Field(description="State of this version; scores read confirmed ones.")
    states: list[EvidenceStateChange] = Field(
        description="How its state came about, the first step first."
    )
    content: Content | None
    """Null in the version that withdrew the record."""
    sources: list[SourceItem] = Field(description="Sources that the record cites, in full.")
    href: Href


class RecordVersion(ApiModel):
    """One version of a record."""

    version: int
    recorded_at: AwareDatetime
    recorded_by: str
    withdrawn: bool = Field(description="Whether this version is to withdraw the record.")
    state: EvidenceState = Field(description="State of the version; scores read confirmed ones.")
    states: list[EvidenceStateChange] = Field(
        description="How its state came about, the first step first."
    )
    href: Href


def source_item(content: Mapping[str, Any]) -> SourceItem:
    """Return a stored source with its address."""
    return SourceItem(**content, href=f"{API}/sources/{content['id']}")


@dataclass(frozen=True)
class EvidenceKind(Generic[Content]):
    """A kind of evidence: its name in addresses, its singular, and its model."""

    name: str
    singular: str
    model: type[Content]

    @property
    def operation(self) -> str:
        """The singular in the form of operation ids."""
        return self.singular.replace(" ", "_")

    @property
    def meaning(self) -> str:
        """The first sentence about the kind, from its model."""
        return inspect.getdoc(self.model) or ""

    def record(self, row: Any) -> Record[Content]:
        """Return a record from a row of the store."""
        return Record[self.model](
            id=row.id,
            version=row.version,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by,
            state=row.states[-1]["state"],
            states=row.states,
            content=None if row.content is None else self.model.model_validate(row.content),
            sources=[source_item(content) for content in row.sources],
            href=f"{API}/{self.name}/{row.id}?version={row.version}",
        )

    async def find(
        self,
        session: ReadSession | WriteSession,
        region: str,
        record_id: UUID,
        *,
        version: int | None = None,
    ) -> tuple[str, Record[Content]]:
        """Return the key of a record, and the record in a version (None: the newest)."""
        parameters = {"region": region, "kind": self.name, "id": record_id, "version": version}
        parameters |= {"as_of": None}
        row = (await session.execute(text(store.RECORD), parameters)).one_or_none()
        if row is None:
            raise self.not_found(record_id)
        return row.key, self.record(row)

    def not_found(self, record_id: UUID) -> NotFound:
        detail = f"There is no {self.singular} {record_id} in that version; see {API}/{self.name}."
        return NotFound(detail)


KINDS: tuple[EvidenceKind[Any], ...] = (
    EvidenceKind("stakeholders", "stakeholder", Stakeholder),
    EvidenceKind("meetings", "meeting", Meeting),
    EvidenceKind("agreements", "agreement", Agreement),
    EvidenceKind("decisions", "decision", Decision),
    EvidenceKind("programmes", "programme", Programme),
    EvidenceKind("risks", "risk", Risk),
    EvidenceKind("recognitions", "recognition", Recognition),
    EvidenceKind("observations", "observation", Observation),
    EvidenceKind("index-values", "index value", IndexValue),
    EvidenceKind("index-levels", "index level", IndexLevel),
    EvidenceKind("verdicts", "verdict", Verdict),
    EvidenceKind("declarations", "declaration", Declaration),
)
