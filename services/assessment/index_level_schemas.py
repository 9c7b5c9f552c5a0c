"""Response models of the levels that a regency declares or plans for an index."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from services.assessment.evidence.api_models import SourceItem
from services.assessment.evidence.records import EvidenceDocument
from services.assessment.evidence.states import EvidenceState, EvidenceStateChange
from services.assessment.index_schemas import PublishedValue
from services.assessment.scoring.results import LevelScores
from services.platform.api_model import ApiModel
from services.platform.types import Href


class RecordedLevel(ApiModel):
    """A level on record, with its proof."""

    id: UUID
    version: int
    level: int = Field(description="Level of the newest version.")
    state: EvidenceState = Field(description="State of this version.")
    confirmed_level: int | None = Field(
        description="The level of the version that is confirmed; null if none is."
    )
    note: str | None = Field(description="How the agency explains the level.")
    passage: str | None = Field(description="Where it stands in its sources.")
    document: EvidenceDocument | None = Field(description="The file that proves it, with its hash.")
    sources: list[SourceItem] = Field(description="Sources that it cites, in full.")
    recorded_by: str = Field(description="Agency that recorded this version, or `pack`.")
    recorded_at: AwareDatetime
    assessed: EvidenceStateChange | None = Field(
        description="Who confirmed or disputed this version, when, and with which note; null "
        "until somebody does."
    )
    href: Href


class IndicatorLevel(ApiModel):
    """An indicator of an index with its level, the plan, and what the next level brings."""

    number: int = Field(description="Number of the indicator in the regulation.")
    name: str | None = Field(description="Null if the method gives no name.")
    aspect: str = Field(description="Aspect of the index to which the indicator belongs.")
    domain: str | None = Field(description="Domain of the index; null where it has none.")
    weight: float = Field(description="Weight in percent.")
    declared: RecordedLevel | None = Field(description="The level reached; null if none is stated.")
    planned: RecordedLevel | None = Field(description="The level planned for the year, if any.")
    next_level: int | None = Field(
        description="The level after the declared one, the lowest if none is declared; null at "
        "the highest."
    )
    next_criteria: str | None = Field(
        description="What the next level requires; null where the method knows no criteria."
    )
    gain: float | None = Field(
        description="What one level more adds to the index; null without a declared level."
    )


class IndexLevels(ApiModel):
    """The workbook of an index and a year: each indicator's level, and the index from them."""

    id: str = Field(description="Name of the index in addresses.")
    name: str
    name_en: str
    provisional: bool
    year: int = Field(description="Year that the levels are about.")
    years: list[int] = Field(description="Years with levels on record, the newest first.")
    lowest_level: int = Field(description="Lowest level of the index.")
    highest_level: int = Field(description="Highest level of the index.")
    method_in_force: bool = Field(description="Whether the index is in force in the year.")
    declared: LevelScores = Field(description="The index from the levels that are declared.")
    confirmed: LevelScores = Field(description="The index from those of them that are confirmed.")
    planned: LevelScores = Field(
        description="The index from the planned levels, and from declared ones without a plan."
    )
    published: PublishedValue | None = Field(description="The value published for the year.")
    target: PublishedValue | None = Field(description="The target that a plan sets for the year.")
    difference: float | None = Field(
        description="The declared index less the published one; null if either is not known."
    )
    indicators: list[IndicatorLevel] = Field(description="All indicators, in their order.")
    href: Href
    xlsx_href: Href = Field(description="The same as a workbook for the assessor.")
    csv_href: Href = Field(description="A row for each indicator, as CSV.")
    method_href: Href
