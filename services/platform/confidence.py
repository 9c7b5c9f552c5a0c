"""Confidence intervals of shares, for whoever counts answers."""

import math
from statistics import NormalDist

CONFIDENCE_LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE_LEVEL) / 2)


def wilson_interval(hits: float, n: float) -> tuple[float, float]:
    """Return Wilson's 95% score interval of a share (Wilson 1927)."""
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"a share needs 0 <= hits <= n and n >= 1, not {hits} of {n}")
    share = hits / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return low, high
