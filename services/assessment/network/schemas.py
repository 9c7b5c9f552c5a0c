"""Response models of the stakeholder network."""

from pydantic import AwareDatetime, Field

from services.assessment.network.measures import (
    ConfidenceInterval,
    NetworkChange,
    NetworkMeasures,
    Through,
)
from services.assessment.types import Sector
from services.platform.api_model import ApiModel
from services.platform.types import Href, RegionCode, Sha256


class NetworkNode(ApiModel):
    """A stakeholder in the network."""

    key: str
    name: str
    name_en: str
    sector: Sector
    agency: str | None = Field(
        description="Agency that the stakeholder belongs to; null if to none."
    )
    degree: int = Field(description="Number of ties.")
    betweenness: float = Field(
        description="Share of the shortest paths between pairs of others that pass through it."
    )
    core: int = Field(description="The largest k of a k-core that contains it.")
    component: int = Field(description="Number of its component; 1 is the largest.")
    broker: bool = Field(description="Whether it links parts that have no other tie.")
    isolate: bool = Field(description="Whether it has no tie.")


class NetworkTie(ApiModel):
    """Two stakeholders and their numbers of shared events."""

    first: str = Field(description="Key of one stakeholder.")
    second: str = Field(description="Key of the other stakeholder.")
    meetings: int
    agreements: int
    programmes: int
    reported: int = Field(description="How many of the two report to work with the other.")


class TieKind(ApiModel):
    """Ties of one kind by themselves."""

    kind: Through = Field(description="What the ties are made of.")
    ties: int | None = Field(description="Pairs that it ties; null if no evidence tells.")
    density: float | None = Field(description="Of all pairs.")


class RelationalSurvey(ApiModel):
    """The round in which stakeholders reported their ties."""

    round: str
    invited: int
    answered: int
    response_rate: float = Field(ge=0, le=1)
    reported_by_one: int = Field(description="Pairs of which one reports to work with the other.")
    reported_by_both: int = Field(description="Number of ties that both sides reported.")
    href: Href


class SectorCount(ApiModel):
    """Numbers of stakeholders, isolates and brokers of a sector."""

    sector: Sector
    stakeholders: int
    isolates: int
    brokers: int = Field(description="Number of stakeholders that link parts without another tie.")


class ReportedTie(ApiModel):
    """A tie as reported in the survey: the mean of three items of 1-4 (as PARTNER does)."""

    about: str = Field(description="What was asked: trust or value.")
    questions: list[str] = Field(description="Codes of the three questions.")
    mean: float | None = Field(description="Mean of the answers, 1-4; null if too few.")
    interval: ConfidenceInterval | None = Field(description="95% by bootstrap of the respondents.")
    answers: int | None = Field(description="Number of answers; null if too few.")
    reason: str | None = Field(
        description="Why there is no mean; below five answers there is none."
    )


class StakeholderNetwork(ApiModel):
    """The collaboration network of a year."""

    region: RegionCode
    period: int = Field(description="Calendar year whose evidence was read.")
    through: list[Through] = Field(description="Kinds of events that tie stakeholders.")
    minimum_meetings: int = Field(
        description="Common meetings of two stakeholders that make a tie."
    )
    minimum_reports: int = Field(
        description="Reports that make a tie: 2 if both must report it, 1 if either."
    )
    as_of: AwareDatetime | None = Field(
        description="Moment whose evidence was read; null for what holds now."
    )
    evidence_hash: Sha256 = Field(description="SHA-256 of all evidence that was read.")
    notices: list[str] = Field(description="What limits the figures, in words.")
    reason: str | None = Field(description="Reason for the absence of measures.")
    sectors: list[SectorCount]
    measures: NetworkMeasures | None = Field(
        description="Measures of the network as a whole; null if it has no tie."
    )
    density_interval: ConfidenceInterval | None = Field(
        description="95% by resampling stakeholders (Snijders and Borgatti 1999)."
    )
    kinds: list[TieKind] = Field(description="Each kind of tie by itself.")
    relational: RelationalSurvey | None = Field(
        description="The round in which stakeholders reported their ties; null without one."
    )
    reported: list[ReportedTie] = Field(description="Ties as stakeholders reported them.")
    compared_with: int | None = Field(
        description="Calendar year of the comparison; null without one."
    )
    change: NetworkChange | None = Field(description="Since the year to compare with.")
    nodes: list[NetworkNode] | None = Field(
        description="Only for a key with the scope `metrics:draft`; the public answer has counts."
    )
    ties: list[NetworkTie] | None = Field(description="Only for a key with that scope.")
    picture_href: Href = Field(description="Address of the network as a picture (SVG).")
