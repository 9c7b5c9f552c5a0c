"""Result types of measuring an indicator."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.assessment.scoring.items import Item
from services.assessment.scoring.scores import IntervalKind, NoIntervalReason
from services.assessment.scoring.uncertainty import Sampler, constant, uniform_between

Bounds = tuple[float, float]
"""The lower and the upper end of what a figure can be."""

UNBOUNDED: Bounds = (-math.inf, math.inf)
SHARE: Bounds = (0.0, 1.0)


@dataclass(frozen=True)
class Measurement:
    """A raw value with its interval, inputs and evidence."""

    value: float
    draw: Sampler
    evidence: Sequence[Item]
    inputs: Mapping[str, float] = field(default_factory=dict[str, float])
    low: float | None = None
    high: float | None = None
    interval: IntervalKind | None = None
    """None for a full count, which has no sampling uncertainty, and for a self-selected sample,
    whose error is unknown."""
    no_interval_because: NoIntervalReason | None = None
    bounds: Bounds = UNBOUNDED
    """What the evidence proves, whatever is not known turns out to be; nothing by default."""


@dataclass(frozen=True)
class Missing:
    """A missing value with its reason; missing is not zero."""

    reason: str
    bounds: Bounds = UNBOUNDED
    """What is proven although there is no value."""


MeasureResult = Measurement | Missing


def exact(
    value: float, evidence: Sequence[Item], bounds: Bounds | None = None, /, **inputs: float
) -> Measurement:
    """Return the measurement of a full count, which has no uncertainty.

    `bounds` are wider than the value if more may exist than was counted.
    """
    return Measurement(
        value,
        constant(value),
        evidence,
        inputs,
        bounds=(value, value) if bounds is None else bounds,
    )


def ranged(
    ends: Bounds,
    evidence: Sequence[Item],
    bounds: Bounds,
    inputs: Mapping[str, float],
    *,
    stream: str,
) -> Measurement:
    """Return the measurement of a range: its middle, drawn evenly between its ends.

    `stream` names the stream of draws; it is part of stored results and cannot change.
    """
    low, high = ends
    return Measurement(
        value=(low + high) / 2,
        draw=uniform_between(low, high, stream),
        evidence=evidence,
        inputs=inputs,
        low=low,
        high=high,
        interval="range",
        bounds=bounds,
    )
