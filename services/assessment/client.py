"""Client of assessment, for the gateway."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode
from uuid import UUID

import httpx
from pydantic import Field

from services.assessment.assessments.draft_schemas import (
    AssessmentDraft,
    AssessmentDraftItem,
    AssessmentDrafts,
)
from services.assessment.assessments.schemas import (
    Assessment,
    AssessmentSummary,
    CollaborationDynamics,
    Levers,
    MethodReference,
    NodeDetail,
    Trend,
    TrendPeriod,
)
from services.assessment.bundles.schemas import ImportedBundle
from services.assessment.evidence.api_models import Content, Record, RecordVersion, SourceItem
from services.assessment.evidence.attached_files import MAX_BYTES as MAX_ATTACHMENT_BYTES
from services.assessment.evidence.attachment_schemas import (
    AttachmentOfKind,
    EvidenceAttachment,
    EvidenceAttachments,
)
from services.assessment.evidence.exchange_schemas import EvidenceImportResult
from services.assessment.evidence.proposal_schemas import ProposedEvidence, ProposedRecords
from services.assessment.evidence.records import (
    EVIDENCE,
    ActionItem,
    Agreement,
    Attendance,
    Decision,
    Declaration,
    Evidence,
    EvidenceDocument,
    IndexLevel,
    IndexValue,
    Meeting,
    MeetingKind,
    Observation,
    Precision,
    Programme,
    Recognition,
    Risk,
    Stakeholder,
    TemporalEvidence,
    Verdict,
    key_of_level,
)
from services.assessment.evidence.states import EvidenceState
from services.assessment.index_level_schemas import IndexLevels, IndicatorLevel, RecordedLevel
from services.assessment.index_schemas import IndexItem
from services.assessment.methods.verdict_scale import VerdictBand, VerdictScale
from services.assessment.network.measures import NetworkMeasures
from services.assessment.network.schemas import StakeholderNetwork
from services.assessment.scenarios.effect_schemas import MAX_SCENARIO_CHANGES, ScoreEffect
from services.assessment.scenarios.outcome import IndexResult, NodeChange
from services.assessment.scoring.items import Item
from services.assessment.scoring.results import Gain, Lever, Sensitivity, Spread
from services.assessment.scoring.scores import (
    DimensionScore,
    ElementScore,
    FormerEvidence,
    IndicatorScore,
    LateEntry,
    Node,
    Scores,
)
from services.assessment.types import SECTORS, Sector, Unit
from services.platform.api_model import ApiModel
from services.platform.paging import Page
from services.platform.service import API
from services.platform.service_client import RequestRejectedError, ServiceClient, parse
from services.platform.spreadsheets.model import media_type_of

__all__ = [
    "MAX_ATTACHMENT_BYTES",
    "MAX_SCENARIO_CHANGES",
    "SECTORS",
    "ActionItem",
    "Agreement",
    "Assessment",
    "AssessmentClient",
    "AssessmentDraft",
    "AssessmentDraftItem",
    "AssessmentSummary",
    "Attendance",
    "CollaborationDynamics",
    "Decision",
    "Declaration",
    "DefinedNode",
    "DimensionScore",
    "ElementScore",
    "Evidence",
    "EvidenceAttachment",
    "EvidenceDocument",
    "EvidenceImportResult",
    "EvidenceState",
    "FormerEvidence",
    "Gain",
    "ImportedBundle",
    "IndexItem",
    "IndexLevel",
    "IndexLevels",
    "IndexResult",
    "IndexValue",
    "IndicatorLevel",
    "IndicatorScore",
    "Item",
    "LateEntry",
    "Lever",
    "Meeting",
    "MeetingKind",
    "MethodReference",
    "MethodWithBands",
    "NetworkMeasures",
    "Node",
    "NodeChange",
    "NodeDetail",
    "Observation",
    "Precision",
    "Programme",
    "Recognition",
    "Record",
    "RecordVersion",
    "RecordedLevel",
    "Risk",
    "ScoreEffect",
    "Scores",
    "Sector",
    "SourceItem",
    "Stakeholder",
    "TemporalEvidence",
    "Trend",
    "TrendPeriod",
    "Unit",
    "Verdict",
    "key_of_level",
    "record_of",
]


DRAFTS = f"{API}/assessments/drafts"
MAX_ASSESSMENTS = 500
"""The most that a list is followed for, far above what a regency makes."""


class DefinedNode(ApiModel):
    """What a method says of a node: why it is scored as it is, and by which source."""

    code: str
    reason: str | None = None
    source: str | None = None


class DefinedElement(DefinedNode):
    """An element or a driver with its indicators."""

    indicators: list[DefinedNode]


class DefinedDimension(DefinedNode):
    """A dimension with its elements."""

    elements: list[DefinedElement]


class DefinedMethod(ApiModel):
    """The parts of a method's definition that pages show."""

    verdicts: VerdictScale | None = None
    dimensions: list[DefinedDimension] = Field(default_factory=list[DefinedDimension])
    drivers: list[DefinedElement] = Field(default_factory=list[DefinedElement])

    def node(self, code: str) -> DefinedNode | None:
        """Return what the method says of a node; None if it has no such node."""
        elements = [element for dimension in self.dimensions for element in dimension.elements]
        elements += self.drivers
        indicators = [indicator for element in elements for indicator in element.indicators]
        nodes = (*self.dimensions, *elements, *indicators)
        return next((node for node in nodes if node.code == code), None)


