"""Assessment of a year as a tree of scores with interval, coverage and reason."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.assessment.evidence.records import Declaration
from services.assessment.methods.definition import (
    CollaborationMethod,
    IndicatorDefinition,
    NamedNode,
    TreeMethod,
)
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.measurement import Bounds, Measurement, Missing
from services.assessment.scoring.observations import contradictions
from services.assessment.scoring.pipeline import (
    ComputedScores,
    compute_scores,
    measurements_of,
)
from services.assessment.scoring.scores import (
    CompositeScore,
    DimensionScore,
    ElementScore,
    EvidenceLink,
    FormerEvidence,
    IndicatorScore,
    Interval,
    IntervalKind,
    LateEntry,
    Node,
    NoIntervalReason,
    Scores,
    ScoresWithProposals,
    SelfReports,
)
from services.assessment.scoring.tree import Branch, coverage_of, missing_first, trees_of
from services.assessment.scoring.uncertainty import RandomStreams
from services.assessment.scoring.verdicts import agreement_of, verdicts_of

DECIMALS = 4
"""Published digits: fewer than floating point may differ in between machines."""

MAX_EFFECTS = 20
"""Former versions, and late entries, whose effect on the index is computed; others are listed."""

STATISTICS = frozenset({"reporting", "usage"})
"""Reports of what agencies post about themselves."""


def assess(method: TreeMethod, facts: Facts, *, seed: int, draws: int) -> Scores:
    """Return the scores of a year; the same facts, method, seed and draws give the same digits."""
    facts = facts.read_by(method.registers)
    scores = _tree(method, facts, RandomStreams(seed, draws))
    beside = {
        "with_proposals": _with_proposals(method, facts),
        "former_evidence": _former_evidence(method, facts, scores),
        "late_entries": _late_entries(method, facts, scores),
        "self_reports": _self_reports(scores, facts),
    }
    return scores.model_copy(update=beside)


def _tree(method: TreeMethod, facts: Facts, streams: RandomStreams) -> Scores:
    return _ScoreTree(method, facts, compute_scores(method, facts, streams)).scores()


def _with_proposals(method: TreeMethod, facts: Facts) -> ScoresWithProposals | None:
    """Return the scores with every proposal; None if there are none."""
    if not facts.proposals:
        return None
    scores = _point_scores(method, facts.with_proposals())
    elements = [element for dimension in scores.dimensions for element in dimension.elements]
    composite = [one for one, _ in scores.composite_nodes() if isinstance(one, CompositeScore)]
    nodes = [scores.index, *scores.dimensions, *elements, *scores.drivers, *composite]
    return ScoresWithProposals(proposals=len(facts.proposals), nodes=[_plain(n) for n in nodes])


def _former_evidence(method: TreeMethod, facts: Facts, scores: Scores) -> list[FormerEvidence]:
    """Return what counted before and would change a score, each with the index as it would be."""
    others = ((item, facts.with_former([item])) for item in facts.former)
    return [
        FormerEvidence(**_link(item).model_dump(), index=index)
        for item, index in _effects(method, others, scores)
    ]


def _late_entries(method: TreeMethod, facts: Facts, scores: Scores) -> list[LateEntry]:
    """Return what was added to registers after they were declared complete and changes a score."""
    if method.registers != "declared":
        return []
    late = {
        (item.kind, item.key): (item, first)
        for declared, declaration in facts.records(Declaration)
        for first in [_first_declared(declared, facts)]
        for item in facts.items
        if item.kind == declaration.register_name
        and first.confirmed_at is not None
        and item.confirmed_at is not None
        and item.confirmed_at > first.confirmed_at
    }
    others = ((item, facts.without(item).with_former([first])) for item, first in late.values())
    return [
        LateEntry(**_link(item).model_dump(), index=index)
        for item, index in _effects(method, others, scores)
    ]


def _first_declared(declared: Item, facts: Facts) -> Item:
    """Return the version by which a register was first declared complete.

    To declare it again, with what was added since, does not make that an entry in time.
    """
    former = (
        item for item in facts.former if (item.kind, item.key) == (declared.kind, declared.key)
    )
    known = [item for item in (declared, *former) if item.confirmed_at is not None]
    return min(known, key=lambda item: (item.confirmed_at, item.version), default=declared)


def _effects(
    method: TreeMethod, others: Iterable[tuple[Item, Facts]], scores: Scores
) -> Iterator[tuple[Item, Node | None]]:
    """Yield the items whose other facts give other scores, each with the index of those facts."""
    for number, (item, other) in enumerate(others):
        if number >= MAX_EFFECTS:
            yield item, None
            continue
        found = _point_scores(method, other)
        if _figures(found) != _figures(scores):
            yield item, _plain(found.index)


def _point_scores(method: TreeMethod, facts: Facts) -> Scores:
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
    elements = [element for dimension in scores.dimensions for element in dimension.elements]
    indicators = [indicator for element in elements for indicator in element.indicators]
    indicators += [one for one, _ in scores.composite_nodes() if isinstance(one, IndicatorScore)]
    read = {(link.kind, link.key) for indicator in indicators for link in indicator.evidence}
    if all(items[name].self_reported is None for name in read):
        return None
    own = sum(bool(items[name].self_reported) or items[name].kind in STATISTICS for name in read)
    return SelfReports(
        self_reported=own, evidence=len(read), share=round(own / len(read), DECIMALS)
    )


class _ScoreTree:
    """Builds the published score tree from computed figures."""

    def __init__(self, method: TreeMethod, facts: Facts, computed: ComputedScores) -> None:
        self._method = method
        self._facts = facts.read_by(method.registers)
        self._computed = computed
        self._known = measurements_of(computed.results)
        self._links: dict[tuple[str, str], EvidenceLink] = {}
        self._verdicts = (
            verdicts_of(method, facts, computed.values)
            if isinstance(method, CollaborationMethod)
            else {}
        )

    def scores(self) -> Scores:
        index, *drivers = trees_of(self._method)
        if isinstance(self._method, CollaborationMethod):
            return Scores(
                index=self._index(index),
                dimensions=[self._dimension(one) for one in _branches(index)],
                drivers=[self._element(driver) for driver in drivers],
                agreement=agreement_of(self._method, self._verdicts),
            )
        return Scores(index=self._index(index), parts=self._parts(index))

    def _index(self, index: Branch) -> Node:
        missing = [one.code for one in index.parts if one.code not in self._computed.values]
        is_collaboration = isinstance(self._method, CollaborationMethod)
        reason = "a dimension has no value" if is_collaboration else "a part has no value"
        if index.minimum_indicators:
            coverage = coverage_of(index, self._known)
            reason = (
                f"insufficient evidence: {coverage.known} of {coverage.indicators} indicators, at "
                f"least {index.minimum_indicators:.0%} are needed"
            )
            if missing:
                reason += f"; without a value: {', '.join(missing)}"
        elif not is_collaboration:
            reason = self._reason(index, "parts")
        return Node(**self._node(index, reason))

    def _dimension(self, dimension: Branch) -> DimensionScore:
        return DimensionScore(
            **self._node(dimension, self._reason(dimension, "elements")),
            elements=[self._element(element) for element in _branches(dimension)],
        )

    def _element(self, element: Branch) -> ElementScore:
        return ElementScore(
            **self._node(element, self._reason(element, "indicators")),
            indicators=[self._indicator(indicator) for indicator in element.indicators()],
            verdicts=self._verdicts.get(element.code, []),
        )

    def _composite(self, branch: Branch) -> CompositeScore:
        return CompositeScore(
            **self._node(branch, self._reason(branch, "parts")),
            goalposts=branch.goalposts,
            parts=self._parts(branch),
        )

    def _parts(self, branch: Branch) -> list[CompositeScore | IndicatorScore]:
        return [
            self._composite(part) if isinstance(part, Branch) else self._indicator(part)
            for part in branch.parts
        ]

    def _reason(self, branch: Branch, parts: str) -> str:
        """Return why a node has no value: how many of its parts have one, and how many need to."""
        found = sum(part.code in self._computed.values for part in branch.parts)
        if not found:
            return (
                "no evidence"
                if parts == "indicators"
                else f"none of its {parts} has enough evidence"
            )
        have = "" if parts == "indicators" else " have a value"
        needed = f"at least {branch.minimum_coverage:.0%} are needed"
        return f"insufficient evidence: {found} of {len(branch.parts)} {parts}{have}, {needed}"

    def _node(self, branch: Branch, reason: str) -> dict[str, Any]:
        value = self._computed.values.get(branch.code)
        ends = None if value is None else self._computed.interval(branch.code)
        coverage = coverage_of(branch, self._known)
        return {
            **_names(branch.node),
            **self._bounds(branch.code),
            "value": None if value is None else round_score(value),
            "interval": _interval(ends, "simulation"),
            "coverage": round(coverage.share, DECIMALS),
            "no_interval_because": self._no_interval(branch.code, ends),
            "reason": reason if value is None else None,
            "missing_first": self._missing_first(branch) if value is None else [],
        }

    def _bounds(self, code: str) -> dict[str, float]:
        if code not in self._computed.bounds:
            return {}
        low, high = self._computed.bounds[code]
        return {"proven": round_score(low), "possible": round_score(high)}

    def _no_interval(self, code: str, ends: Bounds | None) -> NoIntervalReason | None:
        """Return why the error of a node with this interval is not estimated."""
        computed = self._computed
        if ends is not None or code not in computed.bounds or code not in computed.values:
            return None
        low, high = computed.bounds[code]
        return "full_count" if low == high else "incomplete"

    def _no_interval_of_indicator(
        self, definition: IndicatorDefinition, outcome: Measurement
    ) -> NoIntervalReason | None:
        if outcome.no_interval_because is not None or outcome.interval is not None:
            return outcome.no_interval_because
        return self._no_interval(definition.code, None)

    def _evidence(self, reading: Measurement) -> list[EvidenceLink]:
        """Return the links of its evidence; indicators that read the same share them."""
        for item in reading.evidence:
            if (item.kind, item.key) not in self._links:
                self._links[item.kind, item.key] = _link(item)
        read = dict.fromkeys((item.kind, item.key) for item in reading.evidence)
        return [self._links[name] for name in read]

    def _missing_first(self, branch: Branch) -> list[str]:
        if self._method.registers == "assumed":
            return []
        return missing_first(branch, self._known)

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
            no_interval_because=self._no_interval_of_indicator(definition, outcome),
            evidence=self._evidence(outcome),
            notices=contradictions(definition.measure, self._facts),
        )


def _branches(branch: Branch) -> list[Branch]:
    return [part for part in branch.parts if isinstance(part, Branch)]


def _interval(ends: Bounds | None, by: IntervalKind | None) -> Interval | None:
    if ends is None or by is None:
        return None
    return Interval(low=round_score(ends[0]), high=round_score(ends[1]), by=by)


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
