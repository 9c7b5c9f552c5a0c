"""How sure a figure is: intervals of its own kind, and draws that carry them upward."""

import hashlib
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.float64]

LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


class Streams:
    """Random numbers by name: one seed and one name always give the same draws.

    What rests on the same evidence takes the same stream, so that two indicators that read one
    survey move together; and no figure depends on the order in which others were computed.
    """

    def __init__(self, seed: int, draws: int) -> None:
        self.seed = seed
        self.draws = draws

    def of(self, name: str) -> np.random.Generator:
        digest = hashlib.sha256(name.encode()).digest()
        words = [int.from_bytes(digest[start : start + 4], "big") for start in range(0, 16, 4)]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, *words])))


Sampler = Callable[[Streams], Draws]
"""Possible values of a figure, as many as the streams have draws."""


def constant(value: float) -> Sampler:
    """A full count: no uncertainty."""
    return lambda streams: np.full(streams.draws, value)


def within(low: float, high: float, name: str) -> Sampler:
    """Anything between the ends of a range, equally likely."""
    return lambda streams: streams.of(name).uniform(low, high, streams.draws)


def share_of_sample(hits: int, n: int, name: str) -> Sampler:
    """The share behind `hits` of `n`: Jeffreys' posterior, Beta(hits + 1/2, n - hits + 1/2)."""
    return lambda streams: streams.of(name).beta(hits + 0.5, n - hits + 0.5, streams.draws)


def mean_of_levels(counts: Sequence[int], name: str) -> Sampler:
    """The mean level behind answers counted by level 1, 2, ...: bootstrap of the answers."""
    n = sum(counts)
    shares = np.asarray(counts, dtype=np.float64) / n
    levels = np.arange(1, len(counts) + 1, dtype=np.float64)

    def draw(streams: Streams) -> Draws:
        return streams.of(name).multinomial(n, shares, streams.draws) @ levels / n

    return draw


def normal(value: float, low: float, high: float, name: str) -> Sampler:
    """A figure with a symmetric 95% interval, of which an end may have been clipped."""
    spread = max(high - value, value - low) / Z
    return lambda streams: streams.of(name).normal(value, spread, streams.draws)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95% score interval of a share (Wilson 1927)."""
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"a share needs 0 <= hits <= n and n >= 1, not {hits} of {n}")
    share = hits / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return low, high


def central(draws: Draws) -> tuple[float, float]:
    """The span that holds 95% of the draws, 2.5% left out at each end."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
