"""Store groups of event requests: one statement per group, counts in the same commit."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from services.feedback.events import queries
from services.feedback.events.batch import Batch
from services.feedback.events.dimensions import DimensionIds
from services.feedback.events.partitions import create_partitions, partition_of
from services.platform.database import DATABASE_ERRORS, Connection, is_connection_lost
from services.platform.local_time import LocalTime
from services.platform.logging import Outage, get_logger, summarise
from services.platform.problems import Unavailable

log = get_logger(__name__)

MAX_ATTEMPTS = 3
GROUPS_EXPECTING_REPEATS = 4
"""Groups for which, after one with repeated events, further repeats are assumed."""

SESSION_SETTINGS = {
    # The statement joins thousands of rows whose number the planner cannot estimate.
    "enable_nestloop": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}

HAS_CITUS = "SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL"


class RejectedEventsError(Exception):
    """Events that cannot be stored, for what is stored already."""

    def indexes(self, batch: Batch) -> list[int]:
        """Return the indexes of these events in their batch."""
        raise NotImplementedError


class UsedIdError(RejectedEventsError):
    """Other events have the same ids."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = frozenset(ids)
        super().__init__(f"{len(self._ids)} ids belong to other events")

    def indexes(self, batch: Batch) -> list[int]:
        """Return the indexes of the events with these ids."""
        return [n for n, key in enumerate(batch.ids) if key in self._ids]


class PrunedMonthError(RejectedEventsError):
    """Events belong to months whose partitions were dropped."""

    def __init__(self, months: Sequence[date]) -> None:
        super().__init__(f"months were dropped: {', '.join(map(str, months))}")
        self._months = frozenset(months)

    def indexes(self, batch: Batch) -> list[int]:
        """Return the indexes of the events of these months."""
        return [n for n, time in enumerate(batch.times) if partition_of(time) in self._months]


StoreResult = list[int] | Exception
"""The indexes of a request's repeated events, or the reason why none was stored."""

Callback = Callable[[StoreResult], None]


@dataclass(slots=True, eq=False)
class Request:
    """The events of one request, and the callback for their result."""

    batch: Batch
    agency: str | None
    """Default for events that name none."""
    reported_by: str
    deadline: float
    """Latest time for the result, on the event loop's clock."""
    callback: Callback | None

    @property
    def is_open(self) -> bool:
        """Whether the result is still outstanding."""
        return self.callback is not None

    def resolve(self, result: StoreResult) -> None:
        """Pass the first result to the callback; ignore later ones."""
        callback, self.callback = self.callback, None
        if callback is None:
            return
        try:
            callback(result)
        except Exception:  # the other requests of the group still need theirs
            log.exception("callback of an event request failed")


