"""Request and response models of held responses."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.feedback.surveys.schemas import HoldReason, Mode, ResponseState
from services.platform.api_model import ApiModel
from services.platform.types import LINES_PATTERN, LineBreaks

MAX_DECIDED = 500
Decision = Literal["release", "refuse"]
DecisionReason = Annotated[
    str,
    StringConstraints(pattern=LINES_PATTERN, min_length=3, max_length=500, strip_whitespace=True),
    LineBreaks,
]


class HeldResponse(ApiModel):
    """A response that looks unlike one person's own, without its answers."""

    id: UUID
    answered_on: date
    service: str | None
    agency: str | None
    channel: str | None
    mode: Mode = Field(description="How the questions were answered.")
    reasons: list[HoldReason]
    sender: str | None = Field(
        description="The same for responses of one sender on one day; null once it was refused or "
        "published."
    )
    state: ResponseState = Field(description="Whether the response is held, counts or is refused.")
    decided_on: date | None = Field(
        description="Calendar day of the decision; null while there is none."
    )
    decided_by: str | None = Field(description="The agency whose key decided.")
    decision_reason: str | None = Field(
        description="Why it was decided so, in words; null while it is not."
    )


class HeldResponses(ApiModel):
    """A decision about held responses, made of all of them or of none."""

    responses: list[UUID] = Field(
        min_length=1, max_length=MAX_DECIDED, description="Ids of the responses."
    )
    decision: Decision = Field(
        description="`release`: they count, those of one sender still as one person's; `refuse`: "
        "they never count."
    )
    reason: DecisionReason = Field(description="What speaks for it; kept with the responses.")


class HeldDecision(ApiModel):
    """The receipt of a decision."""

    decision: Decision = Field(
        description="Whether the responses count from now on or are refused."
    )
    decided: int = Field(description="Responses.")
