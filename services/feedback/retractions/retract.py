"""Strike out what a key sent from all figures, and count it again.

The counts change in the same transaction, by as much as is stored with the retraction; so a
reversal restores them exactly, whatever was sent or dropped in the meantime.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text

from services.feedback.retractions import queries
from services.feedback.retractions.schemas import NewRetraction, Retraction, Reversal
from services.feedback.statistics import queries as statistics_queries
from services.feedback.statistics.plausibility_flags import ReportedMonth, update_flags
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict, FieldError, Invalid, NotFound
from services.platform.service import API

PATH = f"{API}/usage/retractions"

Months = dict[str, set[ReportedMonth]]
"""Months of figures by agency."""


@dataclass(frozen=True)
class _Span:
    """Parameters of the statements about one retraction."""

    region: str
    id: UUID
    key: str
    since: datetime
    until: datetime
    zone: str

    def parameters(self) -> dict[str, Any]:
        return vars(self)


async def retract(
    session: WriteSession,
    region: str,
    new: NewRetraction,
    *,
    retraction: UUID,
    by: str,
    now: datetime,
    zone: ZoneInfo,
) -> None:
    """Strike out what a key sent; raise `Conflict` if that is not possible as a whole."""
    until = min(new.sent_until or now, now)
    if new.sent_from >= until:
        detail = f"must be before the end of the span, {_written(until)}"
        raise Invalid(
            "The span is empty.",
            errors=[FieldError(pointer="#/from", parameter=None, detail=detail)],
        )
    span = _Span(region, retraction, new.key, new.sent_from, until, zone.key)
    kinds = sorted(set(new.kinds))
    await session.execute(text(queries.SERIALISE), {"region": region})
    rows = await session.execute(text(queries.OVERLAPPING), span.parameters() | {"kinds": kinds})
    if other := rows.one_or_none():
        detail = (
            f"what the key sent from {_written(other.sent_from)} to {_written(other.sent_until)} "
            "is struck out already; reverse that retraction first, or choose another span"
        )
        raise _conflict("#/from", detail)
    months: Months = defaultdict(set)
    events = await _retract_events(session, span, months) if "events" in kinds else 0
    figures = await _retract_figures(session, span, months) if "statistics" in kinds else 0
    if not events and not figures:
        raise _conflict("#/key", "sent nothing in this span that is not struck out already")
    stored = {"kinds": kinds, "reason": new.reason, "events": events, "statistics": figures}
    await session.execute(
        text(queries.INSERT_RETRACTION), span.parameters() | stored | {"now": now, "by": by}
    )
    await _check_again(session, region, months, now=now)


async def reverse(
    session: WriteSession, region: str, retraction: UUID, *, reason: str, by: str, now: datetime
) -> None:
    """Count again what a retraction struck out."""
    names: dict[str, Any] = {"region": region, "id": retraction}
    await session.execute(text(queries.SERIALISE), {"region": region})
    row = (await session.execute(text(queries.LOCK_RETRACTION), names)).one_or_none()
    if row is None:
        raise not_found(retraction)
    if row.reversed_at is not None:
        raise Conflict(f"The retraction was reversed on {row.reversed_at:%Y-%m-%d}.")
    names["zone"] = row.zone
    months: Months = defaultdict(set)
    await session.execute(text(queries.LOCK_COUNTS))
    _add_months(months, await session.execute(text(queries.COMPARED_WITH_CLICKS), names))
    for statement in (queries.ADD_HOURS, queries.ADD_MONTHS, queries.FORGET_EVENTS):
        await session.execute(text(statement), names)
    _add_months(months, await session.execute(text(queries.FIGURES_OF_RETRACTION), names))
    await _lock_agencies(session, region, months)
    await session.execute(text(queries.CLEAR_CURRENT), names)
    await session.execute(text(queries.SET_CURRENT), names | {"is_reversal": True})
    await session.execute(text(queries.RESTORE_FIGURES), names)
    await session.execute(text(queries.REVERSE), names | {"now": now, "by": by, "reason": reason})
    await _check_again(session, region, months, now=now)


async def transaction_time(session: WriteSession) -> datetime:
    """Return when the transaction began, on the clock that dates events."""
    return (await session.execute(text(queries.TRANSACTION_TIME))).scalar_one()


async def list_retractions(
    session: ReadSession | WriteSession,
    region: str,
    *,
    retraction: UUID | None = None,
    key: str | None = None,
    cursor: UUID | None = None,
    limit: int = 1,
) -> list[Retraction]:
    """Return retractions, newest first."""
    parameters = {
        "region": region,
        "id": retraction,
        "key": key,
        "cursor": cursor,
        "limit": limit,
    }
    rows = await session.execute(text(queries.LIST_RETRACTIONS), parameters)
    return [_retraction(row) for row in rows]


async def get_retraction(
    session: ReadSession | WriteSession, region: str, retraction: UUID
) -> Retraction:
    """Return a retraction; raise `NotFound` if there is none."""
    found = await list_retractions(session, region, retraction=retraction)
    if not found:
        raise not_found(retraction)
    return found[0]


def not_found(retraction: UUID) -> NotFound:
    """Return the problem for an id of no retraction."""
    return NotFound(f"There is no retraction {retraction}; {PATH} lists all of them.")


async def _retract_events(session: WriteSession, span: _Span, months: Months) -> int:
    parameters = span.parameters()
    await session.execute(text(queries.LOCK_COUNTS))
    events: int = await session.scalar(text(queries.SELECT_EVENTS), parameters) or 0
    # After the events were read, which keeps their partitions from being dropped.
    dropped = (await session.execute(text(queries.DROPPED), parameters)).all()
    if dropped:
        names = ", ".join(f"{row.month} ({row.events:,})" for row in dropped)
        last = max(row.last_received_at for row in dropped)
        detail = (
            f"the key's events of these months are counted but no longer stored: {names}; it sent "
            f"the last of them at {_written(last)}, so begin after it"
        )
        raise _conflict("#/from", detail)
    for statement in (queries.SUBTRACT_HOURS, queries.SUBTRACT_MONTHS):
        row = (await session.execute(text(statement), parameters)).one()
        if row.changed != row.expected:
            raise _conflict(
                "#/from",
                "some events were counted in months of another time zone; choose a later moment",
            )
    _add_months(months, await session.execute(text(queries.COMPARED_WITH_CLICKS), parameters))
    return events


async def _retract_figures(session: WriteSession, span: _Span, months: Months) -> int:
    parameters = span.parameters()
    agencies = (await session.scalars(text(queries.AGENCIES_OF_KEY), parameters)).all()
    await _lock_agencies(session, span.region, {*agencies, *months})
    retracted: Any = await session.execute(
        text(queries.RETRACT_FIGURES), parameters | {"agencies": list(agencies)}
    )
    await session.execute(text(queries.CLEAR_CURRENT), parameters)
    await session.execute(text(queries.SET_CURRENT), parameters | {"is_reversal": False})
    _add_months(months, await session.execute(text(queries.FIGURES_OF_RETRACTION), parameters))
    return retracted.rowcount


async def _lock_agencies(session: WriteSession, region: str, agencies: Iterable[str]) -> None:
    """Lock the figures of agencies, as whoever reports them does."""
    await session.execute(
        text(statistics_queries.LOCK_AGENCIES), {"region": region, "agencies": list(agencies)}
    )


def _add_months(months: Months, rows: Iterable[Row[Any]]) -> None:
    for row in rows:
        months[row.agency].add(ReportedMonth(row.service, row.channel, row.period))


async def _check_again(
    session: WriteSession, region: str, months: Months, *, now: datetime
) -> None:
    """Raise and resolve the plausibility flags that the changed figures require."""
    await _lock_agencies(session, region, months)
    for agency, reported in sorted(months.items()):
        await update_flags(session, region, agency, sorted(reported), now=now)


def _written(moment: datetime) -> str:
    """Return a moment as it can be sent again."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _conflict(pointer: str, detail: str) -> Conflict:
    return Conflict(
        "Nothing was struck out.",
        errors=[FieldError(pointer=pointer, parameter=None, detail=detail)],
    )


def _retraction(row: Row[Any]) -> Retraction:
    reversal = None
    if row.reversed_at is not None:
        reversal = Reversal(
            reason=row.reversal_reason, reversed_at=row.reversed_at, reversed_by=row.reversed_by
        )
    return Retraction.model_validate(
        {
            "id": row.id,
            "href": f"{PATH}/{row.id}",
            "key": row.reported_by,
            "from": row.sent_from,
            "to": row.sent_until,
            "kinds": row.kinds,
            "reason": row.reason,
            "events": row.events,
            "statistics": row.statistics,
            "retracted_at": row.retracted_at,
            "retracted_by": row.retracted_by,
            "reversal": reversal,
        }
    )
