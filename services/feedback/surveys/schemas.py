"""Surveys over the wire."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.feedback.surveys.definition import Answer, Code, Survey
from services.feedback.surveys.skm import Grade, Weight
from services.feedback.usage.schemas import ChannelKind
from services.platform.fields import Day, DistrictCode, Slug

SMALLEST_GROUP = 5
"""Results of fewer respondents are not published."""


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SurveyItem(Wire):
    """A survey as it stands in a list."""

    slug: str
    kind: str
    title: str
    title_en: str
    version: int
    questions: int
    href: str
    results_href: str


class SurveyDetail(Wire):
    """A survey with its questions."""

    survey: Survey
    version: int
    href: str


class Response(Wire):
    """Somebody's answers. Nothing in it tells who."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "answered_on": "2024-05-14",
                    "service": "ktp-el",
                    "answers": dict.fromkeys(
                        ("U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U9"), 4
                    ),
                }
            ]
        }
    )

    id: UUID | None = Field(
        None, description="Made by the sender, so that a repeated response counts once."
    )
    answered_on: Day | None = Field(
        None, description="Day of the answers; default today. From 2020 on, not in the future."
    )
    service: Slug | None = None
    agency: Slug | None = None
    channel: ChannelKind | None = None
    district: DistrictCode | None = None
    answers: dict[Code, Answer] = Field(
        max_length=100,
        description="By question: an option's code, a list of codes, or a level from 1 to 4.",
    )


class ResponseStored(Wire):
    """The receipt for a response."""

    id: UUID
    survey: str
    version: int
    answered_on: date
    repeated: bool = Field(description="Whether this response was stored before.")


class OptionCount(Wire):
    """How many chose an option."""

    code: str
    text: str
    count: int
    share: float = Field(ge=0, le=1, description="Of those who answered the question.")


class QuestionResult(Wire):
    """The answers to one question."""

    code: str
    text: str
    answered: int
    mean: float | None = Field(None, description="Mean level, for a question of kind scale4.")
    options: list[OptionCount]


class SkmElement(Wire):
    """One of the nine elements of service satisfaction."""

    code: str
    text: str
    total: int
    nrr: float = Field(ge=1, le=4, description="Mean value of the element (NRR).")


class Satisfaction(Wire):
    """The index IKM (PermenPANRB 14/2017)."""

    ikm: float
    grade: Grade
    low: float = Field(description="Lower end of the 95% interval.")
    high: float = Field(description="Upper end of the 95% interval.")
    weight: Weight = Field(description="Weight of each element that was used.")
    elements: list[SkmElement]


class SurveyResults(Wire):
    """Results of a survey in a year; nothing but a note where fewer than 5 answered."""

    survey: str
    version: int
    period: int
    n: int | None = Field(description="Respondents; null where they are too few to publish.")
    suppressed: bool = Field(description="Whether there are answers, but too few to publish.")
    questions: list[QuestionResult] = Field(
        description="Those that at least 5 answered, in the order of the survey."
    )
    satisfaction: Satisfaction | None = None


WeightQuery = Annotated[Weight, Field(description="Weight of each SKM element.")]
