"""The newest observations of a subject, and whether they contradict each other."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.assessment.evidence.records import Observation
from services.assessment.methods.measure_definitions import Measure, Observed, nested_measures
from services.assessment.scoring.computed_once import once_per_object
from services.assessment.scoring.inputs import Facts, valid_during
from services.assessment.scoring.items import Item

ObservationRow = tuple[Item, Observation]


@dataclass(frozen=True)
class NewestObservations:
    """The newest observations of a subject: one, or several of which none is known to be newer."""

    rows: Sequence[ObservationRow]
    low: float
    high: float

    @property
    def contradict(self) -> bool:
        """Whether they state different figures."""
        return len({observation.bounds for _, observation in self.rows}) > 1


def observations_of(facts: Facts, subject: str) -> list[ObservationRow]:
    """Return the observations of a subject with a figure that are valid in the year."""
    return [(item, one) for item, one in _valid_observations(facts) if one.subject == subject]


@once_per_object
def _valid_observations(facts: Facts) -> Sequence[ObservationRow]:
    first, last = facts.first_day, facts.last_day
    return [
        (item, observation)
        for item, observation in facts.records(Observation)
        if observation.has_figure and valid_during(observation, first=first, last=last)
    ]


def newest_observations(facts: Facts, subject: str) -> NewestObservations | None:
    """Return the observations of a subject that no other one is newer than; None without any.

    A time known by month or year has a first and a last day. One observation is newer than another
    if its first day lies after the other's last; otherwise their order is not known.
    """
    rows = observations_of(facts, subject)
    if not rows:
        return None
    latest = max(days_of(observation)[0] for _, observation in rows)
    newest = [(item, each) for item, each in rows if days_of(each)[1] >= latest]
    ends = [each.bounds for _, each in newest]
    return NewestObservations(newest, min(low for low, _ in ends), max(high for _, high in ends))


def days_of(observation: Observation) -> tuple[date, date]:
    """Return the first and the last day on which it may have been observed."""
    first = observation.valid_from
    if first is None:
        year = observation.attested_in or date.min.year
        return date(year, 1, 1), date(year, 12, 31)
    match observation.precision:
        case "day":
            return first, first
        case "month":
            days = monthrange(first.year, first.month)[1]
            return first.replace(day=1), first.replace(day=days)
        case "year":
            return date(first.year, 1, 1), date(first.year, 12, 31)


def contradictions(measure: Measure, facts: Facts) -> list[str]:
    """Return a notice for each contradiction between the observations that a measure reads."""
    subjects = [
        part.subject
        for part in nested_measures(measure)
        if isinstance(part, Observed)
        and (part.contradictions == "range" or facts.registers == "declared")
    ]
    notices: list[str] = []
    for subject in dict.fromkeys(subjects):
        found = newest_observations(facts, subject)
        if found is not None and found.contradict:
            keys = ", ".join(item.key for item, _ in found.rows)
            notices.append(
                f"the newest observations of {subject} contradict each other ({keys}): they count "
                f"as a range from {found.low:g} to {found.high:g}"
            )
    return notices


@once_per_object
def observations_of_year(facts: Facts) -> Sequence[ObservationRow]:
    """Return the observations of the year itself, not those that are older and still open.

    An older one gives an estimate, and proves nothing: otherwise not to observe again would be
    worth more than a worse observation.
    """
    return [
        (item, observation)
        for item, observation in _valid_observations(facts)
        if observation.valid_from is None
        or observation.valid_from.year == facts.period
        or observation.valid_to is not None
    ]
