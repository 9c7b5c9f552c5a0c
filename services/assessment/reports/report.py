"""Data of a report: typed figures derived from a stored assessment only.

The same assessment gives the same report, because assessments stored later are not read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from services.assessment.assessments.operations import StoredAssessment
from services.assessment.evidence.records import IndexValue
from services.assessment.methods.definition import CollaborationMethod, LevelsMethod, TreeMethod
from services.assessment.methods.predicates import Predicate
from services.assessment.network.measures import NetworkMeasures
from services.assessment.network.picture import PRINT, picture
from services.assessment.network.structure import measure_network, node_positions
from services.assessment.network.ties import NetworkTooLargeError, network_of
from services.assessment.reports.gaps import Gap, gaps_of, indicators_of
from services.assessment.scenarios.collaboration_scenario import collaboration_outcome
from services.assessment.scenarios.outcome import SingleChange
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.level_steps import steps_of_path
from services.assessment.scoring.levels import path_to_target
from services.assessment.scoring.levers import levers_of
from services.assessment.scoring.results import (
    LevelSteps,
    Lever,
    Sensitivity,
    TargetPath,
    YearComparison,
)
from services.assessment.scoring.scores import ElementScore, Node, ScoreModel, Scores
from services.assessment.years import is_provisional
from services.platform.packs import Source

MAX_NAMED = 3
"""Number of strengths and weaknesses in a report."""

STEP = 10
"""Points by which a step raises an indicator's score."""

MAX_SINGLE_CHANGES = 8
"""Number of single changes of the scenario that a report lists."""

TIE_KINDS = ("meetings", "agreements")
MIN_MEETINGS = 2


class Regency(ScoreModel):
    """The regency of a report."""

    region: str
    name: str
    timezone: str


class TrendYear(ScoreModel):
    """A year as assessed when the report's assessment was made."""

    period: int
    provisional: bool
    method_version: int
    method_changed: bool
    index: Node
    dimensions: list[Node]
    comparison: YearComparison | None
    """With the year before; None for the first year, and after a change of the method."""


class NetworkSummary(ScoreModel):
    """The network of the year, without names."""

    measures: NetworkMeasures | None
    picture: str | None
    too_large: bool = False
    """Whether the network is larger than what is computed."""


class IndexYear(ScoreModel):
    """A value of an index as printed, beside the predicate by the regulation's ranges."""

    year: int | None
    role: Literal["published", "target", "national_minimum"]
    value: float
    predicate: str | None
    predicate_by_ranges: str
    note: str | None


class IndexSeries(ScoreModel):
    """An index of levels with its values up to the year, its targets and the path to the next."""

    id: str
    name: str
    provisional: bool
    predicates: list[Predicate]
    values: list[IndexYear]
    path: TargetPath | None
    level_steps: LevelSteps | None


class Satisfaction(ScoreModel):
    """The satisfaction index of the year, from the survey."""

    survey: str
    respondents: int
    ikm: float
    low: float | None
    high: float | None
    """None if the respondents were not drawn."""
    grade: str


class UsedEvidence(ScoreModel):
    """A piece of evidence that scores depend on."""

    kind: str
    key: str
    version: int | None
    href: str
    title: str
    note: str | None
    sources: list[str]
    indicators: list[str]


class Report(ScoreModel):
    """All data of an assessment's report."""

    id: str
    regency: Regency
    period: int
    provisional: bool
    recorded_at: datetime
    recorded_by: str
    seed: int
    draws: int
    evidence_hash: str
    method: TreeMethod
    method_hash: str
    scores: Scores
    strengths: list[ElementScore]
    weaknesses: list[ElementScore]
    sensitivity: Sensitivity
    changes: list[SingleChange]
    """Only by a method that names no actions."""
    levers: list[Lever]
    trend: list[TrendYear]
    network: NetworkSummary
    indices: list[IndexSeries]
    satisfaction: list[Satisfaction]
    gaps: list[Gap]
    evidence: list[UsedEvidence]
    sources: list[Source]

    @property
    def elements(self) -> list[ElementScore]:
        """The elements of all dimensions, in the method's order."""
        return [element for one in self.scores.dimensions for element in one.elements]


def make_report(
    stored: StoredAssessment,
    *,
    regency: Regency,
    sensitivity: Sensitivity,
    trend: Sequence[TrendYear],
    indices: Sequence[LevelsMethod],
    sources: Mapping[str, Source],
) -> Report:
    """Return the report of an assessment; `sources` has all that its evidence may cite."""
    strengths, weaknesses = extremes(stored.scores)
    method = stored.method
    levers = levers_of(method, stored.facts) if isinstance(method, CollaborationMethod) else []
    evidence = used_evidence(stored.facts, stored.scores)
    cited = sorted({source for one in evidence for source in one.sources})
    return Report(
        id=str(stored.id),
        regency=regency,
        period=stored.facts.period,
        provisional=is_provisional(
            stored.facts.period, at=stored.recorded_at, zone=ZoneInfo(regency.timezone)
        ),
        recorded_at=stored.recorded_at,
        recorded_by=stored.recorded_by,
        seed=stored.seed,
        draws=stored.draws,
        evidence_hash=stored.facts.hash(),
        method=stored.method,
        method_hash=stored.method.hash(),
        scores=stored.scores,
        strengths=strengths,
        weaknesses=weaknesses,
        sensitivity=sensitivity,
        changes=[] if levers else single_changes(stored),
        levers=levers,
        trend=list(trend),
        network=network_summary(stored.facts),
        indices=[
            series
            for method in indices
            if (series := index_series(method, stored.facts)) is not None
        ],
        satisfaction=satisfaction_of(stored.facts),
        gaps=gaps_of(stored.method, stored.scores),
        evidence=evidence,
        sources=[sources[one] for one in cited if one in sources],
    )


