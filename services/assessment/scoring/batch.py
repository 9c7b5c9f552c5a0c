"""Scores of many regencies and years, on several processes.

Each regency and year has its own random numbers, so that a figure depends neither on the others nor
on how the work was divided.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.numerical_libraries import np
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.measurement import Bounds
from services.assessment.scoring.pipeline import ComputedScores, compute_scores
from services.assessment.scoring.uncertainty import Draws, RandomStreams

BATCH_SIZE = 64
"""Small enough for the memory of a process, large enough to amortise its transfer."""


@dataclass(frozen=True, order=True)
class Case:
    """A regency in a year."""

    region: str
    period: int

    @property
    def scope(self) -> str:
        return f"{self.region} {self.period} "


FactsReader = Callable[[Case], Facts]
"""Reads the facts of a case; it must be importable by name in another process."""


@dataclass(frozen=True)
class BatchScores:
    """Value and interval of each node in each case; NaN without a value.

    A figure without uncertainty has both ends at its value.
    """

    cases: Sequence[Case]
    nodes: Sequence[str]
    values: Draws
    lows: Draws
    highs: Draws


def node_codes(method: CollaborationMethod) -> list[str]:
    """Return the codes of all nodes, the index first."""
    return [
        method.index.code,
        *(dimension.code for dimension in method.dimensions),
        *(element.code for element in method.elements()),
        *(indicator.code for indicator in method.indicators()),
    ]


def assess_batch(
    method: CollaborationMethod,
    cases: Sequence[Case],
    read: FactsReader,
    *,
    seed: int,
    draws: int,
    workers: int = 1,
) -> BatchScores:
    """Return the scores of every case, independent of the number of workers."""
    work = partial(_figures, method, read, seed, draws)
    chunks = [cases[at : at + BATCH_SIZE] for at in range(0, len(cases), BATCH_SIZE)]
    if workers == 1:
        parts = [work(chunk) for chunk in chunks]
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            parts = list(pool.map(work, chunks))
    nodes = node_codes(method)
    table = np.array(list(chain.from_iterable(parts))).reshape(len(cases), len(nodes), 3)
    return BatchScores(cases, nodes, table[..., 0], table[..., 1], table[..., 2])


def _figures(
    method: CollaborationMethod, read: FactsReader, seed: int, draws: int, cases: Sequence[Case]
) -> list[Draws]:
    return [
        _row(method, compute_scores(method, read(case), RandomStreams(seed, draws, case.scope)))
        for case in cases
    ]


def _row(method: CollaborationMethod, computed: ComputedScores) -> Draws:
    indicators = {indicator.code: indicator for indicator in method.indicators()}
    nodes = node_codes(method)
    row = np.full((len(nodes), 3), np.nan)
    for at, code in enumerate(nodes):
        value = computed.values.get(code)
        if value is not None:
            ends: Bounds | None = (
                computed.indicator_interval(indicators[code])
                if code in indicators
                else computed.interval(code)
            )
            row[at] = (value, *(ends or (value, value)))
    return row
