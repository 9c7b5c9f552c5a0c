"""Takes usage events in: reads, checks and stores them, as a whole or each for itself."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.feedback.events.parsing import (
    FORMS,
    JSON,
    MAX_ERRORS,
    Batch,
    Form,
    read_batch,
    read_each,
    read_fast,
)
from services.feedback.events.partitions import midnight, oldest_kept
from services.feedback.events.schemas import EventResult, EventResults, EventsStored
from services.feedback.events.writer import DroppedError, Ingest, Told
from services.platform.identity import Caller
from services.platform.local_time import JAKARTA
from services.platform.problems import Conflict, FieldError, NotAllowed

CLOCK_SKEW = timedelta(minutes=10)
"""How far a sender's clock may be ahead."""
HOUR = timedelta(hours=1)


class Check:
    """Whether events are the caller's to send, and of a time that can be true and is kept."""

    def __init__(self, form: Form, caller: Caller, *, now: datetime, since: datetime) -> None:
        self._form = form
        self._caller = caller
        self._now = now
        self._since = since

    def foreign(self, batch: Batch) -> list[int]:
        """Places of events of agencies that the caller does not write for."""
        if self._caller.agency is None:
            return []
        named = {saying[2] for saying in batch.sayings}
        allowed = {name for name in named if name is None or self._caller.can_write_for(name)}
        if allowed == named:
            return []
        return [n for n, saying in enumerate(batch.sayings) if saying[2] not in allowed]

    def untimely(self, batch: Batch) -> list[int]:
        """Places of events that happened too long ago, or did not happen yet."""
        latest = self._now + CLOCK_SKEW
        if self._since <= min(batch.times) and max(batch.times) <= latest:
            return []
        return [n for n, time in enumerate(batch.times) if not self._since <= time <= latest]

    def foreign_error(self, place: int) -> FieldError:
        return FieldError(
            pointer=self._form.pointer(place, self._form.agency),
            parameter=None,
            detail=f"leave it out or write {self._caller.agency!r}",
        )

    def untimely_error(self, place: int) -> FieldError:
        return FieldError(
            pointer=self._form.pointer(place, self._form.time),
            parameter=None,
            detail=f"must lie between {self._since.astimezone(JAKARTA):%Y-%m-%d}, from when single "
            f"events are kept, and now ({self._now:%Y-%m-%dT%H:%MZ})",
        )


class Intake:
    """What becomes of events that are sent."""

    def __init__(self, ingest: Ingest, *, retention_months: int) -> None:
        self._ingest = ingest
        self._retention_months = retention_months
        self._hour = self._since = datetime.min.replace(tzinfo=UTC)
        """The hour of the last request, and the first moment whose events are taken in it."""

    async def take(
        self, body: bytes, media_type: str, *, caller: Caller, now: datetime
    ) -> EventsStored:
        """Stores all events of a body, or refuses it."""
        batch = read_batch(body, media_type, agency=caller.agency)
        check = self._check(media_type, caller, now)
        if foreign := check.foreign(batch):
            raise NotAllowed(
                f"This key belongs to {caller.agency}; it writes for this agency alone.",
                errors=[check.foreign_error(place) for place in foreign[:MAX_ERRORS]],
            )
        untimely = check.untimely(batch)
        if not untimely:
            try:
                repeated = len(await self._store(batch, caller))
                return EventsStored(accepted=len(batch) - repeated, repeated=repeated)
            except DroppedError as error:
                untimely = error.places(batch)
        raise Conflict(
            "Some events did not happen in a time that can be true; nothing was stored.",
            errors=[check.untimely_error(place) for place in untimely[:MAX_ERRORS]],
        )

    async def take_each(
        self, body: bytes, media_type: str, *, caller: Caller, now: datetime
    ) -> EventResults:
        """Stores every event of a body that can be stored, and says of each what became of it."""
        batch, errors = read_each(body, media_type, agency=caller.agency)
        check = self._check(media_type, caller, now)
        right = [place for place, found in enumerate(errors) if not found]
        for n in check.foreign(batch):
            errors[right[n]].append(check.foreign_error(right[n]))
        for n in check.untimely(batch) if right else ():
            errors[right[n]].append(check.untimely_error(right[n]))

        repeated: set[int] = set()
        ids = dict(zip(right, batch.ids, strict=True))
        while True:
            good = [n for n, place in enumerate(right) if not errors[place]]
            if not good:
                break
            picked = batch.picked(good)
            try:
                repeated = {right[good[n]] for n in await self._store(picked, caller)}
                break
            except DroppedError as error:
                for n in error.places(picked):
                    place = right[good[n]]
                    errors[place].append(check.untimely_error(place))
        items = [
            EventResult(
                result="refused" if found else "repeated" if place in repeated else "accepted",
                id=ids.get(place),
                errors=found,
            )
            for place, found in enumerate(errors)
        ]
        refused = sum(bool(found) for found in errors)
        return EventResults(
            accepted=len(items) - refused - len(repeated),
            repeated=len(repeated),
            refused=refused,
            items=items,
        )

    def begin(self, body: bytes, *, caller: Caller, now: datetime, told: Told) -> int | None:
        """Begins to store a body of JSON of which nothing is wrong: how many events it holds; the
        outcome is told later. None where `take` has to say what is wrong.
        """
        batch = read_fast(body)
        if batch is None:
            return None
        check = self._check(JSON, caller, now)
        if check.foreign(batch) or check.untimely(batch):
            return None
        self._ingest.begin(batch, agency=caller.agency, reported_by=caller.subject, told=told)
        return len(batch)

    def _check(self, media_type: str, caller: Caller, now: datetime) -> Check:
        if not self._hour <= now < self._hour + HOUR:
            self._hour = now.replace(minute=0, second=0, microsecond=0)
            oldest = oldest_kept(now, retention_months=self._retention_months)
            self._since = midnight(oldest).astimezone(UTC)  # as the times that it is compared with
        return Check(FORMS[media_type], caller, now=now, since=self._since)

    def _store(self, batch: Batch, caller: Caller) -> "asyncio.Future[list[int]]":
        return self._ingest.store(batch, agency=caller.agency, reported_by=caller.subject)
