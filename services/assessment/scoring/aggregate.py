"""Weighted means of scores: of single numbers, and of arrays of draws."""

from collections.abc import Sequence

from services.assessment.methods.rules import Mean
from services.assessment.numerical_libraries import np
from services.assessment.scoring.uncertainty import Draws

Amount = float | Draws
"""One number, or one for each draw."""


def mean(kind: Mean, scores: Sequence[Amount], weights: Sequence[Amount]) -> Amount:
    """Return the weighted mean of one or more scores; only the proportions of weights matter."""
    if not scores:
        raise ValueError("nothing has no mean")
    total = add(weights)
    match kind:
        case "arithmetic":
            return add([w * x for w, x in zip(weights, scores, strict=True)]) / total
        case "geometric":
            product: Amount = 1.0
            for weight, score in zip(weights, scores, strict=True):
                product = product * score ** (weight / total)
            return product
        case "harmonic":
            return _harmonic(scores, weights, total)


def _harmonic(scores: Sequence[Amount], weights: Sequence[Amount], total: Amount) -> Amount:
    with np.errstate(divide="ignore"):  # one score of 0 makes the mean 0
        inverse = add([w * np.divide(1.0, x) for w, x in zip(weights, scores, strict=True)])
        return total / inverse


def add(parts: Sequence[Amount]) -> Amount:
    """Return the sum from left to right, a fixed order for reproducible digits."""
    total: Amount = 0.0
    for part in parts:
        total = total + part
    return total
