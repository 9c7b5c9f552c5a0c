"""Measure the database of one service, as the service uses it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.platform.database import (
    DATABASE_ERRORS,
    Database,
    ReadSession,
    WriteSession,
    is_late,
)
from services.platform.database_line import PoolerError
from services.platform.health import rules
from services.platform.health.findings import Finding, HealthCheck, Result
from services.platform.health.revisions import program_revisions
from services.platform.installation_keys import find_mismatches
from services.platform.jobs import BackgroundJob, PeriodicJob, read_job_runs
from services.platform.logging import summarise
from services.platform.read_replica import ReadReplica
from services.platform.settings import KeyName, Service, Settings

DATABASE_CHECKS = frozenset(
    {
        HealthCheck.database,
        HealthCheck.schema,
        HealthCheck.pack,
        HealthCheck.writable,
        HealthCheck.keys,
        HealthCheck.clock,
        HealthCheck.queues,
        HealthCheck.jobs,
        HealthCheck.replica,
        HealthCheck.postgresql,
        HealthCheck.pooler,
    }
)
"""What `check_database` finds."""

CONTENTS = frozenset({HealthCheck.pack, HealthCheck.keys, HealthCheck.queues, HealthCheck.jobs})
"""Checks that need the tables."""

FACTS = """
-- A check waits for a lock no longer than its report waits for it.
SELECT set_config('lock_timeout', '1000', true), clock_timestamp() AS now,
    pg_is_in_recovery() AS in_recovery,
    current_setting('transaction_read_only') = 'on' AS read_only,
    current_setting('server_version_num')::int AS version,
    coalesce(has_table_privilege(to_regclass('public.alembic_version'), 'SELECT'), false)
        AS has_revisions
"""

REPLICAS = """
-- Replicas that replay this server's log; empty for accounts that may not see them.
SELECT coalesce(nullif(application_name, ''), 'replica') AS name,
    coalesce(replay_lag, interval '0') AS lag,
    CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) AS bigint) AS behind_bytes
FROM pg_stat_replication WHERE replay_lsn IS NOT NULL
"""

OWN_LAG = """
-- How far this replica is behind what it received, and since when.
SELECT 'replica' AS name,
    coalesce(clock_timestamp() - pg_last_xact_replay_timestamp(), interval '0') AS lag,
    CAST(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) AS bigint)
        AS behind_bytes
"""

WRITTEN = "SELECT pg_current_wal_flush_lsn()::text"
REPLICA_SECONDS = 5.0
"""How long the read replica may take to say how far it is; silence opens its line before."""

_NO_ROLE = frozenset({"22023", "42704"})
"""SQLSTATEs of a connection as a role that does not exist."""

_PACK_TABLE = {service: f"{service.value}.regency" for service in Service} | {
    Service.catalog: "catalog.agency"
}
"""A table that has rows of a region once its pack is loaded."""


@dataclass(frozen=True)
class CheckedDatabase:
    """What is measured: a service's database, with its settings and jobs."""

    database: Database
    service: Service
    settings: Settings
    jobs: Sequence[BackgroundJob]
    started_at: datetime
    """When the process started, which no job can have missed before."""
    clock: str
    """Whose clock is compared with the database's."""
    has_keys: bool = True
    """Whether the service's keys are on this machine."""


async def check_database(checked: CheckedDatabase) -> Result:
    """Find what is wrong with a service's database.

    Without an answer nothing else is known, without tables nothing of their contents.
    """
    # Reads files once.
    program = await asyncio.to_thread(program_revisions, checked.service)
    try:
        async with checked.database.write_session() as session:
            await session.connection()  # waiting for it is no difference of clocks
            before = time.time()
            facts = (await session.execute(text(FACTS))).one()
            took = timedelta(seconds=time.time() - before)
            here = datetime.fromtimestamp(before, UTC) + took / 2
            stored = (
                frozenset(
                    await session.scalars(text("SELECT version_num FROM public.alembic_version"))
                )
                if facts.has_revisions
                else None
            )
            findings = [
                rules.judge_clock(
                    here - facts.now,
                    uncertainty=took / 2,
                    whose=checked.clock,
                    other="the database's",
                ),
                rules.judge_writable(in_recovery=facts.in_recovery, read_only=facts.read_only),
                rules.judge_postgresql(facts.version),
                *await _replicas(session, checked.database, in_recovery=facts.in_recovery),
            ]
            schema = rules.judge_schema(program, stored)
            is_usable = schema is None or not schema.blocks
            if is_usable:
                findings += await _contents(session, checked, now=here)
    except DATABASE_ERRORS as error:
        found = _unreachable(error, program)
        return Result((found,), DATABASE_CHECKS - {found.check})
    return Result(
        tuple(finding for finding in (schema, *findings) if finding is not None),
        frozenset() if is_usable else CONTENTS,
    )


