"""Cheapest steps by which an indicator tree reaches a target, exact for every mean.

Each mean of the methods is a sum of an increasing function of its children (x, log x, -1/x). So the
best value of a node for each total effort follows from the best values of its children, from the
indicators up to the index: dynamic programming, exact where the index is not linear and an integer
programme would not be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.assessment.methods.definition import TreeMethod
from services.assessment.methods.rules import Mean
from services.assessment.numerical_libraries import Floats, Integers, np
from services.assessment.scoring.normalise import normalise
from services.assessment.scoring.tree import Branch, has_value, index_of
from services.assessment.scoring.weights import point_weights

Scores = Mapping[str, float]
"""0-100 of each indicator that has evidence."""

Efforts = Mapping[str, int | None]
"""Effort of one step of an indicator; None if it cannot change."""

TOLERANCE = 1e-9
"""Tolerance for reaching a target in floating point."""


@dataclass(frozen=True)
class Curve:
    """The best value for each effort on the Pareto front, and the steps to it."""

    efforts: Integers
    values: Floats
    steps: Callable[[int], dict[str, int]]
    """The steps of each indicator at a point of the curve."""


def index_curve(
    method: TreeMethod,
    scores: Scores,
    *,
    step: float,
    efforts: Efforts,
    without: str | None = None,
) -> Curve | None:
    """Return the curve of the index; None if it has no value."""
    weights = {code: float(str(weight)) for code, weight in point_weights(method).items()}

    def curve_of(branch: Branch) -> Curve | None:
        parts: list[tuple[float, Curve]] = []
        for part in branch.parts:
            curve = curve_of(part) if isinstance(part, Branch) else leaf(part.code)
            if curve is not None:
                parts.append((weights[part.code], curve))
        if not has_value(branch, len(parts), scores):
            return None
        found = _mean(branch.mean, parts)
        if branch.goalposts is None:
            return found
        return Curve(found.efforts, normalise(found.values, branch.goalposts), found.steps)

    def leaf(code: str) -> Curve | None:
        if code not in scores:
            return None
        effort = None if code == without else efforts.get(code, 1)
        return _leaf(code, scores[code], step=step, effort=effort)

    return curve_of(index_of(method))


def cheapest_point(curve: Curve, target: float) -> int | None:
    """Return the first point of a curve that reaches the target."""
    reached = curve.values >= target - TOLERANCE
    return int(np.argmax(reached)) if reached.any() else None


def raise_score(score: float, *, step: float, steps: int) -> float:
    """Return a score after some steps, at most 100."""
    return min(100.0, score + step * steps)


def _leaf(code: str, score: float, *, step: float, effort: int | None) -> Curve:
    count = 0 if effort is None else int(np.ceil((100 - score) / step - TOLERANCE))
    return Curve(
        efforts=np.arange(count + 1, dtype=np.int64) * (effort or 0),
        values=np.array([raise_score(score, step=step, steps=n) for n in range(count + 1)]),
        steps=lambda at: {code: at} if at else {},
    )


def _mean(kind: Mean, parts: Sequence[tuple[float, Curve]]) -> Curve:
    """Return the curve of a weighted mean."""
    total = sum(weight for weight, _ in parts)
    summed = _term(kind, *parts[0])
    for weight, curve in parts[1:]:
        summed = _sum(summed, _term(kind, weight, curve))
    with np.errstate(divide="ignore"):
        match kind:
            case "arithmetic":
                values = summed.values / total
            case "geometric":
                values = np.exp(summed.values / total)
            case "harmonic":
                values = total / -summed.values
    return Curve(summed.efforts, values, summed.steps)


def _term(kind: Mean, weight: float, curve: Curve) -> Curve:
    with np.errstate(divide="ignore"):  # a child at 0 makes these means 0
        match kind:
            case "arithmetic":
                values = weight * curve.values
            case "geometric":
                values = weight * np.log(curve.values)
            case "harmonic":
                values = -weight / curve.values
    return Curve(curve.efforts, values, curve.steps)


def _sum(first: Curve, second: Curve) -> Curve:
    """Return the best sum for each total effort of two curves, without dominated points."""
    top = int(first.efforts[-1] + second.efforts[-1])
    best = np.full(top + 1, -np.inf)
    left = np.full(top + 1, -1, dtype=np.int64)
    right = np.zeros(top + 1, dtype=np.int64)
    for at, (effort, value) in enumerate(zip(first.efforts, first.values, strict=True)):
        sums, places = value + second.values, effort + second.efforts
        better = (sums > best[places]) | (left[places] < 0)
        chosen = places[better]
        best[chosen], left[chosen], right[chosen] = sums[better], at, np.flatnonzero(better)
    before = np.concatenate(([-np.inf], np.maximum.accumulate(best)[:-1]))
    kept = np.flatnonzero(best > before)
    kept = kept if len(kept) and kept[0] == 0 else np.concatenate(([0], kept))

    def steps(at: int) -> dict[str, int]:
        place = int(kept[at])
        return first.steps(int(left[place])) | second.steps(int(right[place]))

    return Curve(kept, best[kept], steps)
