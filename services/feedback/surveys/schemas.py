"""Surveys over the wire."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.feedback.channels import ChannelKind
from services.feedback.surveys.definition import Answer, Code, Survey, SurveyKind
from services.feedback.surveys.periods import PeriodText
from services.feedback.surveys.skm import ELEMENTS, Grade, Weight
from services.platform.api_model import ApiModel
from services.platform.types import DistrictCode, Href, IsoDate, ShortText, Slug

Mode = Literal["page", "qr", "kiosk", "enumerator", "api"]
"""How a survey was answered; `channel` says how the service was used."""


Token = Annotated[
    str, StringConstraints(pattern=r"^[a-z2-7]{16}$"), Field(examples=["k5xw4zlomn2ga3tb"])
]
"""A token that proves a use (`ratings.py`)."""


class SurveyItem(ApiModel):
    """A survey as it stands in a list."""

    slug: Slug
    kind: SurveyKind
    title: ShortText
    title_en: ShortText
    version: int
    needs_token: bool = Field(description="Whether it is answered with a token alone.")
    languages: list[str] = Field(description="Languages in which it can be read.")
    questions: int
    href: Href
    results_href: Href


class SurveyDetail(ApiModel):
    """A survey with its questions."""

    survey: Survey
    version: int
    languages: list[str]
    href: Href


class Response(ApiModel):
    """Somebody's answers. Nothing in it tells who."""

    id: UUID | None = Field(
        None, description="Made by the sender, so that a repeated response counts once."
    )
    answered_on: IsoDate | None = Field(
        None, description="Day of the answers; default today. From 2020 on, not in the future."
    )
    version: int | None = Field(
        None, ge=1, description="The version that was answered; default: the newest."
    )
    service: Slug | None = Field(None, description="The service that was used.")
    agency: Slug | None = Field(None, description="Default: the agency that offers the service.")
    channel: ChannelKind | None = Field(None, description="How the service was used.")
    district: DistrictCode | None = None
    mode: Mode = Field("api", description="How the survey was answered.")
    token: Token | None = Field(
        None,
        description="Proves a use, where the survey asks for it. What it is about comes from it.",
    )
    answers: dict[Code, Answer] = Field(
        max_length=100,
        description="By question: an option's code, a list of codes, a level from 1 to 4, or a "
        "number.",
    )


class ResponseStored(ApiModel):
    """The receipt for a response."""

    id: UUID
    survey: Slug
    version: int
    answered_on: date
    repeated: bool = Field(description="Whether this response was stored before.")


class OptionCount(ApiModel):
    """How many chose an option."""

    code: str
    text: str
    text_en: str
    count: int
    share: float = Field(ge=0, le=1, description="Of those who answered the question.")


class QuestionResult(ApiModel):
    """The answers to one question."""

    code: str
    kind: str
    text: str
    text_en: str
    answered: int = Field(ge=5)
    mean: float | None = Field(
        None, description="Mean level or number, for a question of kind scale4 or number."
    )
    options: list[OptionCount]


class SkmElement(ApiModel):
    """One of the nine elements of service satisfaction."""

    code: str
    text: str
    text_en: str
    total: int
    nrr: float = Field(ge=1, le=4, description="Mean value of the element (NRR).")


class Satisfaction(ApiModel):
    """The index IKM (PermenPANRB 14/2017)."""

    ikm: float
    grade: Grade
    low: float = Field(description="Lower end of the 95% interval.")
    high: float = Field(description="Upper end of the 95% interval.")
    weight: Weight = Field(description="Weight of each element that was used.")
    n: int = Field(ge=5, description="Responses that answer all nine elements.")
    elements: list[SkmElement] = Field(max_length=len(ELEMENTS))
    priorities: list[str] = Field(
        max_length=len(ELEMENTS),
        description="Elements in the order in which they need work: the lowest NRR first.",
    )


class Sample(ApiModel):
    """Whether the responses are as many as a population needs (Krejcie and Morgan)."""

    population: int
    needed: int
    enough: bool


class SampleSize(ApiModel):
    """How many responses a population needs (Krejcie and Morgan)."""

    population: int
    needed: int


class GroupResults(ApiModel):
    """The figures of a group of at least 5."""

    n: int = Field(ge=5)
    questions: list[QuestionResult] = Field(
        description="Those that at least 5 answered, in the order of the survey."
    )
    satisfaction: Satisfaction | None = None


class SurveyResults(ApiModel):
    """Results of a survey in a period; nothing but a note where fewer than 5 answered.

    Figures grow by whole bundles of at least 5 responses, so that no two of them differ by
    fewer: the newest responses may still wait.
    """

    survey: Slug
    version: int = Field(description="The newest version of the survey.")
    versions: list[int] = Field(description="Versions that these responses answered.")
    period: int = Field(description="The year.")
    span: PeriodText = Field(description="The period: `2024`, `2024-S1`, `2024-Q3` or `2024-07`.")
    service: Slug | None = None
    agency: Slug | None = None
    channel: ChannelKind | None = None
    district: DistrictCode | None = None
    n: int | None = Field(description="Respondents; null where they are too few to publish.")
    suppressed: bool = Field(
        description="Whether the survey has answers in this year, but too few to publish here."
    )
    questions: list[QuestionResult] = Field(
        description="Those that at least 5 answered, in the order of the survey."
    )
    satisfaction: Satisfaction | None = None
    sample: Sample | None = None


class BreakdownItem(ApiModel):
    """One group of a breakdown."""

    value: str | None = Field(
        description="Of the dimension; empty where it was not said, null where groups too small "
        "to be published by themselves are pooled."
    )
    results: GroupResults


class SurveyBreakdown(ApiModel):
    """Results by one dimension: each group has at least 5, and together they are the total."""

    survey: Slug
    version: int
    versions: list[int]
    span: PeriodText
    by: str
    n: int | None = Field(description="Respondents; null where they are too few to publish.")
    items: list[BreakdownItem]


class WeightedOption(ApiModel):
    """How many chose an option, and what share of the population they stand for."""

    code: str
    text: str
    count: int = Field(description="Responses, not weighted.")
    share: float = Field(ge=0, le=1.000001, description="Weighted, of those who answered.")


class WeightedQuestion(ApiModel):
    """The weighted answers to one question."""

    code: str
    text: str
    mean: float | None = Field(None, description="Weighted mean of levels or numbers.")
    options: list[WeightedOption]


class WeightedResults(ApiModel):
    """Results weighted to the margins of the population (raking)."""

    survey: Slug
    span: PeriodText
    by: list[str] = Field(description="Characteristics whose margins the weights meet.")
    n: int = Field(description="Responses that tell every characteristic.")
    left_out: int = Field(description="Responses that do not.")
    effective_n: float = Field(description="Kish's effective size of the weighted sample.")
    questions: list[WeightedQuestion]


WeightQuery = Annotated[Weight, Field(description="Weight of each SKM element.")]
