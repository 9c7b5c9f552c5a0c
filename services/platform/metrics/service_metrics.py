"""What one service of a process measures: requests, what is in memory, what is in the database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import text

from services.platform.database import DATABASE_ERRORS, Database, ReadSession
from services.platform.health.findings import HealthCheck, Severity
from services.platform.health.monitor import HealthMonitor
from services.platform.jobs import BackgroundJob, PeriodicJob, cancel_and_wait, read_job_runs
from services.platform.logging import get_logger, summarise
from services.platform.metrics import definitions as m
from services.platform.metrics.definitions import Metric, Sample
from services.platform.metrics.requests import RequestMetrics

log = get_logger(__name__)

DEADLINE_SECONDS = 2.0
"""How long a scrape waits for the database."""
REUSE_SECONDS = 2.0
"""For how long figures are not read again, however often they are scraped."""

ReadMemory = Callable[[], Iterable[Sample]]
Read = Callable[[], Awaitable[Sequence[Sample]]]
"""Reads figures over the network; raises one of `DATABASE_ERRORS` if that fails."""
ReadStored = Callable[[ReadSession, str], Awaitable[Iterable[Sample]]]
"""Reads figures of a region in a transaction."""

BOUND_STATEMENTS = f"SET LOCAL statement_timeout = {int(DEADLINE_SECONDS * 1000)}"
SEVERITIES: Mapping[Severity, float] = {
    Severity.unknown: -1,
    Severity.ok: 0,
    Severity.warning: 1,
    Severity.error: 2,
}


class CachedRead:
    """Figures that a scrape waits for at most `DEADLINE_SECONDS`.

    Then those last read are exposed, and the late read goes on, one at a time: cancelling it would
    wait for the silent connection too.
    """

    def __init__(self, read: Read, name: str) -> None:
        self._read = read
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self.figures: Sequence[Sample] = ()
        self.read_at: float | None = None
        self.errors = 0

    async def refresh(self) -> None:
        """Read the figures again, unless they are recent."""
        if self._task is None or self._task.done():
            if self.read_at is not None and time.monotonic() - self.read_at < REUSE_SECONDS:
                return
            self._task = asyncio.create_task(self._run(), name=self._name)
        done, _ = await asyncio.wait({self._task}, timeout=DEADLINE_SECONDS)
        if not done:
            self.errors += 1

    async def close(self) -> None:
        """End a read that is still running."""
        if self._task is not None:
            await cancel_and_wait(self._task)

    async def _run(self) -> None:
        try:
            self.figures = await self._read()
        except DATABASE_ERRORS as error:
            self.errors += 1
            log.debug("metrics not read", error=summarise(error))
        else:
            self.read_at = time.monotonic()


class ServiceMetrics:
    """The metrics of one service."""

    def __init__(self, requests: RequestMetrics, database: Database, region: str) -> None:
        self.requests = requests
        self._label = (requests.service.value,)
        self._database = database
        self._region = region
        self._memory: list[ReadMemory] = [self._read_database_use]
        self._stored: list[ReadStored] = []
        self._database_read = CachedRead(self._read_stored, "read metrics")
        self._reads: list[CachedRead] = []

    def add(
        self,
        *,
        memory: ReadMemory | None = None,
        stored: ReadStored | None = None,
        remote: Read | None = None,
    ) -> None:
        """Add a reader of figures in memory, in the database, or elsewhere."""
        if memory is not None:
            self._memory.append(memory)
        if stored is not None:
            self._stored.append(stored)
        if remote is not None:
            self._reads.append(CachedRead(remote, "read remote metrics"))

    def add_jobs(self, jobs: Sequence[BackgroundJob]) -> None:
        """Add the figures of background jobs and of the items that they deliver."""
        reader = _Jobs(self.requests.service.value, jobs)
        self.add(memory=reader.durations, stored=reader.read)

    def add_health(self, monitor: HealthMonitor) -> None:
        """Add the service's health checks."""

        async def read() -> list[Sample]:
            report = await monitor.report()
            return [self.check_sample(check, report.severity_of(check)) for check in report.checks]

        self.add(remote=read)

    def check_sample(self, check: HealthCheck, severity: Severity) -> Sample:
        """Return the sample of a health check of this service."""
        return Sample(m.CHECK, (*self._label, check.value), SEVERITIES[severity])

    def samples(self) -> Iterator[Sample]:
        """Return the figures in memory now, and those last read elsewhere."""
        yield from self.requests.samples()
        for read in self._memory:
            yield from read()
        stored = self._database_read
        for each in (stored, *self._reads):
            yield from each.figures
        yield Sample(m.SCRAPE_ERRORS, self._label, stored.errors)
        if stored.read_at is not None:
            yield Sample(m.FIGURES_AGE, self._label, time.monotonic() - stored.read_at)

    async def refresh(self) -> None:
        """Read the figures that are not in memory; wait for a bounded time."""
        reads = [self._database_read, *self._reads] if self._stored else self._reads
        await asyncio.gather(*(read.refresh() for read in reads))

    async def close(self) -> None:
        """End reads that are still running."""
        for read in (self._database_read, *self._reads):
            await read.close()

    async def _read_stored(self) -> list[Sample]:
        async with self._database.read_session() as session:
            await session.execute(text(BOUND_STATEMENTS))
            return [sample for read in self._stored for sample in await read(session, self._region)]

    def _read_database_use(self) -> Iterator[Sample]:
        use = self._database.pool_use()
        if use is not None:
            yield Sample(m.POOL_SIZE, self._label, use.size)
            yield Sample(m.POOL_CHECKED_OUT, self._label, use.checked_out)
            yield Sample(m.POOL_WAITING, self._label, use.waiting)
        yield Sample(m.DATABASE_UP, self._label, self._database.is_up)
        replica = self._database.replica
        if replica is not None and replica.state is not None:
            yield Sample(m.REPLICA_LAG, self._label, replica.state.seconds)


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
