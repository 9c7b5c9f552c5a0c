"""Request and response models of held responses."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.feedback.surveys.schemas import HoldReason, Mode, ResponseState
from services.platform.api_model import ApiModel
from services.platform.types import TEXT_PATTERN

MAX_DECIDED = 500
Decision = Literal["release", "refuse"]
DecisionReason = Annotated[
    str,
    StringConstraints(pattern=TEXT_PATTERN, min_length=3, max_length=500, strip_whitespace=True),
]


class HeldResponse(ApiModel):
    """A response that looks unlike one person's own, without its answers."""

    id: UUID
    answered_on: date
    service: str | None
    agency: str | None
    channel: str | None
    mode: Mode
    reasons: list[HoldReason]
    sender: str | None = Field(
        description="The same for responses of one sender on one day; null once it was refused or "
        "published."
    )
    state: ResponseState
    decided_on: date | None
    decided_by: str | None = Field(description="The agency whose key decided.")
    decision_reason: str | None


class HeldResponses(ApiModel):
    """A decision about held responses, made of all of them or of none."""

    responses: list[UUID] = Field(min_length=1, max_length=MAX_DECIDED)
    decision: Decision = Field(
        description="`release`: they count, those of one sender still as one person's; `refuse`: "
        "they never count."
    )
    reason: DecisionReason = Field(description="What speaks for it; kept with the responses.")


class HeldDecision(ApiModel):
    """The receipt of a decision."""

    decision: Decision
    decided: int = Field(description="Responses.")
