"""Stores usage events of many requests at once: each event once, its counts in the same commit.

Requests wait in a queue of bounded size. A few writers, each with a connection of its own, drain
it: all that waits goes into one statement, and every request is answered after its commit. So many
small requests share a commit, and a large one is not slower for it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from services.feedback.events import queries
from services.feedback.events.dimensions import Facets
from services.feedback.events.parsing import Batch
from services.feedback.events.partitions import month_of, open_months
from services.platform.database import DATABASE_ERRORS, Connection
from services.platform.problems import Unavailable

log = logging.getLogger(__name__)

WRITERS = 2
MAX_WAITING = 60_000
"""Events that may wait; a request that comes on top is asked to come again."""
MAX_DRAIN = 10_000
"""Events after which a writer takes no further request into its statement."""
ATTEMPTS = 3
COMPANY = 5
"""Requests at a time from which small ones wait for each other, as PostgreSQL's commit_siblings."""
GATHERED = 96
"""Requests that need not wait for more."""
GATHERED_EVENTS = 1_000
"""Nor need so many events, however few requests they came in."""
GATHER_SECONDS = 0.001
GATHER_TURNS = 6
"""How often others are waited for, so that more of them share a commit."""
EXPECT_REPEATS = 4
"""Drains after one with repeated events in which more of them are expected."""
ANSWER_SECONDS = 30.0

SESSION = {
    "timezone": "Asia/Jakarta",
    # The joins of the one statement are over thousands of rows that the planner cannot foresee.
    "enable_nestloop": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}


class DroppedError(Exception):
    """Events of months that were dropped for good."""

    def __init__(self, months: Sequence[date]) -> None:
        super().__init__(f"dropped for good: {', '.join(map(str, months))}")
        self._months = frozenset(months)

    def places(self, batch: Batch) -> list[int]:
        """Which events of a batch these are."""
        return [n for n, time in enumerate(batch.times) if month_of(time) in self._months]


Outcome = list[int] | Exception
"""The places of a request's events that were stored before; or why they are not stored."""

Told = Callable[[Outcome], None]


