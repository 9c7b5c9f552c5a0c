"""Weights that match responses to the population (post-stratification and raking)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Margins = Mapping[str, Mapping[str, float]]
"""By characteristic: people (or shares) per category."""

MAX_ITERATIONS = 500
TOLERANCE = 1e-10


class NotWeightableError(ValueError):
    """Responses that cannot be weighted to these margins; the message is the reason."""


@dataclass(frozen=True)
class WeightedSample:
    """A weight for each response, with mean 1."""

    weights: tuple[float, ...]
    iterations: int
    effective_size: float
    """Kish's effective size: (sum w)^2 / sum w^2."""


def rake(respondents: Sequence[Mapping[str, str]], margins: Margins) -> WeightedSample:
    """Return weights whose sums match every margin (Deming and Stephan 1940).

    With one characteristic it is post-stratification: the weight of a category is its share of
    the population over its share of the responses. With several, the weights are scaled to each
    margin in turn until all match.

    Raises:
        NotWeightableError: a category has no responses, or the margins are inconsistent.
    """
    if not respondents:
        raise NotWeightableError("there are no responses with all characteristics")
    total = float(len(respondents))
    targets = {
        name: {category: size / sum(sizes.values()) * total for category, size in sizes.items()}
        for name, sizes in margins.items()
    }
    for name, sizes in targets.items():
        seen = {respondent[name] for respondent in respondents}
        if missing := sorted(sizes.keys() - seen):
            raise NotWeightableError(f"there are no responses with {name} {missing[0]}")
    weights = [1.0] * len(respondents)
    for iteration in range(1, MAX_ITERATIONS + 1):
        largest = 0.0
        for name, sizes in targets.items():
            sums = dict.fromkeys(sizes, 0.0)
            for weight, respondent in zip(weights, respondents, strict=True):
                sums[respondent[name]] += weight
            factors = {category: sizes[category] / sums[category] for category in sizes}
            largest = max(largest, *(abs(factor - 1) for factor in factors.values()))
            weights = [
                weight * factors[respondent[name]]
                for weight, respondent in zip(weights, respondents, strict=True)
            ]
        if largest < TOLERANCE:
            return WeightedSample(tuple(weights), iteration, effective_size(weights))
    raise NotWeightableError("the margins are inconsistent for these responses")


def effective_size(weights: Sequence[float]) -> float:
    """Return the size of an unweighted sample with the same precision (Kish 1965)."""
    return sum(weights) ** 2 / sum(weight * weight for weight in weights)
