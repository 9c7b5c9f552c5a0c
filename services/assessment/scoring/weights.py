"""The weights of the parts of a whole: equal, as the method gives them, or drawn at random."""

from collections.abc import Mapping, Sequence

from scipy import special

from services.assessment.methods.definition import CollaborationMethod, WeightedNode
from services.assessment.methods.rules import RandomWeights
from services.assessment.scoring.aggregate import Amount
from services.assessment.scoring.uncertainty import Draws, RandomStreams

Weights = Mapping[str, Amount]
"""The weight of each node below the index, by its code."""


def sibling_groups(method: CollaborationMethod) -> list[Sequence[WeightedNode]]:
    """The parts of each whole of the tree."""
    return [
        method.dimensions,
        *(dimension.elements for dimension in method.dimensions),
        *(element.indicators for element in method.elements()),
    ]


def point_weights(method: CollaborationMethod) -> Weights:
    """The weights that the values take: those given, else equal ones."""
    return {part.code: float(part.weight) for parts in sibling_groups(method) for part in parts}


def sampled_weights(method: CollaborationMethod, streams: RandomStreams) -> Weights:
    """The weights that the draws take: another set for each where the method has random ones."""
    if not isinstance(method.weights, RandomWeights):
        return point_weights(method)
    return dirichlet_weights(method, streams, concentration=method.weights.concentration)


def dirichlet_weights(
    method: CollaborationMethod, streams: RandomStreams, *, concentration: float
) -> Weights:
    """Random weights of each whole, as many sets as there are draws."""
    weights: dict[str, Amount] = {}
    for parts in sibling_groups(method):
        name = f"weights {' '.join(part.code for part in parts)}"
        rows = dirichlet(streams.uniforms(name, len(parts)), concentration)
        weights |= {part.code: row for part, row in zip(parts, rows, strict=True)}
    return weights


def dirichlet(uniforms: Draws, concentration: float) -> Draws:
    """Columns that are positive and sum to 1, from numbers between 0 and 1 of the same shape."""
    gammas = special.gammaincinv(concentration, uniforms)
    return gammas / gammas.sum(axis=0)
