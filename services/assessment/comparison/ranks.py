"""Rank probabilities of regencies, from the draws of their scores.

A ranking of point values hides that most neighbours could as well be in the other order; rank
probabilities show it (OECD/JRC Handbook 2008, step 7; Goldstein and Spiegelhalter 1996). In each
draw the highest score has rank 1; equal scores share their ranks evenly, so that the probabilities
of a regency sum to 1, and so do those of a rank.
"""

from dataclasses import dataclass

from services.assessment.numerical_libraries import np, stats
from services.assessment.scoring.uncertainty import Draws
from services.platform.confidence import CONFIDENCE_LEVEL

COMPARED_DECIMALS = 6
"""Scores that differ by less are ties: more than floating-point error."""

TOLERANCE = 1e-9
"""Tolerance for sums of floating-point shares."""


@dataclass(frozen=True)
class RankInterval:
    """Median rank of a regency and its 95% interval."""

    median: int
    low: int
    high: int


def rank_probabilities(draws: Draws) -> Draws:
    """Return probabilities (a column per rank) from draws (a row per regency)."""
    scores = -np.round(draws, COMPARED_DECIMALS)
    best = stats.rankdata(scores, method="min", axis=0).astype(np.int64)
    worst = stats.rankdata(scores, method="max", axis=0).astype(np.int64)
    count, turns = scores.shape
    # A draw spreads over the ranks from best to worst: a rise and a fall, summed afterwards.
    steps = np.zeros((count, count + 1))
    rows = np.broadcast_to(np.arange(count)[:, None], best.shape)
    shares = 1 / (worst - best + 1)
    np.add.at(steps, (rows, best - 1), shares)
    np.add.at(steps, (rows, worst), -shares)
    return np.clip(steps.cumsum(axis=1)[:, :count], 0, None) / turns


def outranking_probabilities(draws: Draws) -> Draws:
    """Return how probably each regency (row) outranks each other (column); ties count half."""
    scores = np.round(draws, COMPARED_DECIMALS)
    found = np.empty((len(scores), len(scores)))
    for at, own in enumerate(scores):
        found[at] = (own > scores).mean(axis=1) + (own == scores).mean(axis=1) / 2
    return found


def rank_interval(probabilities: Draws) -> RankInterval:
    """Return the median rank and the 95% interval of ranks."""
    reached = probabilities.cumsum() + TOLERANCE
    low, median, high = (
        int(np.argmax(reached >= share)) + 1
        for share in ((1 - CONFIDENCE_LEVEL) / 2, 0.5, (1 + CONFIDENCE_LEVEL) / 2)
    )
    return RankInterval(median=median, low=low, high=high)
