"""Uncertainty of figures: confidence intervals, and draws that propagate through the tree."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

from services.assessment.numerical_libraries import Floats, Integers, np, special

Draws = Floats

CONFIDENCE_LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE_LEVEL) / 2)


class RandomStreams:
    """Named random streams: one seed and one name always give the same draws.

    Figures from the same evidence use the same stream, so that two indicators that read one survey
    are correlated; and no figure depends on the order of computation. Only the bits of PCG64 are
    used, which numpy promises not to change (NEP 19), and not its distributions, which may change
    between releases: a bundle must be verifiable for years.
    """

    def __init__(self, seed: int, draws: int, scope: str = "") -> None:
        self.seed = seed
        self.draws = draws
        self.scope = scope
        """Separates the streams of independent cases, such as compared regencies."""

    def uniform(self, name: str) -> Draws:
        """Return one uniform number in (0, 1) for each draw."""
        return self.uniforms(name, 1)[0]

    def uniforms(self, name: str, rows: int) -> Draws:
        """Return rows of uniform numbers in (0, 1), a column for each draw."""
        digest = hashlib.sha256(f"{self.scope}{name}".encode()).digest()
        words = [int.from_bytes(digest[start : start + 4], "big") for start in range(0, 16, 4)]
        bits = np.random.PCG64(np.random.SeedSequence([self.seed, *words]))
        raw = np.asarray(bits.random_raw(rows * self.draws))
        raw >>= np.uint64(12)
        numbers = raw.astype(np.float64)
        numbers += 0.5
        numbers *= 2.0**-52
        return numbers.reshape(rows, self.draws)


Sampler = Callable[[RandomStreams], Draws]
"""Draws possible values of a figure, one for each draw of the streams."""


def constant(value: float) -> Sampler:
    """Return the sampler of a figure without uncertainty."""
    return lambda streams: np.full(streams.draws, value)


def uniform_between(low: float, high: float, name: str) -> Sampler:
    """Return the sampler of a uniform distribution between two ends."""
    return lambda streams: low + (high - low) * streams.uniform(name)


def beta_posterior(hits: float, n: float, name: str) -> Sampler:
    """Return the sampler of Jeffreys' posterior of a share, Beta(hits + 1/2, n - hits + 1/2)."""

    def draw(streams: RandomStreams) -> Draws:
        # The exact quantile function is slow; over the normal one it is nearly a straight line.
        knots = np.linspace(-8.5, 8.5, 513)
        quantiles = special.betaincinv(hits + 0.5, n - hits + 0.5, special.ndtr(knots))
        return _in_order(
            lambda shares: np.interp(special.ndtri(shares), knots, quantiles),
            streams.uniform(name),
        )

    return draw


def _in_order(look_up: Callable[[Draws], Floats | Integers], shares: Draws) -> Draws:
    """Return what is looked up for each share; in ascending order that takes half the time."""
    order = np.argsort(shares)
    found = np.empty(len(shares))
    found[order] = look_up(shares[order])
    return found


@dataclass(frozen=True)
class BootstrapMean:
    """The bootstrap's distribution of a mean of values counted at 1, 1 + step, 1 + 2 step, ....

    It is computed, not simulated: the sum of n values drawn with replacement has the n-th power of
    one value's characteristic function. n is the number of values, unless there are fewer
    respondents, who may have given several alike.
    """

    counts: Sequence[int]
    step: float = 1
    respondents: int | None = None

    def sampler(self, name: str) -> Sampler:
        """Return the sampler of the mean."""
        return lambda streams: self._quantiles(streams.uniform(name))

    def interval(self) -> tuple[float, float]:
        """Return the central 95% of the distribution."""
        tail = (1 - CONFIDENCE_LEVEL) / 2
        low, high = self._quantiles(np.array([tail, 1 - tail]))
        return float(low), float(high)

    def _quantiles(self, shares: Draws) -> Draws:
        """Return the means below which these shares of the distribution lie."""
        sums = _in_order(lambda ordered: np.searchsorted(self._reached, ordered), shares)
        return 1 + self.step * (sums / self._drawn)

    @property
    def _drawn(self) -> int:
        return sum(self.counts) if self.respondents is None else self.respondents

    @cached_property
    def _reached(self) -> Draws:
        """The probability of each sum or a smaller one."""
        n = self._drawn
        size = n * (len(self.counts) - 1) + 1
        fast = 1 << size.bit_length()  # a power of two that leaves room for every sum
        of_one = np.asarray(self.counts, dtype=np.float64) / sum(self.counts)
        of_sum = np.fft.irfft(np.fft.rfft(of_one, fast) ** n, fast)[:size]
        reached = np.cumsum(np.clip(of_sum, 0, None))
        return reached / reached[-1]


def scaled_about(value: float, factor: float, draw: Sampler) -> Sampler:
    """Return a sampler whose draws lie closer to a value, by a factor."""
    return lambda streams: value + factor * (draw(streams) - value)


def normal(value: float, low: float, high: float, name: str) -> Sampler:
    """Return the sampler of a normal figure with a 95% interval, of which an end may be clipped."""
    spread = max(high - value, value - low) / Z
    return lambda streams: value + spread * special.ndtri(streams.uniform(name))


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


def central_interval(draws: Draws) -> tuple[float, float]:
    """Return the central 95% of the draws, with 2.5% excluded at each end."""
    places = [
        (len(draws) - 1) * end for end in ((1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2)
    ]
    below = [math.floor(place) for place in places]
    above = [min(at + 1, len(draws) - 1) for at in below]
    ordered = np.sort(draws)  # vectorised, so faster than `np.partition`
    low, high = (
        float(ordered[a] + (ordered[b] - ordered[a]) * (place - a))
        for place, a, b in zip(places, below, above, strict=True)
    )
    return low, high
