"""Evaluation of measures: from the facts of a year to a raw value, or the reason for none.

Each kind of evidence has a module of its own; here are the measures that are made of others.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from services.assessment.methods import measure_definitions as m
from services.assessment.numerical_libraries import np
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.measurement import (
    UNBOUNDED,
    Bounds,
    Measurement,
    MeasureResult,
    Missing,
    exact,
    ranged,
)
from services.assessment.scoring.meeting_measures import (
    evaluate_attending,
    evaluate_evenness,
    evaluate_sectors_present,
    evaluate_ties,
)
from services.assessment.scoring.observation_measures import evaluate_observed
from services.assessment.scoring.record_measures import (
    evaluate_agencies_with,
    evaluate_attained,
    evaluate_count,
    evaluate_held_of_planned,
    evaluate_index_progress,
    evaluate_required,
    evaluate_share,
)
from services.assessment.scoring.report_measures import (
    evaluate_agencies_reporting,
    evaluate_catalog_share,
    evaluate_comments_in_time,
    evaluate_reported,
    evaluate_usage_share,
)
from services.assessment.scoring.scores import IntervalKind, NoIntervalReason
from services.assessment.scoring.survey_measures import (
    evaluate_satisfaction,
    evaluate_survey_mean,
    evaluate_survey_share,
)
from services.assessment.scoring.uncertainty import Sampler


def evaluate_measure(definition: m.Measure, facts: Facts) -> MeasureResult:
    """Evaluate a measure, or return the reason why its value is missing."""
    return EVALUATORS[type(definition)](definition, facts)


def _at_least(definition: m.AtLeast, facts: Facts) -> MeasureResult:
    inner = evaluate_measure(definition.measure, facts)
    given = evaluate_measure(definition.given, facts)
    is_met = isinstance(given, Measurement) and given.value >= 1
    low, high = inner.bounds
    least = definition.least
    if given.bounds[0] >= 1:
        low = max(low, least)
    # The condition may be met unseen, unless its absence is known.
    bounds = (low, max(high, least) if given.bounds[1] >= 1 else high)
    if not is_met or isinstance(given, Missing):
        return replace(inner, bounds=bounds)
    if isinstance(inner, Missing):
        return exact(least, given.evidence, bounds, least=least)
    return Measurement(
        value=max(inner.value, least),
        draw=lambda streams: np.maximum(inner.draw(streams), least),
        evidence=[*inner.evidence, *given.evidence],
        inputs=inner.inputs,
        low=None if inner.low is None else max(inner.low, least),
        high=None if inner.high is None else max(inner.high, least),
        interval=inner.interval,
        no_interval_because=inner.no_interval_because,
        bounds=bounds,
    )


def _lower_bound(definition: m.LowerBound, facts: Facts) -> MeasureResult:
    least = _range_from(evaluate_measure(definition.measure, facts), definition.high)
    if definition.exact is None:
        return least
    exactly = evaluate_measure(definition.exact, facts)
    if isinstance(exactly, Missing):
        return least
    if isinstance(least, Missing):
        return exactly
    # Both hold, unless they contradict each other: then it is one or the other.
    (low, high), (floor, ceiling) = exactly.bounds, least.bounds
    agree = floor <= high and low <= ceiling
    bounds = (max(low, floor), min(high, ceiling)) if agree else (low, high)
    return replace(exactly, bounds=bounds)


def _range_from(inner: MeasureResult, high: float) -> MeasureResult:
    if isinstance(inner, Missing):
        return replace(inner, bounds=(inner.bounds[0], high))
    low = min(inner.value if inner.low is None else inner.low, high)
    name = " ".join(item.key for item in inner.evidence)
    return ranged(
        (low, high),
        inner.evidence,
        (min(inner.bounds[0], high), high),
        {**inner.inputs, "low": low, "high": high},
        stream=f"lower bound {name}",
    )


def _complement(definition: m.Complement, facts: Facts) -> MeasureResult:
    inner = evaluate_measure(definition.measure, facts)
    bounds = (1 - inner.bounds[1], 1 - inner.bounds[0])
    if isinstance(inner, Missing):
        return Missing(inner.reason, bounds)
    return Measurement(
        value=1 - inner.value,
        draw=lambda streams: 1 - inner.draw(streams),
        evidence=inner.evidence,
        inputs=inner.inputs,
        low=None if inner.high is None else 1 - inner.high,
        high=None if inner.low is None else 1 - inner.low,
        interval=inner.interval,
        no_interval_because=inner.no_interval_because,
        bounds=bounds,
    )


def _ratio(definition: m.Ratio, facts: Facts) -> MeasureResult:
    over = evaluate_measure(definition.numerator, facts)
    under = evaluate_measure(definition.denominator, facts)
    if isinstance(over, Missing):
        return over
    if isinstance(under, Missing):
        return under
    if under.value == 0 or under.low == 0:
        return Missing("the denominator is zero")
    return Measurement(
        value=over.value / under.value,
        draw=lambda streams: over.draw(streams) / under.draw(streams),
        evidence=[*over.evidence, *under.evidence],
        inputs={"numerator": over.value, "denominator": under.value},
        interval=_simulated([over, under]),
        no_interval_because=_no_interval([over, under]),
        bounds=_ratio_bounds(over.bounds, under.bounds),
    )


def _ratio_bounds(over: Bounds, under: Bounds) -> Bounds:
    """Return the ends of a ratio of amounts that are not negative."""
    low = max(0.0, over[0]) / under[1] if 0 < under[1] < math.inf else 0.0
    high = over[1] / under[0] if under[0] > 0 else math.inf
    return low, high


def _mean_of(definition: m.MeanOf, facts: Facts) -> MeasureResult:
    parts = [evaluate_measure(part, facts) for part in definition.measures]
    readings: list[Measurement] = []
    low, high = (sum(part.bounds[end] for part in parts) / len(parts) for end in (0, 1))
    for part in parts:
        if isinstance(part, Missing):
            return replace(part, bounds=(low, high))
        readings.append(part)

    def draw(streams: Any) -> Any:
        return np.mean([reading.draw(streams) for reading in readings], axis=0)

    sampler: Sampler = draw
    return Measurement(
        value=sum(reading.value for reading in readings) / len(readings),
        draw=sampler,
        evidence=[item for reading in readings for item in reading.evidence],
        inputs={f"part_{n}": reading.value for n, reading in enumerate(readings, start=1)},
        interval=_simulated(readings),
        no_interval_because=_no_interval(readings),
        bounds=(low, high),
    )


def _simulated(parts: Sequence[Measurement]) -> IntervalKind | None:
    """Return the origin of the interval of what these parts make up; None without an interval."""
    if _no_interval(parts) is not None:
        return None
    return "simulation" if any(part.interval for part in parts) else None


def _no_interval(parts: Sequence[Measurement]) -> NoIntervalReason | None:
    return next((part.no_interval_because for part in parts if part.no_interval_because), None)


def _first_of(definition: m.FirstOf, facts: Facts) -> MeasureResult:
    """Return the first measure that has evidence.

    What is proven is what the first one proves: if another measure stood in for it in full,
    withdrawing evidence of the first could raise what is proven.
    """
    reasons: list[str] = []
    bounds: Bounds | None = None
    for part in definition.measures:
        outcome = evaluate_measure(part, facts)
        bounds = bounds or outcome.bounds
        if isinstance(outcome, Measurement):
            return replace(outcome, bounds=bounds)
        reasons.append(outcome.reason)
    return Missing("; ".join(dict.fromkeys(reasons)), bounds or UNBOUNDED)


EVALUATORS: dict[type[Any], Callable[[Any, Facts], MeasureResult]] = {
    m.Count: evaluate_count,
    m.Share: evaluate_share,
    m.RequiredItems: evaluate_required,
    m.Attained: evaluate_attained,
    m.Observed: evaluate_observed,
    m.SectorsPresent: evaluate_sectors_present,
    m.Evenness: evaluate_evenness,
    m.Attending: evaluate_attending,
    m.Ties: evaluate_ties,
    m.IndexProgress: evaluate_index_progress,
    m.SurveyShare: evaluate_survey_share,
    m.SurveyMean: evaluate_survey_mean,
    m.SatisfactionIndex: evaluate_satisfaction,
    m.Reported: evaluate_reported,
    m.AgenciesReporting: evaluate_agencies_reporting,
    m.CommentsInTime: evaluate_comments_in_time,
    m.UsageShare: evaluate_usage_share,
    m.CatalogShare: evaluate_catalog_share,
    m.AgenciesWith: evaluate_agencies_with,
    m.HeldOfPlanned: evaluate_held_of_planned,
    m.AtLeast: _at_least,
    m.LowerBound: _lower_bound,
    m.Complement: _complement,
    m.Ratio: _ratio,
    m.MeanOf: _mean_of,
    m.FirstOf: _first_of,
}
