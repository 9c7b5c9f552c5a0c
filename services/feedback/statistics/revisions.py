"""Store monthly statistics: a repeated figure changes nothing, a different one is a revision."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.feedback.statistics import queries
from services.feedback.statistics.counters import Measure
from services.feedback.statistics.schemas import Statistic, StatisticsStored
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.local_time import month_of
from services.platform.months import parse_period
from services.platform.problems import Conflict, FieldError, Invalid, NotAllowed
from services.platform.translation import N_, localized


@dataclass(frozen=True)
class Figure:
    """One counter of one statistic, with its natural key."""

    agency: str
    service: str
    channel: str
    period: date
    measure: Measure
    value: int
    reason: str | None
    pointer: str
    """JSON pointer of the counter in the request."""
    item: int
    """Index of its statistic in the batch."""

    @property
    def key(self) -> tuple[str, str, str, date, str]:
        return (self.agency, self.service, self.channel, self.period, self.measure)


@dataclass(frozen=True)
class FigureChange:
    """A figure beside the current one that it repeats or replaces."""

    figure: Figure
    previous: int | None
    revision: int

    @property
    def result(self) -> Literal["added", "revised", "unchanged"]:
        if self.previous is None:
            return "added"
        return "unchanged" if self.previous == self.figure.value else "revised"


def figures_of(
    statistics: Sequence[Statistic], caller: Caller, *, now: datetime, zone: ZoneInfo
) -> list[Figure]:
    """Return the counters of a batch.

    Raises `NotAllowed` for another agency, `Invalid` for a future month or two values of one
    counter.
    """
    not_owned: list[FieldError] = []
    errors: list[FieldError] = []
    figures: dict[tuple[str, str, str, date, str], Figure] = {}
    this_month = month_of(now, zone)
    for index, item in enumerate(statistics):
        pointer = f"#/statistics/{index}"
        if not caller.can_write_for(item.agency):
            not_owned.append(
                FieldError.at(f"{pointer}/agency", localized(N_("adalah instansi lain")))
            )
        period = parse_period(item.period)
        if period > this_month:
            begun = N_("belum dimulai; bulan terakhir adalah %(month)s")
            detail = localized(begun, month=f"{this_month:%Y-%m}")
            errors.append(FieldError.at(f"{pointer}/period", detail))
        for measure, value in item.counters.recorded().items():
            figure = Figure(
                item.agency,
                item.service,
                item.channel,
                period,
                measure,
                value,
                item.reason,
                f"{pointer}/counters/{measure}",
                index,
            )
            other = figures.setdefault(figure.key, figure)
            if other.value != value:
                twice = N_("adalah %(value)s, tetapi %(other)s adalah %(figure)s; kirim salah satu")
                detail = localized(twice, value=value, other=other.pointer, figure=other.value)
                errors.append(FieldError.at(figure.pointer, detail))
    if not_owned:
        raise NotAllowed(
            localized(
                N_("Kunci ini hanya menulis untuk %(agency)s; tidak ada yang disimpan."),
                agency=caller.agency,
            ),
            errors=not_owned[:100],
        )
    if errors:
        raise Invalid(
            localized(
                N_(
                    "Ada angka dari bulan yang akan datang atau yang bertentangan; tidak ada yang "
                    "disimpan."
                )
            ),
            errors=errors[:100],
        )
    return sorted(figures.values(), key=lambda figure: figure.key)


async def store_statistics(
    session: WriteSession,
    region: str,
    statistics: Sequence[Statistic],
    *,
    caller: Caller,
    now: datetime,
    zone: ZoneInfo,
) -> StatisticsStored:
    """Store a batch as a whole; return the number of counters by result."""
    figures = figures_of(statistics, caller, now=now, zone=zone)
    await _reject_unknown_services(session, region, statistics)
    changes = await compare_figures(session, region, figures)
    await store_changes(session, region, changes, caller=caller, now=now)
    return summarise(changes)


def summarise(changes: Sequence[FigureChange]) -> StatisticsStored:
    """Return the number of counters by result."""
    results = Counter(change.result for change in changes)
    return StatisticsStored(
        added=results["added"], revised=results["revised"], unchanged=results["unchanged"]
    )


async def compare_figures(
    session: WriteSession, region: str, figures: Sequence[Figure]
) -> list[FigureChange]:
    """Compare figures with the current ones; lock their agencies until the transaction ends."""
    if not figures:
        return []
    await session.execute(
        text(queries.LOCK_AGENCIES),
        {"region": region, "agencies": [figure.agency for figure in figures]},
    )
    rows = await session.execute(text(queries.CURRENT_FIGURES), {"region": region} | _keys(figures))
    current = {row.position: (row.value, row.revision) for row in rows}
    return [
        FigureChange(figure, *current.get(index, (None, 0))) for index, figure in enumerate(figures)
    ]


async def store_changes(
    session: WriteSession,
    region: str,
    changes: Sequence[FigureChange],
    *,
    caller: Caller,
    now: datetime,
) -> None:
    """Store new figures and corrections."""
    revised = [change.figure for change in changes if change.result == "revised"]
    if revised:
        await session.execute(
            text(queries.RETIRE_FIGURES),
            {"region": region} | _keys(revised),
        )
    stored = [change for change in changes if change.result != "unchanged"]
    if stored:
        await session.execute(
            text(queries.STORE_FIGURES),
            {
                "region": region,
                "now": now,
                "reported_by": caller.subject,
                "revisions": [change.revision + 1 for change in stored],
                "figures": [change.figure.value for change in stored],
                "reasons": [change.figure.reason for change in stored],
            }
            | _keys([change.figure for change in stored]),
        )


def _keys(figures: Sequence[Figure]) -> dict[str, list[str] | list[date] | list[Measure]]:
    return {
        "agencies": [figure.agency for figure in figures],
        "services": [figure.service for figure in figures],
        "channels": [figure.channel for figure in figures],
        "periods": [figure.period for figure in figures],
        "measures": [figure.measure for figure in figures],
    }


async def _reject_unknown_services(
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
        FieldError.at(
            f"#/statistics/{position}/service",
            localized(
                N_("bukan layanan %(agency)s; lihat /api/v1/services?agency=%(agency)s"),
                agency=statistics[position].agency,
            ),
        )
        for position in positions.all()[:100]
    ]
    if errors:
        raise Conflict(
            localized(N_("Ada layanan yang tidak ada di katalog; tidak ada yang disimpan.")),
            errors=errors,
        )
