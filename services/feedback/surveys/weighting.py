"""Weights that make responses look like the population (post-stratification and raking)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Margins = Mapping[str, Mapping[str, float]]
"""By characteristic: people (or shares) per category."""

ROUNDS = 500
CLOSE = 1e-10


class NotWeightableError(ValueError):
    """The responses cannot be weighted to these margins; the message says why."""


@dataclass(frozen=True)
class Weighted:
    """A weight per response, with mean 1."""

    weights: tuple[float, ...]
    rounds: int
    effective: float
    """Kish's effective size: (sum w)^2 / sum w^2."""


def rake(respondents: Sequence[Mapping[str, str]], margins: Margins) -> Weighted:
    """Weights whose sums agree with every margin (Deming and Stephan 1940).

    With one characteristic it is post-stratification: the weight of a category is its share of
    the population over its share of the responses. With several, each margin is met in turn until
    all are met at once.
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
            raise NotWeightableError(f"nobody with {name} {missing[0]} has answered")
    weights = [1.0] * len(respondents)
    for done in range(1, ROUNDS + 1):
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
        if largest < CLOSE:
            return Weighted(tuple(weights), done, effective_size(weights))
    raise NotWeightableError("the margins contradict each other for these responses")


def effective_size(weights: Sequence[float]) -> float:
    """How many unweighted responses say as much (Kish 1965)."""
    return sum(weights) ** 2 / sum(weight * weight for weight in weights)
