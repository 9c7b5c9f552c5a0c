"""Scenario of an indicator tree: other values for a year's evidence, or a target."""

from collections.abc import Mapping
from typing import cast

from services.assessment.methods.actions import Measured
from services.assessment.methods.definition import (
    CollaborationMethod,
    IndicatorDefinition,
    TreeMethod,
)
from services.assessment.methods.rules import MinMax
from services.assessment.scenarios.errors import EvidenceConflictError, ScenarioError, out_of_reach
from services.assessment.scenarios.outcome import (
    IndexResult,
    NodeChange,
    ScenarioOutcome,
    SingleChange,
    Solution,
    Step,
)
from services.assessment.scenarios.tree_optimisation import (
    TOLERANCE,
    Efforts,
    Scores,
    cheapest_point,
    index_curve,
    raise_score,
)
from services.assessment.scoring.assess import DECIMALS, round_score
from services.assessment.scoring.normalise import normalise
from services.assessment.scoring.tree import branches_of, combine, index_of
from services.assessment.scoring.weights import point_weights


def collaboration_outcome(
    method: TreeMethod,
    scores: Scores,
    *,
    period: int,
    evidence_hash: str,
    changes: Mapping[str, float],
    target: float | None,
    step: float,
    efforts: Efforts,
    alternatives: int,
) -> ScenarioOutcome:
    """Compute a scenario; `scores` are those of the indicators that have evidence."""
    indicators = {one.code: one for one in method.indicators()}
    _check(method, indicators, {"changes": changes, "efforts": efforts})
    set_first = {
        code: normalise(raw, indicators[code].goalposts, indicators[code].normalisation)
        for code, raw in changes.items()
    }
    case = _Scenario(method, scores, {**scores, **set_first}, step=step, efforts=efforts)
    solutions: list[Solution] = []
    reached = None
    if target is not None:
        value = node_values(method, case.now).get(method.index.code)
        if value is None:
            detail = "the index has no value: too little evidence; `changes` may set missing values"
            raise EvidenceConflictError(
                f"There is nothing to raise: {detail}.", {"#/target": detail}
            )
        reached = value >= target - TOLERANCE
        solutions = [] if reached else case.solutions(target, alternatives)
        if not reached and not solutions:
            raise out_of_reach(target, case.highest(), EvidenceConflictError)
    before = node_values(method, scores).get(method.index.code)
    return ScenarioOutcome(
        kind="collaboration",
        method=method.id,
        method_version=method.version,
        method_hash=method.hash(),
        period=period,
        evidence_hash=evidence_hash,
        assumed=sorted(changes.keys() - scores.keys()),
        base=None if before is None else round_score(before),
        base_predicate=None,
        changed=case.result(case.now) if changes else None,
        target=target,
        reached=reached,
        solutions=solutions,
        single_changes=case.single_changes(),
    )


def effect_of_scores(
    method: TreeMethod, scores: Scores, changed: Mapping[str, float]
) -> IndexResult:
    """Return what changes if these indicators had other scores; `scores` are the known ones."""
    _check(method, {one.code: one for one in method.indicators()}, {"score": changed})
    now = {**scores, **changed}
    return _Scenario(method, scores, now, step=1, efforts={}).result(now)


def node_values(method: TreeMethod, scores: Scores) -> dict[str, float]:
    """Return every node that has a value, as the scoring engine computes it."""
    nodes = combine(method, dict(scores), point_weights(method))
    return {code: float(score) for code, score in nodes.items()}


