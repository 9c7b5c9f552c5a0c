"""Outcome of a scenario, computed by the scoring engine and not by the solver."""

from typing import Literal

from pydantic import Field

from services.assessment.scoring.results import LevelSteps
from services.assessment.scoring.scores import ScoreModel


class NodeChange(ScoreModel):
    """A node before and after."""

    code: str
    name: str
    before: float | None
    after: float | None
    difference: float | None


class Step(ScoreModel):
    """A change of one indicator."""

    code: str = Field(description="Code of the indicator, or its number.")
    name: str | None = Field(description="Name of the indicator; null if the method gives none.")
    before: float | None = Field(description="Level, or score of 0-100.")
    after: float
    raw: float | None = Field(default=None, description="The raw value with this score.")
    effort: int = Field(description="Effort of all its steps.")


class IndexResult(ScoreModel):
    """The index after changes."""

    value: float | None
    predicate: str | None = None
    difference: float | None = Field(
        description="Difference from the initial index; null without one."
    )
    nodes: list[NodeChange] = Field(description="The nodes that differ.")


class Solution(ScoreModel):
    """A set of changes that reaches the target with the least effort."""

    without: str | None = Field(
        description="The indicator that this alternative leaves as it is; null in the cheapest."
    )
    effort: int = Field(description="Sum of the efforts of the steps.")
    changes: list[Step] = Field(description="Steps that together reach the target.")
    result: IndexResult = Field(description="The index after the steps.")


class SingleChange(ScoreModel):
    """One step of one indicator, and its gain."""

    change: Step = Field(description="Step of the indicator.")
    value: float = Field(description="Value of the index after the step.")
    gain: float = Field(description="Points that the index gains.")


class ScenarioOutcome(ScoreModel):
    """The outcome of a scenario."""

    kind: Literal["index", "collaboration"] = Field(
        description="Whether levels of an index or the evidence of a year were changed."
    )
    method: str
    method_version: int
    method_hash: str
    period: int | None = Field(
        description="Calendar year whose evidence was read; null of an index of levels."
    )
    evidence_hash: str | None = Field(description="Hash of the evidence that it starts from.")
    assumed: list[str] = Field(
        description="What was not known and was set: indicators without a level taken at the "
        "lowest, or without evidence given a value by the scenario."
    )
    base: float | None = Field(description="Value before any change; null if not known.")
    base_predicate: str | None = Field(
        description="Name of the range of the value before any change; null without one."
    )
    changed: IndexResult | None = Field(description="After the requested changes.")
    target: float | None
    reached: bool | None = Field(description="Whether the requested changes reach the target.")
    solutions: list[Solution] = Field(description="The cheapest first, then its alternatives.")
    single_changes: list[SingleChange] = Field(
        description="By gain, the largest first. Of a collaboration method only those that gain, "
        "of indicators that have evidence or that an action of the method measures."
    )
    level_steps: LevelSteps | None = Field(
        default=None,
        description="Steps from a published value whose levels are not known to the target.",
    )
