"""The vocabulary in which a method says how raw values become scores and scores an index.

Every rule has a default, the one that `cgr-2015` follows, so that a method writes only what it
does differently. A normalisation that compares with others carries them in the method: no score
moves because somebody else's did.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.platform.packs import PackModel

Direction = Literal["higher", "lower"]
Mean = Literal["arithmetic", "geometric", "harmonic"]
"""How parts make a whole: full, partial, or least compensation of the weak by the strong."""


class Goalposts(PackModel):
    """Raw values that score 0 and 100, fixed in the method: no score moves because of another's."""

    min: float
    max: float
    direction: Direction = "higher"

    @model_validator(mode="after")
    def _min_below_max(self) -> "Goalposts":
        if self.min >= self.max:
            raise ValueError("min must lie below max")
        return self


class MinMax(PackModel):
    """0-100 between the goalposts, clipped."""

    kind: Literal["minmax"] = "minmax"


class PercentileRank(PackModel):
    """The share of a fixed group that the value reaches or passes; a tie counts half."""

    kind: Literal["rank"]
    among: list[float] = Field(min_length=2, description="Raw values of the group.")


class ZScore(PackModel):
    """Standard deviations from a fixed mean: the mean scores 50, `span` of them 0 and 100."""

    kind: Literal["z"]
    mean: float
    sd: float = Field(gt=0)
    span: float = Field(default=3, gt=0, description="Standard deviations from 50 to either end.")


class DistanceToTarget(PackModel):
    """The value over its target (where less is better: the target over the value), clipped."""

    kind: Literal["target"]
    target: float = Field(gt=0)


Normalisation = Annotated[
    MinMax | PercentileRank | ZScore | DistanceToTarget, Field(discriminator="kind")
]


class EqualWeights(PackModel):
    """Every part of a whole weighs the same."""

    kind: Literal["equal"] = "equal"


class GivenWeights(PackModel):
    """Each part weighs as its `weight` says, in proportion to those beside it."""

    kind: Literal["given"]


class RandomWeights(PackModel):
    """Nobody knows the weights: the value takes them equal, the interval all of them.

    Weights are drawn from a Dirichlet distribution; the larger `concentration`, the closer to
    equal ones, and 1 makes every split as likely as any other.
    """

    kind: Literal["random"]
    concentration: float = Field(default=1, gt=0, le=1000)


Weights = Annotated[EqualWeights | GivenWeights | RandomWeights, Field(discriminator="kind")]


class Aggregation(PackModel):
    """The mean at each level of the tree."""

    element: Mean = Field(
        default="arithmetic", description="Of the indicators in an element or driver."
    )
    dimension: Mean = Field(default="arithmetic", description="Of the elements in a dimension.")
    index: Mean = Field(
        default="geometric", description="Of the dimensions: a weak one cannot be bought off."
    )