def _unreachable(error: BaseException, program: rules.Revisions) -> Finding:
    """Return the finding of a database that cannot be used, or has not even the roles."""
    cause = getattr(error.orig, "__cause__", None) if isinstance(error, DBAPIError) else error
    if isinstance(cause, PoolerError):
        return rules.needs_direct_address()
    if getattr(cause, "sqlstate", None) in _NO_ROLE:
        return rules.not_migrated(program, "no role of the service")
    if is_late(error):
        return rules.late_statement(summarise(cause or error))
    return rules.unreachable(summarise(cause or error))


async def _replicas(
    session: WriteSession, database: Database, *, in_recovery: bool
) -> list[Finding | None]:
    """Find replicas that are behind: the one that is read, else those that the server shows."""
    if not in_recovery and database.replica is not None:
        found = await _read_replica(session, database.replica)
        if found is not None:
            return [found]
    rows = await session.execute(text(OWN_LAG if in_recovery else REPLICAS))
    return [
        rules.judge_replica(row.lag, behind_bytes=row.behind_bytes or 0, name=row.name)
        for row in rows
    ]


async def _read_replica(session: WriteSession, replica: ReadReplica) -> Finding | None:
    written: str = (await session.execute(text(WRITTEN))).scalar_one()
    try:
        async with asyncio.timeout(REPLICA_SECONDS):
            state = await replica.measure(written)
    except DATABASE_ERRORS as error:
        return rules.replica_away(summarise(error))
    if not state.is_replica:
        return rules.promoted_replica()
    return rules.judge_replica(
        timedelta(seconds=state.seconds),
        behind_bytes=state.behind_bytes,
        name="the one at EMALL_DATABASE_READ_URL",
    )


async def _contents(
    session: WriteSession, checked: CheckedDatabase, *, now: datetime
) -> list[Finding | None]:
    """Return what is wrong with what a migrated database contains."""
    statement = f"SELECT EXISTS (SELECT FROM {_PACK_TABLE[checked.service]} WHERE region = :region)"  # noqa: S608
    if not await session.scalar(text(statement), {"region": checked.settings.region}):
        return [rules.no_pack()]
    findings: list[Finding | None] = []
    if checked.has_keys:
        findings += [
            rules.wrong_key(mismatch.name, str(mismatch), blocks=mismatch.name is KeyName.identity)
            for mismatch in await find_mismatches(session, checked.settings, checked.service)
        ]
    for queue in await read_queues(session, checked.jobs, checked.settings.region):
        findings += rules.judge_queue(queue, now=now)
    periodic = [job for job in checked.jobs if isinstance(job, PeriodicJob) and job.enabled]
    if periodic:
        runs = await read_job_runs(session, checked.service.value, checked.settings.region)
        for job in periodic:
            run = runs.get(job.name)
            schedule = rules.Schedule(
                job.name,
                job.every,
                run.succeeded_at if run else None,
                run.failure if run and run.failures else None,
            )
            findings.append(rules.judge_schedule(schedule, started_at=checked.started_at, now=now))
    return findings


async def read_queues(
    session: ReadSession | WriteSession, jobs: Sequence[BackgroundJob], region: str
) -> list[rules.Queue]:
    """Count what each job that delivers something has to deliver."""
    queues: list[rules.Queue] = []
    for job in jobs:
        if job.backlog is None and job.refused is None:
            continue
        waiting, oldest = 0, None
        if job.backlog is not None:
            row = (await session.execute(text(job.backlog), {"region": region})).one()
            waiting, oldest = row.items, row.oldest
        refused = await job.refused.count(session, region) if job.refused is not None else None
        queues.append(rules.Queue(job.name, waiting, oldest, refused, job.overdue_after))
    return queues
