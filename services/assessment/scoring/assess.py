"""The assessment of a year: measure, normalise, aggregate, each with its uncertainty.

After the OECD/JRC Handbook on Constructing Composite Indicators (2008): fixed goalposts, equal
weights, arithmetic means within and a geometric mean of the dimensions, so that a weak one cannot
be bought off. Nothing that is missing is filled in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.assessment.methods.definition import (
    CollaborationMethod,
    ElementDefinition,
    Goalposts,
    IndicatorDefinition,
    Named,
)
from services.assessment.scoring.facts import Facts
from services.assessment.scoring.measuring import measure
from services.assessment.scoring.reading import IntervalKind, NoEvidence, Reading
from services.assessment.scoring.scores import (
    DimensionScore,
    ElementScore,
    EvidenceLink,
    IndicatorScore,
    Interval,
    Node,
    Scores,
)
from services.assessment.scoring.uncertainty import Draws, Streams, central

DECIMALS = 4
"""Digits that are published: fewer than floating point could differ in between machines."""


@dataclass(frozen=True)
class Estimate:
    """A value 0-100 with draws of what it could be; `uncertain` where anything was sampled."""

    value: float
    draws: Draws
    uncertain: bool


@dataclass(frozen=True)
class Scored:
    """A node's estimate, if it has one, and of how many indicators how many have evidence."""

    estimate: Estimate | None
    known: int
    indicators: int


def assess(method: CollaborationMethod, facts: Facts, *, seed: int, draws: int) -> Scores:
    """The scores of a year. The same facts, method, seed and draws give the same digits."""
    streams = Streams(seed, draws)
    minimum = method.minimum_coverage
    dimensions: list[tuple[DimensionScore, Scored]] = []
    for dimension in method.dimensions:
        elements = [_element(element, facts, streams, minimum) for element in dimension.elements]
        dimensions.append(_dimension(dimension, elements))
    return Scores(
        index=_index(method.index, [scored for _, scored in dimensions]),
        dimensions=[score for score, _ in dimensions],
        drivers=[_element(driver, facts, streams, minimum)[0] for driver in method.drivers],
    )


def normalise(raw: float, goalposts: Goalposts) -> float:
    """0-100 between the goalposts, clipped."""
    share = (raw - goalposts.min) / (goalposts.max - goalposts.min)
    share = min(1.0, max(0.0, share))
    return 100 * (share if goalposts.direction == "higher" else 1 - share)


def normalise_draws(raw: Draws, goalposts: Goalposts) -> Draws:
    """`normalise` of every draw."""
    share = np.clip((raw - goalposts.min) / (goalposts.max - goalposts.min), 0, 1)
    return 100 * (share if goalposts.direction == "higher" else 1 - share)


def arithmetic_mean(parts: Sequence[Estimate]) -> Estimate:
    """The mean with equal weights."""
    return Estimate(
        value=sum(part.value for part in parts) / len(parts),
        draws=np.mean([part.draws for part in parts], axis=0),
        uncertain=any(part.uncertain for part in parts),
    )


def geometric_mean(parts: Sequence[Estimate]) -> Estimate:
    """The n-th root of the product: 0 as soon as one part is 0."""
    values = np.array([part.value for part in parts])
    draws = np.prod([part.draws for part in parts], axis=0) ** (1 / len(parts))
    return Estimate(
        value=float(np.prod(values) ** (1 / len(parts))),
        draws=draws,
        uncertain=any(part.uncertain for part in parts),
    )


