"""What organisations state about each other in a relational question, and what is published."""

from datetime import date
from typing import Annotated

from pydantic import Field

from services.feedback.surveys.invitation_schemas import MAX_INVITED, StakeholderCode
from services.feedback.surveys.question_kinds.base import Code, QuestionOption
from services.feedback.surveys.round_schemas import RoundCode
from services.platform.api_model import ApiModel
from services.platform.types import Slug, StrictNumber

Ratings = Annotated[
    list[Annotated[int, Field(ge=1, le=4), StrictNumber]], Field(min_length=3, max_length=3)
]
"""The levels, 1-4, of three items."""


class PartnerReport(ApiModel):
    """What an organisation states about a partner."""

    partner: StakeholderCode
    frequency: Code = Field(description="How often they work together: a code of the question.")
    exchanges: list[Code] = Field(
        default_factory=list[Code], max_length=12, description="What is exchanged."
    )
    trust: Ratings | None = Field(None, description="Trust in the partner: the three items.")
    value: Ratings | None = Field(None, description="Value of the partner: the three items.")


PartnerReports = Annotated[list[PartnerReport], Field(max_length=MAX_INVITED)]


class SurveyTie(ApiModel):
    """A tie as one side reports it."""

    reporter: StakeholderCode
    partner: StakeholderCode
    frequency: Code
    exchanges: list[Code] = Field(max_length=12)


class PartnerRating(ApiModel):
    """Trust in a stakeholder and its value, as at least five partners rate them."""

    partner: StakeholderCode
    raters: int = Field(ge=5, description="Number of partners who rated it.")
    trust: float | None = Field(
        ge=1, le=4, description="Mean of the three items; null of fewer than five raters."
    )
    value: float | None = Field(
        ge=1, le=4, description="Mean of the three items; null of fewer than five raters."
    )


class SurveyTies(ApiModel):
    """The ties that stakeholders reported in a round that is closed."""

    survey: Slug
    round: RoundCode
    closed_on: date = Field(description="Calendar day on which the round closed.")
    invited: int
    answered: int
    response_rate: float = Field(ge=0, le=1)
    stakeholders: list[StakeholderCode] = Field(
        max_length=MAX_INVITED, description="Who was invited."
    )
    reporters: list[StakeholderCode] = Field(
        max_length=MAX_INVITED, description="Who has answered: the others reported no tie or any."
    )
    frequencies: list[QuestionOption] = Field(description="How often, from the rarest.")
    exchanges: list[QuestionOption] = Field(description="What is exchanged.")
    ties: list[SurveyTie] = Field(description="Ties that were reported.")
    ratings: list[PartnerRating] = Field(
        description="Trust and value of each stakeholder, as partners rate them."
    )
