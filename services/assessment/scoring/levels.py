"""Index of levels, such as SPBE: sum of level x weight / 100, computed exactly."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from services.assessment.methods.definition import LevelIndicator, LevelsMethod
from services.assessment.scoring.results import LevelGroup, LevelScores, PathStep, TargetPath

DECIMALS = 4

Level = int | tuple[int, int] | None
"""A level, a range of levels, or none known."""


class InvalidLevelsError(ValueError):
    """Levels that the method does not have, by indicator number."""

    def __init__(self, faults: Mapping[int, str]) -> None:
        super().__init__("; ".join(f"indicator {n}: {fault}" for n, fault in faults.items()))
        self.faults = faults


def score_levels(method: LevelsMethod, levels: Mapping[int, Level]) -> LevelScores:
    """Return the index, its aspects and domains; `InvalidLevelsError` names every wrong level."""
    _check(method, levels)
    missing = [one.number for one in method.indicators if levels.get(one.number) is None]
    value, low, high = _bounds(method, method.indicators, levels)
    reason = None
    if missing:
        some = ", ".join(str(number) for number in missing[:10])
        more = ", ..." if len(missing) > len(missing[:10]) else ""
        reason = f"{len(missing)} of {len(method.indicators)} levels are missing: {some}{more}"
    return LevelScores(
        value=value,
        low=low,
        high=high,
        predicate=None if value is None else method.predicate_of(value),
        predicate_low=method.predicate_of(low),
        predicate_high=method.predicate_of(high),
        missing=missing,
        reason=reason,
        domains=_groups(method, levels, lambda one: one.domain),
        aspects=_groups(method, levels, lambda one: one.aspect),
    )


def _check(method: LevelsMethod, levels: Mapping[int, Level]) -> None:
    lowest, highest = method.levels
    known = {one.number for one in method.indicators}
    faults: dict[int, str] = {}
    for number, level in levels.items():
        if number not in known:
            faults[number] = f"{method.id} has no indicator {number}; it has 1 to {max(known)}"
        elif level is not None:
            ends = (level, level) if isinstance(level, int) else level
            if not lowest <= ends[0] <= ends[1] <= highest:
                faults[number] = f"a level lies between {lowest} and {highest}, the lower one first"
    if faults:
        raise InvalidLevelsError(faults)


def _groups(
    method: LevelsMethod,
    levels: Mapping[int, Level],
    name_of: Callable[[LevelIndicator], str | None],
) -> list[LevelGroup]:
    found: dict[str, list[LevelIndicator]] = {}
    for one in method.indicators:
        name = name_of(one)
        if name is not None:
            found.setdefault(name, []).append(one)
    groups: list[LevelGroup] = []
    for name, indicators in found.items():
        value, low, high = _bounds(method, indicators, levels)
        weight = float(sum(map(_weight, indicators), Fraction(0)))
        groups.append(LevelGroup(name=name, weight=weight, value=value, low=low, high=high))
    return groups


def _bounds(
    method: LevelsMethod, indicators: Sequence[LevelIndicator], levels: Mapping[int, Level]
) -> tuple[float | None, float, float]:
    """Return the weighted mean with unknown levels and ranges at middle, lowest and highest."""
    known = [levels.get(one.number) for one in indicators]
    ends = [
        method.levels if level is None else (level, level) if isinstance(level, int) else level
        for level in known
    ]
    weights = [_weight(one) for one in indicators]
    low = _mean(weights, (Fraction(end[0]) for end in ends))
    high = _mean(weights, (Fraction(end[1]) for end in ends))
    middle = None if None in known else _rounded((low + high) / 2)
    return middle, _rounded(low), _rounded(high)


def _mean(weights: Sequence[Fraction], levels: Iterable[Fraction]) -> Fraction:
    weighted = (w * level for w, level in zip(weights, levels, strict=True))
    return sum(weighted, Fraction(0)) / sum(weights, Fraction(0))


def _weight(indicator: LevelIndicator) -> Fraction:
    return Fraction(repr(indicator.weight))  # 2.75 as written, not its binary approximation


def _rounded(value: Fraction) -> float:
    return float(round(value, DECIMALS))


def gain_of_step(method: LevelsMethod, indicator: LevelIndicator) -> float:
    """Return what one level more of an indicator adds to the index."""
    total = sum(map(_weight, method.indicators), Fraction(0))
    return _rounded(_weight(indicator) / total)


def path_to_target(
    method: LevelsMethod, *, last: tuple[int, float], target: tuple[int, float]
) -> TargetPath:
    """Return the linear path by year; the target's year must be later."""
    (first_year, first_value), (target_year, target_value) = last, target
    years = target_year - first_year
    if years < 1:
        raise ValueError("the target must lie after the last value")
    first, aim = Fraction(repr(first_value)), Fraction(repr(target_value))
    steps: list[PathStep] = []
    for n in range(1, years + 1):
        value = _rounded(first + (aim - first) * n / years)
        steps.append(
            PathStep(year=first_year + n, value=value, predicate=method.predicate_of(value))
        )
    return TargetPath(
        first_year=first_year,
        first_value=first_value,
        target_year=target_year,
        target_value=target_value,
        per_year=_rounded((aim - first) / years),
        reached=first >= aim,
        steps=steps,
    )
