"""How long the clocks of service standards were paused: each stop with the event that ended it.

Pure: takes the states that agencies submitted to OSS, returns pauses. A licence is identified only
by a keyed digest.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class LicenceEvent:
    """A state of a licence, with the time at which it was submitted to OSS."""

    licence: str
    code: str
    at: datetime


@dataclass(frozen=True)
class Pause:
    """Time from a stop of the clock to its restart or to a decision."""

    licence: str
    started_at: datetime
    ended_at: datetime

    @property
    def days(self) -> float:
        """Return the length in days."""
        return (self.ended_at - self.started_at) / timedelta(days=1)


def pair_pauses(
    events: Iterable[LicenceEvent], *, stops: Collection[str], ends: Collection[str]
) -> list[Pause]:
    """Return the completed pauses, in the order of their ends.

    A second stop before a restart continues the first; an end without a stop is ignored.
    """
    stopped_at: dict[str, datetime] = {}
    pauses: list[Pause] = []
    for event in sorted(events, key=lambda event: event.at):
        if event.code in stops:
            stopped_at.setdefault(event.licence, event.at)
        elif event.code in ends and event.licence in stopped_at:
            pauses.append(Pause(event.licence, stopped_at.pop(event.licence), event.at))
    return pauses


def pauses_by_month(
    pauses: Iterable[Pause], *, min_licences: int, zone: ZoneInfo
) -> Mapping[str, tuple[int, float]]:
    """Return how many pauses ended in each local month, and their total length in days.

    A month with fewer licences than `min_licences` is left out.
    """
    months: defaultdict[str, list[Pause]] = defaultdict(list)
    for pause in pauses:
        months[f"{pause.ended_at.astimezone(zone):%Y-%m}"].append(pause)
    return {
        month: (len(ended), round(_total_days(ended), 1))
        for month, ended in months.items()
        if len({pause.licence for pause in ended}) >= min_licences
    }


def _total_days(pauses: Sequence[Pause]) -> float:
    return sum(pause.days for pause in pauses)
