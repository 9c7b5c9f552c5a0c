"""How long the clocks of service promises stood still: each stop with what ended it.

Pure: what agencies told OSS in, pauses out. A licence is known by a keyed digest alone.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.platform.local_time import JAKARTA


@dataclass(frozen=True)
class LicenceEvent:
    """A state of a licence, and when OSS was told of it."""

    licence: str
    code: str
    at: datetime


@dataclass(frozen=True)
class Pause:
    """From a stop until the clock ran again, or ended."""

    licence: str
    started_at: datetime
    ended_at: datetime

    @property
    def days(self) -> float:
        return (self.ended_at - self.started_at) / timedelta(days=1)


def pair_pauses(
    events: Iterable[LicenceEvent], *, stops: Collection[str], ends: Collection[str]
) -> list[Pause]:
    """The pauses that are over, in the order of their ends.

    A second stop before a restart goes on with the first; an end without a stop ends nothing.
    """
    standing: dict[str, datetime] = {}
    pauses: list[Pause] = []
    for event in sorted(events, key=lambda event: event.at):
        if event.code in stops:
            standing.setdefault(event.licence, event.at)
        elif event.code in ends and event.licence in standing:
            pauses.append(Pause(event.licence, standing.pop(event.licence), event.at))
    return pauses


def pauses_by_month(
    pauses: Iterable[Pause], *, min_licences: int
) -> Mapping[str, tuple[int, float]]:
    """How many pauses ended in a month and how many days they lasted together.

    Left out where they are of fewer licences than may be told of.
    """
    months: defaultdict[str, list[Pause]] = defaultdict(list)
    for pause in pauses:
        months[f"{pause.ended_at.astimezone(JAKARTA):%Y-%m}"].append(pause)
    return {
        month: (len(ended), round(_days(ended), 1))
        for month, ended in months.items()
        if len({pause.licence for pause in ended}) >= min_licences
    }


def _days(pauses: Sequence[Pause]) -> float:
    return sum(pause.days for pause in pauses)
