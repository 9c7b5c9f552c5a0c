"""Verifies a bundle and recomputes the score by which its regency is compared.

Pure; it is called in a process of its own for each bundle (`platform/bounded_process.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.assessment.bundles.verify import read_bundle, verify
from services.assessment.comparison.scores import score_facts
from services.assessment.numerical_libraries import np
from services.assessment.scoring.scores import Node

SEED = 1
DRAWS = 2000
"""Draws of the compared score, the same for all: enough for probabilities of two digits."""
LITTLE_ENDIAN_FLOAT64 = "<f8"

NodeLevel = Literal["index", "dimension", "element", "driver"]


@dataclass(frozen=True)
class CheckedNode:
    """A node of a verified assessment above its indicators."""

    code: str
    name: str
    name_en: str
    level: NodeLevel
    proven: float | None
    possible: float | None
    value: float | None


@dataclass(frozen=True)
class CheckedBundle:
    """A bundle whose figures agree with its evidence, and its comparable score."""

    id: UUID
    region: str
    period: int
    method: str
    method_hash: str
    fingerprint: str
    recorded_at: datetime
    nodes: tuple[CheckedNode, ...]
    proven: float | None
    possible: float | None
    value: float | None
    low: float | None
    high: float | None
    coverage: float
    draws: bytes | None
    """Draws of the index as little-endian float64; None without an estimate."""


def check_bundle(archive: bytes) -> CheckedBundle:
    """Verify a bundle and score its evidence; `BundleError` names every fault."""
    verified = verify(archive)
    head, read = verified.parameters, read_bundle(archive)
    scores = read.scores
    score = score_facts(
        read.method,
        read.facts,
        region=head.region,
        node=scores.index.code,
        seed=SEED,
        draws=DRAWS,
    )
    proven, possible = score.bounds or (None, None)
    low, high = score.interval or (None, None)
    nodes = [_node("index", scores.index)]
    for dimension in scores.dimensions:
        nodes.append(_node("dimension", dimension))
        nodes += [_node("element", element) for element in dimension.elements]
    nodes += [_node("driver", driver) for driver in scores.drivers]
    return CheckedBundle(
        id=head.id,
        region=head.region,
        period=head.period,
        method=head.method,
        method_hash=head.method_hash,
        fingerprint=verified.fingerprint,
        recorded_at=head.recorded_at,
        nodes=tuple(nodes),
        proven=proven,
        possible=possible,
        value=score.value,
        low=low,
        high=high,
        coverage=score.coverage,
        draws=None
        if score.draws is None
        else np.ascontiguousarray(score.draws, dtype=LITTLE_ENDIAN_FLOAT64).tobytes(),
    )


def _node(level: NodeLevel, node: Node) -> CheckedNode:
    return CheckedNode(
        code=node.code,
        name=node.name,
        name_en=node.name_en,
        level=level,
        proven=node.proven,
        possible=node.possible,
        value=node.value,
    )