class MethodWithBands(MethodReference):
    """The current version of a method."""

    definition: DefinedMethod

    @property
    def bands(self) -> dict[str, VerdictBand]:
        """The bands of verdicts by their codes."""
        scale = self.definition.verdicts
        return {} if scale is None else {band.code: band for band in scale.bands}


class AssessmentClient(ServiceClient):
    """Requests to assessment."""

    async def get_assessment(self, href: str) -> Assessment:
        """Return the assessment at an address."""
        return await self._get(Assessment, href)

    async def get_collaboration_dynamics(
        self, *, method: str, period: int | None, draws: int
    ) -> CollaborationDynamics:
        """Return the scores of a year by the current evidence, of None of the newest with an index.

        If none of the last years has an index, they are those of the current year.
        """
        query = {"method": method, "period": period, "draws": draws}
        path = f"{API}/metrics/collaboration-dynamics"
        return await self._get(CollaborationDynamics, path, query=query)

    async def find_current_node(
        self, code: str, *, method: str, period: int, draws: int
    ) -> NodeDetail | None:
        """Return a node of a year by the current evidence; None if the method has no such node."""
        query = {"method": method, "period": period, "draws": draws}
        path = f"{API}/metrics/collaboration-dynamics/{code}"
        return await self._find(NodeDetail, path, query=query)

    async def find_node(self, code: str, *, scores_href: str) -> NodeDetail | None:
        """Return a node of a stored assessment; None if it has no such node."""
        return await self._find(NodeDetail, f"{scores_href}/{code}")

    async def get_scenario_effect(
        self, scores: Mapping[str, float], *, method: str, period: int
    ) -> ScoreEffect:
        """Return the index of a year if these indicators had these scores."""
        query = urlencode(
            [
                ("period", str(period)),
                ("method", method),
                *(("score", f"{code}:{round(score, 4):g}") for code, score in scores.items()),
            ]
        )
        return await self._get(ScoreEffect, f"{API}/metrics/scenario?{query}")

    async def get_network(self, period: int) -> StakeholderNetwork:
        """Return the network of a year by meetings and agreements."""
        return await self._get(StakeholderNetwork, f"{API}/network", query={"period": period})

    async def get_method(self, method: str) -> MethodWithBands:
        """Return the current version of a method."""
        return await self._get(MethodWithBands, f"{API}/methods/{method}")

    async def get_trend(self, *, method: str) -> Trend:
        """Return the assessed years with what changed between them."""
        return await self._get(Trend, f"{API}/metrics/trend", query={"method": method})

    async def find_spread(self, sensitivity_href: str) -> Spread | None:
        """Return the range of an index by its evidence and by the choices of its method."""
        return (await self._get(Sensitivity, sensitivity_href)).spread

    async def list_levers(self, assessment_href: str) -> list[Lever]:
        """Return the actions that would raise the index of an assessment."""
        return (await self._get(Levers, f"{assessment_href}/levers")).items

    async def list_newest_assessments(self, *, method: str) -> dict[int, AssessmentSummary]:
        """Return the newest published assessment of each year by a method."""
        query = {"method": method, "limit": 100}
        page = Page[AssessmentSummary]
        found = await self._list(page, f"{API}/assessments", query=query, most=MAX_ASSESSMENTS)
        return {one.period: one for one in reversed(found)}

    async def list_bundles(self) -> list[ImportedBundle]:
        """Return the assessments of other regencies that this hub has stored."""
        page = Page[ImportedBundle]
        return await self._list(page, f"{API}/bundles", query={"limit": 100}, most=MAX_ASSESSMENTS)

    # Drafts

    async def draft_assessment(
        self, *, method: str, period: int, idempotency_key: str
    ) -> AssessmentDraft:
        """Assess a year by the current evidence, as a draft."""
        body = {"method": method, "period": period}
        headers = {"Idempotency-Key": idempotency_key}
        return parse(
            AssessmentDraft, await self._request("POST", DRAFTS, json=body, headers=headers)
        )

    async def list_drafts(self) -> list[AssessmentDraftItem]:
        """Return the drafts that wait for publication, the newest first."""
        return (await self._get(AssessmentDrafts, DRAFTS)).items

    async def find_draft(self, id: UUID) -> AssessmentDraft | None:
        """Return a draft with its scores; None if there is none, or it is published."""
        return await self._find(AssessmentDraft, f"{DRAFTS}/{id}")

    async def publish_draft(self, id: UUID) -> None:
        """Publish a draft that another person has made."""
        await self._request("POST", f"{DRAFTS}/{id}/publication")

    async def delete_draft(self, id: UUID) -> None:
        """Delete a draft."""
        await self._request("DELETE", f"{DRAFTS}/{id}")

    # Indices

    async def list_indices(self) -> list[IndexItem]:
        """Return the known indices with their published values."""
        return (await self._get(Page[IndexItem], f"{API}/indices")).items

    async def find_index_levels(self, index: str, *, year: int | None = None) -> IndexLevels | None:
        """Return the workbook of an index and a year; None if there is no such index."""
        return await self._find(IndexLevels, f"{API}/indices/{index}/levels", query={"year": year})

    async def find_index_levels_file(
        self, index: str, ending: Literal["xlsx", "csv"], *, year: int | None = None
    ) -> httpx.Response | None:
        """Return the same as a file, with its headers; None if there is no such index."""
        path = f"{API}/indices/{index}/levels.{ending}"
        try:
            return await self._request("GET", path, query={"year": year})
        except RequestRejectedError as error:
            if error.status == 404:
                return None
            raise

    # Evidence

    async def list_evidence(
        self, model: type[Content], *, state: EvidenceState | None = None
    ) -> list[Record[Content]]:
        """Return the records of a kind in their newest content, or those in a state."""
        page = Page[Record[model]]
        query = {"limit": 100, "state": state}
        return await self._list(page, _address(model), query=query, most=None)

    async def count_proposed_evidence(self) -> list[ProposedRecords]:
        """Return how many records wait to be confirmed, by kind and who recorded them."""
        return (await self._get(ProposedEvidence, f"{API}/evidence/proposals")).items

    async def find_evidence(
        self, model: type[Content], id: UUID, *, version: int | None = None
    ) -> tuple[Record[Content], str] | None:
        """Return a record with its entity tag, in its newest or another version."""
        query = {"version": version}
        try:
            response = await self._request("GET", f"{_address(model)}/{id}", query=query)
        except RequestRejectedError as error:
            if error.status == 404:
                return None
            raise
        return parse(Record[model], response), response.headers["ETag"]

    async def list_evidence_versions(
        self, model: type[Evidence], id: UUID
    ) -> list[RecordVersion] | None:
        """Return the versions of a record, the newest first; None if there is no such record."""
        found = await self._find(Page[RecordVersion], f"{_address(model)}/{id}/versions")
        return None if found is None else found.items

    async def record_evidence(self, record: Content, *, idempotency_key: str) -> Record[Content]:
        """Propose a record as evidence."""
        headers = {"Idempotency-Key": idempotency_key}
        body = record.model_dump(mode="json")
        model = type(record)
        response = await self._request("POST", _address(model), json=body, headers=headers)
        return parse(Record[model], response)

    async def correct_evidence(self, id: UUID, record: Evidence, *, tag: str) -> None:
        """Propose a correction of the record that has this entity tag."""
        body = record.model_dump(mode="json")
        path = f"{_address(type(record))}/{id}"
        await self._request("PUT", path, json=body, headers={"If-Match": tag})

    async def withdraw_evidence(
        self, model: type[Evidence], id: UUID, *, tag: str, reason: str
    ) -> None:
        """Withdraw the record that has this entity tag, or propose it if scores read it."""
        path = f"{_address(model)}/{id}"
        await self._request("DELETE", path, query={"reason": reason}, headers={"If-Match": tag})

    async def confirm_evidence(
        self, model: type[Evidence], id: UUID, *, version: int, note: str | None = None
    ) -> None:
        """Confirm a version of a record, so that scores read it, with a note if there is one."""
        path = f"{_version(model, id, version)}/confirmation"
        await self._request("POST", path, json={"note": note})

    async def import_evidence(self, content: bytes, *, dry_run: bool) -> EvidenceImportResult:
        """Record what a workbook has, or only check it."""
        response = await self._request(
            "POST",
            f"{API}/evidence/import",
            query={"dry_run": dry_run},
            headers={"Content-Type": media_type_of(content)},
            content=content,
        )
        return parse(EvidenceImportResult, response)

    async def dispute_evidence(
        self, model: type[Evidence], id: UUID, *, version: int, reason: str
    ) -> None:
        """Dispute a version of a record, so that scores do not read it."""
        body = {"reason": reason}
        await self._request("POST", f"{_version(model, id, version)}/dispute", json=body)

    # Files attached to evidence

    async def list_attachments(self, model: type[Evidence], id: UUID) -> list[EvidenceAttachment]:
        """Return the files of a record, the oldest first."""
        return (await self._get(EvidenceAttachments, _files(model, id))).items

    async def list_attachments_of_kind(self, model: type[Evidence]) -> list[AttachmentOfKind]:
        """Return the files of all records of a kind, the oldest first."""
        address = f"{API}/evidence/{_NAMES[model]}/attachments"
        return await self._list(Page[AttachmentOfKind], address, query={"limit": 100}, most=None)

    async def attach_file(
        self, model: type[Evidence], id: UUID, content: bytes, *, name: str | None
    ) -> EvidenceAttachment:
        """Attach a file to a record; assessment reads its type from the content."""
        headers = {"Content-Type": "application/octet-stream"}
        response = await self._request(
            "POST", _files(model, id), query={"name": name}, headers=headers, content=content
        )
        return parse(EvidenceAttachment, response)

    async def find_attachment(
        self, model: type[Evidence], id: UUID, sha256: str
    ) -> httpx.Response | None:
        """Return a file with its headers; None if the record has no such file."""
        try:
            return await self._request("GET", f"{_files(model, id)}/{sha256}")
        except RequestRejectedError as error:
            if error.status in {404, 422}:
                return None
            raise

    async def delete_attachment(self, model: type[Evidence], id: UUID, sha256: str) -> None:
        """Delete a file with which nobody has confirmed the record."""
        await self._request("DELETE", f"{_files(model, id)}/{sha256}")


def record_of(item: Item) -> Evidence | None:
    """Return the record that a piece of evidence is; None of a report of another service."""
    model = EVIDENCE.get(item.kind)
    return None if model is None else model.model_validate(item.content, extra="ignore")


_NAMES: Mapping[type[Evidence], str] = {model: name for name, model in EVIDENCE.items()}


def _address(model: type[Evidence]) -> str:
    return f"{API}/{_NAMES[model]}"


def _files(model: type[Evidence], id: UUID) -> str:
    return f"{API}/evidence/{_NAMES[model]}/{id}/attachments"


def _version(model: type[Evidence], id: UUID, version: int) -> str:
    return f"{API}/evidence/{_NAMES[model]}/{id}/versions/{version}"
