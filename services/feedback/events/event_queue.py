"""Group commit of usage events: requests wait in a bounded queue, and writers store what waits.

A few writers, each with its own connection, take all waiting requests into one statement; every
request is answered after its commit. So many small requests share a commit, and a large one is not
slower for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from services.feedback.events.batch import Batch
from services.feedback.events.dimensions import DimensionIds
from services.feedback.events.writer import Callback, Request, StoreResult, Writer
from services.platform.database import Connection
from services.platform.local_time import LocalTime
from services.platform.logging import get_logger
from services.platform.problems import Unavailable

log = get_logger(__name__)

WRITERS = 2
MAX_QUEUED_EVENTS = 60_000
"""Further requests are answered by 503 with `Retry-After`."""
MAX_GROUP_EVENTS = 10_000
"""Size at which a writer adds no further request to a group."""
MIN_CONCURRENT = 5
"""Concurrent requests from which small ones wait for each other, as PostgreSQL's
commit_siblings."""
FLUSH_REQUESTS = 96
"""Requests at which a group is stored without waiting for more."""
FLUSH_EVENTS = 1_000
"""Events at which a group is stored without waiting for more."""
LINGER_SECONDS = 0.001
LINGER_ROUNDS = 6
"""How often a writer waits for more requests before it stores a group."""
RESPONSE_TIMEOUT_SECONDS = 30.0


class EventQueue:
    """A bounded queue of event requests, and the writers that store them."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        region: str,
        local_time: LocalTime,
        *,
        writers: int = WRITERS,
    ) -> None:
        self._connect = connect
        self._region = region
        self._local_time = local_time
        self._dimension_ids = DimensionIds(region)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Request] = deque()
        self._pending_events = 0
        """Events queued or being stored."""
        self._pending_requests = 0
        """Requests queued or being stored."""
        self._arrived = asyncio.Event()
        self._closing = False
        self._deadlines: deque[Request] = deque()
        """Requests by deadline; may include resolved ones."""
        self._timer: asyncio.TimerHandle | None = None
        self._writers = [
            asyncio.create_task(self._run_writer(), name=f"write events {number}")
            for number in range(writers)
        ]

    def enqueue(
        self, batch: Batch, *, agency: str | None, reported_by: str, callback: Callback
    ) -> None:
        """Queue events; call `callback` with the result after the commit, never before returning.

        `agency` is the default for events that name none. Raises `Unavailable` if the queue is full
        or closing; passes `Unavailable` to the callback if the database does not answer in time.
        """
        if self._closing:
            raise Unavailable("The service is shutting down; try again shortly.", retry_after=5)
        if self._pending_events + len(batch) > MAX_QUEUED_EVENTS:
            raise Unavailable("The queue of events is full; try again shortly.", retry_after=1)
        deadline = self._loop.time() + RESPONSE_TIMEOUT_SECONDS
        request = Request(batch, agency, reported_by, deadline, callback)
        self._queue.append(request)
        self._pending_events += len(batch)
        self._pending_requests += 1
        self._arrived.set()
        self._schedule_timeout(request)

    def store(
        self, batch: Batch, *, agency: str | None, reported_by: str
    ) -> "asyncio.Future[list[int]]":
        """Queue events as `enqueue` does; return a future of the indexes of repeated events."""
        future: asyncio.Future[list[int]] = self._loop.create_future()

        def callback(result: StoreResult) -> None:
            if future.done():  # the client disconnected
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        self.enqueue(batch, agency=agency, reported_by=reported_by, callback=callback)
        return future

    def _schedule_timeout(self, request: Request) -> None:
        """Add a request to the deadlines; as all have the same timeout, one timer suffices."""
        deadlines = self._deadlines
        while deadlines and not deadlines[0].is_open:
            deadlines.popleft()
        deadlines.append(request)
        if self._timer is None:
            self._timer = self._loop.call_at(deadlines[0].deadline, self._time_out)

    def _time_out(self) -> None:
        deadlines = self._deadlines
        while deadlines and (
            not deadlines[0].is_open or deadlines[0].deadline <= self._loop.time()
        ):
            deadlines.popleft().resolve(
                Unavailable("The database did not answer in time; try again.", retry_after=10)
            )
        if deadlines:
            self._timer = self._loop.call_at(deadlines[0].deadline, self._time_out)
        else:
            self._timer = None

    @property
    def pending_events(self) -> int:
        """Number of events that are queued or being stored."""
        return self._pending_events

    def lag_seconds(self) -> float:
        """Return for how long the oldest request waits that is not answered; 0 without one."""
        oldest = next((request for request in tuple(self._deadlines) if request.is_open), None)
        if oldest is None:
            return 0.0
        return max(self._loop.time() - (oldest.deadline - RESPONSE_TIMEOUT_SECONDS), 0.0)

    async def close(self) -> None:
        """Reject further requests, store those that are queued, and stop the writers."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._writers)
        if self._timer is not None:
            self._timer.cancel()

    async def _run_writer(self) -> None:
        writer = Writer(self._connect, self._region, self._local_time, self._dimension_ids)
        try:
            while (group := await self._next_group()) is not None:
                try:
                    await writer.store(group)
                except Exception:
                    log.exception("event requests not stored", requests=len(group))
                finally:
                    self._pending_events -= sum(len(request.batch) for request in group)
                    self._pending_requests -= len(group)
                    for request in group:
                        if request.is_open:
                            request.resolve(
                                Unavailable("The events were not stored; try again.", retry_after=5)
                            )
        finally:
            await writer.close()

    async def _linger(self) -> None:
        """Wait briefly for more requests if many clients are sending."""
        for _ in range(LINGER_ROUNDS):
            is_full = len(self._queue) >= FLUSH_REQUESTS or self._pending_events >= FLUSH_EVENTS
            if is_full or self._pending_requests < MIN_CONCURRENT:
                return
            await asyncio.sleep(LINGER_SECONDS)  # the other writer may take all in the meantime

    async def _next_group(self) -> list[Request] | None:
        """Return the queued requests, up to `MAX_GROUP_EVENTS`; None when closed and empty."""
        while not self._queue:
            if self._closing:
                return None
            self._arrived.clear()
            await self._arrived.wait()
            await self._linger()
        group: list[Request] = []
        size = 0
        while self._queue and (not group or size + len(self._queue[0].batch) <= MAX_GROUP_EVENTS):
            request = self._queue.popleft()
            size += len(request.batch)
            group.append(request)
        return group
