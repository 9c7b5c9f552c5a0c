"""The figures of a year: what was measured, what it scores, and how sure that is.

After the OECD/JRC Handbook on Constructing Composite Indicators (2008). How raw values become
scores and scores an index, the method says. Nothing that is missing is filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.assessment.methods.definition import CollaborationMethod, IndicatorDefinition
from services.assessment.scoring.aggregate import Amount
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.measure_evaluation import MeasureResult, evaluate_measure
from services.assessment.scoring.measurement import Measurement, Missing
from services.assessment.scoring.normalise import normalise
from services.assessment.scoring.tree import combine
from services.assessment.scoring.uncertainty import RandomStreams, central_interval
from services.assessment.scoring.weights import point_weights, sampled_weights

Bounds = tuple[float, float]


@dataclass(frozen=True)
class ComputedScores:
    """An result of each indicator; a value and draws of each node that has one.

    A node whose draws are a single number rests on nothing that was sampled.
    """

    results: Mapping[str, MeasureResult]
    values: Mapping[str, float]
    draws: Mapping[str, Amount]

    def indicator_interval(self, indicator: IndicatorDefinition) -> Bounds | None:
        """The interval of an indicator: by its own formula where it has one, else of its draws."""
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
        """The span of 95% of a node's draws, and in any case its value; None where it is sure."""
        draws = self.draws[code]
        if isinstance(draws, float | int):
            return None
        low, high = central_interval(draws)
        value = self.values[code]
        return min(low, value), max(high, value)


def measurements_of(results: Mapping[str, MeasureResult]) -> dict[str, Measurement]:
    """The indicators that have evidence."""
    return {code: one for code, one in results.items() if isinstance(one, Measurement)}


def measure_all(method: CollaborationMethod, facts: Facts) -> dict[str, MeasureResult]:
    """The result of each indicator, by its code."""
    return {one.code: evaluate_measure(one.measure, facts) for one in method.indicators()}


def compute_scores(
    method: CollaborationMethod,
    facts: Facts,
    streams: RandomStreams,
    *,
    weight_streams: RandomStreams | None = None,
) -> ComputedScores:
    """Measures, normalises and aggregates the facts of a year.

    `weight_streams` draws random weights where they are to be the same for several regencies.
    """
    results = measure_all(method, facts)
    values: dict[str, float] = {}
    draws: dict[str, Amount] = {}
    for indicator in method.indicators():
        result = results[indicator.code]
        if isinstance(result, Measurement):
            posts, rule = indicator.goalposts, indicator.normalisation
            value = normalise(float(result.value), posts, rule)
            values[indicator.code] = value
            draws[indicator.code] = (
                value if result.interval is None else normalise(result.draw(streams), posts, rule)
            )
    above = combine(method, values, point_weights(method))
    draws |= combine(method, draws, sampled_weights(method, weight_streams or streams))
    values |= {code: float(value) for code, value in above.items()}
    return ComputedScores(results, values, draws)
