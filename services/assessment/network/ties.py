"""Projection of a year's evidence to a network of stakeholders.

The evidence has two modes, stakeholders and events (Borgatti and Everett 1997). Two stakeholders
are tied by the rule of the measure `ties`: enough common meetings, or a common agreement in force.
One meeting that all attend does not make a network.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from services.assessment.evidence.records import Agreement, Programme
from services.assessment.network.measures import THROUGH, Through
from services.assessment.numerical_libraries import Booleans, Integers, np
from services.assessment.scoring.common_events import common_counts, participation
from services.assessment.scoring.inputs import Facts, valid_at_end, valid_during
from services.assessment.scoring.record_views import meetings_of, stakeholders_of
from services.assessment.scoring.reports import TiesReport
from services.assessment.types import Sector

SURVEY = "stakeholders"
"""The survey that asks stakeholders about each other."""

MAX_STAKEHOLDERS = 300
MAX_TIES = 10_000
"""Anybody may ask for a network, which takes time by the cube of its stakeholders."""


class NetworkTooLargeError(ValueError):
    """The network has more stakeholders or ties than are computed."""

    def __init__(self) -> None:
        super().__init__(
            f"A network of more than {MAX_STAKEHOLDERS} active stakeholders or {MAX_TIES} ties is "
            "not computed."
        )


Pair = tuple[str, str]
"""Keys of two stakeholders, in order."""


@dataclass(frozen=True)
class Actor:
    """A stakeholder active at the end of the year."""

    key: str
    name: str
    name_en: str
    sector: Sector
    agency: str | None = None


@dataclass(frozen=True)
class Event:
    """A meeting, an agreement or a programme, with its active participants."""

    kind: Through
    key: str
    members: frozenset[str]


@dataclass(frozen=True)
class Tie:
    """The shared events of two stakeholders, or their reports of each other, enough for a tie."""

    pair: Pair
    shared: Counter[Through]

    @property
    def weight(self) -> int:
        return self.shared.total()


@dataclass(frozen=True)
class Network:
    """The stakeholders of a year in the order of their keys, and their ties."""

    actors: tuple[Actor, ...]
    events: tuple[Event, ...]
    ties: tuple[Tie, ...]
    relational: TiesReport | None = None
    """What stakeholders reported about each other, if that was asked for."""

    @property
    def has_evidence(self) -> bool:
        """Whether anything tells who works with whom."""
        return bool(self.events) or self.relational is not None

    @property
    def keys(self) -> list[str]:
        return [actor.key for actor in self.actors]

    @property
    def sectors(self) -> list[Sector]:
        return [actor.sector for actor in self.actors]

    def pairs(self) -> list[Pair]:
        return [tie.pair for tie in self.ties]

    def matrix(self) -> Booleans:
        """Return the adjacency matrix, in the order of the actors."""
        place = {key: at for at, key in enumerate(self.keys)}
        found = np.zeros((len(place), len(place)), dtype=np.bool_)
        for first, second in self.pairs():
            found[place[first], place[second]] = found[place[second], place[first]] = True
        return found


@dataclass(frozen=True)
class _Projection:
    """The stakeholders of a year, what tells who works with whom, and how much of it by pair."""

    actors: tuple[Actor, ...]
    keys: list[str]
    events: tuple[Event, ...]
    relational: TiesReport | None
    counts: Mapping[Through, Integers]
    tied: Mapping[Through, Booleans]
    """Which pairs are tied by a kind alone, in the upper triangle."""


def network_of(
    facts: Facts, *, through: Collection[Through], meetings: int, reports: int = 2
) -> Network:
    """Return the network of a year: tied by enough meetings, a lasting event, or enough reports.

    Enough are at least `meetings` common meetings, and `reports` of one (1) or of both (2). Raises
    `NetworkTooLargeError`.
    """
    found = _project(facts, through, meetings=meetings, reports=reports)
    tied = np.argwhere(np.logical_or.reduce([found.tied[kind] for kind in THROUGH])).tolist()
    if len(tied) > MAX_TIES:
        raise NetworkTooLargeError
    ties = tuple(
        Tie(
            (found.keys[first], found.keys[second]),
            Counter({kind: int(n) for kind in THROUGH if (n := found.counts[kind][first, second])}),
        )
        for first, second in tied
    )
    return Network(found.actors, found.events, ties, found.relational)


def count_ties(facts: Facts, *, meetings: int, reports: int) -> dict[Through, int | None]:
    """Return how many pairs each kind ties by itself; None of what no evidence tells.

    Raises `NetworkTooLargeError`.
    """
    found = _project(facts, THROUGH, meetings=meetings, reports=reports)
    told: set[Through] = {event.kind for event in found.events}
    if found.relational is not None:
        told.add("reported")
    return {kind: int(found.tied[kind].sum()) if kind in told else None for kind in THROUGH}


def _project(
    facts: Facts, through: Collection[Through], *, meetings: int, reports: int
) -> _Projection:
    actors = tuple(
        Actor(key=one.key, name=one.name, name_en=one.name_en, sector=one.sector, agency=one.agency)
        for _, one in stakeholders_of(facts)
    )
    active = {actor.key for actor in actors}
    events = tuple(event for event in _events(facts, active) if event.kind in through)
    if len(actors) > MAX_STAKEHOLDERS:
        raise NetworkTooLargeError
    keys = sorted(active)
    columns = {key: column for column, key in enumerate(keys)}
    counts: dict[Through, Integers] = {
        kind: common_counts(
            participation([event.members for event in events if event.kind == kind], columns)
        )
        for kind in THROUGH
    }
    found = facts.report(TiesReport, SURVEY) if "reported" in through else None
    relational = None if found is None else found[1]
    if relational is not None:
        for (first, second), n in relational.reports(active).items():
            counts["reported"][columns[first], columns[second]] = n
    least: dict[Through, int] = {
        "meetings": meetings,
        "agreements": 1,
        "programmes": 1,
        "reported": reports,
    }
    tied: dict[Through, Booleans] = {
        kind: np.triu(counts[kind] >= least[kind], 1) for kind in THROUGH
    }
    return _Projection(actors, keys, events, relational, counts, tied)


def _events(facts: Facts, active: set[str]) -> Iterator[Event]:
    """Yield the events that name their participants; others carry no information on ties."""
    for item, meeting in meetings_of(facts):
        if meeting.attendance is not None:
            present = {one.stakeholder for one in meeting.attendance if one.present}
            yield Event("meetings", item.key, frozenset(present & active))
    for item, agreement in facts.records(Agreement):
        if valid_at_end(agreement, first=facts.first_day, last=facts.last_day):
            yield Event("agreements", item.key, frozenset(active & set(agreement.parties)))
    for item, programme in facts.records(Programme):
        if valid_during(programme, first=facts.first_day, last=facts.last_day):
            parties = {*programme.partners, *([programme.owner] if programme.owner else [])}
            yield Event("programmes", item.key, frozenset(active & parties))
