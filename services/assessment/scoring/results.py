"""Models of results beside the tree of scores: of years, levers, sensitivity, paths to a target.

They lie apart from what computes them, so that the gateway, which reads them, imports nothing else.
"""

from pydantic import Field

from services.assessment.scoring.scores import Interval, ScoreModel


class Contribution(ScoreModel):
    """The contribution of a child node to its parent's change."""

    code: str
    before: float | None
    after: float | None
    contribution: float = Field(description="Points by which this child changed its parent.")


class ScoreChange(ScoreModel):
    """A score in two periods by what is known in both, with contributions that sum to the
    difference."""

    code: str
    before: float
    after: float
    difference: float
    parts: list[Contribution] = Field(description="Contributions of its children.")


class YearComparison(ScoreModel):
    """What changed between two years, and what only came to be known or is no longer known."""

    compared: list[str] = Field(description="The indicators known in both years.")
    came_to_be_known: list[str] = Field(
        description="Indicators known only in the later year: they moved no trend."
    )
    no_longer_known: list[str] = Field(
        description="Indicators known only in the earlier year: they moved no trend."
    )
    incomplete: list[str] = Field(
        default_factory=list[str],
        description="Indicators counted in both years from what may not be all, so that the "
        "evidence does not tell which way they went: they moved no trend.",
    )
    changes: list[ScoreChange] = Field(
        description="What changed each node, computed in both years from `compared`; contributions "
        "sum exactly."
    )


class Gain(ScoreModel):
    """What an action adds to a figure, at the worst and at the best outcome of the action."""

    worst: float
    best: float


class NodeGain(ScoreModel):
    """What an action adds to the index, an element or a driver."""

    code: str
    name: str
    name_en: str
    proven: Gain = Field(description="What it adds to the score by what is proven.")
    value: Gain | None = Field(description="Null without an estimate before or after.")
    value_after: Gain | None = Field(description="The estimate afterwards; null without one.")


class Lever(ScoreModel):
    """An action with its gain."""

    code: str
    name: str
    name_en: str
    who: str = Field(description="Who can do it.")
    who_en: str
    effort: int = Field(description="From 1, a day of one office, to 5, years of many.")
    is_certain: bool = Field(
        description="Whether its outcome is known before; that of a survey is not."
    )
    index: NodeGain = Field(description="What the action adds to the index.")
    nodes: list[NodeGain] = Field(description="The elements and drivers that it changes.")


class Factor(ScoreModel):
    """A choice, and its share of the index's variance."""

    code: str
    name: str = Field(description="Choice of the method that is varied.")
    first: float = Field(description="First-order index: its own share of the variance.")
    first_error: float = Field(description="Standard error of the estimate.")
    total: float = Field(description="Total index: its share including interactions.")
    total_error: float = Field(description="Standard error of its share of the variance.")


class Spread(ScoreModel):
    """Distribution of the index while all choices vary."""

    runs: int = Field(description="Number of computed variants.")
    mean: float
    sd: float
    low: float = Field(description="2.5% of the runs lie below.")
    high: float = Field(description="2.5% of the runs lie above.")
    evidence: Interval | None = Field(
        default=None,
        description="The part of the evidence: the index by the method as it is, with the evidence "
        "within its intervals; null if nothing of it has one.",
    )
    method: Interval | None = Field(
        default=None, description="The part of the method: with the evidence at its values."
    )


class Variant(ScoreModel):
    """The index with only one choice changed."""

    choice: str = Field(description="Choice that was changed.")
    value: float | None
    difference: float | None = Field(description="Difference from the index by the method.")


class Sensitivity(ScoreModel):
    """The sensitivity analysis of an index; empty if the index has no value."""

    value: float | None
    reason: str | None
    spread: Spread | None = Field(
        description="Distribution of the index while all choices vary; null if it has no value."
    )
    factors: list[Factor] = Field(
        description="Choices by their share of the variance, the largest first."
    )
    choices: list[Variant] = Field(description="The index with one choice changed at a time.")
    excluded: list[Variant] = Field(description="By the code of the excluded indicator.")


class PathStep(ScoreModel):
    """The value of the path to the target in a year."""

    year: int
    value: float = Field(description="Value of the path in that year.")
    predicate: str = Field(description="Name of the range in which the value is.")


class TargetPath(ScoreModel):
    """The linear path from the last published value to a target."""

    first_year: int = Field(description="Year of the last published value.")
    first_value: float = Field(description="Last published value.")
    target_year: int = Field(description="Year by which it is to be reached.")
    target_value: float = Field(description="Value to be reached.")
    per_year: float = Field(description="Gain needed in each year.")
    reached: bool = Field(description="Whether the last value reaches the target.")
    steps: list[PathStep] = Field(description="Value of the path in each year.")


class LevelSteps(ScoreModel):
    """How many steps of one level lead from a published total to a target, by the weights."""

    value: float = Field(description="Total of the index as published.")
    target: float = Field(description="Value of the index to be reached.")
    least: int = Field(description="Fewest steps: no combination of levels does it in fewer.")
    enough_by_weight: int = Field(
        description="Steps that are enough for every combination of levels, if the heaviest "
        "indicators that can rise do so first."
    )
    most: int = Field(
        description="Steps that are enough for every combination of levels, whichever indicators "
        "rise."
    )


class LevelGroup(ScoreModel):
    """An aspect or a domain of the index: the weighted mean of its levels."""

    name: str
    weight: float = Field(description="Its share of the index, in percent.")
    value: float | None = Field(description="Mean level, weighted; null if a level is not known.")
    low: float
    high: float


class LevelScores(ScoreModel):
    """An index of levels, with bounds for its missing levels."""

    value: float | None = Field(description="Null if a level is missing.")
    low: float = Field(description="With each unknown level at its lowest.")
    high: float = Field(description="With each unknown level at its highest.")
    predicate: str | None
    predicate_low: str = Field(description="Name of the range of the lowest possible value.")
    predicate_high: str = Field(description="Name of the range of the highest possible value.")
    missing: list[int] = Field(description="Numbers of the indicators without a level.")
    reason: str | None
    domains: list[LevelGroup] = Field(description="Mean levels by domain.")
    aspects: list[LevelGroup] = Field(description="Mean levels by aspect.")
