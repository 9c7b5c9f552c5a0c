"""Background jobs and the tables they work through.

`BackgroundJob` is the base class of the two jobs: `PeriodicJob` (a function at an interval) and
`NotifyListener` (LISTEN with reconnect). `LeaseTable` (due rows, each claimed by one process) and
`Outbox` (messages until delivery) are tables that jobs work through. The gateway and feedback
declare their jobs in `app.py` (`_declare_jobs`). The last run of each job is in `job_run` of the
service's schema, one row per job whichever process ran it; `emall jobs` lists them.
"""

import asyncio
import json
import random
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import httpx
from sqlalchemy import Row, text

from services.platform.database import (
    DATABASE_ERRORS,
    Connection,
    Database,
    ReadSession,
    WriteSession,
    is_connection_lost,
)
from services.platform.logging import Outage, RepeatedError, get_logger, summarise

log = get_logger(__name__)

RECORD_EVERY = timedelta(minutes=1)
"""How often a job that succeeds again and again is recorded."""


async def cancel_and_wait(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class BackgroundJob(ABC):
    """A task that runs from `start` to `stop`. Subclasses that flush something extend `stop`.

    `run` handles its own errors: one that leaves it ends the task and is raised by `stop`.
    """

    name: str
    """What the job is called in `emall jobs`, in log lines and among asyncio's tasks."""

    backlog: str | None = None
    """SQL that counts what waits (`items`, `oldest`) for `:region`; None: nothing waits."""

    refused: "RefusedItems | None" = None
    """The items that were set aside; None: the job has no items that can be refused."""

    overdue_after: timedelta = timedelta(minutes=15)
    """How long the oldest item may wait before health says that the job is stuck."""

    _task: asyncio.Task[None] | None = None

    @abstractmethod
    async def run(self) -> None:
        """Work until cancelled."""

    def start(self) -> None:
        self._task = asyncio.create_task(self.run(), name=self.name)

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            await cancel_and_wait(task)


@dataclass(frozen=True)
class JobRun:
    """What is recorded of a job."""

    job: str
    ran_at: datetime
    succeeded_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    failures: int
    """Consecutive failures up to now."""
    next_at: datetime | None
    host: str


class JobRecorder:
    """Writes a job's last run to `<schema>.job_run`; losing a record is no failure of the job."""

    def __init__(self, database: Database, region: str, job: str) -> None:
        self._database = database
        self._region = region
        self._job = job
        self._failures = 0
        self._recorded_at: datetime | None = None

    async def record(
        self, *, now: datetime, next_at: datetime | None, error: BaseException | None
    ) -> None:
        """Record a run; a success that follows a recorded one is recorded once a minute."""
        was_failing, self._failures = self._failures > 0, self._failures + 1 if error else 0
        recorded = self._recorded_at
        if not error and not was_failing and recorded and now - recorded < RECORD_EVERY:
            return
        statement = f"""
        -- Replace what is known of a job.
        INSERT INTO {self._database.schema}.job_run
            (region, job, ran_at, succeeded_at, failed_at, failure, failures, next_at, host)
        VALUES (:region, :job, :now, :succeeded_at, :failed_at, :failure, :failures, :next_at,
                :host)
        ON CONFLICT (region, job) DO UPDATE SET
            ran_at = excluded.ran_at,
            succeeded_at = coalesce(excluded.succeeded_at, job_run.succeeded_at),
            failed_at = coalesce(excluded.failed_at, job_run.failed_at),
            failure = coalesce(excluded.failure, job_run.failure),
            failures = excluded.failures, next_at = excluded.next_at, host = excluded.host
        """  # noqa: S608 - the schema is a constant of the service
        with suppress(*DATABASE_ERRORS):
            async with self._database.write_session() as session:
                await session.execute(
                    text(statement),
                    {
                        "region": self._region,
                        "job": self._job,
                        "now": now,
                        "succeeded_at": None if error else now,
                        "failed_at": now if error else None,
                        "failure": summarise(error) if error else None,
                        "failures": self._failures,
                        "next_at": next_at,
                        "host": socket.gethostname(),
                    },
                )
            self._recorded_at = now


class PeriodicJob(BackgroundJob):
    """Runs `work` every so often, in every process that has the job.

    `work` claims what it does from the database if only one process may do it. An outage of the
    database or of the network is logged once at its beginning and once at its end; any other error
    with its traceback when it first comes, and the job goes on.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[object]],
        *,
        database: Database,
        region: str,
        every: timedelta,
        first_after: timedelta | None = None,
        jitter: float = 0.0,
        wake: asyncio.Event | None = None,
        backlog: str | None = None,
        refused: "RefusedItems | None" = None,
        overdue_after: timedelta | None = None,
        enabled: bool = True,
        on_stop: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Create a job; one that is not `enabled` never starts. `first_after` defaults to `every`.

        The first run comes after half of that time at least and all of it at most: the jobs of a
        process, which start together, would else do their work at the same moment each time.

        `jitter` is the greatest relative deviation of a pause, which keeps replicas apart. `wake`
        ends a pause early. `on_stop` runs after the last run.
        """
        self.name = name
        self.every = every
        self.backlog = backlog
        self.refused = refused
        self.overdue_after = overdue_after or self.overdue_after
        self.enabled = enabled
        self.last_duration: float | None = None
        """Seconds that the last run in this process took."""
        self._work = work
        self._database = database
        self._first_after = every if first_after is None else first_after
        self._jitter = jitter
        self._wake = wake
        self._on_stop = on_stop
        self._recorder = JobRecorder(database, region, name)
        self._outage = Outage(log.bind(job=name), f"job {name}:")
        self._error = RepeatedError(log.bind(job=name), "job failed")
        self._rng = random.Random()  # noqa: S311 - nothing secret depends on a pause

    def start(self) -> None:
        if self.enabled:
            super().start()

    async def stop(self) -> None:
        await super().stop()
        if self._on_stop is not None:
            try:
                await self._on_stop()
            except (*DATABASE_ERRORS, httpx.HTTPError) as error:
                log.warning("job not finished at shutdown", job=self.name, error=summarise(error))

    async def run(self) -> None:
        await self._pause(self._first_after * self._rng.uniform(0.5, 1))
        while True:
            await self.run_once()
            await self._pause(self.every)

    async def run_once(self) -> None:
        """Do the work once; errors are logged and recorded, not raised."""
        error: Exception | None = None
        started = time.monotonic()
        try:
            await self._work()
        except Exception as raised:
            error = raised
            if is_connection_lost(raised):
                self._database.failed(raised)
            elif _is_outage(raised):
                self._outage.failed(raised)
            else:
                self._error.failed(raised)
        else:
            self._outage.succeeded()
            self._error.succeeded()
        self.last_duration = time.monotonic() - started
        now = datetime.now(UTC)
        await self._recorder.record(now=now, next_at=now + self.every, error=error)

    async def _pause(self, pause: timedelta) -> None:
        seconds = pause.total_seconds() * self._rng.uniform(1 - self._jitter, 1 + self._jitter)
        if self._wake is None:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()


def _is_outage(error: Exception) -> bool:
    """Return whether another system did not answer, or answered that it cannot (5xx)."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError)


@dataclass(frozen=True)
class LeaseTable:
    """Rows that fall due, each claimed by one process at a time.

    A claim moves the due time to the end of a lease, so that what a process did not finish becomes
    due again. The names are constants of the program, never input.
    """

    table: str
    key: tuple[str, ...]
    lease: timedelta
    due: str = "due_at"
    lease_column: str | None = None
    """Column that holds the lease's id, if finishing must prove that the lease still stands."""
    condition: str = "true"
    """SQL over the row `t` that a claimable row fulfils as well."""
    set_also: str = ""
    """SQL that a claim assigns besides, such as `attempts = t.attempts + 1`."""
    returning: tuple[str, ...] = ()
    """Columns returned beside the key."""

    async def claim(
        self,
        session: WriteSession,
        region: str,
        *,
        limit: int = 1,
        lease_id: UUID | None = None,
        **parameters: object,
    ) -> Sequence[Row[Any]]:
        """Claim up to `limit` rows that are due, the longest due first.

        Rows that another transaction holds are passed over. The selection is materialised, for a
        plan may run a subquery twice and then meet other rows that are not locked.
        """
        key = ", ".join(self.key)
        matches = " AND ".join(f"t.{column} = due_rows.{column}" for column in self.key)
        assigned = [f"{self.due} = now() + CAST(:lease AS interval)"]
        if self.lease_column is not None:
            assigned.append(f"{self.lease_column} = :lease_id")
            parameters["lease_id"] = lease_id
        if self.set_also:
            assigned.append(self.set_also)
        returned = ", ".join(f"t.{column}" for column in (*self.key, *self.returning))
        statement = f"""
        WITH due_rows AS MATERIALIZED (
            SELECT {key} FROM {self.table} t
            WHERE region = :region AND {self.due} <= now() AND {self.condition}
            ORDER BY {self.due} LIMIT :limit FOR UPDATE SKIP LOCKED
        )
        UPDATE {self.table} t SET {", ".join(assigned)}
        FROM due_rows WHERE t.region = :region AND {matches}
        RETURNING {returned}
        """  # noqa: S608 - names are constants of the program
        rows = await session.execute(
            text(statement),
            {"region": region, "lease": self.lease, "limit": limit, **parameters},
        )
        return rows.all()


class NotifyListener(BackgroundJob):
    """Listens to a PostgreSQL channel on a connection of its own and reconnects until cancelled.

    `on_connected` runs after LISTEN took effect (what was notified before is unknown),
    `on_disconnected` as soon as the connection is known to be lost. A heartbeat every `heartbeat`
    seconds detects a connection that was lost silently; `on_heartbeat` gets the time at which
    the answered heartbeat was sent, on `clock`.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        *,
        channel: str,
        on_notify: Callable[[str], None],
        on_connected: Callable[[], None],
        on_disconnected: Callable[[], None],
        heartbeat: float,
        reconnect: float,
        on_heartbeat: Callable[[float], None] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.name = name
        self._database = database
        self._channel = channel
        self._on_notify = on_notify
        self._on_connected = on_connected
        self._on_disconnected = on_disconnected
        self._on_heartbeat = on_heartbeat
        self._heartbeat = heartbeat
        self._reconnect = reconnect
        self._clock = clock
        self._error = RepeatedError(log.bind(listener=name), "listener failed")

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except DATABASE_ERRORS as error:
                if is_connection_lost(error):
                    self._database.direct_line.failed(error)
                else:
                    self._error.failed(error)
            finally:
                self._on_disconnected()
            await asyncio.sleep(self._reconnect)

    async def _listen(self) -> None:
        clock = self._clock or asyncio.get_running_loop().time
        connection: Connection = await self._database.connect(purpose=self.name)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(self._channel, self._notified)
            self._on_connected()
            while not lost.is_set():
                sent = clock()
                await connection.execute("SELECT 1", timeout=self._heartbeat)
                self._database.direct_line.succeeded()
                self._error.succeeded()
                if self._on_heartbeat is not None:
                    self._on_heartbeat(sent)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._heartbeat):
                        await lost.wait()
        finally:
            connection.terminate()

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._on_notify(str(payload))


RefusedAction = Literal["retry", "discard"]
"""What an operator does with items that were set aside."""


class ItemRefusedError(Exception):
    """The receiver refuses what it was sent, and would refuse it again; the message says why."""


@dataclass(frozen=True)
class RefusedItem:
    """An item that its receiver refused."""

    item: str
    refused_at: datetime
    reason: str


@dataclass(frozen=True)
class RefusedItems:
    """SQL over the items of a job that their receiver refused, of `:region`.

    They are set aside, so that later items go on, until an operator retries or discards them.
    """

    listing: str
    """Selects `item`, `refused_at` and `reason`."""
    retry: str
    """Makes the items `:items` due again and returns them as `item`."""
    discard: str
    """Removes the items `:items` and returns them as `item`."""

    async def count(self, session: ReadSession | WriteSession, region: str) -> int:
        """Return how many items are set aside."""
        statement = f"SELECT count(*) FROM ({self.listing}) AS refused"  # noqa: S608 - a constant
        return int(await session.scalar(text(statement), {"region": region}) or 0)

    async def list(
        self, session: ReadSession | WriteSession, region: str, *, limit: int | None = None
    ) -> "list[RefusedItem]":
        """Return the items that are set aside, the first refused first; all without a limit."""
        rows = await session.execute(
            text(f"{self.listing} ORDER BY refused_at, item LIMIT CAST(:limit AS bigint)"),
            {"region": region, "limit": limit},
        )
        return [RefusedItem(**row) for row in rows.mappings()]

    async def settle(
        self,
        session: WriteSession,
        region: str,
        chosen: Sequence[RefusedItem],
        action: RefusedAction,
    ) -> Sequence[RefusedItem]:
        """Retry or discard items; return those that nobody else had settled before."""
        statement = self.retry if action == "retry" else self.discard
        parameters = {"region": region, "items": [item.item for item in chosen]}
        done = set(await session.scalars(text(statement), parameters))
        return [item for item in chosen if item.item in done]


class Outbox:
    """A table of JSON messages for another part of the hub, deleted when they were delivered.

    `deliver` gets the oldest messages. If it raises `ItemRefusedError`, the refused ones are found
    by halving and set aside with the reason, and the others go on; after any other error all wait
    for the next run, in their order. Messages carry ids, so that a second delivery has no effect.
    """

    def __init__(
        self,
        database: Database,
        region: str,
        *,
        table: str,
        column: str,
        batch: int,
        deliver: Callable[[Sequence[Mapping[str, Any]]], Awaitable[object]],
    ) -> None:
        self.wake = asyncio.Event()
        self._database = database
        self._region = region
        self._table = table
        self._column = column
        self._batch = batch
        self._deliver = deliver

    @property
    def backlog(self) -> str:
        """SQL that counts the waiting messages; the time of the oldest is in its id (UUIDv7)."""
        waiting = f"FROM {self._table} WHERE region = :region AND refused_at IS NULL"
        milliseconds = "('x0000' || left(replace(CAST(id AS text), '-', ''), 12))::bit(64)::bigint"
        return f"""
        SELECT (SELECT count(*) {waiting}) AS items,
            (SELECT to_timestamp({milliseconds} / 1000.0) {waiting} ORDER BY id LIMIT 1) AS oldest
        """

    @property
    def refused(self) -> RefusedItems:
        """The messages that were set aside."""
        chosen = "WHERE region = :region AND refused_at IS NOT NULL"
        named = f"{chosen} AND id::text = ANY(CAST(:items AS text[])) RETURNING id::text AS item"
        return RefusedItems(
            listing=f"SELECT id::text AS item, refused_at, reason FROM {self._table} {chosen}",  # noqa: S608
            retry=f"UPDATE {self._table} SET refused_at = NULL, reason = NULL {named}",  # noqa: S608
            discard=f"DELETE FROM {self._table} {named}",  # noqa: S608
        )

    async def add(self, *messages: Mapping[str, Any]) -> None:
        """Store messages by their `id` and wake the delivery; raise if the database does not.

        One that is stored already is not stored twice.
        """
        statement = f"""
        INSERT INTO {self._table} (region, id, {self._column})
        SELECT :region, id, CAST(message AS jsonb)
        FROM unnest(CAST(:ids AS uuid[]), CAST(:messages AS text[])) AS new (id, message)
        ON CONFLICT DO NOTHING
        """  # noqa: S608 - names are constants of the program
        async with self._database.write_session() as session:
            await session.execute(
                text(statement),
                {
                    "region": self._region,
                    "ids": [UUID(str(message["id"])) for message in messages],
                    "messages": [json.dumps(message) for message in messages],
                },
            )
        self.wake.set()

    async def deliver_waiting(self) -> None:
        """Deliver all waiting messages, a batch in a transaction."""
        while await self._deliver_batch() == self._batch:
            pass

    async def _deliver_batch(self) -> int:
        # Materialised: a plan may run a subquery twice, and then other rows are not locked.
        statement = f"""
        WITH oldest AS MATERIALIZED (
            SELECT id FROM {self._table}
            WHERE region = :region AND refused_at IS NULL
            ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
        ), taken AS (
            DELETE FROM {self._table} WHERE region = :region AND id IN (SELECT id FROM oldest)
            RETURNING id, {self._column} AS message
        )
        SELECT id, message FROM taken ORDER BY id
        """  # noqa: S608 - names are constants of the program
        async with self._database.write_session() as session:
            rows = await session.execute(
                text(statement), {"region": self._region, "batch": self._batch}
            )
            messages = [(row.id, row.message) for row in rows]
            refusals = await self._deliver_each(messages) if messages else []
            if refusals:
                await self._set_aside(session, refusals)
        if refusals:
            log.error(
                "messages refused; see `emall jobs`",
                outbox=self._table,
                messages=len(refusals),
                reason=refusals[0].reason,
            )
        return len(messages)

    async def _deliver_each(
        self, messages: Sequence[tuple[UUID, Mapping[str, Any]]]
    ) -> "list[_Refusal]":
        """Deliver messages, and return those that were refused."""
        try:
            await self._deliver([message for _, message in messages])
        except ItemRefusedError as error:
            if len(messages) == 1:
                [(message_id, message)] = messages
                return [_Refusal(message_id, message, str(error))]
            middle = len(messages) // 2
            first = await self._deliver_each(messages[:middle])
            return first + await self._deliver_each(messages[middle:])
        return []

    async def _set_aside(self, session: WriteSession, refusals: "Sequence[_Refusal]") -> None:
        statement = f"""
        INSERT INTO {self._table} (region, id, {self._column}, refused_at, reason)
        SELECT :region, id, CAST(message AS jsonb), :now, reason
        FROM unnest(CAST(:ids AS uuid[]), CAST(:messages AS text[]), CAST(:reasons AS text[]))
            AS refused (id, message, reason)
        """  # noqa: S608 - names are constants of the program
        await session.execute(
            text(statement),
            {
                "region": self._region,
                "now": datetime.now(UTC),
                "ids": [refusal.id for refusal in refusals],
                "messages": [json.dumps(refusal.message) for refusal in refusals],
                "reasons": [refusal.reason for refusal in refusals],
            },
        )


@dataclass(frozen=True)
class _Refusal:
    id: UUID
    message: Mapping[str, Any]
    reason: str


async def read_job_runs(
    session: ReadSession | WriteSession, schema: str, region: str
) -> dict[str, JobRun]:
    """Return what is recorded of each job of a service, by name."""
    rows = await session.execute(
        text(
            "SELECT job, ran_at, succeeded_at, failed_at, failure, failures, next_at, host "  # noqa: S608
            f"FROM {schema}.job_run WHERE region = :region"
        ),
        {"region": region},
    )
    return {row["job"]: JobRun(**row) for row in rows.mappings()}