def extremes(scores: Scores) -> tuple[list[ElementScore], list[ElementScore]]:
    """Return the elements with the highest and the lowest values, without overlap."""
    elements = [element for dimension in scores.dimensions for element in dimension.elements]
    known = [(element.value, element) for element in elements if element.value is not None]
    ordered = [one for _, one in sorted(known, key=lambda pair: (-pair[0], pair[1].code))]
    count = min(MAX_NAMED, len(ordered) // 2)
    return ordered[:count], ordered[len(ordered) - count :][::-1]


def single_changes(stored: StoredAssessment) -> list[SingleChange]:
    """Return the gain by one step of each indicator, the largest first."""
    if stored.scores.index.value is None:
        return []
    outcome = collaboration_outcome(
        stored.method,
        {one.code: one.value for _, one in indicators_of(stored.scores) if one.value is not None},
        period=stored.facts.period,
        evidence_hash=stored.facts.hash(),
        changes={},
        target=None,
        step=STEP,
        efforts={},
        alternatives=0,
    )
    return outcome.single_changes[:MAX_SINGLE_CHANGES]


def network_summary(facts: Facts) -> NetworkSummary:
    """Return measures and drawing of the year's network, if evidence names participants."""
    try:
        network = network_of(facts, through=TIE_KINDS, meetings=MIN_MEETINGS)
    except NetworkTooLargeError:
        return NetworkSummary(measures=None, picture=None, too_large=True)
    if len(network.actors) < 2 or not network.events:
        return NetworkSummary(measures=None, picture=None)
    places = node_positions(network)
    drawn = picture(network, places, period=facts.period, seed=1, form=PRINT, names=False)
    return NetworkSummary(measures=measure_network(network, places), picture=drawn)


def index_series(method: LevelsMethod, facts: Facts) -> IndexSeries | None:
    """Return the values of an index known to the assessment; None without any."""
    known = sorted(
        (value for _, value in facts.records(IndexValue) if value.index == method.id),
        key=lambda value: value.order,
    )
    dated = [(v.role, v.year, v.value) for v in known if v.year is not None]
    published = [(year, value) for role, year, value in dated if role == "published"]
    until = [pair for pair in published if pair[0] <= facts.period]
    if not until:
        return None
    last = max(until)
    targets = [(year, value) for role, year, value in dated if role == "target" and year > last[0]]
    path = path_to_target(method, last=last, target=min(targets)) if targets else None
    return IndexSeries(
        id=method.id,
        name=method.name,
        provisional=method.provisional,
        predicates=method.predicates,
        values=[
            IndexYear(
                year=value.year,
                role=value.role,
                value=value.value,
                predicate=value.predicate,
                predicate_by_ranges=method.predicate_of(value.value),
                note=value.note,
            )
            for value in known
            if value.role != "published" or (value.year or 0) <= facts.period
        ],
        path=path,
        level_steps=steps_of_path(method, path),
    )


def satisfaction_of(facts: Facts) -> list[Satisfaction]:
    """Return the satisfaction indices of the surveys that the assessment read."""
    found: list[Satisfaction] = []
    for item in facts.items:
        result = item.content.get("satisfaction") if item.kind == "survey" else None
        if result:
            found.append(
                Satisfaction(
                    survey=item.key,
                    respondents=result["n"],
                    ikm=result["ikm"],
                    low=result.get("low"),
                    high=result.get("high"),
                    grade=result["grade"],
                )
            )
    return found


def used_evidence(facts: Facts, scores: Scores) -> list[UsedEvidence]:
    """Return the evidence that scores depend on, with the indicators that read it."""
    readers: dict[tuple[str, str], list[str]] = {}
    for _, indicator in indicators_of(scores):
        for link in indicator.evidence:
            readers.setdefault((link.kind, link.key), []).append(indicator.code)
    items: dict[tuple[str, str], Item] = {(item.kind, item.key): item for item in facts.items}
    return [
        UsedEvidence(
            kind=kind,
            key=key,
            version=items[kind, key].version,
            href=items[kind, key].href,
            title=_title(items[kind, key]),
            note=_text(items[kind, key], "note"),
            sources=list(items[kind, key].content.get("sources", [])),
            indicators=indicators,
        )
        for (kind, key), indicators in sorted(readers.items())
    ]


def _title(item: Item) -> str:
    """Return the title of a piece of evidence; for a value of an index, its index and year."""
    if item.kind == "index-values":
        return f"{item.content['index']} {item.content['year']}"
    return _text(item, "name") or item.key


def _text(item: Item, field: str) -> str | None:
    value = item.content.get(field)
    return value if isinstance(value, str) else None
