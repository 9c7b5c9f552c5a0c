"""Response models of drafts of assessments."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from services.assessment.assessments.schemas import MethodReference
from services.assessment.scoring.scores import Node, Scores
from services.platform.api_model import ApiModel
from services.platform.types import Href, RegionCode, Sha256

MAX_DRAFTS = 100


class AssessmentDraftItem(ApiModel):
    """A draft of an assessment without its scores."""

    id: UUID = Field(description="It stays the id of the assessment once that is published.")
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
    recorded_by: str = Field(description="Agency for which it was made.")
    drafted_by: str = Field(description="The person, or the key, who does not publish it.")
    index: Node
    href: Href


class AssessmentDraft(AssessmentDraftItem):
    """A draft of an assessment with its scores."""

    scores: Scores


class AssessmentDrafts(ApiModel):
    """The drafts that wait for publication."""

    items: list[AssessmentDraftItem] = Field(
        max_length=MAX_DRAFTS, description=f"The newest first, at most {MAX_DRAFTS}."
    )
