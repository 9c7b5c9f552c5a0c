"""Request and response models of the rounds of a survey."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from services.feedback.surveys.samples import SampleDesign
from services.platform.api_model import ApiModel
from services.platform.types import Href, IsoDate, Slug

RoundCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40),
    Field(examples=["2026", "2026-maret"]),
]
RoundState = Literal["planned", "open", "closed"]

MAX_POPULATION = 2_000_000_000


class Round(ApiModel):
    """A round: the days for which a survey is answered, and how its respondents are found."""

    opens_on: IsoDate = Field(description="The first day for which it is answered.")
    closes_on: IsoDate = Field(description="The last day; of the same year as the first.")
    sample: SampleDesign = Field(
        description="`drawn`: a sample that was drawn at random, asked by enumerators; `quota`: "
        "enumerators ask until quotas are filled; `invited`: the stakeholders that are invited, "
        "each with a link of its own, and nobody else; `self_selected`: whoever answers."
    )
    population: int | None = Field(
        None,
        ge=1,
        le=MAX_POPULATION,
        description="How many people the sample stands for, if that is known; of invited "
        "stakeholders it is their number.",
    )
    asked: int | None = Field(
        None,
        ge=1,
        le=MAX_POPULATION,
        description="How many people were drawn, whether or not they answer: for the response "
        "rate. Of invited stakeholders it is their number.",
    )

    @model_validator(mode="after")
    def _check(self) -> "Round":
        if self.closes_on < self.opens_on:
            raise ValueError("closes_on must not be before opens_on")
        if self.closes_on.year != self.opens_on.year:
            raise ValueError("opens_on and closes_on must be in the same year")
        if self.sample == "invited" and (self.population or self.asked):
            raise ValueError("population and asked are the number of those invited; omit them")
        if self.sample == "self_selected" and self.asked:
            raise ValueError("asked must be omitted: nobody is asked who answers by themselves")
        if self.population and self.asked and self.asked > self.population:
            raise ValueError("asked must not be above population")
        return self


class StoredRound(ApiModel):
    """A round with its state and its response rate."""

    round: RoundCode
    survey: Slug
    content: Round = Field(description="The round as it was stored.")
    agency: str | None = Field(description="The agency that opened it; null: an administrator.")
    href: Href


class RoundSummary(ApiModel):
    """A round as results and lists show it."""

    round: RoundCode
    opens_on: date
    closes_on: date
    state: RoundState = Field(description="Today, by the regency's time zone.")
    sample: SampleDesign
    population: int | None
    asked: int | None = Field(description="How many were drawn or invited; null if unknown.")
    answered: int | None = Field(None, description="How many of those invited have answered.")
    response_rate: float | None = Field(
        None, ge=0, le=1, description="Share of those invited who have answered."
    )
    href: Href


class SurveyRounds(ApiModel):
    """The rounds of a survey, the newest first."""

    survey: Slug
    items: list[RoundSummary] = Field(max_length=200, description="The rounds, the newest first.")
