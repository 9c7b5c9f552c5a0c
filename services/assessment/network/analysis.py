"""Reads the evidence of a year and measures its network."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.assessment.methods.measure_definitions import SurveyMean
from services.assessment.network.change import RESAMPLES, Span, resampled_density, span_of
from services.assessment.network.schemas import (
    NetworkNode,
    NetworkTie,
    ReportedTie,
    SectorCount,
)
from services.assessment.network.structure import Measures, Place, measure_network, places_of
from services.assessment.network.ties import Network, Through, network_of
from services.assessment.scoring.inputs import Facts, Item
from services.assessment.scoring.measure_evaluation import measure
from services.assessment.scoring.measurement import NoEvidence
from services.assessment.scoring.uncertainty import Streams
from services.assessment.types import SECTORS

SURVEY = "stakeholders"
ITEMS = {
    "trust": ["T1", "T2", "T3"],
    "understanding": ["P1", "P2", "P3"],
    "value": ["C1", "C2", "C3"],
}
"""The survey's items; `value` is what a stakeholder gives: time, people, carrying out decisions."""


@dataclass(frozen=True)
class Wanted:
    """Which network is asked for."""

    period: int
    through: Sequence[Through]
    meetings: int
    known_at: datetime | None


@dataclass(frozen=True)
class Measured:
    """A network with its measures; None and a reason where no evidence names who took part."""

    network: Network
    places: Sequence[Place]
    measures: Measures | None
    density_interval: Span | None
    reason: str | None


async def measured(items: Sequence[Item], wanted: Wanted, *, period: int) -> Measured:
    """The network of a year, off the event loop: large ones take a second."""
    facts = Facts(period=period, items=list(items))
    return await asyncio.to_thread(_measured, facts, wanted)


def _measured(facts: Facts, wanted: Wanted) -> Measured:
    network = network_of(facts, through=wanted.through, meetings=wanted.meetings)
    places = places_of(network)
    reason = None
    if len(network.actors) < 2:
        reason = "fewer than two active stakeholders are recorded"
    elif not network.events:
        reason = f"no evidence of the year names who took part ({', '.join(wanted.through)})"
    if reason:
        return Measured(network, places, None, None, reason)
    draws = resampled_density(network.matrix(), Streams(1, RESAMPLES), "network")
    return Measured(network, places, measure_network(network, places), span_of(draws), None)


def sector_counts(found: Measured) -> list[SectorCount]:
    """Stakeholders, isolates and brokers by sector."""
    rows = list(zip(found.network.sectors, found.places, strict=True))
    return [
        SectorCount(
            sector=sector,
            stakeholders=sum(one == sector for one, _ in rows),
            isolates=sum(one == sector and place.isolate for one, place in rows),
            brokers=sum(one == sector and place.broker for one, place in rows),
        )
        for sector in SECTORS
    ]


def nodes_of(found: Measured) -> list[NetworkNode]:
    return [
        NetworkNode(
            key=actor.key,
            name=actor.name,
            name_en=actor.name_en,
            sector=actor.sector,
            agency=actor.agency,
            degree=place.degree,
            betweenness=place.betweenness,
            core=place.core,
            component=place.component,
            broker=place.broker,
            isolate=place.isolate,
        )
        for actor, place in zip(found.network.actors, found.places, strict=True)
    ]


def ties_of(found: Measured) -> list[NetworkTie]:
    return [
        NetworkTie(
            first=tie.pair[0],
            second=tie.pair[1],
            meetings=tie.shared["meetings"],
            agreements=tie.shared["agreements"],
            programmes=tie.shared["programmes"],
        )
        for tie in found.network.ties
    ]


def reported(facts: Facts) -> list[ReportedTie]:
    """Trust, understanding and value as stakeholders report them."""
    return [_reported(about, questions, facts) for about, questions in ITEMS.items()]


def _reported(about: str, questions: list[str], facts: Facts) -> ReportedTie:
    mean = SurveyMean(kind="survey_mean", survey=SURVEY, questions=questions)
    outcome = measure(mean, facts)
    if isinstance(outcome, NoEvidence):
        return ReportedTie(
            about=about, questions=questions, mean=None, interval=None, answers=None,
            reason=outcome.reason,
        )  # fmt: skip
    return ReportedTie(
        about=about,
        questions=questions,
        mean=round(outcome.value, 4),
        interval=span_of(outcome.draw(Streams(1, RESAMPLES))),
        answers=int(outcome.inputs["answers"]),
        reason=None,
    )
