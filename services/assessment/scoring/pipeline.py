"""Computation of a year's figures: measurements, scores and their uncertainty.

It follows the OECD/JRC Handbook on Constructing Composite Indicators (2008). Normalisation, weights
and aggregation are the method's. Missing values are not imputed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.assessment.methods.definition import IndicatorDefinition, TreeMethod
from services.assessment.scoring.aggregate import Amount
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.measure_evaluation import evaluate_measure
from services.assessment.scoring.measurement import Bounds, Measurement, MeasureResult, Missing
from services.assessment.scoring.normalise import normalise
from services.assessment.scoring.tree import combine
from services.assessment.scoring.uncertainty import RandomStreams, central_interval
from services.assessment.scoring.weights import point_weights, sampled_weights


@dataclass(frozen=True)
class PointScores:
    """The estimate of each node that has one, and the bounds of each by a method with bounds."""

    values: Mapping[str, float]
    bounds: Mapping[str, Bounds]


@dataclass(frozen=True)
class ComputedScores:
    """A result of each indicator; a value and draws of each node that has one.

    A node whose draws are a single number depends on no sample.
    """

    results: Mapping[str, MeasureResult]
    values: Mapping[str, float]
    draws: Mapping[str, Amount]
    bounds: Mapping[str, Bounds]
    """What the evidence proves of each node; empty if the method takes registers as complete."""

    def indicator_interval(self, indicator: IndicatorDefinition) -> Bounds | None:
        """Return an indicator's interval: by its own formula if it has one, else of its draws."""
        reading = self.results[indicator.code]
        if isinstance(reading, Missing) or reading.interval is None:
            return None
        if reading.low is None or reading.high is None:
            return self.interval(indicator.code)
        low, high = sorted(
            normalise(float(end), indicator.goalposts, indicator.normalisation)
            for end in (reading.low, reading.high)
        )
        return low, high

    def interval(self, code: str) -> Bounds | None:
        """Return the central 95% of a node's draws, widened to its value; None if it is certain."""
        draws = self.draws[code]
        if isinstance(draws, float | int):
            return None
        low, high = central_interval(draws)
        value = self.values[code]
        return min(low, value), max(high, value)


def measurements_of(results: Mapping[str, MeasureResult]) -> dict[str, Measurement]:
    """Return the indicators that have evidence."""
    return {code: one for code, one in results.items() if isinstance(one, Measurement)}


def measure_all(method: TreeMethod, facts: Facts) -> dict[str, MeasureResult]:
    """Return the result of each indicator, by code."""
    read = facts.read_by(method.registers)
    return {one.code: evaluate_measure(one.measure, read) for one in method.indicators()}


def compute_scores(
    method: TreeMethod,
    facts: Facts,
    streams: RandomStreams,
    *,
    weight_streams: RandomStreams | None = None,
) -> ComputedScores:
    """Measure, normalise and aggregate the facts of a year.

    `weight_streams` draws random weights that several regencies are to have in common.
    """
    results = measure_all(method, facts)
    points = point_scores(method, results)
    draws: dict[str, Amount] = {}
    for indicator in method.indicators():
        result = results[indicator.code]
        if isinstance(result, Measurement):
            posts, rule = indicator.goalposts, indicator.normalisation
            draws[indicator.code] = (
                normalise(float(result.value), posts, rule)
                if result.interval is None
                else normalise(result.draw(streams), posts, rule)
            )
    draws = combine(method, draws, sampled_weights(method, weight_streams or streams))
    return ComputedScores(results, points.values, draws, points.bounds)


def point_scores(method: TreeMethod, results: Mapping[str, MeasureResult]) -> PointScores:
    """Return the estimate and the bounds of each node by the results of the indicators."""
    values: dict[str, float] = {}
    for indicator in method.indicators():
        result = results[indicator.code]
        if isinstance(result, Measurement):
            values[indicator.code] = normalise(
                float(result.value), indicator.goalposts, indicator.normalisation
            )
    nodes = combine(method, values, point_weights(method))
    values = {code: float(score) for code, score in nodes.items()}
    bounds = bounds_of(method, results) if method.registers == "declared" else {}
    for code, (low, high) in bounds.items():
        if code in values:
            values[code] = min(max(values[code], low), high)
    return PointScores(values, bounds)


def bounds_of(method: TreeMethod, results: Mapping[str, MeasureResult]) -> dict[str, Bounds]:
    """Return the scores of each node if everything that is not known is worst, and if best.

    Every part counts here, also one without evidence, so that an estimate may lie outside: an
    element of too little evidence is left out of the mean above it, but what is proven of it is
    proven. Such an estimate is moved to the nearest end.
    """
    worst: dict[str, float] = {}
    best: dict[str, float] = {}
    for indicator in method.indicators():
        worst[indicator.code], best[indicator.code] = sorted(
            normalise(float(end), indicator.goalposts, indicator.normalisation)
            for end in results[indicator.code].bounds
        )
    weights = point_weights(method)
    proven, possible = (combine(method, ends, weights) for ends in (worst, best))
    return {code: (float(low), float(possible[code])) for code, low in proven.items()}