def _indicator(
    definition: IndicatorDefinition, facts: Facts, streams: Streams
) -> tuple[IndicatorScore, Scored]:
    outcome = measure(definition.measure, facts)
    posts = definition.goalposts
    if isinstance(outcome, NoEvidence):
        score = IndicatorScore(
            **_named(definition),
            value=None,
            interval=None,
            coverage=0,
            reason=outcome.reason,
            raw=None,
            goalposts=posts,
            inputs={},
            evidence=[],
        )
        return score, Scored(None, 0, 1)
    estimate = Estimate(
        value=normalise(outcome.value, posts),
        draws=normalise_draws(outcome.draw(streams), posts),
        uncertain=outcome.interval is not None,
    )
    links = {
        (item.kind, item.key): EvidenceLink(
            kind=item.kind, key=item.key, version=item.version, href=item.href
        )
        for item in outcome.evidence
    }
    score = IndicatorScore(
        **_named(definition),
        value=_rounded(estimate.value),
        interval=_own_interval(outcome, estimate, posts),
        coverage=1,
        reason=None,
        raw=round(outcome.value, 6),
        goalposts=posts,
        inputs={name: round(value, 6) for name, value in outcome.inputs.items()},
        evidence=list(links.values()),
    )
    return score, Scored(estimate, 1, 1)


def _own_interval(reading: Reading, estimate: Estimate, posts: Goalposts) -> Interval | None:
    """The interval of an indicator: by its own formula where it has one, else from its draws."""
    if reading.interval is None:
        return None
    if reading.low is None or reading.high is None:
        return _drawn_interval(estimate, by=reading.interval)
    ends = sorted(normalise(end, posts) for end in (reading.low, reading.high))
    return Interval(low=_rounded(ends[0]), high=_rounded(ends[1]), by=reading.interval)


def _drawn_interval(estimate: Estimate, *, by: IntervalKind = "simulation") -> Interval | None:
    if not estimate.uncertain:
        return None
    low, high = central(estimate.draws)
    return Interval(low=_rounded(low), high=_rounded(high), by=by)


def _element(
    definition: ElementDefinition, facts: Facts, streams: Streams, minimum: float
) -> tuple[ElementScore, Scored]:
    indicators = [_indicator(one, facts, streams) for one in definition.indicators]
    known = [scored.estimate for _, scored in indicators if scored.estimate is not None]
    estimate = None
    reason = None
    if not known:
        reason = "no evidence"
    elif len(known) / len(indicators) < minimum:
        reason = (
            f"insufficient evidence: {len(known)} of {len(indicators)} indicators, "
            f"at least {minimum:.0%} are needed"
        )
    else:
        estimate = arithmetic_mean(known)
    scored = Scored(estimate, len(known), len(indicators))
    score = ElementScore(
        **_node(definition, scored, reason), indicators=[score for score, _ in indicators]
    )
    return score, scored


def _dimension(
    definition: Named, elements: Sequence[tuple[ElementScore, Scored]]
) -> tuple[DimensionScore, Scored]:
    scored = [scored for _, scored in elements]
    estimates = [one.estimate for one in scored if one.estimate is not None]
    whole = Scored(
        arithmetic_mean(estimates) if estimates else None,
        sum(one.known for one in scored),
        sum(one.indicators for one in scored),
    )
    reason = None if estimates else "none of its elements has enough evidence"
    score = DimensionScore(
        **_node(definition, whole, reason), elements=[score for score, _ in elements]
    )
    return score, whole


def _index(definition: Named, dimensions: Sequence[Scored]) -> Node:
    estimates = [one.estimate for one in dimensions if one.estimate is not None]
    complete = len(estimates) == len(dimensions)
    whole = Scored(
        geometric_mean(estimates) if complete else None,
        sum(one.known for one in dimensions),
        sum(one.indicators for one in dimensions),
    )
    reason = None if complete else "a dimension has no value"
    return Node(**_node(definition, whole, reason))


def _named(definition: Named) -> dict[str, Any]:
    return {
        "code": definition.code,
        "name": definition.name,
        "name_en": definition.name_en,
    }


def _node(definition: Named, scored: Scored, reason: str | None) -> dict[str, Any]:
    estimate = scored.estimate
    return {
        **_named(definition),
        "value": None if estimate is None else _rounded(estimate.value),
        "interval": None if estimate is None else _drawn_interval(estimate),
        "coverage": round(scored.known / scored.indicators, DECIMALS),
        "reason": reason,
    }


def _rounded(value: float) -> float:
    return round(float(value), DECIMALS) + 0.0  # no negative zero
