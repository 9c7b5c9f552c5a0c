"""Aggregation of indicator scores to elements, dimensions and the index.

It works on numbers and on arrays of draws alike, so that a value and its uncertainty follow the
same steps.
"""

import math
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
    if has_index(method, nodes, indicators):
        codes = [dimension.code for dimension in method.dimensions]
        nodes[method.index.code] = _mean_of(codes, nodes, weights, kind=rules.index)
    return nodes


def has_index(
    method: CollaborationMethod, nodes: Collection[str], indicators: Collection[str]
) -> bool:
    """Return whether enough dimensions have a value, and enough indicators evidence."""
    found = sum(dimension.code in nodes for dimension in method.dimensions)
    coverage = coverage_of(
        [element for dimension in method.dimensions for element in dimension.elements], indicators
    )
    return (
        found > 0
        and found / len(method.dimensions) >= method.minimum_dimensions
        and coverage.share >= method.minimum_indicators
    )


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


def missing_first(method: CollaborationMethod, node: str, known: Collection[str]) -> list[str]:
    """Return the fewest indicators whose evidence would give a node without a value one.

    Of equally few, those that the method names first.
    """
    added: list[str] = []
    for dimension in method.dimensions:
        if node in {dimension.code, method.index.code}:
            added += _missing_of_elements(method, dimension.elements, known)
        for element in dimension.elements:
            if node == element.code:
                return _missing_of_element(method, element, known)
    for driver in method.drivers:
        if node == driver.code:
            return _missing_of_element(method, driver, known)
    if node == method.index.code:
        codes = [i.code for d in method.dimensions for e in d.elements for i in e.indicators]
        lacking = math.ceil(method.minimum_indicators * len(codes) - 1e-9)
        lacking -= sum(code in known or code in added for code in codes)
        others = [code for code in codes if code not in known and code not in added]
        added += others[: max(0, lacking)]
    return added


def _missing_of_element(
    method: CollaborationMethod, element: ElementDefinition, known: Collection[str]
) -> list[str]:
    codes = [indicator.code for indicator in element.indicators]
    needed = max(1, math.ceil(method.minimum_coverage * len(codes) - 1e-9))
    lacking = needed - sum(code in known for code in codes)
    return [code for code in codes if code not in known][: max(0, lacking)]


def _missing_of_elements(
    method: CollaborationMethod, elements: Sequence[ElementDefinition], known: Collection[str]
) -> list[str]:
    lists = [_missing_of_element(method, element, known) for element in elements]
    needed = max(1, math.ceil(method.minimum_elements * len(elements) - 1e-9))
    lacking = needed - sum(not codes for codes in lists)
    easiest = sorted((codes for codes in lists if codes), key=len)[: max(0, lacking)]
    return [code for codes in easiest for code in codes]


def _mean_of(parts: Sequence[str], amounts: Amounts, weights: Weights, *, kind: Mean) -> Amount:
    present = [part for part in parts if part in amounts]
    return mean(kind, [amounts[part] for part in present], [weights[part] for part in present])
