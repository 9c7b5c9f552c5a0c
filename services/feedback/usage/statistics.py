"""Stores monthly statistics: a repeated figure changes nothing, another one is a revision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.feedback.usage import queries
from services.feedback.usage.schemas import Measure, Statistic, StatisticsStored
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.problems import Conflict, FieldError, NotAllowed

JAKARTA = ZoneInfo("Asia/Jakarta")


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

    @property
    def key(self) -> tuple[str, str, str, date, str]:
        return (self.agency, self.service, self.channel, self.period, self.measure)


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
        if not caller.may_write_for(item.agency):
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
        raise Conflict(
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
    if not figures:
        return StatisticsStored(added=0, revised=0, unchanged=0)

    await session.execute(
        text(queries.LOCK_AGENCIES),
        {"region": region, "agencies": [figure.agency for figure in figures]},
    )
    rows = await session.execute(text(queries.CURRENT_FIGURES), {"region": region} | _keys(figures))
    current = {row.position: row for row in rows}
    added = [figure for index, figure in enumerate(figures) if index not in current]
    revised = [
        (figure, current[index].revision + 1)
        for index, figure in enumerate(figures)
        if index in current and current[index].value != figure.value
    ]
    if revised:
        await session.execute(
            text(queries.RETIRE_FIGURES),
            {"region": region} | _keys([figure for figure, _ in revised]),
        )
    numbered = [(figure, 1) for figure in added] + revised
    if numbered:
        await session.execute(
            text(queries.STORE_FIGURES),
            {
                "region": region,
                "now": now,
                "reported_by": caller.subject,
                "revisions": [revision for _, revision in numbered],
                "figures": [figure.value for figure, _ in numbered],
                "reasons": [figure.reason for figure, _ in numbered],
            }
            | _keys([figure for figure, _ in numbered]),
        )
    return StatisticsStored(
        added=len(added),
        revised=len(revised),
        unchanged=len(figures) - len(added) - len(revised),
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
