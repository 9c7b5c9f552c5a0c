"""Errors of scenarios beyond their schema."""

from collections.abc import Mapping


class ScenarioError(ValueError):
    """Fields of a scenario that contradict its method or each other, by JSON pointer."""

    def __init__(
        self, message: str, faults: Mapping[str, str], *, best_reachable: float | None = None
    ) -> None:
        super().__init__(message)
        self.faults = dict(faults)
        self.best_reachable = best_reachable


class EvidenceConflictError(ScenarioError):
    """A scenario that the stored evidence does not allow, whatever its own fields say."""


def out_of_reach(
    target: float, best: float, kind: type[ScenarioError] = ScenarioError
) -> ScenarioError:
    """Return the error of a target that the allowed changes cannot reach."""
    detail = f"cannot be reached: with everything that may change at its best, it is {best:g}"
    return kind(f"The target {target:g} {detail}.", {"#/target": detail}, best_reachable=best)
