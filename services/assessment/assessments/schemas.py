"""Request and response models of assessments."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import AwareDatetime, Field

from services.assessment.evidence.api_models import SourceItem
from services.assessment.scoring.items import Item
from services.assessment.scoring.results import Lever, YearComparison
from services.assessment.scoring.scores import Node, Scores
from services.platform.api_model import ApiModel
from services.platform.types import Href, RegionCode, Sha256, Slug, StrictNumber, Year

DEFAULT_METHOD = "cgr-2015"
DEFAULT_DRAWS = 10_000

AssessmentId = Annotated[UUID, Path(description="Id of a stored assessment.")]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1, description="Seed of the simulation.")]
DrawCount = Annotated[
    int, Field(ge=100, le=100_000, description="Draws of the simulation.", examples=[10_000])
]


class MethodReference(ApiModel):
    """The method behind a result; two methods with one hash are the same."""

    id: Slug = Field(description="Name of the method in addresses, such as `cgr-2015`.")
    version: int = Field(description="Version of the method, from 1.")
    hash: Sha256
    href: Href


class AssessmentRequest(ApiModel):
    """Year, method and simulation settings of an assessment to be made."""

    period: Annotated[Year, StrictNumber] = Field(description="Calendar year to be assessed.")
    method: Slug = DEFAULT_METHOD
    seed: Annotated[Seed, StrictNumber] = 1
    draws: Annotated[DrawCount, StrictNumber] = DEFAULT_DRAWS


class AssessmentSummary(ApiModel):
    """A stored assessment without its scores; it never changes."""

    id: UUID
    region: RegionCode
    period: int = Field(description="Calendar year that was assessed.")
    method: MethodReference = Field(description="Method by which it was made.")
    seed: int
    draws: int
    provisional: bool = Field(
        description="Whether the year had not ended: what is yet to happen in it is not counted."
    )
    evidence_hash: Sha256 = Field(description="SHA-256 of all evidence that was read.")
    recorded_at: AwareDatetime
    recorded_by: str
    index: Node
    href: Href
    scores_href: Href
    evidence_href: Href
    sensitivity_href: Href
    bundle_href: Href
    report_href: Href


class Assessment(AssessmentSummary):
    """A stored assessment with its scores."""

    scores: Scores


class AssessmentEvidence(ApiModel):
    """All evidence that an assessment read, in the versions of that time."""

    items: list[Item] = Field(description="Records and reports, in the versions that were read.")
    next: str | None = None


class ScoreNodes(ApiModel):
    """Every node of an assessment as a flat list, parents before children."""

    items: list[Node]
    next: str | None = None


class NodeDetail(ApiModel):
    """One node of an assessment, with the addresses of its parent and children."""

    node: Node = Field(description="Code, names and score of the node.")
    raw: float | None = Field(None, description="Of an indicator: the value before goalposts.")
    inputs: dict[str, float] = Field(
        default_factory=dict[str, float], description="Values that entered the measure, by name."
    )
    evidence: list[Item] = Field(
        default_factory=list[Item], description="Of an indicator: what it was computed from."
    )
    sources: list[SourceItem] = Field(
        default_factory=list[SourceItem], description="The sources that this evidence cites."
    )
    parent: str | None = Field(description="Address of the node above.")
    children: list[str] = Field(description="Addresses of the nodes below.")


class Levers(ApiModel):
    """Actions that the method names, the largest gain first."""

    items: list[Lever]
    reason: str | None = Field(None, description="Reason for an empty list.")


class CollaborationDynamics(ApiModel):
    """Collaboration in a year by the current evidence: index, dimensions, elements, drivers.

    Nothing is stored; `POST assessments` stores the same figures permanently.
    """

    region: RegionCode
    period: int = Field(description="Calendar year whose evidence was read.")
    method: MethodReference = Field(description="Method by which it was made.")
    seed: int
    draws: int
    provisional: bool = Field(
        description="Whether the year had not ended: what is yet to happen in it is not counted."
    )
    evidence_hash: Sha256 = Field(description="SHA-256 of all evidence that was read.")
    notices: list[str] = Field(
        description="Services that did not answer, with the time of the cached figures."
    )
    scores: Scores


class TrendPeriod(ApiModel):
    """A year by its newest assessment."""

    period: int = Field(description="Calendar year that was assessed.")
    provisional: bool = Field(
        description="Whether the year had not ended: what is yet to happen in it is not counted."
    )
    assessment_href: Href
    method_version: int
    method_hash: Sha256
    method_changed: bool = Field(
        description="Whether the year before was assessed by another version of the method: then "
        "the two cannot be compared."
    )
    nodes: list[Node]
    since: int | None = Field(description="The year before that was assessed.")
    comparison: YearComparison | None = Field(
        description="What changed since the year before; null if the two cannot be compared."
    )


class Trend(ApiModel):
    """The years that a method assessed, in order."""

    method: str
    current_hash: Sha256 | None = Field(
        None,
        description="Hash of the method as it is now: years with another `method_hash` were "
        "assessed by another version. Null if there is no such method.",
    )
    items: list[TrendPeriod] = Field(description="Years, the earliest first.")
