"""Scenario of an index of levels: other levels, or a target."""

from collections.abc import Mapping

from services.assessment.methods.definition import LevelsMethod
from services.assessment.scenarios.errors import ScenarioError, out_of_reach
from services.assessment.scenarios.level_optimisation import (
    Efforts,
    Levels,
    cheapest_steps,
    highest_reachable,
)
from services.assessment.scenarios.outcome import (
    IndexResult,
    NodeChange,
    ScenarioOutcome,
    SingleChange,
    Solution,
    Step,
)
from services.assessment.scoring.level_steps import count_steps
from services.assessment.scoring.levels import (
    DECIMALS,
    InvalidLevelsError,
    Level,
    LevelScores,
    score_levels,
)


def levels_outcome(
    method: LevelsMethod,
    levels: Mapping[int, Level],
    *,
    lowest: bool,
    changes: Levels,
    target: float | None,
    efforts: Efforts,
    alternatives: int,
) -> ScenarioOutcome:
    """Compute a scenario; `ScenarioError` if its fields do not fit the method."""
    _check(method, {"levels": levels, "changes": changes}, efforts)
    start, assumed = _start_levels(method, levels, lowest=lowest)
    case = _Scenario(method, start, start | dict(changes), efforts)
    before, now = case.score(start), case.score(case.now)
    outcome = ScenarioOutcome(
        kind="index",
        method=method.id,
        method_version=method.version,
        method_hash=method.hash(),
        period=None,
        evidence_hash=None,
        assumed=[str(number) for number in assumed],
        base=before.value,
        base_predicate=before.predicate,
        changed=case.result(case.now) if changes else None,
        target=target,
        reached=None if target is None else cheapest(case, target) == {},
        solutions=[] if target is None else case.solutions(target, alternatives),
        single_changes=case.single_changes(),
    )
    if target is not None and not outcome.reached and not outcome.solutions:
        best = case.score(highest_reachable(method, case.now, efforts=efforts)).value
        raise out_of_reach(target, best or now.low)
    return outcome


def published_outcome(
    method: LevelsMethod, levels: Mapping[int, Level], *, published: float, target: float
) -> ScenarioOutcome:
    """Count the steps from a published value; `ScenarioError` if no levels can have it."""
    _check(method, {"levels": levels}, {})
    lowest, highest = method.levels
    if target > highest:
        raise out_of_reach(target, highest)
    steps = count_steps(method, value=published, target=max(target, lowest), levels=levels)
    if steps is None:
        detail = f"no levels of {method.id} that fit `levels` have this value"
        raise ScenarioError(
            f"The published value is impossible: {detail}.", {"#/published": detail}
        )
    return ScenarioOutcome(
        kind="index",
        method=method.id,
        method_version=method.version,
        method_hash=method.hash(),
        period=None,
        evidence_hash=None,
        assumed=[],
        base=published,
        base_predicate=method.predicate_of(published),
        changed=None,
        target=target,
        reached=published >= target,
        solutions=[],
        single_changes=[],
        level_steps=steps,
    )


def cheapest(
    case: "_Scenario", target: float, *, without: int | None = None
) -> dict[int, int] | None:
    return cheapest_steps(
        case.method, case.now, target=target, efforts=case.efforts, without=without
    )


class _Scenario:
    """Levels before and after the requested changes, and the further changes allowed."""

    def __init__(
        self, method: LevelsMethod, start: Levels, now: Mapping[int, int], efforts: Efforts
    ) -> None:
        self.method = method
        self.start = start
        self.now = now
        self.efforts = efforts
        self._names = {one.number: one.name for one in method.indicators}

    def score(self, levels: Levels) -> LevelScores:
        return score_levels(self.method, dict(levels))

    def result(self, levels: Levels) -> IndexResult:
        """Return the index of these levels against the start."""
        before, after = self.score(self.start), self.score(levels)
        groups = zip(
            [*before.domains, *before.aspects], [*after.domains, *after.aspects], strict=True
        )
        return IndexResult(
            value=after.value,
            predicate=after.predicate,
            difference=_difference(before.value, after.value),
            nodes=[
                NodeChange(
                    code=old.name,
                    name=old.name,
                    before=old.value,
                    after=new.value,
                    difference=_difference(old.value, new.value),
                )
                for old, new in groups
                if old.value != new.value
            ],
        )

    def solutions(self, target: float, alternatives: int) -> list[Solution]:
        """Return the cheapest set, then the cheapest without each of its largest changes."""
        first = cheapest(self, target)
        if not first:
            return []
        found = [self._solution(first, without=None)]
        for step in sorted(found[0].changes, key=lambda step: (-step.effort, int(step.code))):
            if len(found) > alternatives:
                break
            other = cheapest(self, target, without=int(step.code))
            if other:
                found.append(self._solution(other, without=int(step.code)))
        return [found[0], *sorted(found[1:], key=lambda solution: solution.effort)]

    def single_changes(self) -> list[SingleChange]:
        """Return one step up of each changeable indicator, the largest gain first."""
        now = self.score(self.now).value or 0
        found: list[SingleChange] = []
        for number, level in self.now.items():
            if level < self.method.levels[1] and self.efforts.get(number, 1) is not None:
                value = self.score({**self.now, number: level + 1}).value or 0
                step = self._step(number, level + 1)
                gain = round(value - now, DECIMALS)
                found.append(SingleChange(change=step, value=value, gain=gain))
        return sorted(found, key=lambda one: (-one.gain, one.change.effort, int(one.change.code)))

    def _solution(self, steps: Mapping[int, int], *, without: int | None) -> Solution:
        changes = [self._step(number, level) for number, level in sorted(steps.items())]
        return Solution(
            without=None if without is None else str(without),
            effort=sum(change.effort for change in changes),
            changes=changes,
            result=self.result({**self.now, **steps}),
        )

    def _step(self, number: int, level: int) -> Step:
        before = self.now[number]
        return Step(
            code=str(number),
            name=self._names[number],
            before=before,
            after=level,
            effort=(level - before) * (self.efforts.get(number, 1) or 0),
        )


def _check(
    method: LevelsMethod, given: Mapping[str, Mapping[int, Level]], efforts: Efforts
) -> None:
    faults: dict[str, str] = {}
    for field, levels in given.items():
        try:
            score_levels(method, levels)
        except InvalidLevelsError as error:
            faults |= {f"#/{field}/{number}": fault for number, fault in error.faults.items()}
    known = {one.number for one in method.indicators}
    for number in efforts.keys() - known:
        faults[f"#/efforts/{number}"] = f"{method.id} has no indicator {number}"
    if faults:
        raise ScenarioError("See errors[] for each level and what would be right.", faults)


def _start_levels(
    method: LevelsMethod, levels: Mapping[int, Level], *, lowest: bool
) -> tuple[dict[int, int], list[int]]:
    """Return a level of each indicator, and the indicators whose level is assumed."""
    known: dict[int, int] = {}
    assumed: list[int] = []
    for one in method.indicators:
        level = levels.get(one.number)
        if isinstance(level, int):
            known[one.number] = level
        else:
            known[one.number] = method.levels[0] if level is None else level[0]
            assumed.append(one.number)
    if assumed and not lowest:
        numbers = ", ".join(map(str, assumed[:10])) + (", ..." if len(assumed) > 10 else "")
        detail = f"{len(assumed)} levels are not known ({numbers}): give them, or `unknown: lowest`"
        raise ScenarioError(f"Not enough is known: {detail}.", {"#/levels": detail})
    return known, assumed


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(after - before, DECIMALS) + 0.0
