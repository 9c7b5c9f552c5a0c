"""API models of plausibility flags."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from services.feedback.channels import ChannelKind
from services.feedback.statistics.counters import Measure
from services.feedback.statistics.flag_kinds import Certainty, FlagKind
from services.platform.api_model import ApiModel
from services.platform.personal_data import PersonalDataKind
from services.platform.types import LINES_PATTERN, LineBreaks, YearMonth

FlagState = Literal["open", "explained", "resolved"]


class StatisticFlag(ApiModel):
    """An implausible figure. A flag does not change the figure."""

    id: UUID
    agency: str
    service: str | None = Field(description="Null if it concerns all services of the agency.")
    channel: ChannelKind | None
    period: YearMonth = Field(description="The month; for a flag about a year, its first month.")
    measure: Measure | None = Field(description="Counter that is in doubt; null if several are.")
    kind: FlagKind = Field(description="What is implausible.")
    certainty: Certainty
    state: FlagState = Field(
        description="Whether the doubt is open, explained, or ended by a correction."
    )
    message: str
    message_en: str
    remedy: str
    remedy_en: str
    facts: dict[str, float] = Field(description="The numbers that were compared.")
    explanation: str | None
    raised_at: AwareDatetime
    resolved_at: AwareDatetime | None


class ExplainedFlag(StatisticFlag):
    """A flag with its new explanation."""

    personal_data: list[PersonalDataKind] = Field(
        description="Personal data found in the explanation, and masked."
    )


class FlagCount(ApiModel):
    """Number of flags of an agency by kind and state."""

    agency: str
    kind: FlagKind = Field(description="What is implausible.")
    state: FlagState = Field(
        description="Whether the doubts are open, explained, or ended by a correction."
    )
    flags: int = Field(description="Number of flags.")


class StatisticFlags(ApiModel):
    """Flags of the key's agency, and the number of flags of every agency."""

    items: list[StatisticFlag] = Field(description="Empty without the agency's key.")
    counts: list[FlagCount] = Field(
        description="Number of flags of every agency, by kind and state."
    )
    next: str | None = None


class FlagExplanation(ApiModel):
    """Why a flagged figure is correct."""

    explanation: Annotated[
        str, StringConstraints(pattern=LINES_PATTERN, min_length=1, max_length=1000), LineBreaks
    ] = Field(examples=["Pekan pelayanan keliling di lima kecamatan."])
