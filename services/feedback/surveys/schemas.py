"""Request and response models of surveys."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.feedback.channels import ChannelKind
from services.feedback.form_checks import FormFault, FormToken, Honeypot
from services.feedback.periods import PeriodText
from services.feedback.surveys.definition import Question, Survey, SurveyKind
from services.feedback.surveys.question_kinds.base import Answer, AnswerType, Code
from services.feedback.surveys.relation_schemas import PartnerReport, PartnerReports
from services.feedback.surveys.round_schemas import RoundCode, RoundSummary
from services.feedback.surveys.samples import SampleKind
from services.feedback.surveys.skm import ELEMENTS, Grade, Weight
from services.platform.api_model import ApiModel
from services.platform.types import DistrictCode, Href, IsoDate, ShortText, Slug

Mode = Literal["page", "qr", "kiosk", "enumerator", "invitation", "api"]
"""How a survey was answered; `channel` is how the service was used."""

ResponseState = Literal["counted", "held", "refused"]
HoldReason = FormFault | Literal["too_many_from_sender"]
"""Why a response waits for a look before it counts."""

Token = Annotated[
    str, StringConstraints(pattern=r"^[a-z2-7]{16}$"), Field(examples=["k5xw4zlomn2ga3tb"])
]
"""A token that proves a use of a service (`ratings.py`)."""


class SurveyItem(ApiModel):
    """A survey in a list."""

    slug: Slug
    kind: SurveyKind = Field(
        description="What the survey is about; `skm` is the satisfaction survey by regulation."
    )
    title: ShortText
    title_en: ShortText
    version: int
    needs_token: bool = Field(description="Whether a response needs a token.")
    languages: list[str] = Field(description="Languages that it is available in.")
    questions: int = Field(description="Number of questions.")
    href: Href
    results_href: Href


class QuestionInput(ApiModel):
    """How a form asks a question, whatever its kind."""

    control: str = Field(description="`radio`, `checkbox`, `number` or `relational`.")
    answer_type: AnswerType = Field(description="JSON type of the answer.")
    values: list[str] = Field(
        description="The value of each option in its order: as a form sends it and, in an answer "
        "that is an integer, as its digits."
    )


def describe_input(question: Question) -> QuestionInput:
    """Return how a form asks a question."""
    kind = question.kind_rules
    return QuestionInput(
        control=kind.control, answer_type=kind.answer_type, values=kind.option_keys(question)
    )


class SurveyDetail(ApiModel):
    """A survey with its questions."""

    survey: Survey = Field(description="The survey with its questions.")
    rounds: list[RoundSummary] = Field(
        description="Its rounds, the newest first: it is answered only while one is open; without "
        "rounds on any day."
    )
    version: int
    languages: list[str]
    inputs: dict[Code, QuestionInput] = Field(description="By question: how a form asks it.")
    href: Href


class SurveyForm(ApiModel):
    """What a form of a survey needs besides its questions."""

    form_token: str = Field(description="To be sent with the response; valid for a day.")


class SurveyResponse(ApiModel):
    """A person's answers, without anything that identifies the person."""

    id: UUID | None = Field(
        None, description="Chosen by the client, so that a repeated response counts once."
    )
    answered_on: IsoDate | None = Field(
        None,
        description="Day of the answers; default: today. Only an enumerator, with an agency's key, "
        "may give an earlier one, up to 14 days back.",
    )
    version: int | None = Field(
        None, ge=1, description="The version that was answered; default: the newest."
    )
    service: Slug | None = Field(None, description="The service that was used.")
    agency: Slug | None = Field(None, description="Default: the agency that offers the service.")
    channel: ChannelKind | None = Field(None, description="How the service was used.")
    district: DistrictCode | None = Field(
        None, description="Code of the district (kecamatan) in which the person lives."
    )
    mode: Mode = Field(
        "api",
        description="How the survey was answered. `kiosk` and `enumerator` need an agency's key "
        "with the scope `surveys:collect` or, about the agency itself, `usage:write`; `invitation` "
        "needs a `token`.",
    )
    token: Token | None = Field(
        None,
        description="Proves a use of a service, if the survey needs it, and sets service, agency "
        "and channel; in the mode `invitation` the token of the link.",
    )
    relations: dict[Code, PartnerReports] = Field(
        default_factory=dict[Code, list[PartnerReport]],
        max_length=1,
        description="By relational question, in the mode `invitation`: with whom the stakeholder "
        "works, an empty list for with nobody. It is published as the stakeholder's statement, "
        "apart from `answers`.",
    )
    form_token: FormToken | None = Field(
        None,
        description="The token from `GET surveys/{slug}/form`. A response of mode `page` or `qr` "
        "without it is held.",
    )
    website: Honeypot = Field(
        "",
        description="Must be empty: a honeypot that people do not see and spam programs fill in.",
    )
    answers: dict[Code, Answer] = Field(
        max_length=100,
        description="By question: an option's code, a list of codes, a level from 1 to 4, or a "
        "number.",
    )


