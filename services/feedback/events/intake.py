"""Validate and store usage events: a batch as a whole, or each event by itself."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from services.feedback.events.batch import Batch, Dimensions
from services.feedback.events.dimension_rules import DimensionFault, DimensionRules
from services.feedback.events.event_queue import EventQueue
from services.feedback.events.formats import FORMATS, JSON, MAX_ERRORS, EventFormat
from services.feedback.events.parsing import parse_batch, parse_each, parse_fast
from services.feedback.events.partitions import oldest_retained_month
from services.feedback.events.schemas import EventResult, EventResults, EventsStored
from services.feedback.events.writer import (
    Callback,
    PrunedMonthError,
    RejectedEventsError,
    UsedIdError,
)
from services.feedback.reference_data import ReferenceData, ReferenceDataCache
from services.platform.identity import Caller
from services.platform.local_time import LocalTime, start_of_day
from services.platform.problems import Conflict, FieldError, Invalid, NotAllowed

CLOCK_SKEW = timedelta(minutes=10)
"""How far a client's clock may be ahead."""
HOUR = timedelta(hours=1)
MAX_ALLOWED = 65_536
"""Dimensions of a caller that are remembered as allowed."""


class EventValidator:
    """Checks that the caller may report events, and that they lie in the accepted time range."""

    def __init__(
        self,
        format_: EventFormat,
        caller: Caller,
        references: ReferenceData,
        allowed: set[Dimensions],
        *,
        zone: ZoneInfo,
        now: datetime,
        earliest: datetime,
    ) -> None:
        """Create a validator; `allowed` holds dimensions that passed the rules, and gains more."""
        self._format = format_
        self._caller = caller
        self._references = references
        self._allowed = allowed
        self._zone = zone
        self._now = now
        self._earliest = earliest

    @cached_property
    def _rules(self) -> DimensionRules:
        """The rules; rarely needed, for a caller reports the same dimensions again and again."""
        return DimensionRules(self._caller, self._references)

    def not_allowed(self, batch: Batch) -> list[int]:
        """Return the indexes of events whose dimensions the caller may not report."""
        if self._allowed.issuperset(batch.distinct):
            return []
        new = batch.distinct - self._allowed
        rules = self._rules
        refused = {each for each in new if not rules.allow(each)}
        if len(self._allowed) + len(new) > MAX_ALLOWED:
            self._allowed.clear()
        self._allowed |= new - refused
        return [n for n, each in enumerate(batch.dimensions) if each in refused]

    def dimension_faults(self, dimensions: Dimensions) -> list[DimensionFault]:
        """Return why the caller may not report these dimensions."""
        return self._rules.faults(dimensions)

    def dimension_error(self, index: int, fault: DimensionFault) -> FieldError:
        """Return the error for a dimension of an event."""
        return FieldError(
            pointer=self._format.pointer(index, (*self._format.dimensions, fault.field)),
            parameter=None,
            detail=fault.detail,
        )

    def out_of_range(self, batch: Batch) -> list[int]:
        """Return the indexes of events before the retained months or in the future."""
        latest = self._now + CLOCK_SKEW
        if self._earliest <= min(batch.times) and max(batch.times) <= latest:
            return []
        return [n for n, time in enumerate(batch.times) if not self._earliest <= time <= latest]

    def used_id_error(self, index: int) -> FieldError:
        """Return the error for an event whose id is another's."""
        return FieldError(
            pointer=self._format.pointer(index, ("id",)),
            parameter=None,
            detail="is the id of another event; a new event needs a new id",
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

    def __init__(
        self,
        queue: EventQueue,
        local_time: LocalTime,
        references: ReferenceDataCache,
        *,
        retention_months: int,
    ) -> None:
        self._queue = queue
        self._local_time = local_time
        self._references = references
        self._allowed_by: ReferenceData | None = None
        self._allowed: dict[tuple[str | None, bool, bool], set[Dimensions]] = {}
        """By caller: dimensions that passed the rules with the names of `_allowed_by`."""
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
        validator = await self._validate(batch, media_type, caller, now)
        if refused := validator.not_allowed(batch):
            raise _refusal(validator, batch, refused, caller)
        out_of_range = validator.out_of_range(batch)
        if not out_of_range:
            try:
                repeated = len(await self._store(batch, caller))
                return EventsStored(accepted=len(batch) - repeated, repeated=repeated)
            except PrunedMonthError as error:
                out_of_range = error.indexes(batch)
            except UsedIdError as error:
                raise Conflict(
                    "Some ids belong to other events; nothing was stored.",
                    errors=[
                        validator.used_id_error(index)
                        for index in error.indexes(batch)[:MAX_ERRORS]
                    ],
                ) from None
        raise Conflict(
            "Some events lie outside the accepted time range; nothing was stored.",
            errors=[validator.out_of_range_error(index) for index in out_of_range[:MAX_ERRORS]],
        )

    async def store_each(
        self, body: bytes, media_type: str, *, caller: Caller, now: datetime
    ) -> EventResults:
        """Store the valid events of a body and return the result of every event."""
        batch, errors = parse_each(body, media_type, agency=caller.agency)
        validator = await self._validate(batch, media_type, caller, now)
        parsed = [index for index, found in enumerate(errors) if not found]
        for n in validator.not_allowed(batch):
            errors[parsed[n]] += [
                validator.dimension_error(parsed[n], fault)
                for fault in validator.dimension_faults(batch.dimensions[n])
            ]
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
            except RejectedEventsError as error:
                found_error = (
                    validator.used_id_error
                    if isinstance(error, UsedIdError)
                    else validator.out_of_range_error
                )
                for n in error.indexes(selected):
                    index = parsed[valid[n]]
                    errors[index].append(found_error(index))
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
        references = self._references.current
        if references is None:
            return None
        validator = self._validator(JSON, caller, now, references)
        if validator.not_allowed(batch) or validator.out_of_range(batch):
            return None
        self._queue.enqueue(
            batch, agency=caller.agency, reported_by=caller.subject, callback=callback
        )
        return len(batch)

    async def _validate(
        self, batch: Batch, media_type: str, caller: Caller, now: datetime
    ) -> EventValidator:
        """Return a validator; one with names read just now if the batch names unknown ones."""
        validator = self._validator(media_type, caller, now, await self._references.get())
        if validator.not_allowed(batch):
            validator = self._validator(media_type, caller, now, await self._references.refresh())
        return validator

    def _validator(
        self, media_type: str, caller: Caller, now: datetime, references: ReferenceData
    ) -> EventValidator:
        zone = self._local_time.zone
        if not self._hour <= now < self._hour + HOUR or zone != self._zone:
            self._zone = zone
            self._hour = now.replace(minute=0, second=0, microsecond=0)
            oldest = oldest_retained_month(now, zone, retention_months=self._retention_months)
            # In UTC, as the times that it is compared with.
            self._earliest = start_of_day(oldest, zone).astimezone(UTC)
        if references is not self._allowed_by:
            self._allowed_by, self._allowed = references, {}
        kind_of_caller = (caller.agency, caller.has_scope("admin"), caller.is_gateway)
        return EventValidator(
            FORMATS[media_type],
            caller,
            references,
            self._allowed.setdefault(kind_of_caller, set()),
            zone=zone,
            now=now,
            earliest=self._earliest,
        )

    def _store(self, batch: Batch, caller: Caller) -> "asyncio.Future[list[int]]":
        return self._queue.store(batch, agency=caller.agency, reported_by=caller.subject)


def _refusal(
    validator: EventValidator, batch: Batch, refused: Sequence[int], caller: Caller
) -> NotAllowed | Invalid:
    """Return the problem for events whose dimensions the caller may not report."""
    faults = [
        (index, fault)
        for index in refused[:MAX_ERRORS]
        for fault in validator.dimension_faults(batch.dimensions[index])
    ]
    forbidden = [(index, fault) for index, fault in faults if fault.is_forbidden]
    errors = [validator.dimension_error(*each) for each in (forbidden or faults)[:MAX_ERRORS]]
    if forbidden:
        return NotAllowed(
            f"This key belongs to {caller.actor} and may report only its own uses; nothing was "
            "stored.",
            errors=errors,
        )
    return Invalid("Some events name what does not exist; nothing was stored.", errors=errors)
