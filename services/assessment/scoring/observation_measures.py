"""Measures of what observers have recorded about a subject."""

import math
from collections.abc import Mapping

from services.assessment.evidence.records import Observation
from services.assessment.methods import measure_definitions as m
from services.assessment.scoring.inputs import Facts, items_of
from services.assessment.scoring.measurement import (
    SHARE,
    UNBOUNDED,
    Bounds,
    MeasureResult,
    Missing,
    exact,
    ranged,
)
from services.assessment.scoring.observations import (
    NewestObservations,
    newest_observations,
    observations_of,
    observations_of_year,
)


def evaluate_observed(definition: m.Observed, facts: Facts) -> MeasureResult:
    found = newest_observations(facts, definition.subject)
    if found is None:
        return Missing(f"nothing is recorded about {definition.subject}")
    if definition.contradictions == "last_key" and facts.registers == "assumed":
        last = max(
            observations_of(facts, definition.subject),
            key=lambda pair: (_since(pair[1]), pair[0].key),
        )
        found = NewestObservations([last], *last[1].bounds)
    bounds = _observed_bounds(definition.subject, found, facts)
    items, low, high = items_of(found.rows), found.low, found.high
    if low == high and all(observation.value is not None for _, observation in found.rows):
        return exact(low, items, bounds, observed=low, **_quotient(found))
    keys = " ".join(item.key for item in items)
    inputs = {"low": low, "high": high}
    return ranged((low, high), items, bounds, inputs, stream=f"observation {keys}")


def _quotient(found: NewestObservations) -> dict[str, float]:
    """Return the counts that a single observation is a quotient of."""
    [(_, observation), *others] = found.rows
    if others or observation.numerator is None or observation.denominator is None:
        return {}
    return {"numerator": observation.numerator, "n": observation.denominator}


BOUNDS_OF_UNIT: Mapping[str | None, Bounds] = {
    "share": SHARE,
    "level": SHARE,
    "count": (0.0, math.inf),
}
"""What is known of an observation of another year; of other units nothing."""


def _observed_bounds(subject: str, newest: NewestObservations, facts: Facts) -> Bounds:
    """Return what the observations of the year say together: if they differ, anything between."""
    ends = [one.bounds for _, one in observations_of_year(facts) if one.subject == subject]
    if not ends:
        known = [BOUNDS_OF_UNIT.get(one.unit, UNBOUNDED) for _, one in newest.rows]
        return min(low for low, _ in known), max(high for _, high in known)
    return min(low for low, _ in ends), max(high for _, high in ends)


def _since(observation: Observation) -> tuple[int, int, int]:
    if observation.valid_from is not None:
        first = observation.valid_from
        return (first.year, first.month, first.day)
    return (observation.attested_in or 0, 1, 1)
