"""Bounds of what a published method may ask of the hub.

Anybody may compute a method that somebody else published, so its work must be bounded.
"""

from collections.abc import Iterator

from services.assessment.methods.definition import (
    AnyMethod,
    CollaborationMethod,
    CompositeMethod,
    LevelsMethod,
    SatisfactionMethod,
    TreeMethod,
)
from services.assessment.methods.measure_definitions import (
    SatisfactionIndex,
    SurveyMean,
    SurveyShare,
    nested_measures,
)
from services.assessment.methods.rules import PercentileRank

MAX_INDICATORS = 300
MAX_NODES = 300
MAX_SIBLINGS = 100
MAX_MEASURES = 1000
"""Measures together with those nested in them."""
MAX_GROUP = 5000
"""Values of the groups of percentile ranks, together."""
MAX_SURVEYS = 20
"""Surveys that are read, each by a request to another service."""

Fault = tuple[str, str]
"""A field of the document, and what is wrong with it."""


def size_faults(method: AnyMethod) -> Iterator[Fault]:
    """Yield what of a method is more than the hub computes for everybody."""
    match method:
        case CollaborationMethod():
            groups = [
                method.dimensions,
                *(dimension.elements for dimension in method.dimensions),
                *(element.indicators for element in method.elements()),
            ]
            yield from _tree_faults("dimensions", method, max(map(len, groups)))
        case CompositeMethod():
            yield from _tree_faults("root", method, max(len(node.parts) for node in method.nodes()))
            yield from _over("root", len(list(method.nodes())), MAX_NODES, "nodes")
        case LevelsMethod():
            yield from _over("indicators", len(method.indicators), MAX_INDICATORS, "indicators")
        case SatisfactionMethod():
            yield from _over("elements", len(method.elements), MAX_SIBLINGS, "elements")


def _tree_faults(where: str, method: TreeMethod, siblings: int) -> Iterator[Fault]:
    indicators = list(method.indicators())
    measures = [part for one in indicators for part in nested_measures(one.measure)]
    groups = [
        len(one.normalisation.among)
        for one in indicators
        if isinstance(one.normalisation, PercentileRank)
    ]
    surveys = {
        measure.survey
        for measure in measures
        if isinstance(measure, SurveyShare | SurveyMean | SatisfactionIndex)
    }
    yield from _over(where, siblings, MAX_SIBLINGS, "parts of one node")
    yield from _over(where, len(indicators), MAX_INDICATORS, "indicators")
    yield from _over(where, len(measures), MAX_MEASURES, "measures, with those nested in others")
    yield from _over(where, sum(groups), MAX_GROUP, "values of groups of percentile ranks")
    yield from _over(where, len(surveys), MAX_SURVEYS, "surveys")


def _over(field: str, found: int, most: int, what: str) -> Iterator[Fault]:
    if found > most:
        yield field, f"has {found} {what}; a method may have at most {most}"
