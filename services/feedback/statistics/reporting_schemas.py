"""Monthly reports over the wire."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from services.feedback.statistics.obligations import State
from services.feedback.statistics.plausibility_checks import Certainty, Kind
from services.feedback.statistics.schemas import ChannelKind, Measure, StatisticsStored
from services.platform.api_model import ApiModel
from services.platform.types import TEXT_PATTERN, YearMonth

FlagState = Literal["open", "explained", "resolved"]


class StatisticFlag(ApiModel):
    """A figure that is hard to believe. It changes nothing by itself."""

    id: UUID
    agency: str
    service: str | None = Field(description="Null where it is about all services of the agency.")
    channel: ChannelKind | None
    period: YearMonth = Field(description="The month; of a doubt about a year its first.")
    measure: Measure | None
    kind: Kind
    certainty: Certainty
    state: FlagState
    what: str
    what_en: str
    remedy: str
    remedy_en: str
    facts: dict[str, float] = Field(description="What was compared.")
    explanation: str | None
    raised_at: AwareDatetime
    resolved_at: AwareDatetime | None


class FlagCount(ApiModel):
    """How many doubts there are."""

    agency: str
    kind: Kind
    state: FlagState
    flags: int


class StatisticFlags(ApiModel):
    """Doubts about figures: those of the key's agency, and how many there are of all."""

    items: list[StatisticFlag] = Field(description="Empty without the agency's key.")
    counts: list[FlagCount]
    next: str | None = None


class FlagExplanation(ApiModel):
    """Why a figure is right although it is hard to believe."""

    explanation: Annotated[
        str, StringConstraints(pattern=TEXT_PATTERN, min_length=1, max_length=1000)
    ] = Field(examples=["Pekan pelayanan keliling di lima kecamatan."])


class StatisticsReceived(StatisticsStored):
    """What became of each counter of a batch, and what is hard to believe about it."""

    flags: list[StatisticFlag] = Field(
        description="Open doubts about these figures, at most 200 of each agency."
    )


class FigureReceived(ApiModel):
    """What became of one figure of a file."""

    sheet: str
    cell: str
    service: str
    channel: ChannelKind
    period: YearMonth
    measure: Measure
    value: int
    before: int | None = Field(description="The figure that stood until now.")
    result: Literal["added", "revised", "unchanged"]


class StatisticsUploaded(StatisticsReceived):
    """What became of a file, which is taken whole or not at all."""

    agency: str
    dry_run: bool
    items: list[FigureReceived]


class ReportingMonth(ApiModel):
    """A month that an agency owes."""

    agency: str
    period: YearMonth
    due_on: date = Field(description="Last day on which the report is on time.")
    state: State = Field(
        description="By the first figure that came; `open` while none came and there is time."
    )
    complete: bool = Field(description="Whether every service was reported.")
    services_owed: int
    services_reported: int
    received_at: AwareDatetime | None
    completed_at: AwareDatetime | None


class ReportingCalendar(ApiModel):
    """Who owes which month, and what came."""

    items: list[ReportingMonth]
    next: str | None = None
