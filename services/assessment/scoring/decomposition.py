"""Decomposition of a score's change into contributions of its children that sum exactly.

The share of a part is its Shapley value: its effect averaged over all orders in which the parts
could have changed. No other division treats the parts alike, whatever mean joins them, and leaves
nothing over (Shorrocks 2013).
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations

from pydantic import Field

from services.assessment.methods.definition import CollaborationMethod, WeightedNode
from services.assessment.methods.rules import Mean
from services.assessment.scoring.aggregate import mean
from services.assessment.scoring.assess import DECIMALS
from services.assessment.scoring.scores import ScoreModel, Scores

UNIT = 10**DECIMALS
MAX_EXACT_PARTS = 12
"""With more children, only the given order and its reverse are evaluated."""

Parent = tuple[str, Mean, Sequence[WeightedNode]]


class Contribution(ScoreModel):
    """The contribution of a child node to its parent's change."""

    code: str
    before: float | None
    after: float | None
    contribution: float


class ScoreChange(ScoreModel):
    """A score in two periods, with contributions that sum to the difference."""

    code: str
    before: float
    after: float
    difference: float
    parts: list[Contribution] = Field(description="Contributions of its children.")


def score_changes(method: CollaborationMethod, before: Scores, after: Scores) -> list[ScoreChange]:
    """Return every parent node that has a value in both periods, the index first."""
    old = {node.code: node.value for node in before.nodes()}
    new = {node.code: node.value for node in after.nodes()}
    rules = method.aggregation
    wholes: list[Parent] = [(method.index.code, rules.index, method.dimensions)]
    for dimension in method.dimensions:
        wholes.append((dimension.code, rules.dimension, dimension.elements))
    for element in method.elements():
        wholes.append((element.code, rules.element, element.indicators))
    found: list[ScoreChange] = []
    for code, kind, parts in wholes:
        first, last = old.get(code), new.get(code)
        if first is not None and last is not None:
            shares = shares_of_change(kind, parts, old, new)
            exact = largest_remainder(
                round((last - first) * UNIT), [share * UNIT for share in shares]
            )
            found.append(
                ScoreChange(
                    code=code,
                    before=first,
                    after=last,
                    difference=round(last - first, DECIMALS) + 0.0,
                    parts=[
                        Contribution(
                            code=part.code,
                            before=old.get(part.code),
                            after=new.get(part.code),
                            contribution=units / UNIT,
                        )
                        for part, units in zip(parts, exact, strict=True)
                    ],
                )
            )
    return found


def shares_of_change(
    kind: Mean,
    parts: Sequence[WeightedNode],
    old: Mapping[str, float | None],
    new: Mapping[str, float | None],
) -> list[float]:
    """Return the Shapley value of each node; a node without a value is not part of the mean."""

    def value(changed: Collection[int]) -> float | None:
        now = [(new if at in changed else old).get(part.code) for at, part in enumerate(parts)]
        known = [(x, part.weight) for x, part in zip(now, parts, strict=True) if x is not None]
        if not known:
            return None
        return float(mean(kind, [x for x, _ in known], [weight for _, weight in known]))

    start = value(()) or 0.0
    share = shapley if len(parts) <= MAX_EXACT_PARTS else forward_backward
    return share(len(parts), lambda changed: _or_default(value(changed), start))


def shapley(players: int, worth: Callable[[Collection[int]], float]) -> list[float]:
    """Return each player's mean gain over all orders; they sum to worth(all) - worth(none)."""
    all_players = range(players)
    worths = {
        frozenset(group): worth(frozenset(group))
        for size in range(players + 1)
        for group in combinations(all_players, size)
    }
    gains = [0.0] * players
    for group, before in worths.items():
        for player in all_players:
            if player not in group:
                orders = math.factorial(len(group)) * math.factorial(players - len(group) - 1)
                gains[player] += (
                    (worths[group | {player}] - before) * orders / math.factorial(players)
                )
    return gains


def forward_backward(players: int, worth: Callable[[Collection[int]], float]) -> list[float]:
    """Return each player's gain averaged over the given order and its reverse."""
    gains = [0.0] * players
    for order in (range(players), reversed(range(players))):
        group: frozenset[int] = frozenset()
        for player in order:
            gains[player] += (worth(group | {player}) - worth(group)) / 2
            group |= {player}
    return gains


def largest_remainder(total: int, shares: Sequence[float]) -> list[int]:
    """Round shares to integers that sum to `total`, by the largest remainders."""
    whole = [math.floor(share) for share in shares]
    order = sorted(range(len(shares)), key=lambda at: whole[at] - shares[at])
    for step in range(abs(total - sum(whole))):
        at = order[step % len(order)] if total > sum(whole) else order[-1 - step % len(order)]
        whole[at] += 1 if total > sum(whole) else -1
    return whole


def _or_default(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
