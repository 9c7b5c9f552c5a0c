"""Uncertainty of a network's density, and change of a network between two years."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.assessment.network.measures import (
    ConfidenceInterval,
    MeasureDifference,
    NetworkChange,
    NetworkMeasures,
)
from services.assessment.network.structure import DECIMALS
from services.assessment.network.ties import Network, Pair
from services.assessment.numerical_libraries import Booleans, np
from services.assessment.scoring.uncertainty import Draws, RandomStreams, central_interval

RESAMPLES = 1000


@dataclass(frozen=True)
class TieChanges:
    """Ties retained, added and lost between two years."""

    kept: Sequence[Pair]
    new: Sequence[Pair]
    lost: Sequence[Pair]


def tie_changes(before: Network, after: Network) -> TieChanges:
    """Return the ties retained, added and lost."""
    old, now = set(before.pairs()), set(after.pairs())
    return TieChanges(sorted(old & now), sorted(now - old), sorted(old - now))


def resampled_density(matrix: Booleans, streams: RandomStreams, name: str) -> Draws | None:
    """Return densities of resampled networks, stakeholders drawn with replacement.

    Two copies of one stakeholder are tied with the probability of any pair, which is the density
    (Snijders and Borgatti 1999).
    """
    n = len(matrix)
    if n < 2:
        return None
    ties = matrix.astype(np.float64)
    density = ties.sum() / (n * (n - 1))
    drawn = (streams.uniforms(name, n) * n).astype(np.int64)
    found = np.empty(streams.draws)
    for at in range(streams.draws):
        counts = np.bincount(drawn[:, at], minlength=n)
        tied = counts @ ties @ counts / 2
        doubles = float((counts * (counts - 1) / 2).sum())
        found[at] = (tied + doubles * density) / (n * (n - 1) / 2)
    return found


def confidence_interval(draws: Draws | None) -> ConfidenceInterval | None:
    if draws is None:
        return None
    low, high = central_interval(draws)
    return ConfidenceInterval(low=round(low, DECIMALS) + 0.0, high=round(high, DECIMALS) + 0.0)


def change_between(
    before: tuple[Network, NetworkMeasures],
    after: tuple[Network, NetworkMeasures],
    *,
    streams: RandomStreams,
) -> NetworkChange:
    """Return the change from the first network to the second."""
    (old, old_measures), (now, now_measures) = before, after
    moves = tie_changes(old, now)
    union = len(moves.kept) + len(moves.new) + len(moves.lost)
    first = resampled_density(old.matrix(), streams, "network before")
    second = resampled_density(now.matrix(), streams, "network after")
    return NetworkChange(
        joined=len(set(now.keys) - set(old.keys)),
        left=len(set(old.keys) - set(now.keys)),
        ties_kept=len(moves.kept),
        ties_new=len(moves.new),
        ties_lost=len(moves.lost),
        stability=None if union == 0 else round(len(moves.kept) / union, DECIMALS),
        density_interval=None
        if first is None or second is None
        else confidence_interval(second - first),
        differences=_differences(old_measures, now_measures),
    )


def _differences(before: NetworkMeasures, after: NetworkMeasures) -> list[MeasureDifference]:
    found: list[MeasureDifference] = []
    for name, now in after:
        old = getattr(before, name)
        known = [value for value in (old, now) if value is not None]
        if not all(isinstance(value, int | float) for value in known):
            continue
        difference = None if len(known) < 2 else round(now - old, DECIMALS) + 0.0
        found.append(MeasureDifference(measure=name, before=old, after=now, difference=difference))
    return found
