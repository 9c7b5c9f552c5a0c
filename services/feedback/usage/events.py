"""Stores usage events: each once, with the daily counts in the same transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text

from services.feedback.usage import queries
from services.feedback.usage.schemas import EventsStored, UsageEvent
from services.feedback.usage.statistics import JAKARTA
from services.platform.database import WriteSession
from services.platform.identity import Caller
from services.platform.problems import Conflict, FieldError, NotAllowed

EARLIEST = datetime(2020, 1, 1, tzinfo=JAKARTA)
CLOCK_SKEW = timedelta(minutes=10)
"""How far a sender's clock may be ahead."""


def check_events(events: Sequence[UsageEvent], caller: Caller, *, now: datetime) -> None:
    """Refuses a batch with an event of another agency or of an impossible time."""
    foreign = [
        index
        for index, event in enumerate(events)
        if event.agency is not None
        and caller.agency is not None
        and not caller.may_write_for(event.agency)
    ]
    if foreign:
        raise NotAllowed(
            f"This key belongs to {caller.agency}; it writes for this agency alone.",
            errors=[
                FieldError(
                    pointer=f"#/events/{index}/agency",
                    parameter=None,
                    detail=f"leave it out or write {caller.agency!r}",
                )
                for index in foreign[:100]
            ],
        )
    untimely = [
        index
        for index, event in enumerate(events)
        if not EARLIEST <= event.occurred_at <= now + CLOCK_SKEW
    ]
    if untimely:
        raise Conflict(
            "Some events did not happen in a time that can be true; nothing was stored.",
            errors=[
                FieldError(
                    pointer=f"#/events/{index}/occurred_at",
                    parameter=None,
                    detail=f"must lie between {EARLIEST:%Y-%m-%d} and now ({now:%Y-%m-%dT%H:%MZ})",
                )
                for index in untimely[:100]
            ],
        )


async def store_events(
    session: WriteSession,
    region: str,
    events: Sequence[UsageEvent],
    *,
    reported_by: str,
    agency: str | None,
    now: datetime,
) -> EventsStored:
    """Stores the events that are new; `agency` is written where an event names none."""
    result = await session.execute(
        text(queries.STORE_EVENTS),
        {
            "region": region,
            "now": now,
            "reported_by": reported_by,
            "ids": [event.id for event in events],
            "occurred_at": [event.occurred_at for event in events],
            "kinds": [event.kind for event in events],
            "sources": [event.source for event in events],
            "agencies": [event.agency or agency or "" for event in events],
            "services": [event.service or "" for event in events],
            "links": [event.link or "" for event in events],
            "channels": [event.channel or "" for event in events],
            "districts": [event.district or "" for event in events],
        },
    )
    accepted: int = result.scalar_one()
    return EventsStored(accepted=accepted, repeated=len(events) - accepted)