@dataclass(slots=True, eq=False)
class Request:
    """Events of one request, and who waits for their outcome."""

    batch: Batch
    agency: str | None
    reported_by: str
    until: float
    """When an outcome is too late, by the clock of the event loop."""
    told: Told | None

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for the outcome."""
        return self.told is not None

    def answer(self, outcome: Outcome) -> None:
        """Tells the first outcome; later ones, nobody waits for."""
        told, self.told = self.told, None
        if told is None:
            return
        try:
            told(outcome)
        except Exception:  # the others of a drain still wait for theirs
            log.exception("an outcome could not be told")


class Ingest:
    """The queue and its writers."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], region: str, *, writers: int = WRITERS
    ) -> None:
        self._connect = connect
        self._region = region
        self._facets = Facets(region)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Request] = deque()
        self._held = 0
        self._open = 0
        """Requests that wait or are being stored."""
        self._arrived = asyncio.Event()
        self._closing = False
        self._unanswered: deque[Request] = deque()
        """Answered ones may stand between."""
        self._timer: asyncio.TimerHandle | None = None
        self._writers = [
            asyncio.create_task(self._write_always(), name=f"write events {number}")
            for number in range(writers)
        ]

    def begin(self, batch: Batch, *, agency: str | None, reported_by: str, told: Told) -> None:
        """Begins to store these events; the outcome is told after the commit, later than this ends.

        `agency` is written where an event names none. `Unavailable` at once where too much waits,
        and as an outcome, in time, where the database does not answer.
        """
        if self._closing:
            raise Unavailable("The service is shutting down; try again shortly.", retry_after=5)
        if self._held + len(batch) > MAX_WAITING:
            raise Unavailable("Too much is waiting to be stored; try again shortly.", retry_after=1)
        until = self._loop.time() + ANSWER_SECONDS
        request = Request(batch, agency, reported_by, until, told)
        self._waiting.append(request)
        self._held += len(batch)
        self._open += 1
        self._arrived.set()
        self._end_in_time(request)

    def store(
        self, batch: Batch, *, agency: str | None, reported_by: str
    ) -> "asyncio.Future[list[int]]":
        """Stores these events as `begin` does; answers the places of those known before."""
        future: asyncio.Future[list[int]] = self._loop.create_future()

        def told(outcome: Outcome) -> None:
            if future.done():  # whoever asked went away
                return
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.begin(batch, agency=agency, reported_by=reported_by, told=told)
        return future

    def _end_in_time(self, request: Request) -> None:
        """All wait equally long, so one timer does for them, which looks at the first."""
        waits = self._unanswered
        while waits and not waits[0].is_open:
            waits.popleft()
        waits.append(request)
        if self._timer is None:
            self._timer = self._loop.call_at(waits[0].until, self._end_late)

    def _end_late(self) -> None:
        waits = self._unanswered
        while waits and (not waits[0].is_open or waits[0].until <= self._loop.time()):
            waits.popleft().answer(
                Unavailable("The database is too slow now; try again.", retry_after=10)
            )
        self._timer = self._loop.call_at(waits[0].until, self._end_late) if waits else None

    async def close(self) -> None:
        """Takes nothing more, stores what waits, ends."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._writers)
        if self._timer is not None:
            self._timer.cancel()

    async def _write_always(self) -> None:
        writer = Writer(self._connect, self._region, self._facets)
        try:
            while (drain := await self._next_drain()) is not None:
                try:
                    await writer.store(drain)
                except Exception:
                    log.exception("a drain of events was given up")
                finally:
                    self._held -= sum(len(request.batch) for request in drain)
                    self._open -= len(drain)
                    for request in drain:
                        if request.is_open:
                            request.answer(
                                Unavailable("The events were not stored; try again.", retry_after=5)
                            )
        finally:
            await writer.close()

    async def _gather(self) -> None:
        """Waits a little for more of small requests, where many senders are about."""
        for _ in range(GATHER_TURNS):
            is_enough = len(self._waiting) >= GATHERED or self._held >= GATHERED_EVENTS
            if is_enough or self._open < COMPANY:
                return
            await asyncio.sleep(GATHER_SECONDS)  # the other writer may take all meanwhile

    async def _next_drain(self) -> list[Request] | None:
        """What waits, up to a size; None when it is over."""
        while not self._waiting:
            if self._closing:
                return None
            self._arrived.clear()
            await self._arrived.wait()
            await self._gather()
        drain: list[Request] = []
        size = 0
        while self._waiting and (not drain or size + len(self._waiting[0].batch) <= MAX_DRAIN):
            request = self._waiting.popleft()
            size += len(request.batch)
            drain.append(request)
        return drain


class Writer:
    """Stores drains over one connection, which it opens anew when it breaks."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], region: str, facets: Facets
    ) -> None:
        self._connect = connect
        self._region = region
        self._facets = facets
        self._connection: Connection | None = None
        self._repeats = 0
        """Drains in which repeated events are still expected."""

    async def store(self, drain: list[Request]) -> None:
        """Stores a drain and answers each of its requests; one by one where that fails at once."""
        try:
            await self._store(drain)
        except DATABASE_ERRORS as error:
            log.warning("%d requests are stored one by one: %s", len(drain), error)
            for request in drain:
                await self._store_alone(request)

    async def _store_alone(self, request: Request) -> None:
        try:
            for _ in range(ATTEMPTS):
                try:
                    await self._store([request])
                    return
                except asyncpg.CheckViolationError:
                    await self._open_months(request)
                except asyncpg.DeadlockDetectedError:
                    pass  # the other one is stored by now
            request.answer(Unavailable("The events were not stored; try again.", retry_after=1))
        except DroppedError as error:
            request.answer(error)
        except DATABASE_ERRORS as error:
            log.warning("a request was not stored: %s: %s", type(error).__name__, error)
            request.answer(Unavailable("The database does not answer; try again.", retry_after=5))

    async def _open_months(self, request: Request) -> None:
        connection = await self._open()
        months = {month_of(time) for time in request.batch.times}
        if dropped := await open_months(connection, self._region, months):
            raise DroppedError(dropped)

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection

    async def _store(self, drain: list[Request]) -> None:
        connection = await self._open()
        ids: list[str] = []
        times: list[datetime] = []
        reporters: list[str] = []
        for request in drain:
            batch = request.batch
            ids += batch.ids
            times += batch.times
            reporters += [request.reported_by] * len(batch)
        facets = await self._facets.numbers(
            connection, [(request.batch.sayings, request.agency) for request in drain]
        )
        sent = len(ids)
        unseen = set(ids)
        if len(unseen) < sent:  # of an id that stands here twice, the first one is meant
            first = [n for n, key in enumerate(ids) if _take(unseen, key)]
            ids, times = [ids[n] for n in first], [times[n] for n in first]
            facets, reporters = [facets[n] for n in first], [reporters[n] for n in first]

        fresh = await self._insert(connection, ids, times, facets, reporters)
        if len(fresh) == sent:
            for request in drain:
                request.answer([])
            return
        for request in drain:
            repeated = [n for n, key in enumerate(request.batch.ids) if not _take(fresh, key)]
            request.answer(repeated)

    async def _insert(
        self,
        connection: Connection,
        ids: list[str],
        times: list[datetime],
        facets: list[int],
        reporters: list[str],
    ) -> set[str]:
        """Stores what is new; answers those ids."""
        columns = (self._region, ids, times, facets, reporters)
        if not self._repeats:
            try:
                await connection.fetchval(queries.STORE_NEW_EVENTS, *columns)
                return set(ids)
            except asyncpg.UniqueViolationError:
                pass  # some were stored before
        fresh = {row["id"] for row in await connection.fetch(queries.STORE_EVENTS, *columns)}
        # A sender that repeats itself goes on to, as a rule.
        self._repeats = EXPECT_REPEATS if len(fresh) < len(ids) else max(self._repeats - 1, 0)
        return fresh

    async def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.close(timeout=5)
            except DATABASE_ERRORS:
                self._connection.terminate()


def _take(keys: set[str], key: str) -> bool:
    """Takes a key out of a set; whether it was there."""
    if key in keys:
        keys.remove(key)
        return True
    return False