class _Scenario:
    """Scores before and after the requested changes, and the further changes allowed."""

    def __init__(
        self,
        method: TreeMethod,
        start: Scores,
        now: Scores,
        *,
        step: float,
        efforts: Efforts,
    ) -> None:
        self.method = method
        self.start = start
        self.now = now
        self.step = step
        self.efforts = efforts
        self._indicators = {one.code: one for one in method.indicators()}
        named = (*(one.node for one in branches_of(method)), *method.indicators())
        self._names = {one.code: one.name for one in named}
        of_index = {one.code for one in index_of(method).indicators()}
        self._movable = [
            code for code in now if code in of_index and efforts.get(code, 1) is not None
        ]

    def result(self, scores: Scores) -> IndexResult:
        """Return the index of these scores against the start, and every node that differs."""
        before, after = node_values(self.method, self.start), node_values(self.method, scores)
        index = self.method.index.code
        nodes = [self._node(code, before.get(code), after.get(code)) for code in self._names]
        value = after.get(index)
        return IndexResult(
            value=None if value is None else round_score(value),
            difference=_difference(before.get(index), value),
            nodes=[node for node in nodes if node.before != node.after],
        )

    def solutions(self, target: float, alternatives: int) -> list[Solution]:
        """Return the cheapest set, then the cheapest without each of its largest changes."""
        first = self._cheapest(target, without=None)
        if first is None:
            return []
        found = [self._solution(first, without=None)]
        for change in sorted(found[0].changes, key=lambda change: (-change.effort, change.code)):
            if len(found) > alternatives:
                break
            other = self._cheapest(target, without=change.code)
            if other is not None:
                found.append(self._solution(other, without=change.code))
        return [found[0], *sorted(found[1:], key=lambda solution: solution.effort)]

    def highest(self) -> float:
        """Return the index with every changeable indicator at 100."""
        best = {**self.now, **dict.fromkeys(self._movable, 100.0)}
        return round_score(node_values(self.method, best)[self.method.index.code])

    def single_changes(self) -> list[SingleChange]:
        """Return one step up of each changeable indicator that gains, the largest gain first.

        An indicator that has no evidence is left out, unless an action of the method measures it:
        a value that is only assumed is nothing that can be raised.
        """
        index = self.method.index.code
        now = node_values(self.method, self.now).get(index)
        if now is None:
            return []
        real = self.start.keys() | _measured_by_actions(self.method)
        found: list[SingleChange] = []
        for code in self._movable:
            if code in real and self.now[code] < 100:
                after = {**self.now, code: raise_score(self.now[code], step=self.step, steps=1)}
                value = node_values(self.method, after)[index]
                gain = cast("float", _difference(now, value))
                if gain > 0:
                    change = self._step(code, 1)
                    found.append(SingleChange(change=change, value=round_score(value), gain=gain))
        return sorted(found, key=lambda one: (-one.gain, one.change.effort, one.change.code))

    def _cheapest(self, target: float, *, without: str | None) -> dict[str, int] | None:
        curve = index_curve(
            self.method, self.now, step=self.step, efforts=self.efforts, without=without
        )
        point = None if curve is None else cheapest_point(curve, target)
        return None if curve is None or point is None else curve.steps(point)

    def _solution(self, steps: Mapping[str, int], *, without: str | None) -> Solution:
        changes = [self._step(code, count) for code, count in sorted(steps.items())]
        after = {**self.now, **{change.code: change.after for change in changes}}
        return Solution(
            without=without,
            effort=sum(change.effort for change in changes),
            changes=changes,
            result=self.result(after),
        )

    def _step(self, code: str, count: int) -> Step:
        after = raise_score(self.now[code], step=self.step, steps=count)
        return Step(
            code=code,
            name=self._names[code],
            before=round_score(self.now[code]),
            after=round_score(after),
            raw=_raw(self._indicators[code], after),
            effort=count * (self.efforts.get(code, 1) or 0),
        )

    def _node(self, code: str, before: float | None, after: float | None) -> NodeChange:
        return NodeChange(
            code=code,
            name=self._names[code],
            before=None if before is None else round_score(before),
            after=None if after is None else round_score(after),
            difference=_difference(before, after),
        )


def _measured_by_actions(method: TreeMethod) -> set[str]:
    """Return the indicators that an action of the method measures."""
    actions = method.actions if isinstance(method, CollaborationMethod) else []
    changes = (change for action in actions for change in action.changes)
    return {change.indicator for change in changes if isinstance(change, Measured)}


def _raw(indicator: IndicatorDefinition, score: float) -> float | None:
    """Return the raw value that has this score; None for normalisations other than min-max."""
    if not isinstance(indicator.normalisation, MinMax):
        return None
    posts = indicator.goalposts
    way = (posts.max - posts.min) * score / 100
    return round(posts.min + way if posts.direction == "higher" else posts.max - way, 6)


def _check(
    method: TreeMethod,
    indicators: Mapping[str, IndicatorDefinition],
    given: Mapping[str, Mapping[str, object]],
) -> None:
    faults = {
        f"#/{field}/{code}": f"{method.id} has no indicator {code!r}"
        for field, codes in given.items()
        for code in codes
        if code not in indicators
    }
    if faults:
        raise ScenarioError("See errors[] for each indicator that is not known.", faults)


def _difference(before: float | None, after: float | None) -> float | None:
    if before is None or after is None:
        return None
    return round(round_score(after) - round_score(before), DECIMALS) + 0.0
