"""Result types of measuring an indicator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.assessment.scoring.inputs import Item
from services.assessment.scoring.scores import IntervalKind, NoIntervalReason
from services.assessment.scoring.uncertainty import Sampler, constant


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


@dataclass(frozen=True)
class Missing:
    """A missing value with its reason; missing is not zero."""

    reason: str


def exact(value: float, evidence: Sequence[Item], **inputs: float) -> Measurement:
    """Return the measurement of a full count, which has no uncertainty."""
    return Measurement(value, constant(value), evidence, inputs)