class ResponseStored(ApiModel):
    """The receipt of a response."""

    id: UUID = Field(description="Id of the response, as sent or as given by the hub.")
    survey: Slug
    version: int
    answered_on: date
    repeated: bool = Field(description="Whether this response had been stored before.")
    state: ResponseState = Field(
        description="`counted`: in the results with its bundle; `held`: it looks unlike one "
        "person's own response, so somebody looks at it first; `refused`: after that look."
    )


class OptionCount(ApiModel):
    """The count of an option."""

    code: str
    text: str
    text_en: str
    count: int = Field(description="Number of people who chose it.")
    share: float = Field(ge=0, le=1, description="Of the people who answered the question.")
    low: float | None = Field(
        None, ge=0, le=1, description="Lower end of the share's 95% interval, if there is one."
    )
    high: float | None = Field(
        None, ge=0, le=1, description="Upper end of the share's 95% interval, if there is one."
    )


class QuestionResult(ApiModel):
    """The results of one question."""

    code: str
    kind: str = Field(description="What the answers are.")
    text: str
    text_en: str
    answered: int = Field(ge=5, description="Number of people who answered it.")
    mean: float | None = Field(
        None, description="Mean level or number, for kinds whose answers are integers."
    )
    low: float | None = Field(
        None, description="Lower end of the mean's 95% interval; levels of a sample have one."
    )
    high: float | None = Field(
        None, description="Upper end of the mean's 95% interval; levels of a sample have one."
    )
    options: list[OptionCount]


class ScaleResult(ApiModel):
    """The results of a scale: questions that measure one thing together.

    An interval of its mean follows from these respondents, not from their answers: one person's
    answers to several questions are alike.
    """

    code: str = Field(description="Name of the scale in the survey's definition.")
    questions: list[str] = Field(description="Codes of the questions, in the order of the scale.")
    n: int = Field(ge=5, description="Respondents who answered every question of the scale.")
    mean: float = Field(ge=1, le=4, description="Mean level over respondents and questions.")
    standard_deviation: float = Field(
        ge=0, description="Of the respondents' mean levels: how far apart they are."
    )
    sums: dict[int, int] = Field(
        description="Respondents by the sum of their levels over the questions."
    )


class SkmElement(ApiModel):
    """One of the nine elements of service satisfaction."""

    code: str
    text: str
    text_en: str
    total: int = Field(description="Sum of all answers, 1-4 each.")
    nrr: float = Field(ge=1, le=4, description="Mean value of the element (NRR).")


class Satisfaction(ApiModel):
    """The index IKM (PermenPANRB 14/2017)."""

    ikm: float = Field(description="Satisfaction index, 25 to 100.")
    grade: Grade = Field(description="Grade of service by the regulation.")
    low: float | None = Field(description="Lower end of the 95% interval, if there is one.")
    high: float | None = Field(description="Upper end of the 95% interval, if there is one.")
    standard_deviation: float = Field(
        ge=0, description="Of the respondents' individual indices: how far apart they are."
    )
    no_interval_because: str | None = Field(
        description="Why there is no interval: it holds for a sample that somebody else drew, and "
        "people who answer by themselves choose themselves."
    )
    weight: Weight = Field(description="Weight of each element that was used.")
    n: int = Field(ge=5, description="Responses that answer all nine elements.")
    elements: list[SkmElement] = Field(max_length=len(ELEMENTS))
    priorities: list[str] = Field(
        max_length=len(ELEMENTS),
        description="Elements by priority: the lowest NRR first.",
    )


class Sample(ApiModel):
    """Whether there are enough responses for a population (Krejcie and Morgan)."""

    population: int = Field(description="Number of people who could have been asked.")
    needed: int = Field(description="Number of responses that are enough for the population.")
    enough: bool = Field(description="Whether there are that many.")


class SampleSize(ApiModel):
    """How many responses a population needs (Krejcie and Morgan)."""

    population: int = Field(description="Number of people who could be asked.")
    needed: int = Field(description="Number of responses that are enough for the population.")


Senders = Annotated[
    int | None,
    Field(
        ge=5,
        description="How many senders the responses came from, as far as they are told apart: by "
        "their network address within a day, at an agency's device by its word. Null if a part was "
        "published before they were counted.",
    ),
]
ByMode = Annotated[
    dict[str, int],
    Field(
        description="Responses by the mode in which they were given; `mixed`: in several, of which "
        "some have too few people to be named, or in unknown ones."
    ),
]


