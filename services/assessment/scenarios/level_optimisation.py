"""Cheapest steps by which an index of levels reaches a target, by integer programming.

The index is a weighted sum, so that the problem is an integer programme: least effort subject to
enough gain. Weights are scaled to integers, which leaves the solver (HiGHS) nothing to round.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from services.assessment.methods.definition import LevelsMethod
from services.assessment.numerical_libraries import Floats, np, optimize

Levels = Mapping[int, int]
Efforts = Mapping[int, int | None]
"""Effort of one step of an indicator, by its number; None if it cannot change."""

INFEASIBLE = 2


def cheapest_steps(
    method: LevelsMethod,
    levels: Levels,
    *,
    target: float,
    efforts: Efforts,
    without: int | None = None,
) -> dict[int, int] | None:
    """Return the levels to reach, by indicator: least effort, then the highest index.

    None if the target cannot be reached. The default effort is 1 a step.
    """
    movable = [
        one
        for one in method.indicators
        if efforts.get(one.number, 1) is not None
        and one.number != without
        and levels[one.number] < method.levels[1]
    ]
    needed = _needed(method, levels, target)
    if needed <= 0:
        return {}
    if not movable:
        return None
    scale = _scale(method)
    gains = [int(Fraction(repr(one.weight)) * scale) for one in movable]
    costs = [efforts.get(one.number, 1) or 0 for one in movable]
    room = [method.levels[1] - levels[one.number] for one in movable]
    least = _solve(costs, room, [(gains, needed)])
    if least is None:
        return None
    effort = sum(cost * steps for cost, steps in zip(costs, least, strict=True))
    within = ([-cost for cost in costs], -effort)
    best = _solve([-gain for gain in gains], room, [(gains, needed), within]) or least
    if sum(gain * steps for gain, steps in zip(gains, best, strict=True)) < needed:
        raise ArithmeticError("the solver's steps do not reach the target")
    return {
        one.number: levels[one.number] + steps
        for one, steps in zip(movable, best, strict=True)
        if steps
    }


def highest_reachable(method: LevelsMethod, levels: Levels, *, efforts: Efforts) -> dict[int, int]:
    """Return the levels with every changeable indicator at its highest."""
    return {
        number: level if efforts.get(number, 1) is None else method.levels[1]
        for number, level in levels.items()
    }


def _needed(method: LevelsMethod, levels: Levels, target: float) -> int:
    """Return the missing gain, in units of the scaled weights."""
    weights = {one.number: Fraction(repr(one.weight)) for one in method.indicators}
    has = sum((weights[number] * level for number, level in levels.items()), Fraction(0))
    wanted = Fraction(repr(float(target))) * sum(weights.values(), Fraction(0))
    return math.ceil((wanted - has) * _scale(method))


def _scale(method: LevelsMethod) -> int:
    return math.lcm(*(Fraction(repr(one.weight)).denominator for one in method.indicators))


def _solve(
    costs: Sequence[int], room: Sequence[int], at_least: Sequence[tuple[Sequence[int], int]]
) -> list[int] | None:
    """Return integer steps of least cost within their bounds that satisfy each constraint."""
    constraints = [
        optimize.LinearConstraint(np.array([row], dtype=np.float64), lb=bound)
        for row, bound in at_least
    ]
    found = optimize.milp(
        c=np.array(costs, dtype=np.float64),
        integrality=np.ones(len(costs)),
        bounds=optimize.Bounds(lb=0, ub=np.array(room, dtype=np.float64)),  # pyright: ignore[reportArgumentType]
        constraints=constraints,
        # HiGHS's presolve fails on some programmes like these (status 4).
        options={"mip_rel_gap": 0, "presolve": False},
    )
    if found.status == INFEASIBLE:
        return None
    if not found.success:
        raise ArithmeticError(f"the solver gave up: {found.message}")
    steps: Floats = found.x
    return [round(step) for step in steps.tolist()]
