"""Stores monthly statistics: a repeated figure changes nothing, another one is a revision."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import text

from services.feedback.statistics import queries
from services.feedback.statistics.schemas import Measure, Statistic, StatisticsStored
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.local_time import JAKARTA
from services.platform.problems import Conflict, FieldError, Invalid, NotAllowed


@dataclass(frozen=True)
class Figure:
    """One counter of one statistic, under its natural key."""

    agency: str
    service: str
    channel: str
    period: date
    measure: Measure
    value: int
    reason: str | None
    place: str
    """JSON pointer of the counter in the request."""
    item: int
    """Which statistic of the batch it belongs to."""

    @property
    def key(self) -> tuple[str, str, str, date, str]:
        return (self.agency, self.service, self.channel, self.period, self.measure)


@dataclass(frozen=True)
class Outcome:
    """What becomes of a figure, beside the one that stands before it."""

    figure: Figure
    before: int | None
    revision: int

    @property
    def result(self) -> Literal["added", "revised", "unchanged"]:
        if self.before is None:
            return "added"
        return "unchanged" if self.before == self.figure.value else "revised"


def first_day(period: str) -> date:
    """The first day of a month such as 2024-03."""
    return date.fromisoformat(f"{period}-01")


def figures_of(statistics: Sequence[Statistic], caller: Caller, *, now: datetime) -> list[Figure]:
    """The counters of a batch; refuses those of other agencies, of months to come, and two values
    for one counter."""
    foreign: list[FieldError] = []
    wrong: list[FieldError] = []
    figures: dict[tuple[str, str, str, date, str], Figure] = {}
    this_month = now.astimezone(JAKARTA).date().replace(day=1)
    for index, item in enumerate(statistics):
        place = f"#/statistics/{index}"
        if not caller.can_write_for(item.agency):
            foreign.append(
                FieldError(pointer=f"{place}/agency", parameter=None, detail="is another agency")
            )
        period = first_day(item.period)
        if period > this_month:
            detail = f"has not begun; the newest month is {this_month:%Y-%m}"
            wrong.append(FieldError(pointer=f"{place}/period", parameter=None, detail=detail))
        for measure, value in item.counters.given().items():
            figure = Figure(
                item.agency,
                item.service,
                item.channel,
                period,
                measure,
                value,
                item.reason,
                f"{place}/counters/{measure}",
                index,
            )
            other = figures.setdefault(figure.key, figure)
            if other.value != value:
                detail = f"says {value}, but {other.place} says {other.value}; send one of them"
                wrong.append(FieldError(pointer=figure.place, parameter=None, detail=detail))
    if foreign:
        raise NotAllowed(
            f"This key writes for {caller.agency} alone; nothing was stored.", errors=foreign[:100]
        )
    if wrong:
        raise Invalid(
            "Some statistics contradict the calendar or each other; nothing was stored.",
            errors=wrong[:100],
        )
    return sorted(figures.values(), key=lambda figure: figure.key)


async def store_statistics(
    session: WriteSession,
    region: str,
    statistics: Sequence[Statistic],
    *,
    caller: Caller,
    now: datetime,
) -> StatisticsStored:
    """Stores a batch whole; answers how many counters were new, corrected or known."""
    figures = figures_of(statistics, caller, now=now)
    await _refuse_unknown_services(session, region, statistics)
    outcomes = await compare_figures(session, region, figures)
    await store_outcomes(session, region, outcomes, caller=caller, now=now)
    return stored_of(outcomes)


def stored_of(outcomes: Sequence[Outcome]) -> StatisticsStored:
    """How many counters were new, corrected or known."""
    results = Counter(outcome.result for outcome in outcomes)
    return StatisticsStored(
        added=results["added"], revised=results["revised"], unchanged=results["unchanged"]
    )


async def compare_figures(
    session: WriteSession, region: str, figures: Sequence[Figure]
) -> list[Outcome]:
    """What each figure would change; until the transaction ends, nobody else changes anything."""
    if not figures:
        return []
    await session.execute(
        text(queries.LOCK_AGENCIES),
        {"region": region, "agencies": [figure.agency for figure in figures]},
    )
    rows = await session.execute(text(queries.CURRENT_FIGURES), {"region": region} | _keys(figures))
    current = {row.position: (row.value, row.revision) for row in rows}
    return [Outcome(figure, *current.get(index, (None, 0))) for index, figure in enumerate(figures)]


async def store_outcomes(
    session: WriteSession,
    region: str,
    outcomes: Sequence[Outcome],
    *,
    caller: Caller,
    now: datetime,
) -> None:
    """Stores what is new or corrected."""
    revised = [outcome.figure for outcome in outcomes if outcome.result == "revised"]
    if revised:
        await session.execute(
            text(queries.RETIRE_FIGURES),
            {"region": region} | _keys(revised),
        )
    changed = [outcome for outcome in outcomes if outcome.result != "unchanged"]
    if changed:
        await session.execute(
            text(queries.STORE_FIGURES),
            {
                "region": region,
                "now": now,
                "reported_by": caller.subject,
                "revisions": [outcome.revision + 1 for outcome in changed],
                "figures": [outcome.figure.value for outcome in changed],
                "reasons": [outcome.figure.reason for outcome in changed],
            }
            | _keys([outcome.figure for outcome in changed]),
        )


def _keys(figures: Sequence[Figure]) -> dict[str, list[str] | list[date] | list[Measure]]:
    return {
        "agencies": [figure.agency for figure in figures],
        "services": [figure.service for figure in figures],
        "channels": [figure.channel for figure in figures],
        "periods": [figure.period for figure in figures],
        "measures": [figure.measure for figure in figures],
    }


async def _refuse_unknown_services(
    session: WriteSession, region: str, statistics: Sequence[Statistic]
) -> None:
    positions = await session.scalars(
        text(queries.UNKNOWN_SERVICES),
        {
            "region": region,
            "agencies": [item.agency for item in statistics],
            "services": [item.service for item in statistics],
        },
    )
    errors = [
        FieldError(
            pointer=f"#/statistics/{position}/service",
            parameter=None,
            detail=f"is no service of {statistics[position].agency}; "
            f"see /api/v1/services?agency={statistics[position].agency}",
        )
        for position in positions.all()[:100]
    ]
    if errors:
        raise Conflict("Some services are not in the catalogue; nothing was stored.", errors=errors)
