"""Request and response models of scenarios."""

from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    StringConstraints,
    model_validator,
)

from services.assessment.assessments.schemas import DEFAULT_METHOD
from services.assessment.index_routes import IndicatorNumber, LevelRange, LevelValue
from services.assessment.scenarios.outcome import ScenarioOutcome
from services.platform.api_model import ApiModel
from services.platform.types import Href, RegionCode, Slug, StrictNumber, Year

IndicatorCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$", max_length=80)
]
Effort = Annotated[int, Field(ge=1, le=20), StrictNumber]
Alternatives = Annotated[int, Field(ge=0, le=5), StrictNumber]


class _ScenarioBase(ApiModel):
    alternatives: Alternatives = Field(
        2, description="Number of alternative sets, each without one change of the cheapest."
    )


class LevelsScenario(_ScenarioBase):
    """A scenario of an index of levels, such as SPBE: other levels, or a target."""

    kind: Literal["index"]
    method: Slug = "spbe-2020"
    levels: dict[IndicatorNumber, LevelValue | LevelRange | None] = Field(
        default_factory=dict[str, int | tuple[int, int] | None],
        max_length=200,
        description="Present levels, by indicator number.",
    )
    published: Annotated[float, Field(ge=0, le=100), StrictNumber] | None = Field(
        None,
        description="A published value whose levels are not all known; the outcome has the least "
        "and the most number of level steps to the target. Without `changes` and `efforts`.",
    )
    unknown: Literal["refuse", "lowest"] = Field(
        "refuse", description="Whether an unknown level or a range is taken at its lowest."
    )
    changes: dict[IndicatorNumber, LevelValue] = Field(
        default_factory=dict[str, int], max_length=200, description="Levels to set first."
    )
    target: Annotated[float, Field(ge=0, le=100), StrictNumber] | None = Field(
        None, description="An index to reach from there with the least effort."
    )
    efforts: dict[IndicatorNumber, Effort | None] = Field(
        default_factory=dict[str, int | None],
        max_length=200,
        description="Effort of a step up, default 1; null if the level cannot change.",
    )

    @model_validator(mode="after")
    def _asks_something(self) -> "LevelsScenario":
        return _require_question(self, self.changes, self.target)

    @model_validator(mode="after")
    def _published_alone(self) -> "LevelsScenario":
        if self.published is not None and (self.changes or self.efforts):
            raise ValueError("changes and efforts need the levels, not a published value")
        return self


class CollaborationScenario(_ScenarioBase):
    """A scenario of a year's evidence: other values of indicators, or a target."""

    kind: Literal["collaboration"]
    method: Slug = DEFAULT_METHOD
    period: Annotated[Year, StrictNumber]
    changes: dict[IndicatorCode, Annotated[float, Field(ge=-1e6, le=1e6), StrictNumber]] = Field(
        default_factory=dict[str, float],
        max_length=200,
        description="Raw values to set first, before normalisation by goalposts; an indicator "
        "without evidence gets its value in this way and is listed as assumed.",
    )
    target: Annotated[float, Field(ge=0, le=100), StrictNumber] | None = Field(
        None, description="An index to reach from there with the least effort."
    )
    step: Annotated[float, Field(ge=5, le=100), StrictNumber] = Field(
        10, description="Points of an indicator's score that one step adds."
    )
    efforts: dict[IndicatorCode, Effort | None] = Field(
        default_factory=dict[str, int | None],
        max_length=200,
        description="Effort of a step, default 1; null if the indicator cannot change.",
    )

    @model_validator(mode="after")
    def _asks_something(self) -> "CollaborationScenario":
        return _require_question(self, self.changes, self.target)


ScenarioT = TypeVar("ScenarioT", bound=_ScenarioBase)


def _require_question(scenario: ScenarioT, changes: object, target: float | None) -> ScenarioT:
    if not changes and target is None:
        raise ValueError("needs changes, a target, or both")
    return scenario


ScenarioRequest = Annotated[LevelsScenario | CollaborationScenario, Field(discriminator="kind")]


class Scenario(ApiModel):
    """A computed scenario with its request."""

    id: UUID
    region: RegionCode
    recorded_at: AwareDatetime
    recorded_by: str
    request: ScenarioRequest
    outcome: ScenarioOutcome = Field(description="What was computed.")
    href: Href
    changes_href: Href = Field(description="The sets of changes as CSV.")
