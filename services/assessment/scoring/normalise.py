"""Normalisation of raw values to scores of 0-100, for numbers and arrays."""

import math
from typing import overload

from services.assessment.methods.rules import (
    Direction,
    DistanceToTarget,
    Goalposts,
    Logarithm,
    MinMax,
    Normalisation,
    PercentileRank,
    ZScore,
)
from services.assessment.numerical_libraries import np
from services.assessment.scoring.aggregate import Amount
from services.assessment.scoring.uncertainty import Draws


@overload
def normalise(
    raw: float, goalposts: Goalposts, rule: Normalisation | None = None, *, stretch: float = 1
) -> float: ...
@overload
def normalise(
    raw: Draws, goalposts: Goalposts, rule: Normalisation | None = None, *, stretch: float = 1
) -> Draws: ...
@overload
def normalise(
    raw: Amount, goalposts: Goalposts, rule: Normalisation | None = None, *, stretch: Amount = 1
) -> Amount: ...
def normalise(
    raw: Amount, goalposts: Goalposts, rule: Normalisation | None = None, *, stretch: Amount = 1
) -> Amount:
    """Score a raw value from 0 to 100 by the rule (default: between the goalposts), clipped.

    `stretch` moves what scores 100 farther away (over 1) or nearer, for a sensitivity analysis.
    """
    higher = goalposts.direction == "higher"
    match rule:
        case None | MinMax():
            far = (goalposts.max - goalposts.min) * stretch
            gained = raw - goalposts.min if higher else goalposts.max - raw
            return _clipped(100 * (gained / far))
        case Logarithm():
            least, most = math.log(goalposts.min), math.log(goalposts.max)
            with np.errstate(divide="ignore"):  # nothing at all lies below every goalpost
                gained = np.log(np.maximum(raw, 0)) - least
            far = (most - least) * stretch
            return _clipped(100 * ((gained if higher else most - least - gained) / far))
        case PercentileRank():
            share = percentile_rank(raw, np.asarray(rule.among, dtype=np.float64))
        case ZScore():
            share = 0.5 + z_score(raw, mean=rule.mean, sd=rule.sd) / (2 * rule.span * stretch)
        case DistanceToTarget():
            target = rule.target * stretch if higher else rule.target / stretch
            return _clipped(100 * distance_to_target(raw, target, direction=goalposts.direction))
    return _clipped(100 * (share if higher else 1 - share))


def z_score(raw: Amount, *, mean: float, sd: float) -> Amount:
    """Return the standard deviations above the mean."""
    return (raw - mean) / sd


def percentile_rank(raw: Amount, group: Draws) -> Amount:
    """Return the share of a group that a value exceeds, ties counting half."""
    ordered = np.sort(group)
    below = np.searchsorted(ordered, raw, side="left")
    reached = np.searchsorted(ordered, raw, side="right")
    shares = (below + reached) / (2 * len(ordered))
    return float(shares) if isinstance(raw, float | int) else shares


def distance_to_target(raw: Amount, target: Amount, *, direction: Direction = "higher") -> Amount:
    """Return the value over its target; if lower is better, the target over the value."""
    if direction == "higher":
        return raw / target
    with np.errstate(divide="ignore"):  # nothing at all is past every target
        return np.divide(target, np.maximum(raw, 0))


def _clipped(score: Amount) -> Amount:
    if isinstance(score, np.ndarray):
        return np.clip(score, 0, 100)
    return min(100.0, max(0.0, float(score)))
