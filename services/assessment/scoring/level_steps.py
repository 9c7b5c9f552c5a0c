"""Number of level steps from a published total to a target, when levels are not known.

A published index states its total only; many combinations of levels have it. The answers hold for
all of them, by integer programmes with weights scaled to integers (HiGHS).
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from services.assessment.methods.definition import LevelsMethod
from services.assessment.numerical_libraries import Floats, np, optimize
from services.assessment.scoring.levels import Level
from services.assessment.scoring.results import LevelSteps, TargetPath

HALF_UNIT = Fraction(1, 200)
"""A total is printed with two decimals: the index lies half a unit about it."""

INFEASIBLE = 2


def count_steps(
    method: LevelsMethod, *, value: float, target: float, levels: Mapping[int, Level]
) -> LevelSteps | None:
    """Return the numbers of steps; None if no levels have that total.

    `levels` are those that are known, or their ranges; the target lies within the index's scale.
    """
    lowest, highest = method.levels
    if not lowest <= target <= highest:
        raise ValueError(f"the target must lie from {lowest} to {highest}")
    known = (levels.get(one.number) for one in method.indicators)
    ranges = tuple(
        (lowest, highest) if one is None else (one, one) if isinstance(one, int) else tuple(one)
        for one in known
    )
    weights = tuple(Fraction(repr(one.weight)) for one in method.indicators)
    counts = _count(weights, ranges, highest, Fraction(repr(value)), Fraction(repr(target)))
    if counts is None:
        return None
    least, enough, most = (0, 0, 0) if value >= target else counts
    return LevelSteps(value=value, target=target, least=least, enough_by_weight=enough, most=most)


def steps_of_path(method: LevelsMethod, path: TargetPath | None) -> LevelSteps | None:
    """Return the numbers of steps of a path to a target, whose levels are not known."""
    if path is None or not method.levels[0] <= path.target_value <= method.levels[1]:
        return None
    return count_steps(method, value=path.first_value, target=path.target_value, levels={})


@lru_cache(maxsize=64)
def _count(
    weights: tuple[Fraction, ...],
    ranges: tuple[tuple[int, int], ...],
    highest: int,
    value: Fraction,
    target: Fraction,
) -> tuple[int, int, int] | None:
    scale = math.lcm(*(weight.denominator for weight in weights))
    scaled = [int(weight * scale) for weight in weights]
    total = sum(scaled)
    program = _Program(
        weights=np.array(scaled, dtype=np.float64),
        ranges=ranges,
        highest=highest,
        low=math.ceil((value - HALF_UNIT) * total),
        high=math.floor((value + HALF_UNIT) * total),
        needed=math.ceil(target * total),
    )
    least = program.least()
    return None if least is None else (least, program.enough_by_weight(), program.most())


class _Program:
    """Integer programmes over the levels and the steps of every indicator."""

    def __init__(
        self,
        *,
        weights: Floats,
        ranges: Sequence[tuple[int, int]],
        highest: int,
        low: int,
        high: int,
        needed: int,
    ) -> None:
        self._weights = weights
        self._lows = np.array([low for low, _ in ranges], dtype=np.float64)
        self._highs = np.array([high for _, high in ranges], dtype=np.float64)
        self._highest = highest
        self._low, self._high = low, high
        self._needed = needed

    def least(self) -> int | None:
        """Return the fewest steps to the target from any levels with the total."""
        n = len(self._weights)
        cost = np.concatenate([np.zeros(n), np.ones(n)])
        return _solve(cost, self._variables(), self._rows(self._needed, np.inf))

    def most(self) -> int:
        """Return one step more than the most that can fall short of the target."""
        n = len(self._weights)
        cost = np.concatenate([np.zeros(n), -np.ones(n)])
        short = _solve(cost, self._variables(), self._rows(-np.inf, self._needed - 1))
        return 0 if short is None else 1 - short

    def enough_by_weight(self) -> int:
        """Return the steps that reach the target if the heaviest possible ones are taken.

        The k heaviest open steps sum to the least of k t + the excesses of weights over t, reached
        at one of the weights t. So the levels with the largest k that falls short follow from a
        programme for each weight.
        """
        total = self._highest * int(self._weights.sum())
        rooms = _bounds(self._highest - self._highs, self._highest - self._lows)
        row = optimize.LinearConstraint(self._weights[None], total - self._high, total - self._low)
        enough = 0
        for weight in np.unique(self._weights):
            capped = -np.minimum(self._weights, weight)
            found = _solve(capped, rooms, [row])
            if found is not None:
                enough = max(enough, math.ceil((self._needed - total - found) / weight))
        return max(0, enough)

    def _variables(self) -> "optimize.Bounds":
        """Return the bounds of the levels and of the steps."""
        steps = np.full(len(self._weights), self._highest, dtype=np.float64)
        lows = np.concatenate([self._lows, np.zeros_like(steps)])
        return _bounds(lows, np.concatenate([self._highs, steps]))

    def _rows(self, low: float, high: float) -> list["optimize.LinearConstraint"]:
        """Return the rows of the total, of the total after the steps, and of each level's end."""
        nothing, one = np.zeros_like(self._weights), np.eye(len(self._weights))
        totals = np.array(
            [
                np.concatenate([self._weights, nothing]),
                np.concatenate([self._weights, self._weights]),
            ]
        )
        return [
            optimize.LinearConstraint(totals[:1], self._low, self._high),
            optimize.LinearConstraint(totals[1:], low, high),
            optimize.LinearConstraint(np.hstack([one, one]), -np.inf, self._highest),
        ]


def _bounds(lows: Floats, highs: Floats) -> "optimize.Bounds":
    return optimize.Bounds(lows, highs)  # pyright: ignore[reportArgumentType]


def _solve(
    cost: Floats, bounds: "optimize.Bounds", rows: Sequence["optimize.LinearConstraint"]
) -> int | None:
    """Return the least cost in integers; None if nothing satisfies the rows."""
    # HiGHS's presolve fails on some of these programmes (status 4).
    options: dict[str, Any] = {"mip_rel_gap": 0, "presolve": False}
    found = optimize.milp(
        c=cost, integrality=np.ones(len(cost)), bounds=bounds, constraints=rows, options=options
    )
    if found.status == INFEASIBLE:
        return None
    if not found.success:
        raise ArithmeticError(f"the solver gave up: {found.message}")
    return round(found.fun)
