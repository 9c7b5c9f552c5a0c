"""Scoring rules: the vocabulary in which a method states normalisation, weights and aggregation.

Every rule has a default, the one that `cgr-2015` follows, so that a method states only its
differences. A normalisation relative to a group has the group's values in the method: no score
changes because another regency's does.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.platform.packs import PackModel

Direction = Literal["higher", "lower"]
Mean = Literal["arithmetic", "geometric", "harmonic"]
"""Aggregation of siblings: full, partial, or least compensation of low values by high ones."""


class Goalposts(PackModel):
    """Raw values that score 0 and 100, fixed in the method so that scores are independent."""

    min: float
    max: float
    direction: Direction = Field(
        default="higher", description="Whether a higher or a lower raw value is better."
    )

    @model_validator(mode="after")
    def _min_below_max(self) -> "Goalposts":
        if self.min >= self.max:
            raise ValueError("min must lie below max")
        return self


class MinMax(PackModel):
    """0-100 between the goalposts, clipped."""

    kind: Literal["minmax"] = "minmax"


class PercentileRank(PackModel):
    """The share of a fixed group that the value reaches or exceeds; ties count half."""

    kind: Literal["rank"]
    among: list[float] = Field(
        min_length=2, max_length=10_000, description="Raw values of the group."
    )


class ZScore(PackModel):
    """Standard deviations from a fixed mean: the mean scores 50, `span` of them 0 and 100."""

    kind: Literal["z"]
    mean: float
    sd: float = Field(gt=0)
    span: float = Field(default=3, gt=0, description="Standard deviations from 50 to either end.")


class DistanceToTarget(PackModel):
    """The value over its target (if lower is better, the target over the value), clipped."""

    kind: Literal["target"]
    target: float = Field(gt=0)


class Logarithm(PackModel):
    """0-100 between the logarithms of the goalposts, clipped: the same ratio is the same gain."""

    kind: Literal["log"]


Normalisation = Annotated[
    MinMax | Logarithm | PercentileRank | ZScore | DistanceToTarget, Field(discriminator="kind")
]


class EqualWeights(PackModel):
    """All siblings have the same weight."""

    kind: Literal["equal"] = "equal"


class GivenWeights(PackModel):
    """Each node has its `weight`, in proportion to its siblings."""

    kind: Literal["given"] = Field(description="Each node has its own weight.")


class RandomWeights(PackModel):
    """Unknown weights: the value takes equal ones, the interval covers all of them.

    Weights are drawn from a Dirichlet distribution; the larger `concentration`, the closer to
    equal ones, and 1 makes every split as likely as any other.
    """

    kind: Literal["random"]
    concentration: float = Field(
        default=1,
        gt=0,
        le=1000,
        description="Concentration of the Dirichlet distribution: 1 makes all weights "
        "equally likely.",
    )


Weights = Annotated[EqualWeights | GivenWeights | RandomWeights, Field(discriminator="kind")]


RegisterRule = Literal["assumed", "declared"]
"""How a method reads registers: as complete, or as complete only where that is declared."""


class Aggregation(PackModel):
    """The mean at each level of the tree."""

    element: Mean = Field(
        default="arithmetic", description="Mean of the indicators in an element or driver."
    )
    dimension: Mean = Field(
        default="arithmetic", description="Mean of the elements in a dimension."
    )
    index: Mean = Field(
        default="geometric", description="Of the dimensions: a low one is not fully compensated."
    )
