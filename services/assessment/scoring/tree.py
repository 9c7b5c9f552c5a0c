"""Aggregation of indicator scores to elements, dimensions and the index.

It works on numbers and on arrays of draws alike, so that a value and its uncertainty follow the
same steps.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.assessment.methods.definition import (
    CollaborationMethod,
    DimensionDefinition,
    ElementDefinition,
)
from services.assessment.methods.rules import Aggregation, Mean
from services.assessment.scoring.aggregate import Amount, mean
from services.assessment.scoring.weights import Weights

Amounts = Mapping[str, Amount]


@dataclass(frozen=True)
class Coverage:
    """The numbers of indicators under a node, and of those with evidence."""

    known: int
    indicators: int

    @property
    def share(self) -> float:
        return self.known / self.indicators


def coverage_of(elements: Sequence[ElementDefinition], known: Collection[str]) -> Coverage:
    """Return the coverage of elements together."""
    codes = [indicator.code for element in elements for indicator in element.indicators]
    return Coverage(sum(code in known for code in codes), len(codes))


def combine(
    method: CollaborationMethod,
    indicators: Amounts,
    weights: Weights,
    aggregation: Aggregation | None = None,
) -> dict[str, Amount]:
    """Return the nodes above the indicators that have a value.

    `indicators` has only those with evidence. Nodes without a value are left out of a mean, whose
    weights the others share. The method's coverage rules decide whether enough is known.
    """
    rules = aggregation or method.aggregation
    nodes: dict[str, Amount] = {}
    for element in method.elements():
        if has_evidence(method, element, indicators):
            codes = [indicator.code for indicator in element.indicators]
            nodes[element.code] = _mean_of(codes, indicators, weights, kind=rules.element)
    for dimension in method.dimensions:
        codes = [element.code for element in dimension.elements]
        if is_covered(dimension, nodes, method.minimum_elements):
            nodes[dimension.code] = _mean_of(codes, nodes, weights, kind=rules.dimension)
    codes = [dimension.code for dimension in method.dimensions]
    found = sum(code in nodes for code in codes)
    if found and found / len(codes) >= method.minimum_dimensions:
        nodes[method.index.code] = _mean_of(codes, nodes, weights, kind=rules.index)
    return nodes


def has_evidence(
    method: CollaborationMethod, element: ElementDefinition, known: Collection[str]
) -> bool:
    """Return whether enough of an element's indicators have evidence."""
    coverage = coverage_of([element], known)
    return coverage.known > 0 and coverage.share >= method.minimum_coverage


def is_covered(dimension: DimensionDefinition, nodes: Collection[str], minimum: float) -> bool:
    """Return whether enough of a dimension's elements have a value."""
    found = sum(element.code in nodes for element in dimension.elements)
    return found > 0 and found / len(dimension.elements) >= minimum


def _mean_of(parts: Sequence[str], amounts: Amounts, weights: Weights, *, kind: Mean) -> Amount:
    present = [part for part in parts if part in amounts]
    return mean(kind, [amounts[part] for part in present], [weights[part] for part in present])
