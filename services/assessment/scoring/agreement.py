"""Agreement of two judgements on an ordered scale: Cohen's weighted kappa with its interval.

Kappa by Cohen (1968), its standard error for large samples by Fleiss, Cohen and Everitt (1969).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.platform.confidence import Z

Matrix = Sequence[Sequence[float]]


@dataclass(frozen=True)
class WeightedKappa:
    """Agreement beyond chance: 1 is perfect, 0 what chance gives; with a 95% interval."""

    kappa: float
    standard_error: float

    @property
    def interval(self) -> tuple[float, float]:
        half = Z * self.standard_error
        return max(-1.0, self.kappa - half), min(1.0, self.kappa + half)


def linear_weights(categories: int) -> list[list[float]]:
    """Return weights of agreement that fall by the same amount with each category apart."""
    far = max(1, categories - 1)
    return [[1 - abs(i - j) / far for j in range(categories)] for i in range(categories)]


def weighted_kappa(counts: Matrix, weights: Matrix) -> WeightedKappa | None:
    """Return the weighted kappa of a square table of counts; None if chance alone is perfect.

    `weights` are of agreement: 1 on the diagonal, 0 for the gravest disagreement.
    """
    n = sum(map(sum, counts))
    places = range(len(counts))
    if n == 0:
        return None
    shares = [[counts[i][j] / n for j in places] for i in places]
    rows = [sum(row) for row in shares]
    columns = [sum(row[j] for row in shares) for j in places]
    observed = sum(weights[i][j] * shares[i][j] for i in places for j in places)
    expected = sum(weights[i][j] * rows[i] * columns[j] for i in places for j in places)
    if math.isclose(expected, 1, abs_tol=1e-12):
        return None
    of_rows = [sum(weights[i][j] * columns[j] for j in places) for i in places]
    of_columns = [sum(weights[i][j] * rows[i] for i in places) for j in places]
    squares = sum(
        shares[i][j]
        * (weights[i][j] * (1 - expected) - (of_rows[i] + of_columns[j]) * (1 - observed)) ** 2
        for i in places
        for j in places
    )
    squares -= (observed * expected - 2 * expected + observed) ** 2
    return WeightedKappa(
        kappa=(observed - expected) / (1 - expected),
        standard_error=math.sqrt(max(0.0, squares) / n) / (1 - expected) ** 2,
    )