class Writer:
    """Stores groups of requests over one connection, which is reopened when it breaks."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        region: str,
        local_time: LocalTime,
        dimension_ids: DimensionIds,
    ) -> None:
        self._connect = connect
        self._region = region
        self._local_time = local_time
        self._dimension_ids = dimension_ids
        self._connection: Connection | None = None
        self._expect_repeats = 0
        """Remaining groups for which repeated events are assumed."""
        self._outage = Outage(log, "event storage")

    async def store(self, group: list[Request]) -> None:
        """Store a group and resolve its requests; fall back to one request per statement."""
        try:
            await self._store(group)
            self._outage.succeeded()
        except UsedIdError:
            for request in group:
                await self._store_single(request)
        except DATABASE_ERRORS as error:
            if not is_connection_lost(error):
                log.info(
                    "storing event requests one by one",
                    requests=len(group),
                    error=summarise(error),
                )
            for request in group:
                await self._store_single(request)

    async def _store_single(self, request: Request) -> None:
        try:
            for _ in range(MAX_ATTEMPTS):
                try:
                    await self._store([request])
                    return
                except asyncpg.CheckViolationError:  # a partition is missing
                    await self._create_partitions(request)
                except asyncpg.DeadlockDetectedError:
                    pass  # the other transaction has committed by now
            request.resolve(Unavailable("The events were not stored; try again.", retry_after=1))
        except RejectedEventsError as error:
            request.resolve(error)
        except DATABASE_ERRORS as error:
            if is_connection_lost(error):
                self._outage.failed(error)
            else:
                log.warning("event request not stored", error=summarise(error))
            request.resolve(Unavailable("The database is unavailable; try again.", retry_after=5))

    async def _create_partitions(self, request: Request) -> None:
        connection = await self._open()
        months = {partition_of(time) for time in request.batch.times}
        if pruned := await create_partitions(connection, self._region, months):
            raise PrunedMonthError(pruned)

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            connection = await self._connect()
            if await connection.fetchval(HAS_CITUS):
                # Citus finds the shard from the parameters, which a generic plan does not know.
                await connection.execute("SET plan_cache_mode = force_custom_plan")
            self._connection = connection
            # After an outage that began before the zone was read, the first events need it.
            await self._local_time.load()
        return self._connection

    async def _store(self, group: list[Request]) -> None:
        connection = await self._open()
        ids: list[str] = []
        times: list[datetime] = []
        reporters: list[str] = []
        for request in group:
            batch = request.batch
            ids += batch.ids
            times += batch.times
            reporters += [request.reported_by] * len(batch)
        dimensions = await self._dimension_ids.get(
            connection, [(request.batch.dimensions, request.agency) for request in group]
        )
        count = len(ids)
        unseen = set(ids)
        if len(unseen) < count:  # an event that occurs twice counts once
            contents = dict(zip(ids, zip(times, dimensions, strict=True), strict=True))
            if other := {
                key
                for key, time, described in zip(ids, times, dimensions, strict=True)
                if contents[key] != (time, described)
            }:
                raise UsedIdError(other)
            first = [n for n, key in enumerate(ids) if _discard(unseen, key)]
            ids, times = [ids[n] for n in first], [times[n] for n in first]
            dimensions, reporters = [dimensions[n] for n in first], [reporters[n] for n in first]

        new = await self._insert(connection, ids, times, dimensions, reporters)
        if len(new) == count:
            for request in group:
                request.resolve([])
            return
        for request in group:
            repeated = [n for n, key in enumerate(request.batch.ids) if not _discard(new, key)]
            request.resolve(repeated)

    async def _insert(
        self,
        connection: Connection,
        ids: list[str],
        times: list[datetime],
        dimensions: list[str],
        reporters: list[str],
    ) -> set[str]:
        """Store the new events; return their ids.

        Raises:
            UsedIdError: Other events are stored under some of the ids; none was stored.
        """
        zone = self._local_time.zone.key
        columns = (
            self._region,
            ids,
            times,
            f"{{{','.join(dimensions)}}}",
            reporters[:1] if len(set(reporters)) == 1 else reporters,
            zone,
        )
        if not self._expect_repeats:
            try:
                await connection.fetchval(queries.STORE_NEW_EVENTS, *columns)
                return set(ids)
            except asyncpg.UniqueViolationError:
                pass  # some ids exist
        elif await connection.fetchval(queries.COUNT_REPEATED_EVENTS, *columns[:-1]) == len(ids):
            self._expect_repeats = GROUPS_EXPECTING_REPEATS
            return set()
        async with connection.transaction():
            new = {row["id"] for row in await connection.fetch(queries.STORE_EVENTS, *columns)}
            if len(new) < len(ids):
                other = await connection.fetch(queries.FIND_OTHER_EVENTS, *columns[:-1])
                if other:
                    raise UsedIdError(row["id"] for row in other)
        # A client that repeats a request usually repeats the following ones too.
        if len(new) < len(ids):
            self._expect_repeats = GROUPS_EXPECTING_REPEATS
        else:
            self._expect_repeats = max(self._expect_repeats - 1, 0)
        return new

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.close(timeout=5)
            except DATABASE_ERRORS:
                self._connection.terminate()


def _discard(keys: set[str], key: str) -> bool:
    """Remove a key from a set; return whether it was present."""
    if key in keys:
        keys.remove(key)
        return True
    return False
