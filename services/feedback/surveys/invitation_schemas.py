"""Request and response models of invitations to a round."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from services.feedback.surveys.round_schemas import RoundCode
from services.platform.api_model import ApiModel
from services.platform.types import ShortText, Slug

MAX_INVITED = 300
"""Stakeholders of a round: each may be asked about each other."""

StakeholderCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80),
    Field(
        description="Key of the stakeholder, as in the evidence of collaboration.",
        examples=["diskominfo"],
    ),
]


class Invited(ApiModel):
    """An organisation or a post, not a person by name."""

    code: StakeholderCode
    name: ShortText = Field(description="Of the organisation or post, not of a person.")
    name_en: ShortText


class InvitationRequest(ApiModel):
    """Whom to invite."""

    invited: list[Invited] = Field(
        min_length=1, max_length=MAX_INVITED, description="Organisations or posts to invite."
    )

    @model_validator(mode="after")
    def _check_unique(self) -> "InvitationRequest":
        codes = [one.code for one in self.invited]
        if len(set(codes)) != len(codes):
            raise ValueError("a stakeholder is invited once: the codes must be unique")
        return self


class Invitation(Invited):
    """An invitation with its link, until it is answered."""

    answered: bool = Field(description="Whether the invitation was answered.")
    path: str | None = Field(
        description="Path of the page on this hub that the stakeholder opens; null once answered."
    )


class Invitations(ApiModel):
    """The invitations of a round, by code."""

    survey: Slug
    round: RoundCode
    invited: int
    answered: int
    items: list[Invitation] = Field(max_length=MAX_INVITED)


class InvitationSubject(ApiModel):
    """Who is invited to what."""

    survey: Slug
    round: RoundCode
    closes_on: date
    invited: Invited = Field(description="Organisation or post that is invited.")
    partners: list[Invited] = Field(
        max_length=MAX_INVITED, description="The others who are invited to the round, by name."
    )
