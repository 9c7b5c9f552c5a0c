"""Aggregation of indicator scores up a tree of any depth.

A method of collaboration is such a tree of three levels, with its drivers as trees of their own. It
works on numbers and on arrays of draws alike, so that a value and its uncertainty follow the same
steps.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.assessment.methods.definition import (
    CollaborationMethod,
    CompositeMethod,
    CompositeNode,
    ElementDefinition,
    IndicatorDefinition,
    NamedNode,
    TreeMethod,
    WeightedNode,
)
from services.assessment.methods.rules import Goalposts, Mean
from services.assessment.scoring.aggregate import Amount, mean
from services.assessment.scoring.computed_once import once_per_object
from services.assessment.scoring.normalise import normalise

Amounts = Mapping[str, Amount]
Weights = Mapping[str, Amount]
"""The weight of each node below the index, by its code."""

ROUNDING = 1e-9
"""Tolerance of a minimum share, so that 0.7 of 10 parts are 7 and not 8."""


@dataclass(frozen=True)
class Branch:
    """A node above the indicators, and how its score follows from its parts."""

    node: NamedNode
    parts: Sequence["Branch | IndicatorDefinition"]
    mean: Mean
    minimum_coverage: float
    """Share of the parts that must have a value."""
    minimum_indicators: float = 0
    """Share of the indicators under it that must have evidence."""
    goalposts: Goalposts | None = None
    """Means that score 0 and 100; None if the mean is the score."""

    @property
    def code(self) -> str:
        return self.node.code

    def branches(self) -> Iterator["Branch"]:
        """Yield this node and all nodes below it, parents before their parts."""
        yield self
        for part in self.parts:
            if isinstance(part, Branch):
                yield from part.branches()

    @cached_property
    def part_codes(self) -> Sequence[str]:
        """The codes of its parts, in order."""
        return tuple(part.code for part in self.parts)

    @cached_property
    def indicator_codes(self) -> Sequence[str]:
        """The codes of the indicators under it, in order."""
        return tuple(indicator.code for indicator in self.indicators())

    def indicators(self) -> Iterator[IndicatorDefinition]:
        """Yield the indicators under it, in order."""
        for part in self.parts:
            if isinstance(part, Branch):
                yield from part.indicators()
            else:
                yield part

    def definitions(self) -> list[WeightedNode]:
        """Return the definitions of its parts."""
        found = (part.node if isinstance(part, Branch) else part for part in self.parts)
        return [part for part in found if isinstance(part, WeightedNode)]

    def score(self, scores: Sequence[Amount], weights: Sequence[Amount]) -> Amount:
        """Return its score from those of its parts that have one."""
        found = mean(self.mean, scores, weights)
        return found if self.goalposts is None else normalise(found, self.goalposts)


def index_of(method: TreeMethod) -> Branch:
    """Return the tree of the index."""
    match method:
        case CompositeMethod():
            return _composite(method.root, method.minimum_indicators)
        case CollaborationMethod():
            rules = method.aggregation
            return Branch(
                method.index,
                [
                    Branch(
                        dimension,
                        [_element(method, element) for element in dimension.elements],
                        rules.dimension,
                        method.minimum_elements,
                    )
                    for dimension in method.dimensions
                ],
                rules.index,
                method.minimum_dimensions,
                method.minimum_indicators,
            )


@once_per_object
def trees_of(method: TreeMethod) -> Sequence[Branch]:
    """Return the tree of the index, and those of the drivers beside it."""
    trees = [index_of(method)]
    if isinstance(method, CollaborationMethod):
        trees += [_element(method, driver) for driver in method.drivers]
    return trees


@once_per_object
def branches_of(method: TreeMethod) -> Sequence[Branch]:
    """Return every node above the indicators, parents before their parts."""
    return [branch for tree in trees_of(method) for branch in tree.branches()]


def _element(method: CollaborationMethod, element: ElementDefinition) -> Branch:
    return Branch(element, element.indicators, method.aggregation.element, method.minimum_coverage)


def _composite(node: CompositeNode, minimum_indicators: float = 0) -> Branch:
    return Branch(
        node,
        [_composite(part) if isinstance(part, CompositeNode) else part for part in node.parts],
        node.mean,
        node.minimum_coverage,
        minimum_indicators,
        node.goalposts,
    )


@dataclass(frozen=True)
class Coverage:
    """The numbers of indicators under a node, and of those with evidence."""

    known: int
    indicators: int

    @property
    def share(self) -> float:
        return self.known / self.indicators


def coverage_of(branch: Branch, known: Collection[str]) -> Coverage:
    """Return the coverage of a node."""
    codes = branch.indicator_codes
    return Coverage(sum(code in known for code in codes), len(codes))


def combine(method: TreeMethod, indicators: Amounts, weights: Weights) -> dict[str, Amount]:
    """Return every node that has a value: the indicators with evidence, and those above them.

    Parts without a value are left out of a mean, whose weights the others share. The method's
    coverage rules decide whether enough is known.
    """
    amounts = dict(indicators)
    for tree in trees_of(method):
        combine_branch(tree, weights, amounts)
    return amounts


def combine_branch(branch: Branch, weights: Weights, amounts: dict[str, Amount]) -> None:
    """Add a node and all below it, as far as they have a value, to the amounts of indicators."""
    combine_parts(branch, weights, amounts)
    score = score_from_parts(branch, weights, amounts)
    if score is not None:
        amounts[branch.code] = score


def combine_parts(branch: Branch, weights: Weights, amounts: dict[str, Amount]) -> None:
    """Add all nodes below a node, as far as they have a value, to the amounts of indicators."""
    for part in branch.parts:
        if isinstance(part, Branch):
            combine_branch(part, weights, amounts)


def score_from_parts(branch: Branch, weights: Weights, amounts: Amounts) -> Amount | None:
    """Return the score of a node whose parts are combined; None if too little is known."""
    known = [code for code in branch.part_codes if code in amounts]
    if not has_value(branch, len(known), amounts):
        return None
    return branch.score([amounts[code] for code in known], [weights[code] for code in known])


def has_value(branch: Branch, found: int, known: Collection[str]) -> bool:
    """Return whether `found` parts with a value are enough, and the known indicators."""
    if not found or found / len(branch.parts) < branch.minimum_coverage:
        return False
    minimum = branch.minimum_indicators
    return not minimum or coverage_of(branch, known).share >= minimum


def would_have_value(branch: Branch, known: Collection[str]) -> bool:
    """Return whether a node has a value if these indicators have evidence, whatever it says."""
    found = sum(
        would_have_value(part, known) if isinstance(part, Branch) else part.code in known
        for part in branch.parts
    )
    return has_value(branch, found, known)


def missing_first(branch: Branch, known: Collection[str]) -> list[str]:
    """Return the fewest indicators whose evidence would give a node without a value one.

    Of equally few, those that the method names first.
    """
    lists = [
        missing_first(part, known)
        if isinstance(part, Branch)
        else [code for code in [part.code] if code not in known]
        for part in branch.parts
    ]
    needed = max(1, math.ceil(branch.minimum_coverage * len(lists) - ROUNDING))
    lacking = needed - sum(not codes for codes in lists)
    easiest = sorted((codes for codes in lists if codes), key=len)[: max(0, lacking)]
    added = [code for codes in easiest for code in codes]
    codes = branch.indicator_codes
    lacking = math.ceil(branch.minimum_indicators * len(codes) - ROUNDING)
    lacking -= sum(code in known or code in added for code in codes)
    others = [code for code in codes if code not in known and code not in added]
    return added + others[: max(0, lacking)]
