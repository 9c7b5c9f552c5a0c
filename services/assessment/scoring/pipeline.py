"""The figures of a year: what was measured, what it scores, and how sure that is.

After the OECD/JRC Handbook on Constructing Composite Indicators (2008). How raw values become
scores and scores an index, the method says. Nothing that is missing is filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.assessment.methods.definition import CollaborationMethod, IndicatorDefinition
from services.assessment.scoring.aggregate import Amount
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.measure_evaluation import Outcome, measure
from services.assessment.scoring.measurement import NoEvidence, Reading
from services.assessment.scoring.normalise import normalise
from services.assessment.scoring.tree import combine
from services.assessment.scoring.uncertainty import Streams, central
from services.assessment.scoring.weights import drawn_weights, weights_of

Ends = tuple[float, float]


@dataclass(frozen=True)
class Computed:
    """An outcome of each indicator; a value and draws of each node that has one.

    A node whose draws are a single number rests on nothing that was sampled.
    """

    outcomes: Mapping[str, Outcome]
    values: Mapping[str, float]
    draws: Mapping[str, Amount]

    def own_interval(self, indicator: IndicatorDefinition) -> Ends | None:
        """The interval of an indicator: by its own formula where it has one, else of its draws."""
        reading = self.outcomes[indicator.code]
        if isinstance(reading, NoEvidence) or reading.interval is None:
            return None
        if reading.low is None or reading.high is None:
            return self.interval(indicator.code)
        low, high = sorted(
            normalise(float(end), indicator.goalposts, indicator.normalisation)
            for end in (reading.low, reading.high)
        )
        return low, high

    def interval(self, code: str) -> Ends | None:
        """The span of 95% of a node's draws, and in any case its value; None where it is sure."""
        draws = self.draws[code]
        if isinstance(draws, float | int):
            return None
        low, high = central(draws)
        value = self.values[code]
        return min(low, value), max(high, value)


def readings_of(outcomes: Mapping[str, Outcome]) -> dict[str, Reading]:
    """The indicators that have evidence."""
    return {code: one for code, one in outcomes.items() if isinstance(one, Reading)}


def measure_all(method: CollaborationMethod, facts: Facts) -> dict[str, Outcome]:
    """The outcome of each indicator, by its code."""
    return {one.code: measure(one.measure, facts) for one in method.indicators()}


def compute(
    method: CollaborationMethod, facts: Facts, streams: Streams, *, weighing: Streams | None = None
) -> Computed:
    """Measures, normalises and aggregates the facts of a year.

    `weighing` draws random weights where they are to be the same for several regencies.
    """
    outcomes = measure_all(method, facts)
    values: dict[str, float] = {}
    draws: dict[str, Amount] = {}
    for indicator in method.indicators():
        outcome = outcomes[indicator.code]
        if isinstance(outcome, Reading):
            posts, rule = indicator.goalposts, indicator.normalisation
            value = normalise(float(outcome.value), posts, rule)
            values[indicator.code] = value
            draws[indicator.code] = (
                value if outcome.interval is None else normalise(outcome.draw(streams), posts, rule)
            )
    above = combine(method, values, weights_of(method))
    draws |= combine(method, draws, drawn_weights(method, weighing or streams))
    values |= {code: float(value) for code, value in above.items()}
    return Computed(outcomes, values, draws)
