"""Uncertainty of figures: confidence intervals, and draws that propagate through the tree."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.assessment.numerical_libraries import Floats, Integers, np, special
from services.platform.confidence import CONFIDENCE_LEVEL, Z

Draws = Floats

KNOT_STEP = 17 / 512
"""Distance of the knots between which quantiles are interpolated, in standard deviations."""
TABLE_PARTS = 4096
"""Equal parts of a distribution: enough that few hold a step, and a power of two, to be exact."""


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
        scores = special.ndtri(streams.uniform(name))
        steps = np.floor(scores / KNOT_STEP).astype(np.intp)
        first = steps.min()
        knots = KNOT_STEP * np.arange(first, steps.max() + 2)
        quantiles = special.betaincinv(hits + 0.5, n - hits + 0.5, special.ndtr(knots))
        slopes = np.diff(quantiles) / KNOT_STEP
        steps -= first
        return slopes[steps] * (scores - knots[steps]) + quantiles[steps]

    return draw


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
        return lambda streams: self._means(self._sums(streams.uniform(name)))

    def interval(self) -> tuple[float, float]:
        """Return the central 95% of the distribution."""
        tail = (1 - CONFIDENCE_LEVEL) / 2
        low, high = self._means(np.searchsorted(self._reached, [tail, 1 - tail]))
        return float(low), float(high)

    def _means(self, sums: Integers) -> Draws:
        """Return the means of sums, which count from 0 for values of 1."""
        return 1 + self.step * (sums / self._drawn)

    def _sums(self, shares: Draws) -> Integers:
        """Return the sums below which these shares of the distribution lie.

        Most parts of the table hold no step of the distribution, so that one sum fits all shares in
        them; the others are searched.
        """
        of_steps = (self._reached * TABLE_PARTS).astype(np.intp)
        steps = np.bincount(of_steps, minlength=TABLE_PARTS)
        parts = (shares * TABLE_PARTS).astype(np.intp)
        sums = (np.cumsum(steps) - steps)[parts]
        unclear = np.flatnonzero(steps[parts])
        sums[unclear] = np.searchsorted(self._reached, shares[unclear])
        return sums

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


def central_interval(draws: Draws) -> tuple[float, float]:
    """Return the central 95% of the draws, with 2.5% excluded at each end."""
    tail = (1 - CONFIDENCE_LEVEL) / 2
    return _quantile(draws, tail), _quantile(draws, (1 + CONFIDENCE_LEVEL) / 2)


def _quantile(draws: Draws, share: float) -> float:
    """Return the value below which a share of the draws lies, between the two nearest draws."""
    place = (len(draws) - 1) * share
    at = math.floor(place)
    parted = np.partition(draws, at)  # at one place, which takes less time than at several
    low = parted[at]
    high = parted[at + 1 :].min() if at + 1 < len(draws) else low
    return float(low + (high - low) * (place - at))
