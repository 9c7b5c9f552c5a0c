"""Network analysis of a year's evidence."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import anyio
from anyio import CapacityLimiter

from services.assessment.methods.measure_definitions import SurveyMean
from services.assessment.network.change import (
    RESAMPLES,
    confidence_interval,
    resampled_density,
)
from services.assessment.network.measures import ConfidenceInterval, NetworkMeasures, Through
from services.assessment.network.schemas import (
    NetworkNode,
    NetworkTie,
    RelationalSurvey,
    ReportedTie,
    SectorCount,
    TieKind,
)
from services.assessment.network.structure import (
    NodePosition,
    measure_network,
    node_positions,
)
from services.assessment.network.ties import (
    SURVEY,
    Network,
    NetworkTooLargeError,
    count_ties,
    network_of,
)
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.measure_evaluation import evaluate_measure
from services.assessment.scoring.measurement import Missing
from services.assessment.scoring.record_views import stakeholders_of
from services.assessment.scoring.reports import TiesReport
from services.assessment.scoring.uncertainty import RandomStreams
from services.assessment.types import SECTORS
from services.platform.problems import Conflict, Unavailable
from services.platform.recent_results import RecentResults

MAX_WAITING = 8
"""Requests that wait for the one whose network is computed; further ones are refused."""
MAX_KNOWN = 8
"""Intervals in memory: those of some years."""

Result = TypeVar("Result")

ITEMS = {
    "trust": ["T1", "T2", "T3"],
    "understanding": ["P1", "P2", "P3"],
    "value": ["C1", "C2", "C3"],
}
"""The survey's items; `value` is the contribution: time, people, carrying out decisions."""


@dataclass(frozen=True)
class NetworkQuery:
    """The network that a request asks for."""

    period: int
    through: Sequence[Through]
    meetings: int
    reports: int
    as_of: datetime | None


@dataclass(frozen=True)
class NetworkAnalysis:
    """A network with its measures; None and a reason if no evidence names participants."""

    network: Network
    positions: Sequence[NodePosition]
    measures: NetworkMeasures | None
    density_interval: ConfidenceInterval | None
    reason: str | None


class NetworkAnalyser:
    """Computes networks off the event loop, one at a time: large ones take a second.

    The intervals of the last ones are kept by their ties: each resamples a network many times.
    """

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(1)
        self._known = RecentResults[Hashable, ConfidenceInterval](MAX_KNOWN)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return the result of work that analyses a network.

        Raises:
            Conflict: The network is too large.
            Unavailable: Too many requests are waiting.
        """
        if self._limiter.statistics().tasks_waiting >= MAX_WAITING:
            raise Unavailable("Too many networks are being computed; try again shortly.")
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        except NetworkTooLargeError as error:
            raise Conflict(str(error)) from None

    def analyse(
        self, items: Sequence[Item], query: NetworkQuery, *, period: int
    ) -> NetworkAnalysis:
        """Return the network of a year, as part of work that `run` does.

        Raises:
            NetworkTooLargeError: It has too many stakeholders or ties.
        """
        facts = Facts.of(period, items)
        network = network_of(
            facts, through=query.through, meetings=query.meetings, reports=query.reports
        )
        positions = node_positions(network)
        reason = None
        if len(network.actors) < 2:
            reason = "fewer than two active stakeholders are recorded"
        elif not network.has_evidence:
            reason = f"no evidence of the year names who took part ({', '.join(query.through)})"
        if reason:
            return NetworkAnalysis(network, positions, None, None, reason)
        measures = measure_network(network, positions)
        return NetworkAnalysis(network, positions, measures, self._density_interval(network), None)

    def _density_interval(self, network: Network) -> ConfidenceInterval | None:
        """Return the interval of the density, which follows from the ties alone."""
        matrix = network.matrix()
        key = (matrix.shape, matrix.tobytes())
        known = self._known.find(key)
        if known is not None:
            return known
        draws = resampled_density(matrix, RandomStreams(1, RESAMPLES), "network")
        found = confidence_interval(draws)
        if found is not None:
            self._known.keep(key, found)
        return found


def sector_counts(found: NetworkAnalysis) -> list[SectorCount]:
    """Return the counts of stakeholders, isolates and brokers by sector."""
    rows = list(zip(found.network.sectors, found.positions, strict=True))
    return [
        SectorCount(
            sector=sector,
            stakeholders=sum(one == sector for one, _ in rows),
            isolates=sum(one == sector and position.isolate for one, position in rows),
            brokers=sum(one == sector and position.broker for one, position in rows),
        )
        for sector in SECTORS
    ]


def network_nodes(found: NetworkAnalysis) -> list[NetworkNode]:
    return [
        NetworkNode(
            key=actor.key,
            name=actor.name,
            name_en=actor.name_en,
            sector=actor.sector,
            agency=actor.agency,
            degree=position.degree,
            betweenness=position.betweenness,
            core=position.core,
            component=position.component,
            broker=position.broker,
            isolate=position.isolate,
        )
        for actor, position in zip(found.network.actors, found.positions, strict=True)
    ]


def network_ties(found: NetworkAnalysis) -> list[NetworkTie]:
    return [
        NetworkTie(
            first=tie.pair[0],
            second=tie.pair[1],
            meetings=tie.shared["meetings"],
            agreements=tie.shared["agreements"],
            programmes=tie.shared["programmes"],
            reported=tie.shared["reported"],
        )
        for tie in found.network.ties
    ]


def kinds_of_ties(facts: Facts, query: NetworkQuery) -> list[TieKind]:
    """Return how many pairs each kind ties by itself, whatever the network is of."""
    counts = count_ties(facts, meetings=query.meetings, reports=query.reports)
    pairs = math.comb(len(stakeholders_of(facts)), 2)
    return [
        TieKind(
            kind=kind,
            ties=ties,
            density=None if ties is None or pairs == 0 else round(ties / pairs, 4),
        )
        for kind, ties in counts.items()
    ]


def relational_survey(facts: Facts) -> RelationalSurvey | None:
    """Return what the relational survey of the year rests on; None if there was none."""
    found = facts.report(TiesReport, SURVEY)
    if found is None:
        return None
    report = found[1]
    reports = report.reports({*report.reporters, *(tie.partner for tie in report.ties)})
    return RelationalSurvey(
        round=report.round,
        invited=report.invited,
        answered=report.answered,
        response_rate=round(report.response_rate, 4),
        reported_by_one=sum(n == 1 for n in reports.values()),
        reported_by_both=sum(n == 2 for n in reports.values()),
        href=found[0].href,
    )


def reported_ties(facts: Facts) -> list[ReportedTie]:
    """Return trust, understanding and value as stakeholders report them in the survey."""
    return [_reported_tie(about, questions, facts) for about, questions in ITEMS.items()]


def _reported_tie(about: str, questions: list[str], facts: Facts) -> ReportedTie:
    mean = SurveyMean(kind="survey_mean", survey=SURVEY, samples=None, questions=questions)
    outcome = evaluate_measure(mean, facts)
    if isinstance(outcome, Missing):
        return ReportedTie(
            about=about, questions=questions, mean=None, interval=None, answers=None,
            reason=outcome.reason,
        )  # fmt: skip
    return ReportedTie(
        about=about,
        questions=questions,
        mean=round(outcome.value, 4),
        interval=confidence_interval(outcome.draw(RandomStreams(1, RESAMPLES))),
        answers=int(outcome.inputs["answers"]),
        reason=None,
    )
