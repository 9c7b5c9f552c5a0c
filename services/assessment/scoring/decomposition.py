"""Decomposition of a score's change into contributions of its children that sum exactly.

The share of a part is its Shapley value: its effect averaged over all orders in which the parts
could have changed. No other division treats the parts alike, whatever mean joins them, and leaves
nothing over (Shorrocks 2013).
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations

from services.assessment.methods.definition import TreeMethod
from services.assessment.scoring.assess import DECIMALS, round_score
from services.assessment.scoring.results import Contribution, ScoreChange, YearComparison
from services.assessment.scoring.scores import Node, Scores
from services.assessment.scoring.tree import Branch, branches_of, combine
from services.assessment.scoring.weights import Weights, point_weights

UNIT = 10**DECIMALS
MAX_EXACT_PARTS = 12
"""With more children, only the given order and its reverse are evaluated."""


def compare_years(method: TreeMethod, before: Scores, after: Scores) -> YearComparison:
    """Compare two years by the indicators that are known in both.

    Another indicator says nothing about a change: its value in the other year is not known. Nor
    does one that was counted from what may not be all, unless the evidence proves that it changed:
    fewer records of a register that nobody declared complete may be fewer that were written down.
    A node of which too little is known in both years has no change.
    """
    codes = [indicator.code for indicator in method.indicators()]
    old, new = _known(before, codes), _known(after, codes)
    in_both = [code for code in codes if code in old and code in new]
    incomplete = [code for code in in_both if not _tells_a_change(old[code], new[code])]
    compared = [code for code in in_both if code not in incomplete]
    return YearComparison(
        compared=compared,
        came_to_be_known=[code for code in codes if code in new and code not in old],
        no_longer_known=[code for code in codes if code in old and code not in new],
        incomplete=incomplete,
        changes=_changes(method, _nodes(method, old, compared), _nodes(method, new, compared)),
    )


def _known(scores: Scores, codes: Collection[str]) -> dict[str, Node]:
    """Return the nodes with a value among these codes."""
    wanted = set(codes)
    return {
        node.code: node for node in scores.nodes() if node.value is not None and node.code in wanted
    }


def _tells_a_change(old: Node, new: Node) -> bool:
    """Return whether two values of an indicator can be compared.

    They can if both are complete counts, samples or ranges, and if their bounds do not overlap.
    """
    if "incomplete" not in {old.no_interval_because, new.no_interval_because}:
        return True
    if old.bounds is None or new.bounds is None:
        return False
    return old.bounds[1] < new.bounds[0] or new.bounds[1] < old.bounds[0]


def _nodes(
    method: TreeMethod, known: Mapping[str, Node], compared: Collection[str]
) -> dict[str, float]:
    """Return the scores of these indicators and of all nodes above that they give a value."""
    values = {code: known[code].value for code in compared}
    indicators = {code: value for code, value in values.items() if value is not None}
    nodes = combine(method, indicators, point_weights(method))
    return {code: round_score(float(score)) for code, score in nodes.items()}


def _changes(
    method: TreeMethod, old: Mapping[str, float], new: Mapping[str, float]
) -> list[ScoreChange]:
    """Return every node above the indicators that has a value, the index first."""
    weights = point_weights(method)
    found: list[ScoreChange] = []
    for branch in branches_of(method):
        if branch.code not in old or branch.code not in new:
            continue
        difference = new[branch.code] - old[branch.code]
        shares = shares_of_change(branch, weights, old, new)
        exact = largest_remainder(round(difference * UNIT), [share * UNIT for share in shares])
        found.append(
            ScoreChange(
                code=branch.code,
                before=old[branch.code],
                after=new[branch.code],
                difference=round(difference, DECIMALS) + 0.0,
                parts=[
                    Contribution(
                        code=part.code,
                        before=old.get(part.code),
                        after=new.get(part.code),
                        contribution=units / UNIT,
                    )
                    for part, units in zip(branch.parts, exact, strict=True)
                ],
            )
        )
    return found


def shares_of_change(
    branch: Branch, weights: Weights, old: Mapping[str, float], new: Mapping[str, float]
) -> list[float]:
    """Return the Shapley value of each part; a part without a value does not belong to the mean."""

    def value(changed: Collection[int]) -> float | None:
        now = [
            ((new if at in changed else old).get(part.code), weights[part.code])
            for at, part in enumerate(branch.parts)
        ]
        known = [(score, weight) for score, weight in now if score is not None]
        if not known:
            return None
        return float(branch.score([score for score, _ in known], [weight for _, weight in known]))

    start = value(()) or 0.0
    count = len(branch.parts)
    share = shapley if count <= MAX_EXACT_PARTS else forward_backward
    return share(count, lambda changed: _or_default(value(changed), start))


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
