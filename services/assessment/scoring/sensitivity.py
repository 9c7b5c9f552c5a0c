"""Sensitivity analysis: the index under contestable modelling choices.

All choices vary at once: the evidence within its uncertainty, the mean of the dimensions, the
weights, one indicator left out, and the goalposts. Each choice is drawn from a table by one random
number, so that it has one share of the spread however many figures it consists of (Saisana,
Saltelli and Tarantola 2005).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.assessment.methods.definition import (
    CompositeMethod,
    CompositeNode,
    DimensionDefinition,
    ElementDefinition,
    TreeMethod,
)
from services.assessment.methods.rules import Mean
from services.assessment.numerical_libraries import Integers, np
from services.assessment.scoring.aggregate import Amount
from services.assessment.scoring.assess import round_score
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.measurement import Measurement
from services.assessment.scoring.normalise import normalise
from services.assessment.scoring.pipeline import measure_all, measurements_of
from services.assessment.scoring.results import Factor, Sensitivity, Spread, Variant
from services.assessment.scoring.scores import Interval
from services.assessment.scoring.sobol import SobolIndices, estimate_sobol_indices
from services.assessment.scoring.tree import (
    Branch,
    Weights,
    combine_parts,
    index_of,
    score_from_parts,
)
from services.assessment.scoring.uncertainty import Draws, RandomStreams, central_interval
from services.assessment.scoring.weights import dirichlet_weights, point_weights

SAMPLES = 4096
TABLE_SIZE = 2048
STRETCH = 0.2
MEANS: tuple[Mean, ...] = ("arithmetic", "geometric")

FACTORS = {
    "evidence": "the evidence, anywhere within its uncertainty",
    "aggregation": "the mean of the dimensions: arithmetic or geometric",
    "weights": "the weights: the method's own, or any other (Dirichlet) as often",
    "excluded_indicator": "one indicator left out, or none",
    "goalposts": "what scores 100: up to 20% nearer or farther, for each indicator by itself",
}


def analyse_sensitivity(method: TreeMethod, facts: Facts, *, seed: int) -> Sensitivity:
    """Analyse a year; the same facts, method and seed give the same digits."""
    model = IndexModel(
        method, measurements_of(measure_all(method, facts)), RandomStreams(seed, TABLE_SIZE)
    )
    value = model.value()
    if value is None:
        return Sensitivity(
            value=None,
            reason="the index has no value, so it has no spread",
            spread=None,
            factors=[],
            choices=[],
            excluded=[],
        )
    shares = estimate_sobol_indices(model.outcomes, len(FACTORS), RandomStreams(seed, SAMPLES))
    low, high = central_interval(shares.outcomes)
    return Sensitivity(
        value=round_score(value),
        reason=None,
        spread=Spread(
            runs=len(shares.outcomes),
            mean=round_score(float(np.mean(shares.outcomes))),
            sd=round_score(float(np.std(shares.outcomes))),
            low=round_score(low),
            high=round_score(high),
            evidence=model.evidence_interval(value),
            method=model.method_interval(value),
        ),
        factors=_factors(shares),
        choices=_choices(model, value),
        excluded=[_variant(code, model.value(excluded=code), value) for code in model.measurements],
    )


class IndexModel:
    """The index as a function of the choices."""

    def __init__(
        self,
        method: TreeMethod,
        measurements: Mapping[str, Measurement],
        streams: RandomStreams,
    ) -> None:
        self._method = method
        self._indicators = {one.code: one for one in method.indicators()}
        self._streams = streams
        index = index_of(method)
        self._trees: dict[str | None, Branch] = {None: index}
        of_index = index.indicator_codes
        self.measurements = {code: one for code, one in measurements.items() if code in of_index}
        self._weights = point_weights(method)
        weighted = {*(branch.code for branch in index.branches()), *self.measurements}
        random_weights = dirichlet_weights(method, streams, concentration=1)
        self._random_weights = {c: drawn for c, drawn in random_weights.items() if c in weighted}
        self._draws = {
            code: measurement.draw(streams)
            for code, measurement in self.measurements.items()
            if measurement.interval is not None
        }
        stretches = streams.uniforms("goalposts", len(self.measurements))
        self._stretches = dict(
            zip(self.measurements, 1 - STRETCH + 2 * STRETCH * stretches, strict=True)
        )
        # An indicator without which there is no index cannot be excluded.
        able = [code for code in self.measurements if self.value(excluded=code) is not None]
        self._exclusions: Sequence[str | None] = (None, *able)

    def value(
        self,
        *,
        excluded: str | None = None,
        mean: Mean | None = None,
        stretch: float = 1,
    ) -> float | None:
        """Return the index with one choice changed, and the evidence at its values."""
        scores: dict[str, Amount] = {
            code: self._score(code, float(measurement.value), stretch)
            for code, measurement in self.measurements.items()
            if code != excluded
        }
        [index] = self._indices(scores, self._weights, excluded=excluded, means=[mean])
        return None if index is None else float(index)

    def evidence_interval(self, value: float) -> Interval | None:
        """Return the interval of the index by the method as it is; None if nothing has one."""
        scores: dict[str, Amount] = {
            code: self._score(code, self._draws.get(code, float(measurement.value)), 1)
            for code, measurement in self.measurements.items()
        }
        [drawn] = self._indices(scores, self._weights, excluded=None, means=[None])
        return None if drawn is None or isinstance(drawn, float | int) else _interval(drawn, value)

    def method_interval(self, value: float) -> Interval:
        """Return the interval of the index over the choices, with the evidence at its values."""
        numbers = RandomStreams(self._streams.seed, SAMPLES).uniforms("method", len(FACTORS))
        return _interval(self.outcomes(numbers, certain=True), value)

    def outcomes(self, numbers: Draws, *, certain: bool = False) -> Draws:
        """Return the index for each column of numbers, which has a row per factor.

        `certain` takes the evidence at its values.
        """
        evidence, mean, weights, excluded, goalposts = numbers
        chosen = (excluded * len(self._exclusions)).astype(np.intp)
        outcomes = np.empty(numbers.shape[1])
        for option, code in enumerate(self._exclusions):
            runs = np.flatnonzero(chosen == option)
            if len(runs):
                scores = self._scores(
                    evidence[runs], goalposts[runs], excluded=code, certain=certain
                )
                drawn = self._weights_at(weights[runs])
                arithmetic, geometric = self._indices(scores, drawn, excluded=code, means=MEANS)
                # Every option has an index; None cannot occur.
                outcomes[runs] = np.where(
                    mean[runs] < 0.5, np.asarray(arithmetic), np.asarray(geometric)
                )
        return outcomes

    def _scores(
        self, evidence: Draws, goalposts: Draws, *, excluded: str | None, certain: bool
    ) -> dict[str, Amount]:
        draw, stretch = self._table_rows(evidence), self._table_rows(goalposts)
        return {
            code: self._score(
                code,
                self._draws[code][draw]
                if code in self._draws and not certain
                else float(measurement.value),
                self._stretches[code][stretch],
            )
            for code, measurement in self.measurements.items()
            if code != excluded
        }

    def _weights_at(self, numbers: Draws) -> Weights:
        """Return the method's own weights for numbers below one half, else random ones."""
        own, place = numbers < 0.5, self._table_rows(np.abs(2 * numbers - 1))
        return {
            code: np.where(own, self._weights[code], np.asarray(drawn)[place])
            for code, drawn in self._random_weights.items()
        }

    def _table_rows(self, numbers: Draws) -> Integers:
        return (numbers * self._streams.draws).astype(np.intp)

    def _score(self, code: str, raw: Amount, stretch: Amount) -> Amount:
        one = self._indicators[code]
        return normalise(raw, one.goalposts, one.normalisation, stretch=stretch)

    def _indices(
        self,
        scores: Mapping[str, Amount],
        weights: Weights,
        *,
        excluded: str | None,
        means: Sequence[Mean | None],
    ) -> list[Amount | None]:
        """Return the index by each of these means of its parts; None is the method's own."""
        index = self._tree(excluded)
        amounts = dict(scores)
        combine_parts(index, weights, amounts)
        indices = [index if kind is None else replace(index, mean=kind) for kind in means]
        return [score_from_parts(one, weights, amounts) for one in indices]

    def _tree(self, excluded: str | None) -> Branch:
        """Return the tree of the index without an indicator."""
        if excluded is not None and excluded not in self._trees:
            self._trees[excluded] = index_of(without_indicator(self._method, excluded))
        return self._trees[excluded]


