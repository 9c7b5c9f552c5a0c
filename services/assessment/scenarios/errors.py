"""What is wrong with a scenario that its schema cannot tell."""

from collections.abc import Mapping


class ScenarioError(ValueError):
    """A scenario that cannot be computed: what is wrong, by JSON pointer."""

    def __init__(
        self, message: str, faults: Mapping[str, str], *, best_reachable: float | None = None
    ) -> None:
        super().__init__(message)
        self.faults = dict(faults)
        self.best_reachable = best_reachable


def out_of_reach(target: float, best: float) -> ScenarioError:
    """The target cannot be reached by what may be changed."""
    detail = f"cannot be reached: with everything that may change at its best, it is {best:g}"
    return ScenarioError(
        f"The target {target:g} {detail}.", {"#/target": detail}, best_reachable=best
    )
