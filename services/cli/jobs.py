"""`emall jobs`: what the background jobs of all services did last."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Annotated

import typer

from services.cli.console import run_async
from services.platform.settings import Service, Settings, load_settings

_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))


@dataclass(frozen=True)
class JobStatus:
    """A background job with its last run and its backlog."""

    service: str
    job: str
    every_seconds: float | None
    """Pause between two runs; None for a job that runs all the time."""
    enabled: bool
    last_success: datetime | None
    next_run: datetime | None
    failures: int
    last_failure: datetime | None
    failure: str | None
    backlog: int | None
    """Items that wait; None for a job without a queue."""
    oldest: datetime | None


def jobs(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the background jobs: last run, next run, last failure, backlog."""
    statuses = run_async(read_statuses(load_settings()))
    if as_json:
        rows = [asdict(status) for status in statuses]
        typer.echo(json.dumps(rows, default=str, indent=2))
        return
    now = datetime.now(UTC)
    table = [("SERVICE", "JOB", "EVERY", "LAST SUCCESS", "NEXT RUN", "BACKLOG", "LAST FAILURE")]
    table += [_row(status, now=now) for status in statuses]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


async def read_statuses(settings: Settings) -> list[JobStatus]:
    """Read the last runs and the backlogs of all services that declare jobs."""
    from sqlalchemy import text

    from services.platform.database import Database
    from services.platform.jobs import BackgroundJob, PeriodicJob, read_job_runs

    statuses: list[JobStatus] = []
    for service in Service:
        app = import_module(f"services.{service.value}.app").create_app(settings)
        declared: tuple[BackgroundJob, ...] = getattr(app.state, "jobs", ())
        database = Database(settings, service)
        try:
            for job in declared:
                async with database.read_session() as session:
                    runs = await read_job_runs(session, service.value, settings.region)
                    waiting = None
                    if job.backlog is not None:
                        parameters = {"region": settings.region}
                        waiting = (await session.execute(text(job.backlog), parameters)).one()
                run = runs.get(job.name)
                periodic = job if isinstance(job, PeriodicJob) else None
                statuses.append(
                    JobStatus(
                        service.value,
                        job.name,
                        periodic.every.total_seconds() if periodic else None,
                        periodic.enabled if periodic else True,
                        run.succeeded_at if run else None,
                        run.next_at if run and periodic else None,
                        run.failures if run else 0,
                        run.failed_at if run else None,
                        run.failure if run else None,
                        waiting.items if waiting else None,
                        waiting.oldest if waiting else None,
                    )
                )
        finally:
            await database.close()
            await app.state.database.close()
    return statuses


def _row(status: JobStatus, *, now: datetime) -> tuple[str, ...]:
    every = "continuous" if status.every_seconds is None else _span(status.every_seconds)
    failure = "-"
    if status.last_failure is not None:
        still = f"{status.failures} in a row, " if status.failures else "recovered, "
        failure = f"{_ago(status.last_failure, now)}: {still}{status.failure}"
    backlog = "-" if status.backlog is None else str(status.backlog)
    if status.backlog and status.oldest is not None:
        backlog += f" (oldest {_ago(status.oldest, now)})"
    return (
        status.service,
        status.job,
        every if status.enabled else "off",
        _ago(status.last_success, now),
        _in(status.next_run, now),
        backlog,
        failure,
    )


def _ago(at: datetime | None, now: datetime) -> str:
    return "never" if at is None else f"{_span((now - at).total_seconds())} ago"


def _in(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "-"
    return f"in {_span((at - now).total_seconds())}" if at > now else "due"


def _span(seconds: float) -> str:
    """Return a duration in its largest whole unit, such as `5 min`."""
    span = timedelta(seconds=max(seconds, 0))
    for unit, size in _UNITS:
        if span >= size:
            return f"{span // size} {unit}"
    return f"{span.total_seconds():.0f} s"
