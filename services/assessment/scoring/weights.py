"""Weights of sibling nodes: equal, given by the method, or random."""

from collections.abc import Sequence

from services.assessment.methods.definition import TreeMethod, WeightedNode
from services.assessment.methods.rules import RandomWeights
from services.assessment.numerical_libraries import special
from services.assessment.scoring.aggregate import Amount
from services.assessment.scoring.computed_once import once_per_object
from services.assessment.scoring.tree import Weights, branches_of
from services.assessment.scoring.uncertainty import Draws, RandomStreams


def sibling_groups(method: TreeMethod) -> list[Sequence[WeightedNode]]:
    """Return the parts of each node."""
    return [branch.definitions() for branch in branches_of(method)]


@once_per_object
def point_weights(method: TreeMethod) -> Weights:
    """Return the weights of the values: the given ones, else equal ones."""
    return {part.code: float(part.weight) for parts in sibling_groups(method) for part in parts}


def sampled_weights(method: TreeMethod, streams: RandomStreams) -> Weights:
    """Return the weights of the draws: a set for each draw if the method has random ones."""
    if not isinstance(method.weights, RandomWeights):
        return point_weights(method)
    return dirichlet_weights(method, streams, concentration=method.weights.concentration)


def dirichlet_weights(
    method: TreeMethod, streams: RandomStreams, *, concentration: float
) -> Weights:
    """Return random weights of each sibling group, a set for each draw."""
    weights: dict[str, Amount] = {}
    for parts in sibling_groups(method):
        name = f"weights {' '.join(part.code for part in parts)}"
        rows = dirichlet(streams.uniforms(name, len(parts)), concentration)
        weights |= {part.code: row for part, row in zip(parts, rows, strict=True)}
    return weights


def dirichlet(uniforms: Draws, concentration: float) -> Draws:
    """Return positive columns that sum to 1, from uniform numbers of the same shape."""
    gammas = special.gammaincinv(concentration, uniforms)
    return gammas / gammas.sum(axis=0)