BySample = Annotated[
    dict[str, int],
    Field(
        description="Responses by how the respondents were found: `self_selected` (they answered "
        "by themselves), `enumerated` (asked by enumerators, with no design on record of whom they "
        "ask), `drawn` (asked by enumerators, drawn at random), `quota` (asked by enumerators "
        "until quotas were filled), `invited`; `unknown`: from before they were told apart."
    ),
]


class GroupResults(ApiModel):
    """The figures of a group of at least 5 people."""

    n: int = Field(ge=5, description="Responses.")
    senders: Senders
    by_mode: ByMode
    by_sample: BySample
    questions: list[QuestionResult] = Field(
        description="Those that at least 5 answered, in the order of the survey."
    )
    scales: list[ScaleResult] = Field(
        default_factory=list[ScaleResult], description="Those that at least 5 answered completely."
    )
    satisfaction: Satisfaction | None = Field(
        None, description="Satisfaction index of the group; null if the survey has none."
    )


class SurveyResults(ApiModel):
    """Results of a survey in a period; suppressed if fewer than 5 people answered.

    Figures grow by whole bundles of at least 5 responses, so that no two of them differ by
    fewer: the newest responses may be pending.
    """

    survey: Slug
    version: int = Field(description="The newest version of the survey.")
    versions: list[int] = Field(description="Versions that these responses answered.")
    year: int
    period: PeriodText = Field(description="`2024`, `2024-S1`, `2024-Q3` or `2024-07`.")
    service: Slug | None = None
    agency: Slug | None = None
    channel: ChannelKind | None = None
    district: DistrictCode | None = None
    round: RoundCode | None = None
    samples: list[SampleKind] | None = Field(
        None, description="The samples that the figures are of; null: of all."
    )
    rounds: list[RoundSummary] = Field(
        default_factory=list[RoundSummary], description="The rounds of the period."
    )
    n: int | None = Field(description="Responses; null if they are of too few people to publish.")
    senders: Senders
    by_mode: ByMode
    by_sample: BySample
    suppressed: bool = Field(
        description="Whether the survey has responses in this year, but too few to publish here."
    )
    questions: list[QuestionResult] = Field(
        description="Those that at least 5 answered, in the order of the survey."
    )
    scales: list[ScaleResult] = Field(
        default_factory=list[ScaleResult], description="Those that at least 5 answered completely."
    )
    satisfaction: Satisfaction | None = None
    sample: Sample | None = Field(
        None, description="Whether there are enough responses; null if the population is not known."
    )
    finite_population: int | None = Field(
        None,
        description="How many people the responses stand for, if they are all of one round whose "
        "population is known, and about no single service, agency, channel or district. Intervals "
        "are corrected for it.",
    )
    response_rate: float | None = Field(
        None, ge=0, le=1, description="Share of those drawn or invited in that round who answered."
    )


class BreakdownItem(ApiModel):
    """One group of a breakdown."""

    value: str | None = Field(
        description="Of the dimension; empty if it was not given, null for pooled groups that are "
        "too small to be published separately."
    )
    results: GroupResults = Field(description="Results of this group.")


class SurveyBreakdown(ApiModel):
    """Results by one dimension: each group has at least 5 people, and they add up to the total."""

    survey: Slug
    version: int
    versions: list[int]
    period: PeriodText = Field(
        description="Year or part of a year that is counted, such as `2024-S1`."
    )
    by: str
    n: int | None = Field(description="Responses; null if they are of too few people to publish.")
    items: list[BreakdownItem] = Field(
        description="Groups of at least five people, which add up to all."
    )


class WeightedOption(ApiModel):
    """The count of an option, and its weighted share."""

    code: str
    text: str
    count: int = Field(description="Unweighted responses.")
    share: float = Field(ge=0, le=1.000001, description="Weighted, of the people who answered.")


class WeightedQuestion(ApiModel):
    """The weighted results of one question."""

    code: str
    text: str
    mean: float | None = Field(None, description="Weighted mean of levels or numbers.")
    options: list[WeightedOption] = Field(
        description="Options with their counts and weighted shares."
    )


class WeightedResults(ApiModel):
    """Results weighted to the margins of the population (raking)."""

    survey: Slug
    period: PeriodText = Field(
        description="Year or part of a year that is counted, such as `2024-S1`."
    )
    by: list[str] = Field(description="Characteristics whose margins the weights match.")
    n: int = Field(description="Responses with every characteristic.")
    excluded: int = Field(description="Responses without one of them.")
    effective_n: float = Field(description="Kish's effective size of the weighted sample.")
    questions: list[WeightedQuestion]


WeightQuery = Annotated[Weight, Field(description="Weight of each SKM element.")]
