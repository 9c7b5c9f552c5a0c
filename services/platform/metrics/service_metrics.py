"""What one service of a process measures: requests, what is in memory, what is in the database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from sqlalchemy import text

from services.platform.database import DATABASE_ERRORS, Database, ReadSession
from services.platform.jobs import BackgroundJob, PeriodicJob, cancel_and_wait, read_job_runs
from services.platform.logging import get_logger
from services.platform.metrics import definitions as m
from services.platform.metrics.definitions import Metric, Sample
from services.platform.metrics.requests import RequestMetrics

log = get_logger(__name__)

DEADLINE_SECONDS = 2.0
"""How long a scrape waits for the database."""
REUSE_SECONDS = 2.0
"""For how long figures are not read again, however often they are scraped."""

ReadMemory = Callable[[], Iterable[Sample]]
ReadStored = Callable[[ReadSession, str], Awaitable[Iterable[Sample]]]
"""Reads figures of a region in a transaction."""

BOUND_STATEMENTS = f"SET LOCAL statement_timeout = {int(DEADLINE_SECONDS * 1000)}"


class ServiceMetrics:
    """The metrics of one service.

    A scrape never waits for the database longer than `DEADLINE_SECONDS`: then the figures last
    read are exposed, with their age, and the late read goes on alone.
    """

    def __init__(self, requests: RequestMetrics, database: Database, region: str) -> None:
        self.requests = requests
        self._label = (requests.service.value,)
        self._database = database
        self._region = region
        self._memory: list[ReadMemory] = [self._read_database_use]
        self._stored: list[ReadStored] = []
        self._read: asyncio.Task[None] | None = None
        self._figures: Sequence[Sample] = ()
        self._read_at: float | None = None
        self._errors = 0

    def add(self, *, memory: ReadMemory | None = None, stored: ReadStored | None = None) -> None:
        """Add a reader of figures in memory, or in the database."""
        if memory is not None:
            self._memory.append(memory)
        if stored is not None:
            self._stored.append(stored)

    def add_jobs(self, jobs: Sequence[BackgroundJob]) -> None:
        """Add the figures of background jobs and of the items that they deliver."""
        reader = _Jobs(self.requests.service.value, jobs)
        self.add(memory=reader.durations, stored=reader.read)

    def samples(self) -> Iterator[Sample]:
        """Return the figures in memory now, and those last read from the database."""
        yield from self.requests.samples()
        for read in self._memory:
            yield from read()
        yield from self._figures
        yield Sample(m.SCRAPE_ERRORS, self._label, self._errors)
        if self._read_at is not None:
            yield Sample(m.FIGURES_AGE, self._label, time.monotonic() - self._read_at)

    async def refresh(self) -> None:
        """Read the figures in the database, unless they are recent; wait for a bounded time."""
        if not self._stored:
            return
        if self._read is None or self._read.done():
            if self._read_at is not None and time.monotonic() - self._read_at < REUSE_SECONDS:
                return
            self._read = asyncio.create_task(self._read_stored(), name="read metrics")
        # Not cancelled when late: that would wait for the silent connection too.
        done, _ = await asyncio.wait({self._read}, timeout=DEADLINE_SECONDS)
        if not done:
            self._errors += 1

    async def close(self) -> None:
        """End a read that is still running."""
        if self._read is not None:
            await cancel_and_wait(self._read)

    async def _read_stored(self) -> None:
        try:
            async with self._database.read_session() as session:
                await session.execute(text(BOUND_STATEMENTS))
                figures = [
                    sample for read in self._stored for sample in await read(session, self._region)
                ]
        except DATABASE_ERRORS as error:
            self._errors += 1
            log.debug("metrics not read", error=str(error))
        else:
            self._figures, self._read_at = figures, time.monotonic()

    def _read_database_use(self) -> Iterator[Sample]:
        use = self._database.pool_use()
        if use is not None:
            yield Sample(m.POOL_SIZE, self._label, use.size)
            yield Sample(m.POOL_CHECKED_OUT, self._label, use.checked_out)
            yield Sample(m.POOL_WAITING, self._label, use.waiting)
        yield Sample(m.DATABASE_UP, self._label, not self._database.outage.is_ongoing)


class _Jobs:
    """Figures of the background jobs of a service."""

    def __init__(self, service: str, jobs: Sequence[BackgroundJob]) -> None:
        self._service = service
        self._jobs = jobs

    def durations(self) -> Iterator[Sample]:
        for job in self._jobs:
            if isinstance(job, PeriodicJob) and job.last_duration is not None:
                yield self._sample(m.JOB_DURATION, job, job.last_duration)

    async def read(self, session: ReadSession, region: str) -> list[Sample]:
        samples: list[Sample] = []
        runs = await read_job_runs(session, self._service, region)
        for job in self._jobs:
            if isinstance(job, PeriodicJob) and job.enabled:
                samples.append(self._sample(m.JOB_INTERVAL, job, job.every.total_seconds()))
                if (run := runs.get(job.name)) is not None:
                    samples.append(self._sample(m.JOB_FAILURES, job, run.failures))
                    samples += [
                        self._sample(metric, job, at.timestamp())
                        for metric, at in (
                            (m.JOB_LAST_RUN, run.ran_at),
                            (m.JOB_LAST_SUCCESS, run.succeeded_at),
                            (m.JOB_LAST_FAILURE, run.failed_at),
                        )
                        if at is not None
                    ]
            if job.backlog is not None:
                items, age = await _waiting(session, job.backlog, region)
                samples.append(self._sample(m.OUTBOX_WAITING, job, items))
                samples.append(self._sample(m.OUTBOX_AGE, job, age))
            if job.refused is not None:
                refused = await job.refused.count(session, region)
                samples.append(self._sample(m.OUTBOX_REFUSED, job, refused))
        return samples

    def _sample(self, metric: Metric, job: BackgroundJob, value: float) -> Sample:
        return Sample(metric, (self._service, job.name), value)


async def _waiting(session: ReadSession, backlog: str, region: str) -> tuple[int, float]:
    """Return how many items wait, and for how many seconds the oldest, by the database's clock."""
    statement = (
        "SELECT items, coalesce(extract(epoch FROM now() - oldest), 0) AS age "  # noqa: S608
        f"FROM ({backlog}) AS waiting"
    )
    row = (await session.execute(text(statement), {"region": region})).one()
    return row.items, max(float(row.age), 0.0)
