"""The score by which a regency is compared, recomputed from its evidence."""

from collections.abc import Collection
from dataclasses import dataclass

from services.assessment.methods.definition import TreeMethod
from services.assessment.numerical_libraries import np
from services.assessment.scoring.batch import Case
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.measurement import Bounds
from services.assessment.scoring.pipeline import compute_scores, measurements_of
from services.assessment.scoring.tree import branches_of, coverage_of
from services.assessment.scoring.uncertainty import Draws, RandomStreams


@dataclass(frozen=True)
class ComparableScore:
    """A score of a node: bounds, estimate, interval and draws."""

    bounds: Bounds | None
    """What is proven and what is possible; None by a method that takes registers as complete."""
    coverage: float
    value: float | None
    """The estimate; None if too little is known."""
    interval: Bounds | None
    draws: Draws | None


def score_facts(
    method: TreeMethod, facts: Facts, *, region: str, node: str, seed: int, draws: int
) -> ComparableScore:
    """Recompute a regency's score from the evidence of a year.

    Errors of evidence are independent between regencies; random weights are common to all.
    """
    scope = Case(region, facts.period).scope
    streams, common = RandomStreams(seed, draws, scope), RandomStreams(seed, draws)
    computed = compute_scores(method, facts, streams, weight_streams=common)
    bounds, value = computed.bounds.get(node), computed.values.get(node)
    coverage = _coverage(method, node, measurements_of(computed.results))
    if value is None:
        return ComparableScore(bounds, coverage, None, None, None)
    drawn = np.broadcast_to(np.asarray(computed.draws[node], dtype=np.float64), (draws,))
    return ComparableScore(bounds, coverage, value, computed.interval(node), drawn)


def _coverage(method: TreeMethod, node: str, known: Collection[str]) -> float:
    """Return the share of a node's indicators that have evidence."""
    branch = next((branch for branch in branches_of(method) if branch.code == node), None)
    return float(node in known) if branch is None else coverage_of(branch, known).share
