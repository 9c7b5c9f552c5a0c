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

from services.assessment.methods.definition import TreeMethod
from services.assessment.numerical_libraries import np
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.measurement import Bounds
from services.assessment.scoring.pipeline import ComputedScores, compute_scores, measurements_of
from services.assessment.scoring.tree import branches_of, coverage_of
from services.assessment.scoring.uncertainty import Draws, RandomStreams

FIGURES = 6
"""Value, both ends of the interval, both bounds, and coverage."""

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
    """Value, interval, bounds and coverage of each node in each case; NaN without one.

    A figure without uncertainty has both ends at its value.
    """

    cases: Sequence[Case]
    nodes: Sequence[str]
    values: Draws
    lows: Draws
    highs: Draws
    proven: Draws
    possible: Draws
    coverage: Draws


def node_codes(method: TreeMethod) -> list[str]:
    """Return the codes of all nodes, the index first."""
    return [
        *(branch.code for branch in branches_of(method)),
        *(indicator.code for indicator in method.indicators()),
    ]


def assess_batch(
    method: TreeMethod,
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
    table = np.array(list(chain.from_iterable(parts))).reshape(len(cases), len(nodes), FIGURES)
    return BatchScores(cases, nodes, *(table[..., figure] for figure in range(FIGURES)))


def _figures(
    method: TreeMethod, read: FactsReader, seed: int, draws: int, cases: Sequence[Case]
) -> list[Draws]:
    return [
        _row(method, compute_scores(method, read(case), RandomStreams(seed, draws, case.scope)))
        for case in cases
    ]


def _row(method: TreeMethod, computed: ComputedScores) -> Draws:
    indicators = {indicator.code: indicator for indicator in method.indicators()}
    nodes = node_codes(method)
    known = measurements_of(computed.results)
    coverage = {one.code: coverage_of(one, known).share for one in branches_of(method)}
    row = np.full((len(nodes), FIGURES), np.nan)
    for at, code in enumerate(nodes):
        row[at, 5] = coverage.get(code, float(code in known))
        row[at, 3:5] = computed.bounds.get(code, (np.nan, np.nan))
        value = computed.values.get(code)
        if value is not None:
            ends: Bounds | None = (
                computed.indicator_interval(indicators[code])
                if code in indicators
                else computed.interval(code)
            )
            row[at, :3] = (value, *(ends or (value, value)))
    return row
