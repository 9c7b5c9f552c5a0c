"""95% intervals of shares and means of the answers of a sample, from their counts."""

import math
from collections.abc import Mapping

from services.platform.confidence import Z, wilson_interval

Interval = tuple[float, float]


def share_interval(count: int, answered: int, *, population: int | None) -> Interval:
    """Return the interval of a share by Wilson's formula.

    Of a known population, it is that of as many more answers as the correction for a finite
    population is worth, (N - 1) / (N - n): who asks everybody is certain.
    """
    share = count / answered
    if population is None:
        return wilson_interval(count, answered)
    if population <= answered:
        return share, share
    worth = answered * (population - 1) / (population - answered)
    return wilson_interval(min(share * worth, worth), worth)


def mean_interval(counts: Mapping[int, int], *, population: int | None) -> Interval | None:
    """Return the interval of the mean of levels by how many chose each; None for one answer.

    The normal approximation, clipped to the levels, corrected for a finite population.
    """
    n = sum(counts.values())
    if n < 2:
        return None
    mean = sum(level * count for level, count in counts.items()) / n
    variance = sum(count * (level - mean) ** 2 for level, count in counts.items()) / (n - 1)
    half = Z * math.sqrt(variance / n)
    if population is not None:
        half *= math.sqrt(max(population - n, 0) / max(population - 1, 1))
    return max(float(min(counts)), mean - half), min(float(max(counts)), mean + half)
