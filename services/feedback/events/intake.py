"""Validate and store usage events: a batch as a whole, or each event by itself."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.feedback.events.batch import Batch
from services.feedback.events.event_queue import EventQueue
from services.feedback.events.formats import FORMATS, JSON, MAX_ERRORS, EventFormat
from services.feedback.events.parsing import parse_batch, parse_each, parse_fast
from services.feedback.events.partitions import oldest_retained_month
from services.feedback.events.schemas import EventResult, EventResults, EventsStored
from services.feedback.events.writer import Callback, PrunedMonthError
from services.platform.identity import Caller
from services.platform.local_time import LocalTime, start_of_day
from services.platform.problems import Conflict, FieldError, NotAllowed

CLOCK_SKEW = timedelta(minutes=10)
"""How far a client's clock may be ahead."""
HOUR = timedelta(hours=1)


class EventValidator:
    """Checks that events belong to the caller's agency and lie in the accepted time range."""

    def __init__(
        self,
        format_: EventFormat,
        caller: Caller,
        *,
        zone: ZoneInfo,
        now: datetime,
        earliest: datetime,
    ) -> None:
        self._format = format_
        self._caller = caller
        self._zone = zone
        self._now = now
        self._earliest = earliest

    def not_owned(self, batch: Batch) -> list[int]:
        """Return the indexes of events of agencies for which the caller may not write."""
        if self._caller.agency is None:
            return []
        agencies = {dimensions[2] for dimensions in batch.dimensions}
        allowed = {name for name in agencies if name is None or self._caller.can_write_for(name)}
        if allowed == agencies:
            return []
        return [n for n, dimensions in enumerate(batch.dimensions) if dimensions[2] not in allowed]

    def out_of_range(self, batch: Batch) -> list[int]:
        """Return the indexes of events before the retained months or in the future."""
        latest = self._now + CLOCK_SKEW
        if self._earliest <= min(batch.times) and max(batch.times) <= latest:
            return []
        return [n for n, time in enumerate(batch.times) if not self._earliest <= time <= latest]

    def not_owned_error(self, index: int) -> FieldError:
        """Return the error for an event of another agency."""
        return FieldError(
            pointer=self._format.pointer(index, self._format.agency),
            parameter=None,
            detail=f"omit it or write {self._caller.agency!r}",
        )

    def out_of_range_error(self, index: int) -> FieldError:
        """Return the error for an event out of the accepted time range."""
        first_day = self._earliest.astimezone(self._zone).date()
        return FieldError(
            pointer=self._format.pointer(index, self._format.time),
            parameter=None,
            detail=f"must lie between {first_day}, the start of the retained months, and now "
            f"({self._now:%Y-%m-%dT%H:%MZ})",
        )


class Intake:
    """Parses, validates and queues the events of a request."""

    def __init__(self, queue: EventQueue, local_time: LocalTime, *, retention_months: int) -> None:
        self._queue = queue
        self._local_time = local_time
        self._retention_months = retention_months
        self._hour = self._earliest = datetime.min.replace(tzinfo=UTC)
        """The hour of the last request, and the earliest accepted time during it."""
        self._zone = local_time.zone
        """The zone that the earliest time was calculated for."""

    async def store_all(
        self, body: bytes, media_type: str, *, caller: Caller, now: datetime
    ) -> EventsStored:
        """Store all events of a body, or none and raise a problem."""
        batch = parse_batch(body, media_type, agency=caller.agency)
        validator = self._validator(media_type, caller, now)
        if not_owned := validator.not_owned(batch):
            raise NotAllowed(
                f"This key belongs to {caller.agency} and may write only for it.",
                errors=[validator.not_owned_error(index) for index in not_owned[:MAX_ERRORS]],
            )
        out_of_range = validator.out_of_range(batch)
        if not out_of_range:
            try:
                repeated = len(await self._store(batch, caller))
                return EventsStored(accepted=len(batch) - repeated, repeated=repeated)
            except PrunedMonthError as error:
                out_of_range = error.indexes(batch)
        raise Conflict(
            "Some events lie outside the accepted time range; nothing was stored.",
            errors=[validator.out_of_range_error(index) for index in out_of_range[:MAX_ERRORS]],
        )

    async def store_each(
        self, body: bytes, media_type: str, *, caller: Caller, now: datetime
    ) -> EventResults:
        """Store the valid events of a body and return the result of every event."""
        batch, errors = parse_each(body, media_type, agency=caller.agency)
        validator = self._validator(media_type, caller, now)
        parsed = [index for index, found in enumerate(errors) if not found]
        for n in validator.not_owned(batch):
            errors[parsed[n]].append(validator.not_owned_error(parsed[n]))
        for n in validator.out_of_range(batch) if parsed else ():
            errors[parsed[n]].append(validator.out_of_range_error(parsed[n]))

        repeated: set[int] = set()
        ids = dict(zip(parsed, batch.ids, strict=True))
        while True:
            valid = [n for n, index in enumerate(parsed) if not errors[index]]
            if not valid:
                break
            selected = batch.select(valid)
            try:
                repeated = {parsed[valid[n]] for n in await self._store(selected, caller)}
                break
            except PrunedMonthError as error:
                for n in error.indexes(selected):
                    index = parsed[valid[n]]
                    errors[index].append(validator.out_of_range_error(index))
        items = [
            EventResult(
                result="rejected" if found else "repeated" if index in repeated else "accepted",
                id=ids.get(index),
                errors=found,
            )
            for index, found in enumerate(errors)
        ]
        rejected = sum(bool(found) for found in errors)
        return EventResults(
            accepted=len(items) - rejected - len(repeated),
            repeated=len(repeated),
            rejected=rejected,
            items=items,
        )

    def enqueue(
        self, body: bytes, *, caller: Caller, now: datetime, callback: Callback
    ) -> int | None:
        """Queue an entirely valid JSON body; return its number of events.

        The result goes to `callback`. Returns None, and queues nothing, if `store_all` has to
        report errors.
        """
        batch = parse_fast(body)
        if batch is None:
            return None
        validator = self._validator(JSON, caller, now)
        if validator.not_owned(batch) or validator.out_of_range(batch):
            return None
        self._queue.enqueue(
            batch, agency=caller.agency, reported_by=caller.subject, callback=callback
        )
        return len(batch)

    def _validator(self, media_type: str, caller: Caller, now: datetime) -> EventValidator:
        zone = self._local_time.zone
        if not self._hour <= now < self._hour + HOUR or zone != self._zone:
            self._zone = zone
            self._hour = now.replace(minute=0, second=0, microsecond=0)
            oldest = oldest_retained_month(now, zone, retention_months=self._retention_months)
            # In UTC, as the times that it is compared with.
            self._earliest = start_of_day(oldest, zone).astimezone(UTC)
        return EventValidator(
            FORMATS[media_type], caller, zone=zone, now=now, earliest=self._earliest
        )

    def _store(self, batch: Batch, caller: Caller) -> "asyncio.Future[list[int]]":
        return self._queue.store(batch, agency=caller.agency, reported_by=caller.subject)
