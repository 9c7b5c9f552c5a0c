"""Assessment of a year as a tree of scores with interval, coverage and reason."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.assessment.evidence.records import Declaration
from services.assessment.methods.definition import (
    CollaborationMethod,
    DimensionDefinition,
    ElementDefinition,
    IndicatorDefinition,
    NamedNode,
)
from services.assessment.scoring.inputs import Facts, Item
from services.assessment.scoring.measurement import Bounds, Measurement, Missing
from services.assessment.scoring.observations import contradictions
from services.assessment.scoring.pipeline import (
    ComputedScores,
    compute_scores,
    measurements_of,
)
from services.assessment.scoring.scores import (
    DimensionScore,
    ElementScore,
    EvidenceLink,
    FormerEvidence,
    IndicatorScore,
    Interval,
    IntervalKind,
    LateEntry,
    Node,
    Scores,
    ScoresWithProposals,
    SelfReports,
)
from services.assessment.scoring.tree import Coverage, coverage_of, has_evidence, missing_first
from services.assessment.scoring.uncertainty import RandomStreams
from services.assessment.scoring.verdicts import agreement_of, verdicts_of

DECIMALS = 4
"""Published digits: fewer than floating point may differ in between machines."""

MAX_EFFECTS = 20
"""Former versions, and late entries, whose effect on the index is computed; others are listed."""

STATISTICS = frozenset({"reporting", "usage"})
"""Reports of what agencies post about themselves."""


def assess(method: CollaborationMethod, facts: Facts, *, seed: int, draws: int) -> Scores:
    """Return the scores of a year; the same facts, method, seed and draws give the same digits."""
    scores = _tree(method, facts, RandomStreams(seed, draws))
    beside = {
        "with_proposals": _with_proposals(method, facts),
        "former_evidence": _former_evidence(method, facts, scores),
        "late_entries": _late_entries(method, facts, scores),
        "self_reports": _self_reports(scores, facts),
    }
    return scores.model_copy(update=beside)


def _tree(method: CollaborationMethod, facts: Facts, streams: RandomStreams) -> Scores:
    return _ScoreTree(method, facts, compute_scores(method, facts, streams)).scores()


def _with_proposals(method: CollaborationMethod, facts: Facts) -> ScoresWithProposals | None:
    """Return the scores with every proposal; None if there are none."""
    if not facts.proposals:
        return None
    scores = _point_scores(method, facts.with_proposals())
    elements = [element for dimension in scores.dimensions for element in dimension.elements]
    nodes = [scores.index, *scores.dimensions, *elements, *scores.drivers]
    return ScoresWithProposals(proposals=len(facts.proposals), nodes=[_plain(n) for n in nodes])


def _former_evidence(
    method: CollaborationMethod, facts: Facts, scores: Scores
) -> list[FormerEvidence]:
    """Return what counted before and would change a score, each with the index as it would be."""
    others = ((item, facts.with_former([item])) for item in facts.former)
    return [
        FormerEvidence(**_link(item).model_dump(), index=index)
        for item, index in _effects(method, others, scores)
    ]


def _late_entries(method: CollaborationMethod, facts: Facts, scores: Scores) -> list[LateEntry]:
    """Return what was added to registers after they were declared complete and changes a score."""
    if method.registers != "declared":
        return []
    corrected = {(item.kind, item.key) for item in facts.former}
    late = {
        (item.kind, item.key): item
        for declared, declaration in facts.records(Declaration)
        for item in facts.items
        if item.kind == declaration.register_name
        and (item.kind, item.key) not in corrected
        and declared.confirmed_at is not None
        and item.confirmed_at is not None
        and item.confirmed_at > declared.confirmed_at
    }
    others = ((item, facts.without(item)) for item in late.values())
    return [
        LateEntry(**_link(item).model_dump(), index=index)
        for item, index in _effects(method, others, scores)
    ]


def _effects(
    method: CollaborationMethod, others: Iterable[tuple[Item, Facts]], scores: Scores
) -> Iterator[tuple[Item, Node | None]]:
    """Yield the items whose other facts give other scores, each with the index of those facts."""
    for number, (item, other) in enumerate(others):
        if number >= MAX_EFFECTS:
            yield item, None
            continue
        found = _point_scores(method, other)
        if _figures(found) != _figures(scores):
            yield item, _plain(found.index)


def _point_scores(method: CollaborationMethod, facts: Facts) -> Scores:
    """Return the scores of facts; their values and bounds take no simulation."""
    return _tree(method, facts, RandomStreams(0, 1))


def _figures(scores: Scores) -> list[dict[str, float | None]]:
    """Return the value and the bounds of every node."""
    return [node.model_dump(include={"value", "proven", "possible"}) for node in scores.nodes()]


def _plain(node: Node) -> Node:
    """Return a node without the nodes below it and without its interval."""
    fields = node.model_dump(include=set(Node.model_fields))
    return Node.model_validate(fields | {"interval": None})


def _self_reports(scores: Scores, facts: Facts) -> SelfReports | None:
    """Return how much of the evidence of the index agencies wrote about themselves."""
    items = {(item.kind, item.key): item for item in facts.items}
    read = {
        (link.kind, link.key)
        for dimension in scores.dimensions
        for element in dimension.elements
        for indicator in element.indicators
        for link in indicator.evidence
    }
    if all(items[name].self_reported is None for name in read):
        return None
    own = sum(bool(items[name].self_reported) or items[name].kind in STATISTICS for name in read)
    return SelfReports(
        self_reported=own, evidence=len(read), share=round(own / len(read), DECIMALS)
    )


class _ScoreTree:
    """Builds the published score tree from computed figures."""

    def __init__(self, method: CollaborationMethod, facts: Facts, computed: ComputedScores) -> None:
        self._method = method
        self._facts = facts
        self._computed = computed
        self._known = measurements_of(computed.results)
        self._verdicts = verdicts_of(method, facts, computed.values)

    def scores(self) -> Scores:
        method = self._method
        return Scores(
            index=Node(**self._index()),
            dimensions=[self._dimension(dimension) for dimension in method.dimensions],
            drivers=[self._element(driver) for driver in method.drivers],
            agreement=agreement_of(method, self._verdicts),
        )

    def _index(self) -> dict[str, Any]:
        method = self._method
        missing = [d.code for d in method.dimensions if d.code not in self._computed.values]
        elements = [element for dimension in method.dimensions for element in dimension.elements]
        coverage = coverage_of(elements, self._known)
        reason = "a dimension has no value"
        if method.minimum_indicators:
            reason = (
                f"insufficient evidence: {coverage.known} of {coverage.indicators} indicators, at "
                f"least {method.minimum_indicators:.0%} are needed"
            )
            if missing:
                reason += f"; without a value: {', '.join(missing)}"
        return self._node(method.index, coverage, reason)

    def _dimension(self, dimension: DimensionDefinition) -> DimensionScore:
        found = sum(element.code in self._computed.values for element in dimension.elements)
        reason = "none of its elements has enough evidence"
        if found:
            reason = (
                f"insufficient evidence: {found} of {len(dimension.elements)} elements have a "
                f"value, at least {self._method.minimum_elements:.0%} are needed"
            )
        coverage = coverage_of(dimension.elements, self._known)
        return DimensionScore(
            **self._node(dimension, coverage, reason),
            elements=[self._element(element) for element in dimension.elements],
        )

    def _element(self, element: ElementDefinition) -> ElementScore:
        coverage = coverage_of([element], self._known)
        reason = "no evidence"
        if coverage.known and not has_evidence(self._method, element, self._known):
            reason = (
                f"insufficient evidence: {coverage.known} of {coverage.indicators} indicators, "
                f"at least {self._method.minimum_coverage:.0%} are needed"
            )
        return ElementScore(
            **self._node(element, coverage, reason),
            indicators=[self._indicator(indicator) for indicator in element.indicators],
            verdicts=self._verdicts.get(element.code, []),
        )

    def _node(self, definition: NamedNode, coverage: Coverage, reason: str) -> dict[str, Any]:
        value = self._computed.values.get(definition.code)
        return {
            **_names(definition),
            **self._bounds(definition.code),
            "value": None if value is None else round_score(value),
            "interval": None
            if value is None
            else _interval(self._computed.interval(definition.code), "simulation"),
            "coverage": round(coverage.share, DECIMALS),
            "reason": reason if value is None else None,
            "missing_first": self._missing_first(definition.code) if value is None else [],
        }

    def _bounds(self, code: str) -> dict[str, float]:
        if code not in self._computed.bounds:
            return {}
        low, high = self._computed.bounds[code]
        return {"proven": round_score(low), "possible": round_score(high)}

    def _missing_first(self, code: str) -> list[str]:
        if self._method.registers == "assumed":
            return []
        return missing_first(self._method, code, self._known)

    def _indicator(self, definition: IndicatorDefinition) -> IndicatorScore:
        outcome = self._computed.results[definition.code]
        rules: dict[str, Any] = {
            **self._bounds(definition.code),
            "goalposts": definition.goalposts,
            "normalisation": definition.normalisation,
        }
        if isinstance(outcome, Missing):
            return IndicatorScore(
                **_names(definition),
                **rules,
                value=None,
                interval=None,
                coverage=0,
                reason=outcome.reason,
                raw=None,
                inputs={},
                evidence=[],
            )
        return IndicatorScore(
            **_names(definition),
            **rules,
            value=round_score(self._computed.values[definition.code]),
            interval=_interval(self._computed.indicator_interval(definition), outcome.interval),
            coverage=1,
            reason=None,
            raw=round(outcome.value, 6),
            inputs=_inputs(outcome.inputs),
            no_interval_because=outcome.no_interval_because,
            evidence=_links(outcome),
            notices=contradictions(definition.measure, self._facts),
        )


def _interval(ends: Bounds | None, by: IntervalKind | None) -> Interval | None:
    if ends is None or by is None:
        return None
    return Interval(low=round_score(ends[0]), high=round_score(ends[1]), by=by)


def _links(reading: Measurement) -> list[EvidenceLink]:
    links = {(item.kind, item.key): _link(item) for item in reading.evidence}
    return list(links.values())


def _link(item: Item) -> EvidenceLink:
    return EvidenceLink(kind=item.kind, key=item.key, version=item.version, href=item.href)


def _inputs(inputs: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in inputs.items()}


def _names(definition: NamedNode) -> dict[str, Any]:
    return {
        "code": definition.code,
        "name": definition.name,
        "name_en": definition.name_en,
    }


def round_score(value: float) -> float:
    """Round a score to the published digits."""
    return round(float(value), DECIMALS) + 0.0  # no negative zero
