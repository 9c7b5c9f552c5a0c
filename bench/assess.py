"""Assessments of a whole country, against a plain loop over the draws.

`python -m bench assess` (or `python -m bench.assess --help`): 514 regencies over 12 years, each
figure with an interval from 10,000 draws, on synthetic facts. The reference computes the same tree
draw by draw in plain Python with the standard library's random numbers; it is measured on a sample
and extrapolated. What the reference is spared: reading and measuring the facts.
"""

import argparse
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles

from bench._synthetic import synthetic_facts
from services.assessment.methods.definition import CollaborationMethod, IndicatorDefinition
from services.assessment.methods.library import read_methods
from services.assessment.scoring.assess import assess
from services.assessment.scoring.batch import Case, assess_batch
from services.assessment.scoring.measurement import Measurement
from services.assessment.scoring.pipeline import compute_scores, measurements_of
from services.assessment.scoring.sensitivity import analyse_sensitivity
from services.assessment.scoring.uncertainty import RandomStreams

SAMPLE_CASES = 4
SAMPLE_DRAWS = 1_000


def plain_loop(method: CollaborationMethod, case: Case, *, draws: int) -> float:
    """Seconds that the same intervals take draw by draw, once everything is measured."""
    outcomes = compute_scores(method, synthetic_facts(case), RandomStreams(1, 100)).results
    readings = measurements_of(outcomes)
    indicators = {one.code: one for one in method.indicators()}
    rng = random.Random(1)
    samplers = {code: _sampler(one, rng) for code, one in readings.items()}
    started = time.perf_counter()
    drawn: dict[str, list[float]] = {}
    for _ in range(draws):
        scores = {code: _score(indicators[code], draw()) for code, draw in samplers.items()}
        for element in method.elements():
            known = [scores[i.code] for i in element.indicators if i.code in scores]
            if len(known) / len(element.indicators) >= method.minimum_coverage:
                scores[element.code] = sum(known) / len(known)
        product, found = 1.0, 0
        for dimension in method.dimensions:
            known = [scores[e.code] for e in dimension.elements if e.code in scores]
            if known:
                scores[dimension.code] = sum(known) / len(known)
                product *= scores[dimension.code]
                found += 1
        if found == len(method.dimensions):
            scores[method.index.code] = product ** (1 / found)
        for code, score in scores.items():
            drawn.setdefault(code, []).append(score)
    for values in drawn.values():
        quantiles(values, n=40)
    return time.perf_counter() - started


def _sampler(reading: Measurement, rng: random.Random) -> Callable[[], float]:
    if reading.interval is None:
        return lambda: reading.value
    if reading.low is None or reading.high is None:
        return lambda: rng.gauss(reading.value, 0.1)
    low, high = reading.low, reading.high
    if reading.interval == "wilson":
        hits, n = reading.inputs["numerator"], reading.inputs["n"]
        return lambda: rng.betavariate(hits + 0.5, n - hits + 0.5)
    return lambda: rng.uniform(low, high)


def _score(indicator: IndicatorDefinition, raw: float) -> float:
    posts = indicator.goalposts
    share = min(1.0, max(0.0, (raw - posts.min) / (posts.max - posts.min)))
    return 100 * (share if posts.direction == "higher" else 1 - share)


def cases_of(regencies: int, periods: int) -> list[Case]:
    return [
        Case(f"{11 + n // 30}.{n % 30 + 1:02}", 2015 + year)
        for n in range(regencies)
        for year in range(periods)
    ]


def median_seconds(work: Callable[[], object], *, runs: int) -> float:
    """Seconds that something takes; the first run, which loads libraries, does not count."""
    work()
    seconds: list[float] = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench assess", description=__doc__)
    parser.add_argument("--regencies", type=int, default=514)
    parser.add_argument("--periods", type=int, default=12)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args(arguments)
    method = read_methods()["cgr-2015"]
    assert isinstance(method, CollaborationMethod)
    cases = cases_of(wanted.regencies, wanted.periods)

    sample = cases[:: max(1, len(cases) // SAMPLE_CASES)][:SAMPLE_CASES]
    loop = sum(plain_loop(method, case, draws=SAMPLE_DRAWS) for case in sample)
    per_draw = loop / (len(sample) * SAMPLE_DRAWS)
    expected = per_draw * wanted.draws * len(cases)

    facts = synthetic_facts(cases[0])
    single = median_seconds(lambda: assess(method, facts, seed=1, draws=wanted.draws), runs=50)
    analysis = median_seconds(lambda: analyse_sensitivity(method, facts, seed=1), runs=9)

    started = time.perf_counter()
    figures = assess_batch(
        method, cases, synthetic_facts, seed=1, draws=wanted.draws, workers=wanted.workers
    )
    seconds = time.perf_counter() - started
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    cpu = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    print(f"{len(cases)} assessments x {wanted.draws} draws x {len(figures.nodes)} nodes")
    print(f"emall            {seconds:9.1f} s on {wanted.workers} workers ({cpu:.1f} s of CPU)")
    print(
        f"plain loop       {expected:9.1f} s on one core: {per_draw * 1e6:.1f} us a draw, measured "
        f"on {len(sample)} x {SAMPLE_DRAWS} draws and extrapolated"
    )
    print(f"ratio            {expected / seconds:9.1f} by the clock, {expected / cpu:.1f} by CPU")
    print(f"one assessment   {single * 1000:9.1f} ms (median of 50)")
    print(f"its sensitivity  {analysis * 1000:9.1f} ms (median of 9)")
    print(f"peak memory      {own:9.0f} MiB here, {child:.0f} MiB in the largest worker")


if __name__ == "__main__":
    main(sys.argv[1:])