def without_indicator(method: TreeMethod, code: str) -> TreeMethod:
    """Return the method without an indicator, and without the nodes that it leaves empty."""
    if isinstance(method, CompositeMethod):
        root = _without(method.root, code) or method.root
        return method.model_copy(update={"root": root, "minimum_indicators": 0})
    dimensions: list[DimensionDefinition] = []
    for dimension in method.dimensions:
        elements: list[ElementDefinition] = []
        for element in dimension.elements:
            kept = [one for one in element.indicators if one.code != code]
            if kept:
                elements.append(element.model_copy(update={"indicators": kept}))
        if elements:
            dimensions.append(dimension.model_copy(update={"elements": elements}))
    # How much evidence a published index needs is no choice about how it is computed.
    changes = {"dimensions": dimensions, "drivers": [], "minimum_indicators": 0}
    return method.model_copy(update=changes)


def _without(node: CompositeNode, code: str) -> CompositeNode | None:
    """Return a node without an indicator; None if nothing is left of it."""
    parts = [
        _without(part, code) if isinstance(part, CompositeNode) else part
        for part in node.parts
        if part.code != code
    ]
    kept = [part for part in parts if part is not None]
    return node.model_copy(update={"parts": kept}) if kept else None


def _interval(outcomes: Draws, value: float) -> Interval:
    low, high = central_interval(outcomes)
    return Interval(
        low=round_score(min(low, value)), high=round_score(max(high, value)), by="simulation"
    )


def _factors(shares: SobolIndices) -> list[Factor]:
    return [
        Factor(
            code=code,
            name=name,
            first=round_score(float(shares.first[at])),
            first_error=round_score(float(shares.first_error[at])),
            total=round_score(float(shares.total[at])),
            total_error=round_score(float(shares.total_error[at])),
        )
        for at, (code, name) in enumerate(FACTORS.items())
    ]


def _choices(model: IndexModel, value: float) -> list[Variant]:
    means: tuple[Mean, ...] = (*MEANS, "harmonic")
    return [
        *(
            _variant(f"{kind} mean of the dimensions", model.value(mean=kind), value)
            for kind in means
        ),
        _variant("goalposts 20% nearer", model.value(stretch=1 - STRETCH), value),
        _variant("goalposts 20% farther", model.value(stretch=1 + STRETCH), value),
    ]


def _variant(choice: str, found: float | None, value: float) -> Variant:
    return Variant(
        choice=choice,
        value=None if found is None else round_score(found),
        difference=None if found is None else round_score(found - value),
    )
