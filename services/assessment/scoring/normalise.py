"""From raw values to scores of 0-100; each rule works on a number and on an array alike."""

from typing import TypeVar, cast

import numpy as np

from services.assessment.methods.rules import (
    Direction,
    DistanceToTarget,
    Goalposts,
    MinMax,
    Normalisation,
    RankAmong,
    ZScore,
)
from services.assessment.scoring.uncertainty import Draws

Value = TypeVar("Value", float, Draws)


def normalise(raw: Value, goalposts: Goalposts, rule: Normalisation | None = None) -> Value:
    """0-100 by the rule (default: between the goalposts), clipped."""
    match rule:
        case None | MinMax():
            share = between(raw, goalposts.min, goalposts.max)
        case RankAmong():
            share = rank_among(raw, np.asarray(rule.among, dtype=np.float64))
        case ZScore():
            share = 0.5 + z_score(raw, mean=rule.mean, sd=rule.sd) / (2 * rule.span)
        case DistanceToTarget():
            return _clipped(
                100 * distance_to_target(raw, rule.target, direction=goalposts.direction)
            )
    return _clipped(100 * (share if goalposts.direction == "higher" else 1 - share))


def between(raw: Value, low: float, high: float) -> Value:
    """Min-max: 0 at `low`, 1 at `high`, beyond them outside of 0-1."""
    return (raw - low) / (high - low)


def z_score(raw: Value, *, mean: float, sd: float) -> Value:
    """Standard deviations above the mean."""
    return (raw - mean) / sd


def rank_among(raw: Value, group: Draws) -> Value:
    """The share of a group that a value passes, ties counting half (a percentile rank)."""
    ordered = np.sort(group)
    below = np.searchsorted(ordered, raw, side="left")
    reached = np.searchsorted(ordered, raw, side="right")
    shares = (below + reached) / (2 * len(ordered))
    return cast("Value", float(shares) if isinstance(raw, float | int) else shares)


def distance_to_target(raw: Value, target: float, *, direction: Direction = "higher") -> Value:
    """The share of the way from nothing to the target; where less is better, target / value."""
    if direction == "higher":
        return raw / target
    if isinstance(raw, float | int):
        return cast("Value", target / raw if raw > 0 else 1.0)
    return np.divide(target, raw, out=np.ones_like(raw), where=raw > 0)


def _clipped(score: Value) -> Value:
    if isinstance(score, float | int):
        return min(100.0, max(0.0, score))
    return np.clip(score, 0, 100)
